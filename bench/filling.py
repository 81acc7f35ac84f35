"""Databases of this project that are full already. SQLite's are written by the importer once, and kept under
build/bench/filled until the code that writes them changes; PostgreSQL gets their rows by COPY."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import LargeBinary, Table

from bench.databases import Database, Place
from bench.history import Fact
from bench.measuring import Plan
from bench.subjects.ours import opened, written
from tracker.schema import derived, durable
from tracker.store.engine import open_engine
from tracker.store.migrate import migrate

ROOT = Path(__file__).parents[1]
WRITERS = ("tracker/domain", "tracker/store", "tracker/projections", "migrations")
FILES = (
    "tracker/record.py", "tracker/importing.py", "tracker/rebuilding.py", "tracker/schema.py", "bench/history.py",
    "bench/filling.py",
)  # fmt: skip


def _fingerprint() -> str:
    digest = hashlib.sha256()
    written = [file for folder in WRITERS for file in sorted((ROOT / folder).rglob("*.py"))]
    for file in [*written, *(ROOT / name for name in FILES)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


FINGERPRINT = _fingerprint()
"""Of the code that this process runs: files may change meanwhile."""


@contextmanager
def filled(
    plan: Plan, place: Place, name: str, facts: Iterator[Fact], sizes: Sequence[int]
) -> Iterator[Sequence[Database]]:
    """Databases with the first so many events of a history each, to do with as one likes."""
    kept = [_folder(plan) / f"{name}.{size}.db" for size in sizes]
    if not all(file.exists() for file in kept):
        _write(facts, kept, sizes)
    with ExitStack() as until_done:
        found = [until_done.enter_context(place.empty()) for _ in kept]
        for database, file in zip(found, kept, strict=True):
            _bring(file, database)
        yield found


def _folder(plan: Plan) -> Path:
    """Where they are kept; those that other code wrote are dropped."""
    folder = plan.folder / "filled" / FINGERPRINT
    if not folder.exists():
        shutil.rmtree(plan.folder / "filled", ignore_errors=True)
        folder.mkdir(parents=True)
    return folder


def _write(facts: Iterator[Fact], kept: Sequence[Path], sizes: Sequence[int]) -> None:
    growing, before = kept[0].with_suffix(".part"), 0
    _drop(growing)
    engine = opened(Database("SQLite", f"sqlite:///{growing}", str(growing)))
    for file, size in zip(kept, sizes, strict=True):
        written(engine, facts, 5000, size - before)
        before = size
        engine.dispose()
        with closing(sqlite3.connect(growing)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(growing, file)
    _drop(growing)


def _drop(file: Path) -> None:
    for left in file.parent.glob(f"{file.name}*"):
        left.unlink()


def _bring(file: Path, database: Database) -> None:
    if database.kind == "SQLite":
        shutil.copy(file, database.native)
        return
    migrate(open_engine(database.url))
    with sqlite3.connect(file) as source, psycopg.connect(database.native) as target:
        for table in (*durable.sorted_tables, *derived.sorted_tables):
            _copy(source, target, table)
    with psycopg.connect(database.native, autocommit=True) as target:
        target.execute("VACUUM ANALYZE")


def _copy(source: sqlite3.Connection, target: psycopg.Connection, table: Table) -> None:
    """The rows of a table; where the migration has put the one row in, that one's values."""
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    rows = source.execute(f'SELECT {names} FROM "{table.name}"')
    name = sql.Identifier(table.name)
    if target.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name)).fetchone():
        marks = sql.SQL(", ").join(sql.Placeholder() for _ in table.columns)
        if row := rows.fetchone():
            target.execute(sql.SQL("UPDATE {} SET ({}) = ROW({})").format(name, columns, marks), row)
        return
    booleans = [n for n, column in enumerate(table.columns) if column.type.python_type is bool]
    with target.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
        for row in rows:
            copy.write_row([bool(v) if n in booleans else v for n, v in enumerate(row)] if booleans else row)
    for column in table.columns:
        if column.primary_key and not isinstance(column.type, LargeBinary):
            _count_on(target, table.name, column.name)


def _count_on(target: psycopg.Connection, table: str, column: str) -> None:
    """Let the sequence of a key, where it has one, go on after the last."""
    found = target.execute("SELECT pg_get_serial_sequence(%s, %s)", (f'"{table}"', column)).fetchone()
    if found and found[0]:
        last = sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}")
        target.execute(last.format(sql.Identifier(column), sql.Identifier(table)), (found[0],))
