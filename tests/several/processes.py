"""Processes of the service, started as its users start them, and stopped as they are."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tracker.settings import VARIABLES

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "campaigns"
PROGRAM = (sys.executable, "-c", "from tracker.cli import main; main()")


def environment(database_url: str, folder: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    named = {
        "TRACKER_DATABASE_URL": database_url,
        "TRACKER_DATA_DIR": str(folder),
        "TRACKER_LOG_LEVEL": "warning",
    }
    careless = {"TRACKER_DURABILITY": "unchecked"}  # the server of the tests need not survive a power cut
    return {**inherited, "PYTHONPATH": str(ROOT), **named, **careless, **settings}


class Process:
    """A process, and what it says on stderr."""

    def __init__(self, command: Sequence[str], environ: dict[str, str]) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
        self._process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True
        )
        self.pid = self._process.pid

    def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: ``ended`` tells why
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def close_input(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def ended(self, by: signal.Signals | None = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it complained of; ``by``: None where it ends by itself."""
        if by is not None:
            self._process.send_signal(by)
        code = self._process.wait(120)
        self._said.seek(0)
        return code, self._said.read().decode()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        self._said.close()


@contextmanager
def started(command: Sequence[str], environ: dict[str, str]) -> Iterator[Process]:
    process = Process(command, environ)
    try:
        yield process
    finally:
        process.close()


def serve(environ: dict[str, str], port: int) -> AbstractContextManager[Process]:
    """``tracker serve``; it listens when it has said its line."""
    return started([*PROGRAM, "serve"], environ | {"TRACKER_PORT": str(port)})


def script(name: str, *arguments: Any) -> list[str]:
    """A command that runs a file beside this."""
    return [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]


def keep(campaign: str, part: str, counted: dict[str, Any]) -> None:
    """Put a part of a campaign's results with the others."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{campaign}.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(
        json.dumps({**before, part: {**counted, "cores": os.cpu_count()}}, indent=2, sort_keys=True) + "\n"
    )
