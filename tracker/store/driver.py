"""Statements whose text is worked out once and run on the driver's cursor, for the paths that run them for every event:
SQLAlchemy's own way through takes longer than the statement itself.

They are written in Core; values go in and come out as the database holds them (instants in microseconds). What the
driver raises becomes SQLAlchemy's exception in ``engine.writing`` and ``engine.reading``.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    ClauseElement,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    any_,
    bindparam,
    func,
    select,
)

Among = Callable[[Column[Any], str], ColumnElement[bool]]
FEW = 8
"""Up to so many rows, PostgreSQL is quicker by INSERT than by COPY."""


class Question:
    """A query that is asked often. ``make`` writes it; the function it is given says that a column's value is among
    those of a list, which is one parameter however long it is."""

    def __init__(self, make: Callable[[Among], ClauseElement]) -> None:
        self._make = make
        self._texts: dict[str, tuple[str, tuple[str, ...]]] = {}

    def rows(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """What it answers; lists are given as lists."""
        dialect = connection.dialect
        text, names = self._texts.get(dialect.name) or self._written(dialect)
        if dialect.name == "sqlite":
            values = [_plain(given[name]) for name in names]
        else:
            values = [given[name] for name in names]
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, values)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _written(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        compiled = self._make(_AMONG[dialect.name]).compile(dialect=_positional(dialect))
        self._texts[dialect.name] = str(compiled), tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
        return self._texts[dialect.name]


def _plain(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list) else value


def _among_json(column: Column[Any], name: str) -> ColumnElement[bool]:
    return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))


def _among_array(column: Column[Any], name: str) -> ColumnElement[bool]:
    return column == any_(
        bindparam(name, type_=ARRAY(Text if column.type.python_type is str else column.type))
    )


_AMONG: dict[str, Among] = {"sqlite": _among_json, "postgresql": _among_array}


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
                    cursor.execute(self._text(dialect, "%s"), row)
            elif self._over:
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
    arrays = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    return f"unnest({arrays}) AS new({', '.join(f'c{i}' for i in range(len(columns)))})"


def _arrays(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(map(itemgetter(i), rows)) for i in range(len(rows[0]))]
