"""A zygote: a process that has imported everything and forks one child after another to be killed, so that a death
costs milliseconds.

It is children.py: for every line on stdin, a task in JSON, a child does it. On stdout stand "pid N", what the child
tells, and "dead STATUS".
"""

import gc
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec


class Violated(AssertionError):
    """The record is not what was promised."""


def tell(line: str) -> None:
    """Say something at once: a child that is killed next has said it."""
    os.write(1, f"{line}\n".encode())


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def zygote(run: Callable[[bytes], None]) -> None:
    gc.collect()
    gc.freeze()  # what is imported stays shared: no child looks through it
    for task in sys.stdin.buffer:
        if (pid := os.fork()) == 0:
            tell(f"pid {os.getpid()}")
            try:
                run(task)
            except BaseException:  # noqa: BLE001  # nothing of it may run on as the zygote
                traceback.print_exc()
            finally:
                os._exit(3)
        tell(f"\ndead {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


@dataclass
class Zygote:
    """The zygote, seen from outside."""

    process: "subprocess.Popen[str]"
    child: int | None = None

    def life(self, task: Any) -> Iterator[tuple[str, str]]:
        """What a child tells, a word and the rest, until it is dead. Violated where it ended otherwise than killed."""
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(task).decode() + "\n")
        self.process.stdin.flush()
        for line in self._lines():
            word, _, rest = line.partition(" ")
            if word == "pid":
                self.child = int(rest)
                continue
            if word != "dead":
                yield word, rest
                continue
            self.child = None
            if int(rest) == -signal.SIGKILL:
                return
            break
        raise Violated(f"the child with {task} was not killed, it ended by itself")

    def kill(self) -> None:
        """Kill the child, if it lives: its number may be another's afterwards."""
        if self.child is not None:
            os.kill(self.child, signal.SIGKILL)

    def _lines(self) -> Iterator[str]:
        """Whole lines; a death may leave one that is not."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n") and line.strip():
                yield line.rstrip("\n")


@contextmanager
def forking() -> Iterator[Zygote]:
    file = Path(__file__).with_name("children.py")
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [sys.executable, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        zygote = Zygote(process)
        try:
            yield zygote
        finally:
            with suppress(ProcessLookupError):
                zygote.kill()
            assert process.stdin is not None
            process.stdin.close()
