"""GET /v1/stream: every event once, in order, whoever recorded it and however often its reader comes back."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from tests.web.conftest import settings_for, small_world, url_of
from tests.web.listening import free_port, opened, reading, served, until
from tests.web.world import DE, EU, GB, MX, NOW, PAUSE, development, logged
from tracker.app import create_app
from tracker.store import access, log
from tracker.store.engine import open_engine, writing
from tracker.store.engine import reading as reading_database
from tracker.web.api.events import PAGE
from tracker.web.streaming import MOST, Streams

TALKS = [development(f"Talks {n}", "2025-08-30", {"type": "talks.held", "subject": MX}) for n in range(5)]


class Station:
    """A server and its database."""

    def __init__(self, engine: Engine, port: int, streams: Streams) -> None:
        self.engine, self.port, self.streams = engine, port, streams
        self.reading = partial(reading, port)
        self.base = f"http://127.0.0.1:{port}"

    @property
    def end(self) -> int:
        with reading_database(self.engine) as connection:
            return log.position(connection)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.base + path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def log(self, *commands: dict[str, Any]) -> None:
        for command in commands:
            logged(self.engine, command)

    def log_elsewhere(self, *commands: dict[str, Any]) -> None:
        """As another process would: with an engine of its own, which tells this one nothing."""
        engine = open_engine(url_of(self.engine))
        for command in commands:
            logged(engine, command)
        engine.dispose()


@pytest.fixture
def station(engine: Engine, tmp_path: Path) -> Iterator[Station]:
    yield from stations(engine, tmp_path)


@pytest.fixture
def on_sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Station]:
    for engine in small_world(request, "sqlite", tmp_path):
        yield from stations(engine, tmp_path)


def stations(engine: Engine, folder: Path, **settings: str) -> Iterator[Station]:
    app = create_app(settings_for(url_of(engine), folder, **settings), engine, lambda: NOW)
    app.state.streams.heartbeat_seconds = 10**6  # nobody looks again because a heartbeat was due
    with served(app) as port:
        yield Station(engine, port, app.state.streams)


def test_every_event_comes_once_in_order_and_as_the_log_lists_it(station: Station) -> None:
    async def follow() -> None:
        listed = station.get("/v1/events?limit=200").json()["items"]
        async with station.reading() as reader:
            await until(lambda: len(reader.ids) == len(listed))
            assert reader.data == listed
            station.log(*TALKS[:2])
            station.log_elsewhere(*TALKS[2:])
            await until(lambda: len(reader.ids) >= station.end)
            await asyncio.sleep(0.5)
            assert reader.ids == [*range(1, station.end + 1)]
        assert reader.data == station.get("/v1/events?limit=200").json()["items"]

    asyncio.run(follow())


def test_who_comes_back_misses_nothing_and_gets_nothing_twice(station: Station) -> None:
    async def follow() -> None:
        random, had = Random(1), 0
        for _ in range(8):
            async with station.reading(Last_Event_ID=str(had)) as reader:
                station.log(TALKS[0])
                enough = random.randint(1, station.end - had)
                await until(lambda: len(reader.ids) >= enough)  # noqa: B023
            taken = reader.ids[:enough]
            assert taken == [*range(had + 1, had + enough + 1)]
            had += enough

    asyncio.run(follow())


def test_the_id_of_the_last_message_counts_before_the_parameter(on_sqlite: Station) -> None:
    async def follow() -> None:
        end = on_sqlite.end
        path = f"/v1/stream?after_position={end - 3}"
        async with (
            on_sqlite.reading(path) as first,
            on_sqlite.reading(path, Last_Event_ID=str(end - 1)) as second,
        ):
            await until(lambda: len(first.ids) == 3 and len(second.ids) == 1)
            assert second.ids == [end]

    asyncio.run(follow())


@pytest.mark.parametrize(
    "asked", ["type=talks.held", "partner=MX", "partner=DE", "partner=GB&type=talks.held"]
)
def test_a_filter_keeps_what_the_log_lists_by_it(station: Station, asked: str) -> None:
    async def follow() -> None:
        async with station.reading(f"/v1/stream?{asked}") as reader:
            for subject in (MX, GB, EU, DE):
                station.log(development("Talks", "2025-08-30", {"type": "talks.held", "subject": subject}))
            station.log(PAUSE)
            listed = [item["position"] for item in station.get(f"/v1/events?{asked}").json()["items"]]
            await until(lambda: len(reader.ids) >= len(listed))
            assert reader.ids == listed
            assert 0 < len(listed) < station.end

    asyncio.run(follow())


def test_a_long_log_comes_page_by_page(on_sqlite: Station) -> None:
    async def follow() -> None:
        held = [{"type": "talks.held", "subject": MX}] * 100
        on_sqlite.log(*[development("Talks", "2025-08-30", *held)] * 3)
        assert on_sqlite.end > 3 * PAGE
        async with on_sqlite.reading() as reader:
            await until(lambda: len(reader.ids) >= on_sqlite.end)
            assert reader.ids == [*range(1, on_sqlite.end + 1)]

    asyncio.run(follow())


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        (
            "",
            {"Last_Event_ID": "abc"},
            400,
            "Last-Event-ID 'abc' is no position: send the id of the last message",
        ),
        ("", {"Last_Event_ID": "-1"}, 400, "Last-Event-ID '-1' is no position"),
        ("", {"Last_Event_ID": "9" * 30}, 400, "Last-Event-Id"),
        (
            "",
            {"Last_Event_ID": "99999"},
            400,
            "Last-Event-ID 99999 is not in the log: it holds positions 0 to",
        ),
        ("?after_position=99999", {}, 400, "after_position 99999 is not in the log: it holds positions 0 to"),
        ("?after_position=x", {}, 400, "after_position 'x' is not understood"),
        ("?after=1", {}, 400, "'after' is not a parameter"),
        ("?partner=ZZ", {}, 404, "ZZ"),
    ],
)
def test_what_cannot_be_followed_is_told(
    on_sqlite: Station, path: str, headers: dict[str, str], status: int, said: str
) -> None:
    answer = on_sqlite.get(f"/v1/stream{path}", **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]


def test_a_quiet_stream_shows_that_it_lives_and_ends_with_when_to_come_back(on_sqlite: Station) -> None:
    async def follow() -> None:
        on_sqlite.streams.heartbeat_seconds = 0.05
        on_sqlite.streams.life_seconds = 1
        async with on_sqlite.reading(f"/v1/stream?after_position={on_sqlite.end}") as reader:
            await until(lambda: reader.ended)
            assert (reader.ids, len(reader.retry)) == ([], 2)
            assert reader.comments > 3
        assert on_sqlite.streams.open == 0

    asyncio.run(follow())


def test_a_filtered_stream_lives_too_while_others_are_told(on_sqlite: Station) -> None:
    """The log moves, and nothing of it is for this reader: it would hear nothing for ever."""

    async def follow() -> None:
        on_sqlite.streams.heartbeat_seconds = 0.2
        async with on_sqlite.reading(
            f"/v1/stream?after_position={on_sqlite.end}&type=measure.ended"
        ) as reader:
            while reader.comments < 2:
                await asyncio.to_thread(on_sqlite.log, TALKS[0])
            assert reader.ids == []

    asyncio.run(asyncio.wait_for(follow(), 60))


def test_head_has_an_end(on_sqlite: Station) -> None:
    with httpx.Client(base_url=on_sqlite.base) as client:
        for _ in range(2):  # the connection can be used again
            assert client.head("/v1/stream").headers["content-type"].startswith("text/event-stream")
            assert client.get("/healthz").status_code == 200


def test_closed_reading_closes_the_stream(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async def follow(closed: Station, key: str) -> None:
        async with closed.reading() as stranger, closed.reading(Authorization=f"Bearer {key}") as analyst:
            await until(lambda: stranger.ended and len(analyst.ids) == closed.end)
            assert stranger.status == 401

    for engine in small_world(request, "sqlite", tmp_path):
        with writing(engine) as connection:
            key = access.create(connection, "Ann", NOW).secret
        for closed in stations(engine, tmp_path, reading="closed"):
            asyncio.run(follow(closed, key))


def test_too_many_are_asked_to_come_later(on_sqlite: Station) -> None:
    on_sqlite.streams.open = MOST
    answer = on_sqlite.get("/v1/stream")
    on_sqlite.streams.open = 0
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_of_a_burst_no_more_are_admitted_than_there_is_room_for(on_sqlite: Station) -> None:
    streams = Streams(on_sqlite.engine)
    streams.open = MOST - 2
    assert [streams.admits() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/stream"])
def test_a_type_that_is_none_is_refused(on_sqlite: Station, path: str) -> None:
    answer = on_sqlite.get(f"{path}?type=measure.pausd")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "type"
    assert "did you mean measure.paused?" in answer.json()["detail"]


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_killed_connection_is_survived(station: Station) -> None:
    async def follow() -> None:
        async with station.reading(f"/v1/stream?after_position={station.end}") as reader:
            for n in range(3):
                with station.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                       "pid <> pg_backend_pid() AND datname = current_database()"))  # fmt: skip
                await asyncio.to_thread(station.log_elsewhere, TALKS[n])
                await until(lambda: len(reader.ids) == n + 1)  # noqa: B023

    asyncio.run(follow())


def test_who_does_not_read_holds_up_nobody_and_gets_all_in_the_end(on_sqlite: Station) -> None:
    async def follow() -> None:
        long(on_sqlite)
        source, sink = await opened(on_sqlite.port, "/v1/stream", {}, buffer=8192)
        async with on_sqlite.reading() as reader:
            await until(lambda: len(reader.ids) == on_sqlite.end)
        await until(lambda: on_sqlite.streams.open == 1)
        received = b""
        while b"id: %d\n" % on_sqlite.end not in received:
            received += await asyncio.wait_for(source.read(1 << 20), 60)
        assert received.count(b"\nid: ") == on_sqlite.end
        sink.close()

    asyncio.run(follow())


def long(station: Station) -> None:
    """Some 3 MB in the log: more than a connection takes in unread."""
    held = [{"type": "talks.held", "subject": MX}] * PAGE
    station.log(*[development("Talks", "2025-08-30", *held, summary="🙂" * 4000)] * 2)


SERVE = (
    "from tracker.app import run; from tracker.settings import load; from tracker.log import configure; "
    "settings = load(); configure(settings); run(settings, lambda: print('listening', flush=True))"
)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_open_streams_end_when_the_server_does_and_hold_it_up_for_nobody(
    engine: Engine, tmp_path: Path
) -> None:
    """Neither those that are quiet, nor one whose reader takes nothing."""
    station = Station(engine, free_port(), Streams(engine))
    long(station)

    async def follow(server: subprocess.Popen[str]) -> None:
        _, sink = await opened(station.port, "/v1/stream", {}, buffer=8192)
        async with station.reading() as one, station.reading() as other:
            await until(lambda: len(one.ids) == len(other.ids) == station.end)
            server.send_signal(signal.SIGTERM)
            await until(lambda: one.ended and other.ended)
            assert len(one.retry) == len(other.retry) == 2
        _, said = await asyncio.to_thread(server.communicate, timeout=60)
        sink.transport.abort()
        assert said == ""
        assert server.returncode in (0, -signal.SIGTERM)

    environ = {"TRACKER_PORT": str(station.port), "TRACKER_DATABASE_URL": url_of(engine), "PATH": ""}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], env={**environ, "TRACKER_DATA_DIR": str(tmp_path), "TRACKER_LOG_LEVEL": "error"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "listening\n"
            asyncio.run(follow(server))
        finally:
            server.kill()


def test_twenty_streams_get_every_event_once(station: Station) -> None:
    streams, events = 20, 6

    async def follow() -> None:
        async with AsyncExitStack() as all_open:
            path = f"/v1/stream?after_position={station.end}"
            first = station.end + 1
            readers = [
                await all_open.enter_async_context(station.reading(path, keep=False)) for _ in range(streams)
            ]
            await until(lambda: station.streams.open == streams)
            for n in range(events):
                await asyncio.to_thread(station.log if n % 2 else station.log_elsewhere, TALKS[0])
            await until(lambda: all(len(reader.ids) >= events for reader in readers))
            assert all(reader.ids == [*range(first, first + events)] for reader in readers)
        await until(lambda: station.streams.open == 0)

    asyncio.run(follow())
