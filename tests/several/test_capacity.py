"""What one machine does in a second: for the table of docs/scaling.md. Nothing is asserted of speed."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from tests.conftest import CARELESS, execute
from tests.relay.jetstream import PREFIX, STREAM, Server
from tests.several.orders import amended, announced, command
from tests.several.processes import keep
from tests.store.kinds import on_postgresql
from tracker.delivery import relay
from tracker.domain.events import Development
from tracker.record import By, record
from tracker.store import log
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

APPENDS = 1000
MEASURES = [f"measure:us-capacity-{n}" for n in range(200)]


@pytest.fixture
def durable(postgresql: Engine) -> Iterator[None]:
    """The server writes to disk at each commit, as yours does."""
    names = [setting.partition(" ")[0] for setting in CARELESS]
    execute(postgresql, *(f"ALTER SYSTEM RESET {name}" for name in names), "SELECT pg_reload_conf()")
    yield
    execute(postgresql, *(f"ALTER SYSTEM SET {setting}" for setting in CARELESS), "SELECT pg_reload_conf()")


def measured(what: str, events: int, work: Callable[[], Any]) -> dict[str, float]:
    """So many a second by the clock, and how much of this process's processor time each took."""
    begun, used = perf_counter(), process_time()
    work()
    seconds, used = perf_counter() - begun, process_time() - used
    return {
        f"{what}: a second": round(events / seconds),
        f"{what}: us of our processor time": round(used / events * 1e6),
    }


def append(engine: Engine, writers: int) -> None:
    """Developments of one event each, recorded by so many threads."""

    def write(writer: int) -> None:
        random = Random(writer)
        for _ in range(APPENDS // writers):
            sent = command("Amended", amended(random.choice(MEASURES), random.randint(1, 99)))
            record(engine, msgspec.convert(sent, Development), By("me", datetime.now(UTC)))

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(write, n) for n in range(writers)]:
            done.result()


def end(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def read_all(engine: Engine) -> None:
    with reading(engine) as connection:
        for _ in log.pages(connection):
            pass


async def relay_all(engine: Engine, server: Server) -> None:
    stop = asyncio.Event()
    target = relay.Target(server.url, STREAM, PREFIX, "http://tracker.example")
    running = asyncio.create_task(relay.relay(engine, target, stop))
    while await asyncio.to_thread(server.end) < end(engine):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    stop.set()
    await running


@pytest.mark.campaign
@on_postgresql
def test_capacity(durable: None, database_url: str, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    for n in range(0, len(MEASURES), 50):
        sent = command("They begin", *map(announced, MEASURES[n : n + 50]))
        record(engine, msgspec.convert(sent, Development), By("me", datetime.now(UTC)))
    counted = {}
    for writers in (1, 8):
        counted |= measured(f"append, {writers} writers", APPENDS, partial(append, engine, writers))
    counted |= measured("event read by a follower", end(engine), lambda: read_all(engine))
    server = Server(tmp_path / "nats")
    try:
        counted |= measured("event relayed", end(engine), lambda: asyncio.run(relay_all(engine, server)))
    finally:
        server.stop()
    keep(
        "capacity",
        "PostgreSQL",
        {**counted, "events": end(engine), "load of the machine": round(os.getloadavg()[0])},
    )
    engine.dispose()
