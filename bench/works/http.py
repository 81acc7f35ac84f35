"""Requests a second, as `tracker serve` serves the founding history, against a bare handler of the same framework and
server set-up that returns the same bytes."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from bench.databases import Place
from bench.measuring import OURS, Plan, Row, Run, at_least, in_turn, rates
from bench.table import BARE

TITLE = "http"
CONNECTIONS = 8
PATHS = {
    "state of a partner": "/v1/partners/GB/state",
    "page of a partner": "/partners/GB",
    "timeline of a partner": "/v1/partners/GB/timeline",
}
ROOT = Path(__file__).parents[2]


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    with ExitStack() as until_done:
        folder = Path(until_done.enter_context(TemporaryDirectory()))
        database = until_done.enter_context(place.empty())
        ours = until_done.enter_context(_tracker(database.url, folder))
        # What is asked once is not kept: these are answers that are asked for often.
        for path in PATHS.values():
            _answer(ours, path)
            _answer(ours, path)
        answers = {path: _answer(ours, path) for path in PATHS.values()}
        (folder / "answers").mkdir()
        for path, answer in answers.items():
            (folder / "answers" / path.replace("/", "-")).write_bytes(answer)
        bare = until_done.enter_context(_bare(folder / "answers", PATHS["page of a partner"]))
        return [_row(plan, place, name, ours, bare, len(answers[path])) for name, path in PATHS.items()]


def _row(plan: Plan, place: Place, name: str, ours: int, bare: int, size: int) -> Row:
    path = PATHS[name]
    turns = {
        BARE: partial(_called, bare, "/" + path.replace("/", "-"), plan.box),
        OURS: partial(_called, ours, path, plan.box),
    }
    row = Row(f"{name}, {size / 1000:.0f} kB", place.kind, "requests/s", rates(in_turn(plan, turns)))
    return row.aiming([at_least("≥ 0.5 of a bare handler", row.ratio(OURS, BARE), 0.5)])


def _called(port: int, path: str, box: float) -> Run:
    command = [sys.executable, "-m", "bench.calling", str(port), path, str(box), str(CONNECTIONS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=box + 60)
    return Run(**json.loads(done.stdout))


@contextmanager
def _tracker(url: str, folder: Path) -> Iterator[int]:
    port = _free()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")} | {
        "TRACKER_DATABASE_URL": url, "TRACKER_DATA_DIR": str(folder / "var"), "TRACKER_PORT": str(port),
        "TRACKER_LOG_LEVEL": "warning",
    }  # fmt: skip
    with _running([str(Path(sys.executable).with_name("tracker")), "serve"], environment):
        _answer(port, "/readyz")
        yield port


@contextmanager
def _bare(folder: Path, path: str) -> Iterator[int]:
    port = _free()
    with _running([sys.executable, "-m", "bench.bare", str(port), str(folder)], dict(os.environ)):
        _answer(port, "/" + path.replace("/", "-"))
        yield port


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answer(port: int, path: str) -> bytes:
    """The answer to a request; waits until the server is there."""
    end = monotonic() + 60
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return bytes(answer.read())
        except URLError:
            if monotonic() > end:
                raise
            sleep(0.05)


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
