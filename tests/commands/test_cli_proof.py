"""Proving and erasing from the command line, and from outside with nothing of ours but one file."""

import io
import subprocess
import sys
import time
from pathlib import Path

import httpx
import msgspec
import pytest
from commands.test_cli_serving import first_line, free_port, running
from prompt import Run

from tracker import rebuilding, verifier
from tracker.settings import load
from tracker.store import tree
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading

SECRET = "Zanzibar-Quux"


def alone(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The verifier as an outsider has it: one file, copied away, without a package installed."""
    copy = folder / "verifier.py"
    copy.write_bytes(Path(verifier.__file__).read_bytes())
    return subprocess.run(
        [sys.executable, "-I", "-S", str(copy), *arguments], capture_output=True, text=True, check=False
    )


def test_a_service_is_verified_from_outside(tmp_path: Path, tracker: Run) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with running("serve", tmp_path, TRACKER_PORT=port, TRACKER_PUBLIC_URL="https://t.example") as process:
        first_line(process)
        for _ in range(100):
            if httpx.get(f"{base}/log/checkpoint").status_code == 200:
                break
            time.sleep(0.1)
        key = tracker("log-key").out.strip()
        assert key.startswith("t.example/log+")
        assert httpx.get(f"{base}/v1/log").json()["key"] == key
        seen = str(tmp_path / "seen.txt")
        for said in ("", "continues the remembered checkpoint"):
            checked = alone(base, "--key", key, "--remember", seen, folder=tmp_path)
            assert (checked.returncode, checked.stderr) == (0, "")
            assert "events as t.example/log signed them" in checked.stdout
            assert said in checked.stdout
        assert alone(base, "--key", key, "--position", "17", folder=tmp_path).returncode == 0
        assert "take the key" not in tracker("verify", "--url", base, "--key", key, "--remember", seen).err
        assert "the key comes from the log itself" in tracker("verify", "--url", base).err
        Path(seen).write_text(Path(seen).read_text().replace("t.example", "u.example"))
        forged = alone(base, "--key", key, "--remember", seen, folder=tmp_path)
        assert forged.returncode == 1
        Path(seen).write_text("shopping list")
        for own_fault in (["--remember", seen], ["--position", "0"], ["--position", "99999"]):
            assert alone(base, "--key", key, *own_fault, folder=tmp_path).returncode == 2
        assert alone(base, "--key", "garbage", folder=tmp_path).returncode == 2
        assert alone(f"{base}/v1", "--key", key, folder=tmp_path).returncode == 2
    gone = alone(base, "--key", key, folder=tmp_path)
    assert gone.returncode == 2
    assert "Traceback" not in gone.stderr


def test_an_export_is_verified_by_the_one_file(seeded: Run, tmp_path: Path) -> None:
    settings = load()
    engine = open_engine(str(settings.database_url))
    note = tree.sign(engine, settings.public_url, open_clock(engine)())
    engine.dispose()
    assert note is not None
    (tmp_path / "checkpoint.txt").write_text(note.note)
    key = seeded("log-key").out.strip()
    seeded("export", "--as", "events", "-o", "events.jsonl")
    given = ("events.jsonl", "--checkpoint", "checkpoint.txt", "--key", key)
    checked = alone(*given, folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[41] = lines[41].replace(b'"title":"', b'"title":"Not ')
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    wrong = alone(*given, folder=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("verifier: position 42: ")
    assert f"the first {note.size} are as they were signed" in seeded("verify").out
    assert msgspec.json.decode(seeded("verify", "--json").out)["signed"] == note.size


def test_erasing_is_shown_confirmed_and_followed_everywhere(
    seeded: Run, surroundings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = seeded("log", f"A {SECRET}", "--announced", "2025-08-01", "--type", "measure.paused", "--subject",
                    "measure:us-ieepa-fentanyl-mx", "--target", "MX", "--until", "2025-12-02", "--json")  # fmt: skip
    id = msgspec.json.decode(logged.out)["development"]
    assert "still stands" in seeded("erase", id, "--reason", "ordered", "--yes", code=2).err
    seeded("withdraw", id, "--reason", f"not {SECRET}")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert seeded("erase", id, "--reason", "ordered", code=130).err.endswith("nothing was left half done\n")
    assert SECRET in seeded("events", "--limit", "3").out
    said = seeded("erase", id, "--reason", "ordered", "--yes")
    assert said.out.startswith("Erased: the bodies at positions ")
    assert "Backups" in said.err
    for path in (surroundings / "var").iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name
    for command in (["events", "--limit", "3"], ["events", "--limit", "3", "--json"], ["events", id], ["doctor"],
                    ["timeline", "MX"], ["state", "MX"], ["export"], ["export", "--as", "events"]):  # fmt: skip
        shown = seeded(*command, code=0)
        assert SECRET not in shown.out
    assert "erased are the bodies at positions" in seeded("verify").out
    assert "It was erased before" in seeded("erase", id, "--reason", "again", "--yes").out
    assert "nothing" in seeded("erase", "nothing", "--reason", "x", "--yes", code=2).err


def test_erasing_that_was_stopped_half_way_is_told_and_can_be_done_again(
    seeded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = seeded("log", f"A {SECRET}", "--announced", "2025-08-01", "--type", "measure.paused", "--subject",
                    "measure:us-ieepa-fentanyl-mx", "--target", "MX", "--until", "2025-12-02", "--json")  # fmt: skip
    id = msgspec.json.decode(logged.out)["development"]
    seeded("withdraw", id, "--reason", "wrong")
    with monkeypatch.context() as stopped:
        stopped.setattr(rebuilding, "rebuild", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            seeded("erase", id, "--reason", "ordered", "--yes")
    assert "they may hold what was erased" in seeded("doctor", code=1).err
    assert "It was erased before" in seeded("erase", id, "--reason", "ordered", "--yes").out
    assert "made by this release" in seeded("doctor").out


def test_a_signed_log_stays_sound_over_a_restart_and_growth(seeded: Run) -> None:
    settings = load()
    engine = open_engine(str(settings.database_url))
    tree.sign(engine, settings.public_url, open_clock(engine)())
    with reading(engine) as connection:
        assert tree.latest(connection) is not None
    engine.dispose()
    seeded("log", "More", "--announced", "2025-08-01", "--type", "measure.paused", "--subject",
           "measure:us-ieepa-fentanyl-mx", "--target", "MX", "--until", "2025-12-02")  # fmt: skip
    assert "chain whole" in seeded("verify").out
