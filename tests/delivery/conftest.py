from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import post
from delivery.post import Server, World

from tests.conftest import copied


@pytest.fixture
def world(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[World]:
    yield from begun(request, kind, tmp_path)


@pytest.fixture
def small_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """On SQLite alone, for what does not depend on the database."""
    yield from begun(request, "sqlite", tmp_path)


def begun(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[World]:
    with copied(request, kind, folder, post.begin) as (url, logged):
        here = post.going_on(url, logged)
        yield here
        here.engine.dispose()


@pytest.fixture
def server() -> Iterator[Server]:
    with post.mail_server() as found:
        yield found
