"""A migrated database of either kind, and all that is in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tracker.schema import derived, durable
from tracker.store.engine import open_engine, reading


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def contents(engine: Engine) -> Callable[[], dict[str, list[Any]]]:
    """Every row of every table, to see that nothing was left behind."""

    def read() -> dict[str, list[Any]]:
        with reading(engine) as connection:
            return {
                table.name: sorted(map(repr, connection.execute(table.select())))
                for metadata in (durable, derived)
                for table in metadata.sorted_tables
            }

    return read
