"""The service as it runs: `tracker serve` in processes of its own, on a small world, with Ann who may write."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.load import Load
from commands.program import PROGRAM, environment, free_port
from litestar.testing import TestClient
from sqlalchemy import Engine

from tests.web.conftest import made, settings_for
from tests.web.world import NOW
from tracker.app import create_app
from tracker.drift import drift
from tracker.store import access, log
from tracker.store.engine import reading, writing


@dataclass
class Running:
    """``tracker serve``, once or more than once, on one database."""

    url: str
    folder: Path
    secret: str
    ports: list[str]
    processes: "list[subprocess.Popen[str]]"

    @property
    def bases(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self) -> None:
        """Start what does not run; returns when it listens."""
        self.processes = [process for process in self.processes if process.poll() is None]
        started = [self._process(port) for port in self.ports[len(self.processes) :]]
        for process in started:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Tracker: "), (line, process.stderr and process.stderr.read())
        self.processes += started

    def _process(self, port: str) -> "subprocess.Popen[str]":
        settings = {"TRACKER_DATABASE_URL": self.url, "TRACKER_PORT": port, "TRACKER_LOG_LEVEL": "error"}
        with (self.folder / "service.log").open("a") as log:
            return subprocess.Popen(
                [*PROGRAM, "serve"], stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder,
                env=environment(self.folder, **settings), start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """kill -9 of every process and all it may have started."""
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.communicate()

    def stop(self) -> list[int]:
        """Tell them to end; their exit codes."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.processes:
            process.communicate(timeout=30)
            codes.append(process.returncode)
        self.processes = []
        return codes

    @property
    def said(self) -> str:
        """What they wrote into their log."""
        return (self.folder / "service.log").read_text()


@contextmanager
def service(url: str, folder: Path, processes: int) -> Iterator[Running]:
    """A service on an empty database, which gets the small world first."""
    engine = made(url)
    with writing(engine) as connection:
        secret = access.create(connection, "Ann", NOW).secret
    engine.dispose()
    running = Running(url, folder, secret, [free_port() for _ in range(processes)], [])
    running.start()
    try:
        yield running
    finally:
        running.kill()


def settled(running: Running, engine: Engine, load: Load, start: int) -> int:
    """Nothing acknowledged is lost, nothing recorded twice, nothing in part, and what was sent without a key is on
    record as often as was answered, seen over the API; the record is whole. ``start``: where the log ended before. How
    many events there are."""
    assert load.complaints == [], load.complaints[:3]
    with TestClient(create_app(settings_for(running.url, running.folder), engine, lambda: NOW)) as client:
        load.settle(client)
        found: dict[int, Any] = {}
        at: int | None = start
        while at is not None:
            page = client.get("/v1/events", params={"after_position": at, "limit": 200}).json()["items"]
            found |= {one["position"]: one for one in page}
            at = page[-1]["position"] if page else None
    titles = {position: one["body"]["told"]["title"] for position, one in found.items()}
    keyed = {at: one["development"] for at, one in found.items() if titles[at] not in load.unkeyed}
    assert keyed == {sent.first + n: sent.development for sent in load.done for n in range(sent.size)}
    times = Counter(titles.values())
    for title, told in load.unkeyed.items():
        assert times[title] == told or (told is None and times[title] < 2), (title, told, times[title])
    with reading(engine) as connection:
        reached = [*log.verify(connection)][-1]
        assert reached == max(found, default=start)
        assert [*drift(connection)] == []
    return reached
