"""Statements whose text is worked out once and run on the driver's cursor, for the paths that run them for every event:
SQLAlchemy's own way through takes longer than the statement itself.

They are written in Core; values go in and come out as the database holds them (instants in microseconds). What the
driver raises becomes SQLAlchemy's exception in ``engine.writing`` and ``engine.reading``.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ClauseElement,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
)

Rows = list[tuple[Any, ...]]
FEW = 2
"""Up to so many rows, PostgreSQL takes one statement each sooner than one for all."""
COPY_FROM = 100
"""From so many rows on, COPY is the quickest on PostgreSQL. It has to be waited for."""


class Given(Protocol):
    """How a query says what it is given as one parameter, however much that is."""

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """That a column's value is among those of a list."""

    def each(self, name: str) -> FromClause:
        """The entries of a dict of texts and whole numbers, as rows of ``key`` and ``value``."""

    def found(self, table: FromClause, where: ColumnElement[bool]) -> tuple[FromClause, ColumnElement[bool]]:
        """Rows of a table that an index leads to by all of a condition, for each row beside it: what to join, and on
        what."""


class Question:
    """A query that is asked often; ``make`` writes it."""

    def __init__(self, make: Callable[[Given], ClauseElement]) -> None:
        self._make = make
        self._texts: dict[str, tuple[str, tuple[str, ...]]] = {}

    def rows(self, connection: Connection, **given: Any) -> Rows:
        """What it answers; lists are given as lists, dicts as dicts."""
        return self.ask(connection, **given)()

    def ask(self, connection: Connection, **given: Any) -> Callable[[], Rows]:
        """Ask, and be told later: what is called for the answer. In one go (``in_one_go``) nobody waits in between."""
        dialect = connection.dialect
        text, names = self._texts.get(dialect.name) or self._written(dialect)
        if dialect.name == "sqlite":
            values = [_plain(given[name]) for name in names]
        else:
            values = [given[name] if name in given else _part(given, name) for name in names]
        cursor = connection.connection.cursor()
        cursor.execute(text, values)

        def answer() -> Rows:
            try:
                return list(cursor.fetchall())
            finally:
                cursor.close()

        return answer

    def _written(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        compiled = self._make(_GIVEN[dialect.name]).compile(dialect=_positional(dialect))
        text = str(compiled).replace("%s", BINARY)
        self._texts[dialect.name] = text, tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
        return self._texts[dialect.name]


BINARY = "%b"
"""A parameter as PostgreSQL holds it: an array as text takes psycopg ten times as long."""


def _plain(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value


def _part(given: dict[str, Any], name: str) -> list[Any]:
    """The keys or the values of a dict."""
    name, _, part = name.rpartition("_")
    return [*(given[name] if part == "keys" else given[name].values())]


class _Json:
    """SQLite: lists and dicts are JSON."""

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))

    def each(self, name: str) -> FromClause:
        return func.json_each(bindparam(name)).table_valued("key", "value")

    def found(self, table: FromClause, where: ColumnElement[bool]) -> tuple[FromClause, ColumnElement[bool]]:
        return table, where


class _Arrays:
    """PostgreSQL: a list is an array, a dict two."""

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        return column == any_(
            bindparam(name, type_=ARRAY(Text if column.type.python_type is str else column.type))
        )

    def each(self, name: str) -> FromClause:
        keys, values = (
            bindparam(f"{name}_keys", type_=ARRAY(Text)),
            bindparam(f"{name}_values", type_=ARRAY(BigInteger)),
        )
        return func.unnest(keys, values).table_valued("key", "value").render_derived()

    def found(self, table: FromClause, where: ColumnElement[bool]) -> tuple[FromClause, ColumnElement[bool]]:
        # Without the offset it is planned as a join, and half of the condition is looked at row by row.
        return select(table).where(where).offset(literal_column("0")).lateral("found"), true()


_GIVEN: dict[str, Given] = {"sqlite": _Json(), "postgresql": _Arrays()}


def _positional(dialect: Dialect) -> Dialect:
    return dialect if dialect.positional else type(dialect)(paramstyle="format")  # type: ignore[call-arg]


class Put:
    """Rows that are put into a table, given as tuples in the order of its columns. ``over``: the columns of a key; a
    row that has the same is replaced."""

    def __init__(self, table: Table, over: Sequence[str] = ()) -> None:
        self._table = table
        self._over = over
        self._texts: dict[str, str] = {}

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        dialect = connection.dialect
        cursor = connection.connection.cursor()
        try:
            if dialect.name == "sqlite":
                cursor.executemany(self._text(dialect, "?"), rows)
            elif len(rows) <= FEW:
                for row in rows:
                    cursor.execute(self._text(dialect, BINARY), row)
            elif self._over or len(rows) < COPY_FROM or _goes_on(connection):
                cursor.execute(self._together(dialect), _arrays(rows))
            else:
                with cursor.copy(self._copy(dialect)) as copy:
                    for row in rows:
                        copy.write_row(row)
        finally:
            cursor.close()

    def _text(self, dialect: Dialect, mark: str) -> str:
        if mark not in self._texts:
            marks = ", ".join([mark] * len(self._table.columns))
            self._texts[mark] = f"{self._into(dialect)} VALUES ({marks}){self._replacing(dialect)}"
        return self._texts[mark]

    def _together(self, dialect: Dialect) -> str:
        if "unnest" not in self._texts:
            text = f"{self._into(dialect)} SELECT * FROM {_unnest(dialect, [*self._table.columns])}"  # noqa: S608
            self._texts["unnest"] = text + self._replacing(dialect)
        return self._texts["unnest"]

    def _copy(self, dialect: Dialect) -> str:
        return self._into(dialect).replace("INSERT INTO", "COPY") + " FROM STDIN"

    def _into(self, dialect: Dialect) -> str:
        names = ", ".join(_quoted(dialect, column) for column in self._table.columns)
        return f"INSERT INTO {dialect.identifier_preparer.format_table(self._table)} ({names})"

    def _replacing(self, dialect: Dialect) -> str:
        if not self._over:
            return ""
        rest = [_quoted(dialect, column) for column in self._table.columns if column.name not in self._over]
        if not rest:
            return f" ON CONFLICT ({', '.join(self._over)}) DO NOTHING"
        return f" ON CONFLICT ({', '.join(self._over)}) DO UPDATE SET " + ", ".join(
            f"{name} = excluded.{name}" for name in rest
        )


class Change:
    """Rows of a table that are changed: each given as a tuple of the new ``values``, then of the ``key`` it has."""

    def __init__(self, table: Table, values: Sequence[str], key: Sequence[str]) -> None:
        self._table = table
        self._values = values
        self._key = key
        self._texts: dict[str, str] = {}

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        dialect = connection.dialect
        if dialect.name not in self._texts:
            self._texts[dialect.name] = self._one(dialect) if dialect.name == "sqlite" else self._all(dialect)
        cursor = connection.connection.cursor()
        try:
            if dialect.name == "sqlite":
                cursor.executemany(self._texts["sqlite"], rows)
            else:
                cursor.execute(self._texts[dialect.name], _arrays(rows))
        finally:
            cursor.close()

    def _one(self, dialect: Dialect) -> str:
        values = ", ".join(f"{self._name(dialect, name)} = ?" for name in self._values)
        key = " AND ".join(f"{self._name(dialect, name)} = ?" for name in self._key)
        return f"UPDATE {dialect.identifier_preparer.format_table(self._table)} SET {values} WHERE {key}"  # noqa: S608

    def _all(self, dialect: Dialect) -> str:
        table = dialect.identifier_preparer.format_table(self._table)
        new = _unnest(dialect, [self._table.c[name] for name in (*self._values, *self._key)])
        same = [
            f"{self._name(dialect, name)} = new.c{i}" for i, name in enumerate((*self._values, *self._key))
        ]
        values, key = same[: len(self._values)], [f"{table}.{one}" for one in same[len(self._values) :]]
        return f"UPDATE {table} SET {', '.join(values)} FROM {new} WHERE {' AND '.join(key)}"  # noqa: S608

    def _name(self, dialect: Dialect, name: str) -> str:
        return _quoted(dialect, self._table.c[name])


class Remove:
    """A few rows of a table that are deleted: each given by the tuple of the ``key`` it has."""

    def __init__(self, table: Table, key: Sequence[str]) -> None:
        self._table = table
        self._key = key
        self._texts: dict[str, str] = {}

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        dialect = connection.dialect
        if dialect.name not in self._texts:
            mark = "?" if dialect.name == "sqlite" else BINARY
            same = " AND ".join(f"{_quoted(dialect, self._table.c[name])} = {mark}" for name in self._key)
            table = dialect.identifier_preparer.format_table(self._table)
            self._texts[dialect.name] = f"DELETE FROM {table} WHERE {same}"  # noqa: S608
        cursor = connection.connection.cursor()
        try:
            for row in rows:
                cursor.execute(self._texts[dialect.name], row)
        finally:
            cursor.close()


@contextmanager
def in_one_go(connection: Connection) -> Iterator[None]:
    """PostgreSQL is sent one statement after another without waiting for its answers; at the end for all of them. Who
    asks together with others is a generator: up to its ``yield`` it asks, and after that it takes the answers."""
    if connection.dialect.name == "sqlite":
        yield
        return
    with connection.connection.dbapi_connection.pipeline():  # type: ignore[union-attr]
        yield


def _goes_on(connection: Connection) -> bool:
    """Whether statements are sent in one go: COPY cannot be."""
    return bool(connection.connection.dbapi_connection.info.pipeline_status)  # type: ignore[union-attr]


def by_index(connection: Connection) -> None:
    """Have PostgreSQL join by index for the rest of this transaction, and plan a statement that comes again and again
    once for all. A plan that is kept from when the tables were small would read them whole when they no longer are."""
    if connection.dialect.name != "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute(_BY_INDEX)
        cursor.close()


_JOINS = {
    "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_material": "off",
    "plan_cache_mode": "force_generic_plan",
}  # fmt: skip
_BY_INDEX = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _JOINS.items())


@contextmanager
def uncollected() -> Iterator[None]:
    """For a page of events or lines: the collector of cycles would look through all that is held, again and again, and
    find none; that was half the time of a rebuild."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _quoted(dialect: Dialect, column: Column[Any]) -> str:
    return dialect.identifier_preparer.quote(column.name)


def _unnest(dialect: Dialect, columns: Sequence[Column[Any]]) -> str:
    arrays = ", ".join(f"{BINARY}::{column.type.compile(dialect)}[]" for column in columns)
    return f"unnest({arrays}) AS new({', '.join(f'c{i}' for i in range(len(columns)))})"


def _arrays(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(map(itemgetter(i), rows)) for i in range(len(rows[0]))]
