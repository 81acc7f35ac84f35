"""Migrated databases, and a service over one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from proof.desk import asking
from sqlalchemy import Engine

from tests.web.conftest import settings_for, url_of
from tracker.app import create_app
from tracker.store.engine import open_engine
from tracker.verifier import Fetch


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Iterator[TestClient]:  # type: ignore[type-arg]
    with TestClient(create_app(settings_for(url_of(engine), tmp_path), engine)) as client:
        yield client


@pytest.fixture
def fetch(client: TestClient) -> Fetch:  # type: ignore[type-arg]
    return asking(client)
