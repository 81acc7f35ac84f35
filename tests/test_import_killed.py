"""Killed in the middle, an import leaves nothing, and a second run completes."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from tracker.importing import Imported, Terms, load, read_lines
from tracker.store import log
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

SLOWLY = """
import sys
from tracker.importing import Terms, load, read_lines
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine

def halfway(given):
    if given.where == "line 30":
        print("halfway", flush=True)
        sys.stdin.read()

engine = open_engine(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    load(engine, read_lines(file), Terms("operator", open_clock(engine)(), after=halfway))
"""


def test_killed_in_the_middle(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(b"\n".join(msgspec.json.encode(line(n)) for n in range(60)))
    engine = open_engine(database_url)
    migrate(engine)
    command = [sys.executable, "-c", SLOWLY, database_url, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with reading(engine) as connection:
        assert log.position(connection) == 0
    for expected in (Imported(60, 0, 0, 60), Imported(0, 60, 60, 60)):
        with file.open("rb") as lines:
            assert load(engine, read_lines(lines), Terms("operator", open_clock(engine)())) == expected
    with reading(engine) as connection:
        assert list(log.verify(connection)) == [60]
    engine.dispose()


def line(n: int) -> dict[str, object]:
    subject = {"subject": f"measure:us-{n:02}", "about": {"title": f"Measure {n}"}}
    event = {
        "type": "measure.announced",
        **subject,
        "effects": [{"target": "MX", "set": {"rate": {"percent": n}}}],
    }
    return {
        "key": f"m-{n}",
        "development": {"title": f"Measure {n}", "announced": "2025-02-01", "events": [event]},
    }
