"""A service over a small world, on a database of either kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from tests.conftest import KINDS, copied, url_of
from tests.web.world import NOW, replay
from tracker.app import create_app
from tracker.settings import Settings, load
from tracker.store import access
from tracker.store.access import NewKey
from tracker.store.engine import after_commit, open_engine, writing
from tracker.store.migrate import migrate


@dataclass
class Service:
    """A running service: a client that asks, and Ann, who may write."""

    app: Litestar
    client: TestClient[Litestar]
    engine: Engine
    ann: NewKey

    def get(self, path: str, **parameters: Any) -> Any:
        """What a read answers; it must succeed."""
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, command: Any, **headers: str) -> Any:
        """An answer to what Ann sends."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            path, json=command, headers={"Authorization": f"Bearer {self.ann.secret}", **named}
        )

    def log(self, command: Any, **headers: str) -> Any:
        """What came of a development that Ann logged; it must succeed."""
        answer = self.post("/v1/developments", command, **headers)
        assert answer.status_code == 201, answer.text
        return answer.json()


def settings_for(url: str, folder: Path, **others: str) -> Settings:
    named = {f"TRACKER_{name.upper()}": value for name, value in others.items()}
    return load(
        {"TRACKER_DATABASE_URL": url, "TRACKER_DATA_DIR": str(folder), "TRACKER_LOG_LEVEL": "error", **named}
    )


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Engine]:
    """The small world, on every kind of database in turn."""
    yield from small_world(request, kind, tmp_path)


@pytest.fixture(scope="session", params=KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of every kind in turn, for tests that leave nothing behind."""
    folder = tmp_path_factory.mktemp("shared")
    for engine in small_world(request, request.param, folder):
        yield from serving(engine, settings_for(url_of(engine), folder))


@pytest.fixture
def service(engine: Engine, tmp_path: Path) -> Iterator[Service]:
    """A service of every kind in turn."""
    yield from serving(engine, settings_for(url_of(engine), tmp_path))


@pytest.fixture
def on_sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """The service on SQLite alone, where the kind of database plays no part."""
    for engine in small_world(request, "sqlite", tmp_path):
        yield from serving(engine, settings_for(url_of(engine), tmp_path))


@pytest.fixture
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service whose reading is closed."""
    for engine in small_world(request, "sqlite", tmp_path):
        yield from serving(engine, settings_for(url_of(engine), tmp_path, reading="closed"))


def small_world(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Engine]:
    """A copy of the small world."""
    with copied(request, kind, folder, replay) as (url, _):
        engine = open_engine(url)
        yield engine
        engine.dispose()


def made(url: str) -> Engine:
    engine = open_engine(url)
    migrate(engine)
    replay(engine)
    return engine


def serving(engine: Engine, settings: Settings) -> Iterator[Service]:
    app = create_app(settings, engine, lambda: NOW)
    with writing(engine) as connection:
        ann = access.create(connection, "Ann", NOW)
    with TestClient(app) as client:
        yield Service(app, client, engine, ann)


@contextmanager
def gone_after_a_commit(service: Service) -> Iterator[None]:
    """The file of the database is moved away as soon as something was recorded, until the end of the block."""
    file = Path(str(service.engine.url.database))
    away = file.with_suffix(".away")
    forget = after_commit(service.engine, lambda: file.rename(away))
    try:
        yield
    finally:
        forget()
        away.rename(file)
