"""Several processes on one database, all at once: nothing is lost, nothing is there that nobody was told of."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text

from tests.several.orders import BEGINNING, amended, command
from tests.several.processes import PROGRAM, Process, environment, keep, script, serve, started
from tests.several.traffic import Ledger, Writer
from tests.store.kinds import on_postgresql, on_sqlite
from tests.web.listening import free_port
from tracker.domain.events import Development
from tracker.record import By, record
from tracker.store import access, log
from tracker.store.engine import open_engine, reading, writing


@dataclass(frozen=True)
class Cast:
    """How many of each take part."""

    webs: int
    workers: int
    writers: int
    slow_writers: int
    followers: int
    seconds: float


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    for sent in BEGINNING:
        record(engine, msgspec.convert(sent, Development), By("beginning", datetime.now(UTC)))
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE naive (id bigserial PRIMARY KEY, writer text)"))
    yield engine
    engine.dispose()


def together(engine: Engine, database_url: str, folder: Path, cast: Cast) -> dict[str, Any]:
    """Let them all loose, check what is left, and count it."""
    environ, ledger, stopped = environment(database_url, folder), Ledger(), Event()
    on_server = engine.dialect.name == "postgresql"
    with writing(engine) as connection:
        key = access.create(connection, "Ann", datetime.now(UTC)).secret
    begun = position(engine)
    with ExitStack() as running:
        ports = [free_port() for _ in range(cast.webs)]
        webs = [running.enter_context(serve(environ, port)) for port in ports]
        workers = [running.enter_context(started([*PROGRAM, "worker"], environ)) for _ in range(cast.workers)]
        wanted: list[tuple[Any, ...]] = [("log", database_url), ("stream", key, *ports)] * (
            cast.followers // 2
        )
        wanted += [("naive", database_url)] if on_server else []
        followers = [running.enter_context(started(script("follower.py", *one), environ)) for one in wanted]
        slow = [
            running.enter_context(started(script("writer.py", database_url, seed), environ))
            for seed in range(cast.slow_writers)
        ]
        for process in webs:
            assert "Tracker: " in process.line(), process.ended(by=None)
        assert all(process.line() == "following\n" for process in followers)
        threads = [
            Thread(target=Writer(ports, key, ledger, seed).write_until, args=[stopped])
            for seed in range(cast.writers)
        ]
        threads.append(Thread(target=import_until, args=[stopped, environ, folder, ledger]))
        for thread in threads:
            thread.start()
        sleep(cast.seconds)
        stopped.set()
        for thread in threads:
            thread.join()
        for writer in slow:
            ledger.positions += json.loads(asked_to_end(writer))
        end = position(engine)
        seen = [json.loads(asked_to_end(follower, end)) for follower in followers]
        stopping = [process.ended() for process in [*webs, *workers]]
    assert ledger.wrong == []
    assert [(code, said) for code, said in stopping if (code, said) != (0, "")] == []
    assert sorted(ledger.positions) == [*range(begun + 1, end + 1)], (
        "what is in the log is what its writers were told"
    )
    assert len({*ledger.won}) == len(ledger.won), "two were first"
    followed_well(engine, [one for one in seen if one["kind"] != "naive"])
    said = verified(environ)
    assert (said["events"], said["broken"], said["drifted"]) == (end, None, [])
    return {
        "web processes": cast.webs, "workers": cast.workers, "writers over HTTP": cast.writers,
        "writers with slow commits": cast.slow_writers, "followers": cast.followers, "seconds": cast.seconds,
        "events": end - begun, "answers": dict(sorted(ledger.answers.items())),
        "skipped or repeated by followers": sum(one["out_of_order"] for one in seen),
        **({"deadlocks": deadlocks(engine), **naive(engine, seen)} if on_server else {}),
    }  # fmt: skip


def asked_to_end(process: Process, position: int = 0) -> str:
    """What it says of itself at the end."""
    process.tell(str(position))
    process.close_input()
    said = process.line()
    assert process.ended(by=None) == (0, "")
    return said


def import_until(stopped: Event, environ: dict[str, str], folder: Path, ledger: Ledger) -> None:
    """Import, again and again, a dozen lines at a time, each about a measure that everybody writes about."""
    number = 0
    while not stopped.is_set():
        lines = []
        for _ in range(12):
            number += 1
            sent = command("Imported", amended(f"measure:us-several-{number % 6}", number % 100))
            lines.append(msgspec.json.encode({"key": f"import-{number}", "development": sent}))
        file = folder / "lines.jsonl"
        file.write_bytes(b"\n".join(lines))
        done = subprocess.run(
            [*PROGRAM, "import", str(file)], env=environ, capture_output=True, text=True, check=False
        )
        if found := re.search(r"positions (\d+) to (\d+)", done.stdout):
            ledger.positions += range(int(found[1]), int(found[2]) + 1)
            ledger.answers["import"] += 1
        else:
            ledger.fault(done.stderr)


def followed_well(engine: Engine, seen: list[dict[str, Any]]) -> None:
    """Each follower saw every event once, in order."""
    ids, events = sha256(), 0
    with reading(engine) as connection:
        for page in log.pages(connection):
            events += len(page)
            for event in page:
                ids.update(event.id.encode())
    expected = {"events": events, "out_of_order": 0, "ids": ids.hexdigest()}
    assert [one for one in seen if one != {"kind": one["kind"], **expected}] == []


def naive(engine: Engine, seen: list[dict[str, Any]]) -> dict[str, int]:
    with reading(engine) as connection:
        counted = connection.execute(text("SELECT count(*) FROM naive")).scalar_one()
    followed = next(one["events"] for one in seen if one["kind"] == "naive")
    return {
        "rows in a plain column that counts up": counted,
        "of these lost by who follows it": counted - followed,
    }


def deadlocks(engine: Engine) -> int:
    """As the server counts them; its processes report when they end, or are idle for a second."""
    sleep(1.5)
    with reading(engine) as connection:
        asked = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.execute(asked).scalar_one())


def verified(environ: dict[str, str]) -> Any:
    """What ``tracker verify`` says."""
    done = subprocess.run(
        [*PROGRAM, "verify", "--json"], env=environ, capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout)


def position(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def sound(counted: dict[str, Any]) -> None:
    assert (counted["skipped or repeated by followers"], counted.get("deadlocks", 0)) == (0, 0)
    for happened in (
        "log 201",
        "correct 201",
        "withdraw 201",
        "repeat 201",
        "race 201",
        "race 412",
        "import",
    ):
        assert counted["answers"].get(happened), f"{happened} did not happen"


@on_postgresql
def test_web_processes_and_workers_share_a_server(engine: Engine, migrated_url: str, tmp_path: Path) -> None:
    counted = together(engine, migrated_url, tmp_path, Cast(2, 1, 2, 3, 2, 3))
    sound(counted)
    assert counted["of these lost by who follows it"] > 0, "a plain column loses nothing: this proves nothing"


@on_sqlite
def test_one_writes_and_many_read_a_file(engine: Engine, migrated_url: str, tmp_path: Path) -> None:
    sound(together(engine, migrated_url, tmp_path, Cast(1, 0, 3, 0, 2, 2)))


@pytest.mark.campaign
def test_a_minute_of_it(engine: Engine, migrated_url: str, tmp_path: Path) -> None:
    on_server = engine.dialect.name == "postgresql"
    counted = together(
        engine, migrated_url, tmp_path, Cast(3, 2, 5, 3, 4, 60) if on_server else Cast(1, 0, 8, 0, 4, 60)
    )
    sound(counted)
    if on_server:
        assert counted["of these lost by who follows it"] > 0
    keep("torture", "PostgreSQL" if on_server else "SQLite", counted)
