"""The two families of tables, and the column types they share. Each table is declared in the module that owns it.

``durable`` tables hold what happened and are migrated by Alembic. ``derived`` tables are worked out from the log;
``rebuild`` makes them anew.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.naming import conv
from sqlalchemy.types import TypeDecorator

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
durable = MetaData(naming_convention=NAMES)
derived = MetaData(naming_convention=NAMES)


@lru_cache(maxsize=4)
def beside(generation: int) -> Mapping[str, Table]:
    """Copies of the derived tables under other names, by the names of those in use. Each index gets a name of its own:
    it keeps it when the copy takes the place of the original."""
    metadata = MetaData()
    copies = {}
    for name, table in derived.tables.items():
        copy = copies[name] = table.to_metadata(metadata, name=f"{name}_{generation}")
        for index in copy.indexes:
            index.name = conv(f"{index.name}_{generation}")
        for constraint in copy.constraints:
            if constraint.name is not None:
                constraint.name = conv(f"{constraint.name}_{generation}")
    return copies


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A key that the database counts up."""


def micros(at: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def instant(us: int) -> datetime:
    """The instant that many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=us)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970: exact, ordered and alike on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


class Json(TypeDecorator[Any]):
    """Plain values as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)
