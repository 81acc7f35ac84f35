"""The log in a stream of NATS JetStream: each event once, in order, whatever happens to relay and server."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.relay.jetstream import PREFIX, STREAM, Server
from tests.several.processes import PROGRAM, ROOT, Process, environment, keep, started
from tests.web.conftest import small_world
from tests.web.world import MX, development, logged
from tracker import cli
from tracker.delivery import relay
from tracker.domain.errors import Refused
from tracker.store import followers, log
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

STEPS = ("sent", "taken", "kept")


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Engine]:
    yield from small_world(request, kind, tmp_path)


@pytest.fixture
def on_sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    yield from small_world(request, "sqlite", tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "nats")
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "nats", jetstream=False)
    yield server
    server.stop(signal.SIGKILL)


def surroundings(engine: Engine, folder: Path, **settings: str) -> dict[str, str]:
    return environment(engine.url.render_as_string(hide_password=False), folder, **settings)


@contextmanager
def relaying(engine: Engine, server: Server, folder: Path, *options: str) -> Iterator[Process]:
    """``tracker relay nats``, as people start it."""
    with started(
        [*PROGRAM, "relay", "nats", "--url", server.url, *options], surroundings(engine, folder)
    ) as process:
        yield process


def refused(engine: Engine, url: str, stream: str = STREAM, prefix: str = PREFIX) -> str:
    """What the relay says where it cannot do it."""
    target = relay.Target(url, stream, prefix, "http://tracker.example")
    with pytest.raises(Refused) as raised:
        asyncio.run(relay.relay(engine, target, asyncio.Event()))
    return raised.value.detail


def talk(engine: Engine, times: int = 1, events: int = 1) -> None:
    for _ in range(times):
        logged(engine, development("Talks", "2025-08-30", *[{"type": "talks.held", "subject": MX}] * events))


def wait_for(reached: Callable[[], bool]) -> None:
    for _ in range(1200):
        if reached():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def end(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def mirrored(server: Server, engine: Engine) -> list[Any]:
    """The messages of the stream, which holds each event of the log once, at its position."""
    with reading(engine) as connection:
        events = [event for page in log.pages(connection) for event in page]
    messages = server.messages()
    found = [
        (sequence, event["position"], event["id"], headers["Nats-Msg-Id"])
        for sequence, _, headers, event in messages
    ]
    assert found == [(e.position, e.position, e.id, e.id) for e in events]
    return messages


def test_the_log_and_what_is_added_come_as_cloud_events(
    engine: Engine, server: Server, tmp_path: Path
) -> None:
    with relaying(engine, server, tmp_path) as process:
        wait_for(lambda: server.end() == end(engine))
        talk(engine, 3)
        wait_for(lambda: server.end() == end(engine))
        assert process.ended() == (0, "")
    _, subject, headers, event = mirrored(server, engine)[-1]
    with reading(engine) as connection:
        stored = log.at_positions(connection, [end(engine)])[end(engine)]
        assert followers.reached(connection, f"nats:{STREAM}") == stored.position
    assert subject == f"{PREFIX}.talks.held"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert event["data"] == json.loads(stored.body)
    assert event["specversion"] == "1.0"
    assert (event["type"], event["subject"], event["source"]) == (
        "talks.held", MX, "http://127.0.0.1:8000/v1/events",
    )  # fmt: skip
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[0-9:.]+Z", event["time"])
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event), "the names that CloudEvents allow"


def killed_at(step: str, after: int, engine: Engine, server: Server) -> None:
    url = engine.url.render_as_string(hide_password=False)
    script = Path(__file__).with_name("killed.py")
    died = subprocess.run(
        [sys.executable, script, url, server.url, step, str(after)], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_each_event_comes_once(
    step: str, on_sqlite: Engine, server: Server, tmp_path: Path
) -> None:
    killed_at(step, 1, on_sqlite, server)
    assert 0 < server.end() < end(on_sqlite)
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: server.end() == end(on_sqlite))
    mirrored(server, on_sqlite)


def test_the_stream_says_where_it_is_long_after_duplicates_are_forgotten(
    on_sqlite: Engine, server: Server, tmp_path: Path
) -> None:
    """The checkpoint says less than was sent, and the server no longer knows the ids it has seen."""

    async def forget(jetstream: JetStreamContext) -> None:
        info = await jetstream.stream_info(STREAM)
        info.config.duplicate_window = 0.1
        await jetstream.update_stream(info.config)

    killed_at("taken", 1, on_sqlite, server)
    server.do(forget)
    time.sleep(0.5)
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: server.end() == end(on_sqlite))
    mirrored(server, on_sqlite)


def test_two_relays_at_once_send_one_copy(engine: Engine, server: Server, tmp_path: Path) -> None:
    with relaying(engine, server, tmp_path) as one, relaying(engine, server, tmp_path):
        for n in range(30):
            talk(engine)
            if n == 15:
                one.ended(signal.SIGKILL)
        wait_for(lambda: server.end() == end(engine))
    mirrored(server, engine)


def test_a_server_that_restarts_is_waited_for(on_sqlite: Engine, server: Server, tmp_path: Path) -> None:
    with relaying(on_sqlite, server, tmp_path) as process:
        wait_for(lambda: server.end() == end(on_sqlite))
        for how in (signal.SIGTERM, signal.SIGKILL):
            server.stop(how)
            talk(on_sqlite, 2)
            server.start()
            wait_for(lambda: server.end() == end(on_sqlite))
        code, said = process.ended()
        assert code == 0
        assert "Traceback" not in said
    mirrored(server, on_sqlite)


def test_a_connection_is_told_as_lost_where_one_was_there_and_is_still_wanted(
    on_sqlite: Engine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = relay.Target(server.url, STREAM, PREFIX, "http://tracker.example")

    async def until_told() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(relay.relay(on_sqlite, target, stop))
        await asyncio.to_thread(wait_for, lambda: "relaying" in [one["event"] for one in said])
        if restarts:
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(wait_for, lambda: "nats_back" in [one["event"] for one in said])
        stop.set()
        await running

    for restarts in (False, True):
        with capture_logs() as said:
            asyncio.run(until_told())
        told = [one["event"] for one in said if one["event"] in ("nats_lost", "nats_back")]
        assert told == ["nats_lost", "nats_back"] * restarts
    monkeypatch.setattr(relay, "PATIENCE_SECONDS", 1)
    with capture_logs() as said:
        refused(on_sqlite, "nats://127.0.0.1:1")
    assert "nats_lost" not in [one["event"] for one in said]


def test_what_has_gone_by_age_is_not_sent_again(on_sqlite: Engine, server: Server, tmp_path: Path) -> None:
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: server.end() == end(on_sqlite))
    server.do(lambda jetstream: jetstream.purge_stream(STREAM))
    before = end(on_sqlite)
    talk(on_sqlite)
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: server.end() == end(on_sqlite))
    assert [sequence for sequence, *_ in server.messages()] == [before + 1]


def test_a_stream_of_somebody_else_is_left_alone(on_sqlite: Engine, server: Server) -> None:
    async def others(jetstream: JetStreamContext) -> None:
        await jetstream.add_stream(name="OTHERS", subjects=["others.>"])
        await jetstream.add_stream(name="MIXED", subjects=["mixed.>"])
        await jetstream.publish("mixed.x", b"{}")

    server.do(others)
    said = "it takes the subjects others.>, not tracker.events.>"
    assert said in refused(on_sqlite, server.url, "OTHERS")
    said = "its message 1 is not the event at that position"
    assert said in refused(on_sqlite, server.url, "MIXED", "mixed")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stream", "a b"], "--stream 'a b': give letters"),
        (["--subject", "a.*"], "--subject 'a.*': give words"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    options: list[str], said: str, on_sqlite: Engine, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*PROGRAM, "relay", "nats", "--url", "nats://127.0.0.1:1", *options], env=surroundings(on_sqlite, tmp_path),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (line,) = done.stderr.strip().splitlines()
    assert (done.returncode, said in line) == (2, True), line


Says = Callable[[Engine], str]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """What ``tracker doctor`` says of the relay."""

    def said(engine: Engine) -> str:
        for name, value in surroundings(engine, tmp_path).items():
            monkeypatch.setenv(name, value)
        cli.run(["doctor"])
        return "\n".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("relay "))

    return said


def test_the_doctor_says_how_far_the_stream_is_behind(
    engine: Engine, server: Server, tmp_path: Path, says: Says
) -> None:
    assert says(engine) == ""
    before = end(engine)
    with relaying(engine, server, tmp_path):
        wait_for(lambda: f"position {before}, no event behind" in says(engine))
        server.stop()
        talk(engine, events=3)
        said = f"relay nats:{STREAM}: has reached position {before}, 3 behind; what comes next was recorded "
        assert re.fullmatch(re.escape(said) + r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", says(engine))
        server.start()
        wait_for(lambda: f"position {before + 3}, no event behind" in says(engine))


def test_what_a_killed_relay_did_not_note_is_noted_by_the_next(
    on_sqlite: Engine, server: Server, tmp_path: Path, says: Says
) -> None:
    """All is in the stream, and the checkpoint does not say so."""
    killed_at("taken", (end(on_sqlite) - 1) // 7, on_sqlite, server)
    assert server.end() == end(on_sqlite)
    assert "behind; what comes next" in says(on_sqlite)
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: "no event behind" in says(on_sqlite))


def test_where_no_server_is_found_that_is_told_after_a_while(
    on_sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(relay, "PATIENCE_SECONDS", 1)
    for name, value in surroundings(on_sqlite, tmp_path).items():
        monkeypatch.setenv(name, value)
    code = cli.run(["relay", "nats", "--url", "nats://127.0.0.1:1"])
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert (code, "no NATS server can be spoken to at --url" in line) == (2, True), line


def test_a_stream_that_is_ahead_is_not_written_to(on_sqlite: Engine, server: Server, tmp_path: Path) -> None:
    """The log was restored from an older backup, or is another."""
    with relaying(on_sqlite, server, tmp_path):
        wait_for(lambda: server.end() == end(on_sqlite))
    shorter = open_engine(f"sqlite:///{tmp_path / 'shorter.db'}")
    migrate(shorter)
    talk_about(shorter)
    assert "while this log ends at 1" in refused(shorter, server.url)
    shorter.dispose()


def talk_about(engine: Engine) -> None:
    registered = {"type": "partner.registered", "subject": MX, "about": {"name": "Mexico"}}
    logged(engine, development("It begins", "2025-01-02", registered))


def test_a_server_without_jetstream_is_told(on_sqlite: Engine, bare: Server) -> None:
    said = "this NATS server has no JetStream: start it with --jetstream (-js)"
    assert said in refused(on_sqlite, bare.url)


@pytest.mark.campaign
def test_a_hundred_kills(engine: Engine, server: Server, tmp_path: Path) -> None:
    random, kills = Random(1), dict.fromkeys(STEPS, 0)
    for _ in range(100):
        talk(engine, random.randint(4, 6), 2)
        step = random.choice(STEPS)
        killed_at(step, random.randint(0, 2) if end(engine) - server.end() > 22 else 0, engine, server)
        kills[step] += 1
    with relaying(engine, server, tmp_path):
        wait_for(lambda: server.end() == end(engine))
    kind = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    keep("relay", kind, {"kills": kills, "events": end(engine), "messages": len(mirrored(server, engine))})
