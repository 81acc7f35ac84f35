"""``tracker serve`` needs nothing done before, says one line, and ends when told."""

import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from program import PROGRAM, environment, free_port
from prompt import Run


@contextmanager
def running(command: str, folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own; it is killed at the end where it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env=environment(folder, **settings),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """How it ends when it is told to."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_serve_does_all_that_is_needed_and_says_one_line(tmp_path: Path) -> None:
    port = free_port()
    key = tmp_path / "var" / "analyst-key"
    with running("serve", tmp_path, TRACKER_PORT=port) as process:
        line = first_line(process)
        assert (
            line
            == f"Tracker: http://127.0.0.1:{port} · analysts sign in at /sign-in with the key in var/analyst-key\n"
        )
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        base = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{base}/readyz").status_code == 200
        assert len(httpx.get(f"{base}/v1/partners").json()["items"]) == 21
        asked = {"Authorization": f"Bearer {key.read_text().strip()}"}
        command = {
            "title": "Talks",
            "announced": "2025-09-02",
            "events": [{"type": "talks.held", "subject": "partner:MX"}],
        }
        assert httpx.post(f"{base}/v1/developments", json=command, headers=asked).status_code == 201
        assert ended(process) == (0, "", "")
    secret = key.read_text()
    with running("serve", tmp_path, TRACKER_PORT=port) as process:
        assert first_line(process) == line
        assert key.read_text() == secret
        assert ended(process)[0] == 0


def test_a_port_that_is_taken(tmp_path: Path, seeded_database: Path) -> None:
    (tmp_path / "var").mkdir()
    shutil.copy(seeded_database, tmp_path / "var" / "tracker.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running("serve", tmp_path, TRACKER_PORT=port) as process:
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(
        rf"tracker: TRACKER_HOST=127.0.0.1 TRACKER_PORT={port}: another program listens there;.*\n", err
    )


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_worker_ends_when_told(tmp_path: Path, database_url: str) -> None:
    with running("worker", tmp_path, TRACKER_DATABASE_URL=database_url, TRACKER_LOG_LEVEL="info") as process:
        assert process.stderr is not None
        assert "ticking" in process.stderr.readline()
        assert ended(process)[0] == 0


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_the_same_on_postgresql(
    tracker: Run, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACKER_DATABASE_URL", database_url)
    monkeypatch.setenv("TRACKER_CLOCK", "2025-09-01T12:00:00Z")
    assert "it was not migrated: run 'tracker migrate'" in tracker("partners", code=2).err
    assert "***" in tracker("migrate").out or "@" not in database_url
    (tmp_path / "world.jsonl").write_bytes(WORLD)
    assert "Recorded 2 as 2 events" in tracker("import", "world.jsonl", "--as-learnt").out
    pause = ["log", "Pause", "--announced", "2025-09-01", "--type", "measure.paused", "--subject",
             "measure:us-border", "--target", "MX", "--until", "2025-12-02", "--json"]  # fmt: skip
    tracker(*pause, "--dry-run")
    id = msgspec.json.decode(tracker(*pause).out)["development"]
    assert "paused" in tracker("state", "MX").out
    assert "Pause" in tracker("digest", "--partner", "MX").out
    tracker("withdraw", id, "--reason", "for the test")
    assert "4 events, chain whole, read models as the events say" in tracker("verify").out
    assert "Rebuilt from 4 events." in tracker("rebuild").out
    tracker("verify")
    tracker("export", "-o", "all.jsonl")
    assert tracker("import", "all.jsonl", "--as-learnt").out == "4 recorded before, 0 new.\n"


def line(**event: object) -> bytes:
    development = {"title": "For the test", "announced": "2025-02-01", "events": [event]}
    return msgspec.json.encode({"key": event["subject"], "development": development}) + b"\n"


WORLD = line(type="partner.registered", subject="partner:MX", about={"name": "Mexico"}) + line(
    type="measure.announced", subject="measure:us-border", about={"title": "Border tariff"},
    effects=[{"target": "MX", "set": {"rate": {"percent": 25}}}],
)  # fmt: skip


def test_an_import_through_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "import", "-"], input=WORLD, capture_output=True, check=False, cwd=tmp_path,
        env=environment(tmp_path),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"Recorded 2 as 2 events, positions 1 to 2; 0 recorded before.\n"


def test_help_is_quick_and_works_anywhere() -> None:
    """It imports neither SQLAlchemy nor the web."""
    check = "import sys, tracker.cli; print(*({'sqlalchemy', 'litestar', 'alembic'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", check], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_help_groups_the_commands(tracker: Run) -> None:
    out = tracker("--help").out
    assert [word for word in ("Run", "Record", "Read", "Tell", "Keep") if f"─ {word} ─" not in out] == []
