"""One log has one key and one name, and signs nothing that contradicts what it signed before."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from domain.given import NOW
from proof.desk import HERE, begun, grown, key_of, signed
from sqlalchemy import Engine, text
from store.kinds import on_sqlite
from structlog.testing import capture_logs

from tracker.jobs import sign as job
from tracker.jobs.job import Surroundings
from tracker.settings import load
from tracker.store import log, signing, tree
from tracker.store.engine import reading, writing
from tracker.verifier import Wrong, opened

SIGNING = """
import sys
from domain.given import NOW
from tracker.store import tree
from tracker.store.engine import open_engine
engine = open_engine(sys.argv[1])
input()
tree.sign(engine, sys.argv[2], NOW)
"""


def test_several_processes_share_one_key(engine: Engine, migrated_url: str) -> None:
    begun(engine)
    grown(engine, 300)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SIGNING, migrated_url, f"https://host-{n}.example"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        for n in range(3)
    ]  # fmt: skip
    for process in started:
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert [process.communicate()[1].decode()[-2000:] for process in started] == ["", "", ""]
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM log_key")) == 1
        assert connection.scalar(text("SELECT count(*) FROM checkpoints")) == 1
        newest = tree.latest(connection)
        assert newest is not None
        assert opened(newest.note.encode(), key_of(engine)).size == 302
        assert list(tree.verify(connection)) == [302]


def test_the_job_signs_what_has_grown_and_only_that(engine: Engine, tmp_path: Path) -> None:
    settings = load({"TRACKER_DATA_DIR": str(tmp_path), "TRACKER_PUBLIC_URL": "https://one.example/t/"})
    around = Surroundings(settings, engine, lambda: NOW, lambda: False)
    job.run(around)
    with reading(engine) as connection:
        assert tree.latest(connection) is None, "an empty log is not signed"
    begun(engine)
    for _ in range(2):
        job.run(around)
    grown(engine, 1)
    moved = load({"TRACKER_DATA_DIR": str(tmp_path), "TRACKER_PUBLIC_URL": "https://another.example"})
    job.run(Surroundings(moved, engine, lambda: NOW + timedelta(days=1), lambda: False))
    with reading(engine) as connection:
        notes = list(connection.scalars(text("SELECT note FROM checkpoints ORDER BY size")))
    assert [opened(note.encode(), key_of(engine)).size for note in notes] == [2, 3]
    assert {note.split("\n")[0] for note in notes} == {"one.example/t/log"}, "the name stays"


@on_sqlite
def test_a_log_that_was_rewritten_is_not_signed_again(engine: Engine) -> None:
    begun(engine)
    signed(engine)
    grown(engine, 1)
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER commits_no_update")
        connection.execute(log.commits.update().where(log.commits.c.first == 1).values(logged_by="you"))
    with pytest.raises(tree.Rewritten, match="tracker verify"):
        tree.sign(engine, HERE, NOW)
    with capture_logs() as told:
        job.run(Surroundings(load({}), engine, lambda: NOW, lambda: False))
    assert [line["event"] for line in told] == ["history_rewritten"]
    with reading(engine) as connection:
        newest = tree.latest(connection)
    assert newest is not None
    assert newest.size == 2


@on_sqlite
def test_the_secret_is_never_shown(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    begun(engine)
    signed(engine)
    with reading(engine) as connection:
        seed = bytes(connection.scalar(text("SELECT seed FROM log_key")))
        assert seed.hex() not in repr(signing.find_key(connection))
        assert repr(seed) not in repr(signing.find_key(connection))
    said = capsys.readouterr()
    assert seed.hex() not in said.out + said.err


@pytest.mark.parametrize("url", ["https://a.example/x+y", "http://127.0.0.1:8000", "https://[::1]:80/b"])
def test_a_name_is_one_that_notes_can_carry(url: str) -> None:
    name = signing.origin_of(url)
    assert name.endswith("/log")
    assert "+" not in name
    assert "://" not in name


@on_sqlite
def test_a_checkpoint_is_written_in_one_way_only(engine: Engine) -> None:
    begun(engine)
    signed(engine)
    with reading(engine) as connection:
        newest, key = tree.latest(connection), signing.find_key(connection)
        assert newest is not None
        assert key is not None
        size, root = newest.size, newest.root
    note, other = newest.note, signing.LogKey("other.example", key._key)  # another name with the same secret
    assert opened(note.encode(), key.public).root == root
    witness = note + other.signed(size, root).split("\n\n")[1]
    assert opened(witness.encode(), key.public).size == 2, "signatures of others are passed over"
    text_, line = note.split("\n\n")
    bad = {
        "": "no signed note",
        note[:-1]: "no signed note",
        note.replace("\n", "\r\n"): "no signed note",
        text_ + "\n": "no signature",
        note + line: "signed twice",
        note + "— x\n": "signature line",
        f"{note}\n": "signature line",
        note.replace("\n2\n", "\n3\n"): "does not verify",
        note.replace(" ", "  "): "signature line",
        other.signed(size, root): "not signed by this key",
        note[:-2] + "A\n": "base64|verify",
        note.replace("=\n", "\n"): "base64",
    }
    for text_, reason in bad.items():
        with pytest.raises(Wrong, match=reason):
            opened(text_.encode(), key.public)
    for said in ("02", "+2", "-2", "2 ", "٢", "99999999999999999"):
        with pytest.raises(Wrong, match=r"no plain number|three lines|no signed note"):
            opened(resigned(key, f"{key.origin}\n{said}\n{'A' * 43}=\n"), key.public)
    for text_ in (f"{key.origin}\n2\n{'A' * 42}B=\n", f"{key.origin}\n2\nAAAA\n", f"{key.origin}\n2\n"):
        with pytest.raises(Wrong, match=r"canonical|no SHA-256|three lines"):
            opened(resigned(key, text_), key.public)
    with pytest.raises(Wrong, match="three lines"):
        opened(resigned(key, f"{key.origin}\n2\n{'A' * 43}=\nmore\n"), key.public)
    for public in ("", "a+b", key.public[:-4], key.public.replace("+", "+0", 1), other.public):
        with pytest.raises(Wrong):
            opened(note.encode(), public)


def resigned(key: signing.LogKey, said: str) -> bytes:
    """Any text, signed by the log all the same."""
    from base64 import b64encode

    signature = b64encode(key._id + key._key.sign(said.encode())).decode()
    return f"{said}\n— {key.origin} {signature}\n".encode()
