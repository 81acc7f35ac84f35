"""The file of a SQLite database that is deleted, moved, replaced, damaged or of a newer release: one clear sentence,
and nothing acknowledged that could not be found again."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, text

from tests.web.conftest import made, settings_for, url_of
from tests.web.world import NOW, PAUSE
from tracker import cli
from tracker.app import create_app
from tracker.settings import VARIABLES
from tracker.store import access
from tracker.store.engine import open_engine, reading, writing


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path))
    return tmp_path / "tracker.db"


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    engine = made(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW).secret
    with TestClient(create_app(settings_for(url_of(engine), tmp_path), engine, lambda: NOW)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def deleted(file: Path) -> None:
    file.unlink()


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere.db"))


def replaced(file: Path) -> None:
    other = file.with_name("other.db")
    made(f"sqlite:///{other}").dispose()
    other.replace(file)


@pytest.mark.parametrize("gone", [deleted, moved, replaced])
def test_nothing_is_acknowledged_into_a_file_that_is_not_there(
    client: TestClient[Litestar], file: Path, gone: Callable[[Path], None]
) -> None:
    assert client.post("/v1/developments", json=PAUSE).status_code == 201
    for _ in range(3):  # an answer that is remembered is no answer, either
        assert client.get("/v1/partners/MX/state").status_code == 200
    gone(file)
    for answer in (client.post("/v1/developments", json=PAUSE), client.get("/v1/partners/MX/state")):
        assert (answer.status_code, answer.json()["code"]) == (503, "moved")
        assert answer.headers["retry-after"]
        assert "put it back" in answer.json()["detail"]
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/partners/MX", headers={"Accept": "text/html"}).status_code == 503
    assert gone is replaced or not file.exists(), "an empty database was made in its place"


def test_a_file_that_is_put_back_is_used_again(client: TestClient[Litestar], file: Path) -> None:
    moved(file)
    assert client.post("/v1/developments", json=PAUSE).status_code == 503
    file.with_name("elsewhere.db").rename(file)
    assert client.post("/v1/developments", json=PAUSE).status_code == 201
    assert client.get("/readyz").status_code == 200


def test_a_damaged_page_is_told_in_a_sentence(
    client: TestClient[Litestar], engine: Engine, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with reading(engine) as connection:
        size = connection.scalar(text("PRAGMA page_size"))
        pages = connection.scalar(text("PRAGMA page_count"))
    engine.dispose()
    with file.open("r+b") as held:
        held.seek(size)
        held.write(b"\xff" * size * (pages - 1))
    answer = client.get("/v1/partners/MX/state")
    assert (answer.status_code, answer.json()["code"]) == (503, "damaged")
    engine.dispose()
    capsys.readouterr()
    assert cli.run(["verify"]) == 2
    said = capsys.readouterr().err
    assert f"the database {file}: it is damaged, or no SQLite database: restore it" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["partners", "verify", "migrate", "serve", "worker"])
def test_a_database_of_a_newer_release_is_left_alone(
    file: Path, engine: Engine, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    engine.dispose()
    before = shutil.copy(file, file.with_name("before.db")).read_bytes()
    assert cli.run([command]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tracker: the database was made by a newer release: its schema is at 0999")
    assert said.count("\n") == 1
    assert file.read_bytes() == before


def test_what_is_unlucky_only_once_is_no_reason_to_refuse(file: Path) -> None:
    """The file is made by the first connection, in a folder made for it."""
    engine = open_engine(f"sqlite:///{file.parent}/new/tracker.db")
    for _ in range(2):
        with reading(engine) as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()
