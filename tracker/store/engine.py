"""The database: one engine, reads on connections of their own, writes one after another.

SQLite: WAL, synchronous FULL, foreign keys, ``BEGIN IMMEDIATE`` for a write (a read that upgrades would fail at once,
whatever the timeout). A SQLite file that is moved away or replaced while it is open is no longer used: what would be
written to it could never be found again. PostgreSQL: as it comes; ``durability`` asks how it is set.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, Transaction, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tracker.schema import derived
from tracker.settings import make_folder
from tracker.store.trouble import FileMoved, FileWritten, OutcomeUnknown, trouble

INSERTS: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""How a row is inserted that may be there already, by the dialect of the connection."""

CONNECT_SECONDS = 5
"""How long a PostgreSQL that does not answer is waited for."""

_SNAPSHOT = {"sqlite": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}
"""How a transaction that reads sees one state of the database, by dialect; on SQLite each does."""
_writers: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()
_waiting: WeakKeyDictionary[Engine, dict[object, Callable[[], None]]] = WeakKeyDictionary()


_files: "WeakKeyDictionary[Engine, _SameFile]" = WeakKeyDictionary()


def open_engine(url: str, threads: int = 16, *, to_read: bool = False) -> Engine:
    """An engine for a ``sqlite:///`` or ``postgresql+psycopg://`` URL, set up for durability. ``to_read``: a SQLite
    file is opened also where nothing may be written."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_SECONDS}
        engine = create_engine(
            url, pool_size=threads, max_overflow=4, pool_pre_ping=True, pool_use_lifo=True, hide_parameters=True,
            connect_args=patience,
        )  # fmt: skip
        event.listen(engine, "connect", _set_up_postgresql)
        return engine
    if parsed.database:
        path = Path(parsed.database).absolute()
        if to_read and path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return _open_to_read(path, threads)
        _make(path)
    engine = create_engine(
        url, pool_size=threads, max_overflow=4, hide_parameters=True, connect_args={"timeout": 30}
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    if parsed.database:
        file = _files[engine] = _SameFile(parsed.database)
        event.listen(engine, "do_connect", file.check)
        event.listen(engine, "connect", file.check)
        event.listen(engine, "begin", file.check, insert=True)
    return engine


def _make(path: Path) -> None:
    """A new file is for its owner alone: it holds the key that signs the log, and addresses. SQLite gives what it puts
    beside it the same rights."""
    make_folder(path.parent)
    with suppress(OSError):  # SQLite says what is wrong
        if not path.exists():
            path.touch(0o600)


def _open_to_read(path: Path, threads: int) -> Engine:
    """An engine for a file where nothing may be written. SQLite puts a journal beside a file that it reads, and reads
    without one only what nobody writes to. Nobody has been writing to a file that has no journal; that it stays so is
    looked at before and after every transaction."""
    still = not _journal(path)
    query = {"uri": "true", "mode": "ro", **({"immutable": "1"} if still else {})}
    url = URL.create("sqlite", database=f"file:{quote(str(path))}", query=query)
    engine = create_engine(url, pool_size=threads, max_overflow=4, hide_parameters=True)
    event.listen(engine, "connect", _set_up_to_read)
    event.listen(engine, "begin", _begin_sqlite)
    if still:
        file = _StillFile(path)
        event.listen(engine, "begin", file.check, insert=True)
        event.listen(engine, "commit", file.check)
    return engine


def _journal(path: Path) -> bool:
    """Whether something stands in a journal beside a file."""
    journal = path.with_name(f"{path.name}-wal")
    return journal.exists() and journal.stat().st_size > 0


class _StillFile:
    """A file that nobody may write to while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first = self._now()

    def _now(self) -> tuple[int, ...]:
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def check(self, *_: object) -> None:
        if _journal(self._path) or self._now() != self._first:
            raise FileWritten(f"{self._path} was written to while it was read")


def check_file(engine: Engine) -> None:
    """Before every use of a connection that is kept outside the pool: FileMoved where its file is no longer the one."""
    if engine in _files:
        _files[engine].check()


class _SameFile:
    """A file that has to stay the one it was when it was first opened."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._first: tuple[int, int] | None = None

    def check(self, *_: object) -> None:
        try:
            found = os.stat(self._path)  # noqa: PTH116  # before every transaction: twice as quick as through Path
            now = found.st_dev, found.st_ino
        except OSError:
            now = None
        if self._first is None:
            self._first = now
        if now != self._first:
            raise FileMoved(f"{self._path} is not the file that was opened")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "busy_timeout=30000",
        "wal_autocheckpoint=8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_to_read(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=30000")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    """Have rows looked up by index: where a lane has very many, PostgreSQL takes too many for wanted, reads the table
    whole, and compiles that plan for half a second. Where no index leads anywhere it still does."""
    connection.autocommit = True  # what is set in a transaction would be lost with it
    connection.execute(
        "; ".join(f"SET {name} = off" for name in ("enable_seqscan", "enable_bitmapscan", "jit"))
    )
    connection.autocommit = False


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    with _wrapped(connection):
        connection.connection.cursor().execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def takes_writes(engine: Engine) -> bool:
    """Whether transactions may write: not on a standby of PostgreSQL until it is promoted, nor where they are set to
    be read-only."""
    if engine.dialect.name == "sqlite":
        return True
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text("SHOW transaction_read_only")) == "off")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from, of one snapshot: what is appended meanwhile is not seen."""
    with (
        engine.connect().execution_options(**_SNAPSHOT[engine.dialect.name]) as connection,
        connection.begin(),
        _wrapped(connection),
    ):
        if engine.dialect.name == "postgresql" and derived.tables:
            _hold(connection)
        yield connection


def _hold(connection: Connection) -> None:
    """Keep the derived tables from being exchanged while they are read. PostgreSQL finds a table by its name as of now,
    its rows as of the snapshot: in tables that came later there would be none. Locked before the snapshot is taken."""
    connection.connection.cursor().execute(f"LOCK TABLE {', '.join(derived.tables)} IN ACCESS SHARE MODE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The write transaction: committed at the end, rolled back on any exception. On SQLite one at a time in this
    process, and across processes by the database's own lock. OutcomeUnknown where the COMMIT itself failed."""
    with (
        _turn(engine),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin() as transaction,
        _wrapped(connection),
    ):
        yield connection
        _commit(transaction)
    for call in tuple(_waiting.get(engine, {}).values()):
        call()


def after_commit(engine: Engine, call: Callable[[], None]) -> Callable[[], None]:
    """Have this called after each commit of this process, on the thread of the writer: it should only wake somebody.
    Returns what ends that."""
    waiting = _waiting.setdefault(engine, {})
    name = object()
    waiting[name] = call

    def forget() -> None:
        waiting.pop(name, None)

    return forget


def _commit(transaction: Transaction) -> None:
    """What a COMMIT that failed has done is known only where the database says that nothing was written."""
    try:
        transaction.commit()
    except DBAPIError as error:
        found = trouble(error)
        if found is not None and found.undone:
            raise
        raise OutcomeUnknown(str(error.orig)) from error


@contextmanager
def _wrapped(connection: Connection) -> Iterator[None]:
    """What the driver raises where its cursor is used directly, as SQLAlchemy raises it."""
    dialect = connection.dialect
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        told = sa.exc.DBAPIError.instance(
            None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
        )
        found = trouble(told)
        lost = found is not None and found.code == "unreachable"
        if lost or dialect.is_disconnect(error, connection.connection.dbapi_connection, None):
            told.connection_invalidated = True
            connection.invalidate(error)
        raise told from error


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    if engine.dialect.name != "sqlite":
        yield
        return
    with _writers.setdefault(engine, Lock()):
        yield


def insert_or_nothing(connection: Connection, table: sa.Table) -> Any:
    """``INSERT ... ON CONFLICT DO NOTHING`` in the dialect of the connection."""
    return INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
