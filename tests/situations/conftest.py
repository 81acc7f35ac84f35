"""A desk for each test, its record a copy of one that was prepared once."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient

from tests.situations.desk import Desk, prepare
from tracker.app import create_app
from tracker.settings import load
from tracker.store import access
from tracker.store.engine import open_engine, writing
from tracker.store.migrate import migrate

BEGIN = datetime(2025, 1, 2, tzinfo=UTC)


def opened(folder: Path, key: str = "") -> Iterator[Desk]:
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    clock = [BEGIN]
    if not key:
        with writing(engine) as connection:
            key = access.create(connection, "Ann", BEGIN).secret
    app = create_app(
        load({"TRACKER_DATA_DIR": str(folder), "TRACKER_LOG_LEVEL": "error"}), engine, lambda: clock[0]
    )
    with TestClient(app) as client:
        yield Desk(client, key, clock)
    engine.dispose()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("desk")
    for desk in opened(folder):
        prepare(desk)
        key = desk.key
    return folder / "tracker.db", key


@pytest.fixture
def desk(prepared: tuple[Path, str], tmp_path: Path) -> Iterator[Desk]:
    path, key = prepared
    shutil.copy(path, tmp_path / "tracker.db")
    yield from opened(tmp_path, key)
