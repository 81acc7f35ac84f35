from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import post
from delivery.post import Server, World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    here = post.world(database_url)
    yield here
    here.engine.dispose()


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    """On SQLite alone, for what does not depend on the database."""
    here = post.world(f"sqlite:///{tmp_path / 'tracker.db'}")
    yield here
    here.engine.dispose()


@pytest.fixture
def server() -> Iterator[Server]:
    with post.mail_server() as found:
        yield found
