"""Pages, read as a reader would: by their text. Over the small world, and over the founding history."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import Engine

from tests.web.conftest import Service, serving, settings_for, small_world
from tests.web.pages.enrolling import Desk, desk
from tests.web.world import NOW
from tracker.seeding import seed
from tracker.store.engine import open_engine
from tracker.store.migrate import migrate

Page = Callable[..., BeautifulSoup]
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def read(service: Service, path: str, status: int = 200, **parameters: Any) -> BeautifulSoup:
    """A page; its markup is whole."""
    answer = service.client.get(path, params=parameters or None, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return BeautifulSoup(answer.text, "html.parser")


def words(found: Tag | None) -> str:
    """What a part of a page says, in one line."""
    assert found is not None, "the page has no such part"
    return " ".join(found.get_text(" ").split())


def signed_in(service: Service) -> str:
    """Ann signs in; the token that her forms carry."""
    service.client.cookies.clear()
    answer = service.client.post("/sign-in", data={"key": service.ann.secret}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    page = read(service, "/log")
    return str(page.select_one("form.entry-form input[name=csrf]")["value"])


@pytest.fixture(scope="session")
def founding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The founding history in a SQLite file, to copy."""
    path = tmp_path_factory.mktemp("founding") / "tracker.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    seed(engine, NOW)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def history(founding: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service over the founding history, for tests that leave nothing behind."""
    yield from over(founding, tmp_path_factory.mktemp("history"))


def over(founding: Path, folder: Path) -> Iterator[Service]:
    shutil.copy(founding, folder / "tracker.db")
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    yield from serving(engine, settings_for(f"sqlite:///{folder / 'tracker.db'}", folder))
    engine.dispose()


@pytest.fixture
def nothing(tmp_path: Path) -> Iterator[Service]:
    """A service over an empty record."""
    engine = open_engine(f"sqlite:///{tmp_path / 'tracker.db'}")
    migrate(engine)
    yield from serving(engine, settings_for(f"sqlite:///{tmp_path / 'tracker.db'}", tmp_path))
    engine.dispose()


@pytest.fixture
def both(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    """A desk on every kind of database in turn."""
    with desk(engine, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def idle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on SQLite alone, at which nothing is left behind."""
    folder = tmp_path_factory.mktemp("idle")
    for engine in small_world(request, "sqlite", folder):
        with desk(engine, folder) as found:
            yield found


@pytest.fixture
def here(idle: Desk) -> Iterator[Desk]:
    """The same desk, cleared before and after of who subscribed there; nothing is to be logged."""
    idle.clear()
    yield idle
    idle.clear()


@pytest.fixture
def closed_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk where reading is closed."""
    for engine in small_world(request, "sqlite", tmp_path):
        with desk(engine, tmp_path, reading="closed") as found:
            yield found
