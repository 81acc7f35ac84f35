"""Nothing is recorded in a database that may lose what it acknowledged, unless somebody says that it may."""

from pathlib import Path
from typing import Any

import pytest
from campaign.server import Server
from sqlalchemy import Engine, event

from tests.conftest import execute
from tests.jobs.test_ticker import eventually
from tracker import cli
from tracker.domain.errors import Refused
from tracker.settings import VARIABLES
from tracker.store.durability import assure
from tracker.store.engine import open_engine


@pytest.mark.parametrize(
    ("pragma", "said"),
    [
        ("synchronous=NORMAL", "synchronous is below FULL"),
        ("synchronous=OFF", "synchronous is below FULL"),
        ("journal_mode=DELETE", "journal_mode is delete, not WAL: keep the file on a local disk"),
    ],
)
def test_a_sqlite_that_does_not_wait_for_the_disk_is_refused(tmp_path: Path, pragma: str, said: str) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'tracker.db'}")
    assure(engine)
    engine.dispose()

    @event.listens_for(engine, "connect")
    def careless(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    with pytest.raises(Refused, match=said):
        assure(engine)
    engine.dispose()


@pytest.mark.postgres
def test_a_postgresql_that_does_not_wait_for_the_disk_is_refused(careful: Server, careful_url: str) -> None:
    for value, said in (
        ("off", "SET synchronous_commit = on"),
        ("on", ""),
        ("local", ""),
        ("remote_apply", ""),
    ):
        execute(careful.engine, f"ALTER DATABASE {url_name(careful_url)} SET synchronous_commit = {value}")
        engine = open_engine(careful_url)
        assert said in refusal(engine)
        assert bool(said) == bool(refusal(engine))
        engine.dispose()


@pytest.mark.postgres
def test_a_command_that_would_write_says_so_in_one_line_and_may_be_told_not_to_mind(
    careful: Server,
    careful_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    execute(careful.engine, f"ALTER DATABASE {url_name(careful_url)} SET synchronous_commit = off")
    monkeypatch.setenv("TRACKER_DATABASE_URL", careful_url)
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path))
    assert cli.run(["migrate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "tracker: the database may lose what it acknowledged when the power fails: synchronous_commit"
    )
    assert said.count("\n") == 1
    monkeypatch.setenv("TRACKER_DURABILITY", "unchecked")
    assert cli.run(["migrate"]) == 0


@pytest.mark.postgres
def test_a_server_that_does_not_sync_is_refused(careful: Server) -> None:
    careful.set("fsync = off")
    assert eventually(lambda: "fsync is off: ALTER SYSTEM SET fsync = on" in refusal(careful.engine))
    careful.set("fsync = on")
    assert eventually(lambda: refusal(careful.engine) == "")


def refusal(engine: Engine) -> str:
    """What is wrong with a database; '' where nothing is."""
    try:
        assure(engine)
    except Refused as refused:
        return refused.detail
    return ""


def url_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
