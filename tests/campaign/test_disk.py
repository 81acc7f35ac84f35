"""The disk is full, fails or is read-only: whoever writes is told, nothing is half written, reading goes on; and when
there is room again so does the service, by itself."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from campaign.disk import SmallDisk, bound_read_only, no_longer_than, size_of, small_disk
from campaign.server import Server, own_server
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from tests.conftest import execute
from tests.web.conftest import made, settings_for, url_of
from tests.web.world import NOW, development
from tracker import cli
from tracker.app import create_app
from tracker.drift import drift
from tracker.settings import VARIABLES
from tracker.store import access, log
from tracker.store.engine import open_engine, reading, writing
from tracker.store.trouble import FileWritten, trouble

LOG = ["log", "A pause", "--announced", "2025-08-30", "--type", "measure.paused",
       "--subject", "measure:us-border-mx", "--target", "MX", "--until", "2025-12-02"]  # fmt: skip


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path))
    return monkeypatch


@contextmanager
def serving(engine: Engine, folder: Path) -> Iterator[TestClient[Litestar]]:
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW).secret
    with TestClient(create_app(settings_for(url_of(engine), folder), engine, lambda: NOW)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def sent(client: TestClient[Litestar], number: int) -> Any:
    """A development that needs some room."""
    note = f"{number} " + "because " * 100
    events = [
        {
            "type": "measure.announced",
            "subject": f"measure:us-{number}-{n}",
            "about": {"title": "A tariff"},
            "effects": [{"target": "MX", "set": {"rate": {"percent": 5}}}],
        }
        for n in range(5)
    ]
    command = development("Needs room", "2025-08-30", *events, note=note)
    return client.post("/v1/developments", json=command, headers={"Idempotency-Key": f"room-{number}"})


def until_refused(client: TestClient[Litestar]) -> tuple[int, Any]:
    """Log until there is no room: the number and the answer of the first that was not recorded."""
    for number in range(1000):
        answer = sent(client, number)
        if answer.status_code != 201:
            return number, answer
    raise AssertionError("there is room without end")


def look(engine: Engine, events: int) -> None:
    """So many events, and all of the record as it should be."""
    with reading(engine) as connection:
        assert [*log.verify(connection)][-1] == events
        assert [*drift(connection)] == []


def full_and_empty_again(engine: Engine, folder: Path, disk: SmallDisk) -> None:
    with serving(engine, folder) as client:
        with reading(engine) as connection:
            before = log.position(connection)
        disk.fill()
        number, answer = until_refused(client)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        assert client.get("/v1/partners/MX/state").status_code == 200
        assert client.get("/readyz").status_code == 200
        look(engine, before + 5 * number)
        disk.make_room()
        again = sent(client, number)
        assert (again.status_code, again.json()["repeated"]) == (201, False)
        look(engine, before + 5 * (number + 1))


def test_a_full_disk_on_sqlite(tmp_path: Path) -> None:
    with small_disk(8) as disk:
        engine = made(f"sqlite:///{disk.folder / 'tracker.db'}")
        full_and_empty_again(engine, tmp_path, disk)
        engine.dispose()


@pytest.mark.postgres
def test_a_full_disk_on_postgresql(careful: Server, tmp_path: Path) -> None:
    with small_disk(32) as disk, database_on(disk, careful) as url:
        engine = made(url)
        full_and_empty_again(engine, tmp_path, disk)
        engine.dispose()


@contextmanager
def database_on(disk: SmallDisk, server: Server) -> Iterator[str]:
    """The URL of a database whose tables lie there."""
    place = disk.folder / "tables"
    place.mkdir()
    shutil.chown(place, server.user)
    execute(
        server.engine, f"CREATE TABLESPACE small LOCATION '{place}'", "CREATE DATABASE small TABLESPACE small"
    )
    try:
        yield server.engine.url.set(database="small").render_as_string(hide_password=False)
    finally:
        execute(server.engine, "DROP DATABASE small WITH (FORCE)", "DROP TABLESPACE small")


@pytest.mark.campaign
@pytest.mark.postgres
def test_a_server_whose_own_disk_is_full(tmp_path: Path) -> None:
    """It cannot write its log, and may fall down altogether; whoever runs it makes room and starts it again."""
    with small_disk(120) as disk, own_server(disk.folder) as server, server.database() as url:
        engine = made(url)
        with serving(engine, tmp_path) as client:
            with reading(engine) as connection:
                before = log.position(connection)
            disk.fill()
            number, answer = until_refused(client)
            assert answer.status_code in (503, 507)
            assert answer.headers["retry-after"]
            disk.make_room()
            server.stop()
            server.start()
            assert sent(client, number).status_code == 201
            look(engine, before + 5 * (number + 1))
        engine.dispose()


def test_a_disk_that_fails(tmp_path: Path) -> None:
    """What SQLite has written when a write fails is not known at once; sent again it is recorded once."""
    file = tmp_path / "tracker.db"
    engine = made(f"sqlite:///{file}")
    with serving(engine, tmp_path) as client:
        with reading(engine) as connection:
            before = log.position(connection)
        with no_longer_than(size_of(Path(f"{file}-wal")) + 2000):
            number, answer = until_refused(client)
        assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
        assert answer.headers["retry-after"]
        assert sent(client, number).status_code == 201
        look(engine, before + 5 * (number + 1))
    engine.dispose()


def test_commands_on_a_full_disk_say_so_in_one_line(
    tmp_path: Path, commands: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(8) as disk:
        commands.setenv("TRACKER_DATA_DIR", str(disk.folder))
        engine = made(f"sqlite:///{disk.folder / 'tracker.db'}")
        with reading(engine) as connection:
            before = log.position(connection)
        lines = tmp_path / "lines.jsonl"
        lines.write_bytes(b"\n".join(line(n) for n in range(2000)))
        disk.fill()
        for command in (["import", str(lines)], ["rebuild"]):
            assert cli.run(command) == 2, command
            said = capsys.readouterr().err
            assert said.startswith("tracker: the database ")
            assert ": the disk is full: make room" in said
            assert said.count("\n") == 1
        look(engine, before)
        disk.make_room()
        assert cli.run(LOG) == 0
        look(engine, before + 1)
        engine.dispose()


def line(n: int) -> bytes:
    event = {"type": "measure.announced", "subject": f"measure:us-{n}", "about": {"title": "because " * 20}}
    told = {"title": "Needs room", "announced": "2025-08-30", "events": [event]}
    return msgspec.json.encode({"key": f"line-{n}", "development": told})


def test_a_disk_that_is_read_only(
    tmp_path: Path, commands: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(8) as disk:
        url = f"sqlite:///{disk.folder / 'tracker.db'}"
        made(url).dispose()
        disk.read_only()
        settings = {"TRACKER_DATABASE_URL": url, "TRACKER_DATA_DIR": str(disk.folder)}
        for name, value in settings.items():
            commands.setenv(name, value)
            for command in (LOG, ["serve"], ["rebuild"]):
                assert cli.run(command) == 2, command
                said = capsys.readouterr().err
                assert said.startswith("tracker: the database ")
                assert "it cannot be written to" in said or "it cannot be opened" in said
                assert said.count("\n") == 1
            commands.delenv(name)
        with small_disk(1) as empty:
            empty.read_only()
            commands.setenv("TRACKER_DATA_DIR", str(empty.folder))
            assert cli.run(["serve"]) == 2
            said = capsys.readouterr().err
            assert f"TRACKER_DATA_DIR={empty.folder}: must be a folder to write in" in said


READS = (["partners"], ["verify"], ["export"], ["events"])


def test_a_copy_on_a_disk_that_is_read_only_can_be_read(
    commands: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(8) as disk:
        file = disk.folder / "tracker.db"
        made(f"sqlite:///{file}").dispose()
        commands.setenv("TRACKER_DATA_DIR", str(disk.folder))
        before = answers(capsys)
        assert not [*disk.folder.glob("tracker.db-*")]
        disk.read_only()
        assert answers(capsys) == before


def test_a_copy_that_has_its_journal_is_read_whole_or_not_at_all(
    tmp_path: Path, commands: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = made(f"sqlite:///{tmp_path / 'tracker.db'}")
    commands.setenv("TRACKER_DATA_DIR", str(tmp_path))
    before = answers(capsys)
    with reading(engine), small_disk(8) as disk:
        for name in ("tracker.db", "tracker.db-wal"):
            shutil.copy(tmp_path / name, disk.folder)
        assert size_of(disk.folder / "tracker.db-wal")
        shutil.copytree(disk.folder, disk.folder / "with-shm")
        shutil.copy(tmp_path / "tracker.db-shm", disk.folder / "with-shm")
        disk.read_only()
        commands.setenv("TRACKER_DATA_DIR", str(disk.folder))
        assert cli.run(["partners"]) == 2
        assert "copy it with its -wal to a folder of your own" in capsys.readouterr().err
        commands.setenv("TRACKER_DATA_DIR", str(disk.folder / "with-shm"))
        assert answers(capsys) == before
    engine.dispose()


def test_who_reads_a_file_that_is_written_to_elsewhere_is_told(
    commands: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with small_disk(8) as disk:
        url = f"sqlite:///{disk.folder / 'tracker.db'}"
        made(url).dispose()
        seen = tmp_path / "seen"
        seen.mkdir()
        with bound_read_only(disk.folder, seen):
            reader = open_engine(f"sqlite:///{seen / 'tracker.db'}", to_read=True)
            with reading(reader) as connection:
                assert log.position(connection)
            with pytest.raises(FileWritten) as raised:
                read_while_somebody_writes(reader, url)
            assert trouble(raised.value).remedy == "somebody wrote to it while it was read: try again"  # type: ignore[union-attr]
            reader.dispose()


def read_while_somebody_writes(reader: Engine, url: str) -> None:
    with reading(reader) as connection:
        assert log.position(connection)
        writer = open_engine(url)
        with writing(writer) as other:
            access.create(other, "Bob", NOW)
        writer.dispose()


def answers(capsys: pytest.CaptureFixture[str]) -> list[str]:
    said = []
    for command in READS:
        assert cli.run(command) == 0, capsys.readouterr()
        said.append(capsys.readouterr().out)
    return said
