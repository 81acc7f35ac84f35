"""Databases that can be hurt."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from campaign.forking import Zygote, forking
from campaign.server import Server, own_server


@pytest.fixture(scope="session")
def careful() -> Iterator[Server]:
    """A PostgreSQL that keeps what it acknowledges. A test may stop it, and starts it again."""
    with own_server() as server:
        yield server


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """What forks children to be killed."""
    with forking() as found:
        yield found


@pytest.fixture
def database_url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, which keeps what it acknowledges."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'tracker.db'}"
    else:
        yield request.getfixturevalue("careful_url")


@pytest.fixture
def careful_url(careful: Server) -> Iterator[str]:
    """The URL of an empty database of that server."""
    with careful.database() as url:
        yield url


@pytest.fixture
def empty(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """URLs of as many more such databases as are asked for."""
    with ExitStack() as stack:

        def another() -> str:
            if database_url.startswith("sqlite"):
                return f"sqlite:///{tmp_path / uuid4().hex}.db"
            server: Server = request.getfixturevalue("careful")
            return stack.enter_context(server.database())

        yield another
