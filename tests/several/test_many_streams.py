"""Five hundred streams at once, of one server process: each gets every event once."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Engine

from tests.several.orders import BEGINNING, MEASURES, amended, command
from tests.several.processes import Process, environment, keep, serve
from tests.web.listening import free_port, opened, reading, until
from tracker.domain.events import Development
from tracker.record import By, record
from tracker.store import access
from tracker.store.engine import open_engine, writing

STREAMS, EVENTS = 500, 200
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    for sent in BEGINNING:
        record(engine, msgspec.convert(sent, Development), By("beginning", datetime.now(UTC)))
    yield engine
    engine.dispose()


def used(process: Process) -> tuple[float, float]:
    """Megabytes of memory, and seconds of processor time so far."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return pages * resource.getpagesize() / 1e6, (int(fields[11]) + int(fields[12])) / TICKS


async def follow(process: Process, port: int, key: str) -> dict[str, Any]:
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}
    )
    async with AsyncExitStack() as all_open:
        await all_open.enter_async_context(client)
        await client.post("/v1/developments", json=command("First", amended(MEASURES[0], 1)))
        first = (await client.get("/readyz")).json()["position"] + 1
        before = used(process)
        path = f"/v1/stream?after_position={first - 1}"
        _, idle = await opened(port, "/v1/stream", {}, buffer=4096)  # one who reads nothing
        readers = [
            await all_open.enter_async_context(reading(port, path, keep=False)) for _ in range(STREAMS)
        ]
        await until(lambda: all(reader.retry for reader in readers))
        quiet = used(process)
        await asyncio.sleep(5)
        waited = used(process)
        begun = monotonic()
        for n in range(EVENTS):
            answer = await client.post(
                "/v1/developments", json=command("Told", amended(MEASURES[n % 6], n % 100))
            )
            assert answer.status_code == 201, answer.text
        await until(lambda: all(len(reader.ids) >= EVENTS for reader in readers))
        after, seconds = used(process), monotonic() - begun
        wanted = [*range(first, first + EVENTS)]
        wrong = sum(reader.ids != wanted for reader in readers)
        idle.transport.abort()
    return {
        "streams": STREAMS, "events": EVENTS, "streams with an event missing or twice": wrong,
        "messages": STREAMS * EVENTS, "messages a second": round(STREAMS * EVENTS / seconds),
        "KB of memory a stream": round((quiet[0] - before[0]) / STREAMS * 1000),
        "MB of memory of the process, before and after": [round(before[0]), round(after[0])],
        "ms of processor time to open a stream": round((quiet[1] - before[1]) / STREAMS * 1000, 2),
        "processor in use while nothing happens": f"{(waited[1] - quiet[1]) / 5:.1%}",
        "ms of processor time an event": round((after[1] - waited[1]) / EVENTS * 1000, 1),
        "us of processor time a message": round((after[1] - waited[1]) / EVENTS / STREAMS * 1e6),
    }  # fmt: skip


@pytest.mark.campaign
def test_five_hundred_streams_get_every_event_once(engine: Engine, migrated_url: str, tmp_path: Path) -> None:
    with writing(engine) as connection:
        key = access.create(connection, "Ann", datetime.now(UTC)).secret
    port = free_port()
    with serve(environment(migrated_url, tmp_path), port) as process:
        assert "Tracker: " in process.line()
        counted = asyncio.run(follow(process, port, key))
        assert process.ended() == (0, "")
    keep("streams", "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite", counted)
    assert counted["streams with an event missing or twice"] == 0
