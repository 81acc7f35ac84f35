"""Whatever is done to a log is found, and nothing is found in a log to which nothing was done.

Random honest logs, each signed and remembered on the way. Then somebody changes one: carelessly (a column of the
database), or with care (another history with every hash, the chain, the head and the tree as they should be, signed
with the log's own key). Who remembers a checkpoint and asks with the verifier finds out; what can be named is named.
"""

import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from campaign.report import report, size
from litestar.testing import TestClient
from proof.desk import asking, begun, grown, key_of, signed, wander
from proof.forging import Forger
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.web.conftest import settings_for
from tracker import rebuilding, verifier
from tracker.app import create_app
from tracker.store import erasure, log, tree
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate
from tracker.store.proof import Broken
from tracker.verifier import Checkpoint, Fetch, Wrong

SEED = 20250901


@dataclass
class Bench:
    """One service over one file, in which log after log is put."""

    file: Path
    empty: Path
    engine: Engine
    fetch: Fetch

    def begin(self) -> None:
        self.put(self.empty)

    def put(self, other: Path) -> None:
        self.engine.dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(other, self.file)

    def keep(self, other: Path) -> None:
        """Put aside what the file holds now."""
        with self.engine.connect() as connection:
            connection.detach()
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.engine.dispose()
        shutil.copyfile(self.file, other)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    empty, file = tmp_path / "empty.db", tmp_path / "log.db"
    engine = open_engine(f"sqlite:///{empty}")
    migrate(engine)
    begun(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    shutil.copyfile(empty, file)
    engine = open_engine(f"sqlite:///{file}")
    with TestClient(
        create_app(settings_for(f"sqlite:///{file}", tmp_path, log_level="error"), engine)
    ) as client:
        yield Bench(file, empty, engine, asking(client))
    engine.dispose()


@dataclass(frozen=True)
class Honest:
    """A log that grew honestly: what an outsider remembers of it, its key, its size."""

    remembered: Checkpoint
    key: str
    size: int
    erased: int


def honest(bench: Bench, rng: Random) -> Honest:
    """A random log; one in ten is longer than a tile, in one in three something was erased."""
    bench.begin()
    if rng.random() < 0.1:
        grown(bench.engine, rng.randrange(200, 600))
    wander(bench.engine, rng, rng.randint(1, 6))
    remembered = signed(bench.engine)
    wander(bench.engine, rng, rng.randint(1, 4))
    erased = _erased(bench.engine, rng) if rng.random() < 0.35 else 0
    newest = signed(bench.engine)
    if rng.random() < 0.5:
        wander(bench.engine, rng, 1)  # newer than the checkpoint
    return Honest(remembered, key_of(bench.engine), newest.size, erased)


def _erased(engine: Engine, rng: Random) -> int:
    with reading(engine) as connection:
        events = log.after(connection, 0, log.ENDLESS, 1000)
    fixed = {event.development for event in events if event.type.startswith("development.")}
    if not fixed:
        return 0
    with writing(engine) as connection:
        return len(
            erasure.erase(connection, rng.choice(sorted(fixed)), "ordered", events[-1].recorded_at).events
        )


# ---------------------------------------------------------------- what is done to a log


EDITS = {
    "body": "body || ' '", "salt": "x'00'", "hash": "x'00'", "version": "version + 100000", "schema": "schema + 1",
    "type": "'another'", "id": "'another'", "development": "'another'",
    "subject": "3 - subject, version = version + 100000",
}  # fmt: skip
OF_COMMIT = {"recorded_at": "recorded_at + 1", "learnt_at": "learnt_at - 1", "logged_by": "'you'"}
OF_CHAIN = {"development": "'another'", "last": '"last" + 77777', "chain": "x'00'"}
"""What nobody is shown: it is there for us alone, and verified here."""


def careless_edit(forger: Forger, rng: Random, at: int) -> int:
    with reading(forger.engine) as connection:
        erased = at in log.commitments(connection)
    column = rng.choice([*EDITS])
    if erased and column == "salt":  # nobody is shown that of an erased one
        column = "type"
    forger.run(f'UPDATE events SET "{column}" = {EDITS[column]} WHERE position = {at}')
    return at


def careless_edit_of_a_commit(forger: Forger, rng: Random, at: int) -> int:
    return _of_commit(forger, rng, at, OF_COMMIT)


def careless_edit_of_the_chain(forger: Forger, rng: Random, at: int) -> int:
    return _of_commit(forger, rng, at, OF_CHAIN)


def _of_commit(forger: Forger, rng: Random, at: int, edits: dict[str, str]) -> int:
    """The position of the first event of the commit of that one."""
    with reading(forger.engine) as connection:
        first: int = connection.execute(
            text(f'SELECT "commit" FROM events WHERE position = {at}')
        ).scalar_one()
    column = rng.choice([*edits])
    forger.run(f'UPDATE commits SET "{column}" = {edits[column]} WHERE "first" = {first}')
    return first


def careless_delete(forger: Forger, rng: Random, at: int) -> int:
    forger.run(f"DELETE FROM events WHERE position = {at}")
    return at


def careless_swap(forger: Forger, rng: Random, at: int) -> int:
    other = at % 2 + 1
    forger.run(
        f"CREATE TABLE held AS SELECT * FROM events WHERE position IN ({at}, {other})",
        *(
            f"UPDATE events SET body = (SELECT body FROM held WHERE position = {b}), "
            f"salt = (SELECT salt FROM held WHERE position = {b}) WHERE position = {a}"
            for a, b in ((at, other), (other, at))
        ),
        "DROP TABLE held",
    )
    return min(at, other)


def careless_truncate(forger: Forger, rng: Random, at: int) -> int:
    forger.run(f"DELETE FROM events WHERE position >= {at}")
    return at


CARELESS: list[Callable[[Forger, Random, int], int]] = [
    careless_edit, careless_edit_of_a_commit, careless_edit_of_the_chain, careless_delete, careless_swap,
    careless_truncate,
]  # fmt: skip
"""Each gives the position that must be named."""


def rewritten(change: str, forger: Forger, rng: Random, at: int, size: int) -> None:
    """Another history, with every hash as it should be, signed anew with the log's own key."""
    history = forger.history()
    match change:
        case "swap":
            history.swap(at, at % 2 + 1)
        case "truncate":
            history.truncate(at - 1)
        case "fork":
            history.truncate(at)
            history.edit(at)
        case _:
            getattr(history, change)(at)
    forger.write(history)
    forger.unsigned()
    if change == "fork":
        for _ in rebuilding.rebuild(forger.engine):
            pass
        grown(forger.engine, size + 1 - history.size)
    if history.size:
        signed(forger.engine)


REWRITTEN = ["edit", "delete", "insert", "swap", "truncate", "fork"]


def done(bench: Bench, kind: str, rng: Random, found: Honest) -> int | None:
    """Do it; the position that must be named, where it must be."""
    forger = Forger(bench.engine)
    at = rng.randint(1, found.remembered.size)
    if kind == "replay":
        forger.run(f"DELETE FROM checkpoints WHERE size >= {found.size}")
        return None
    if kind.startswith("careless"):
        change = next(one for one in CARELESS if one.__name__.replace("_", " ") == kind)
        return change(forger, rng, at)
    rewritten(kind.removeprefix("rewritten "), forger, rng, at, found.size)
    return None


KINDS = [
    *(one.__name__.replace("_", " ") for one in CARELESS), *(f"rewritten {one}" for one in REWRITTEN), "replay",
]  # fmt: skip


# ---------------------------------------------------------------- the campaign


def campaign(bench: Bench, logs: int, each: int, tmp_path: Path) -> dict[str, object]:
    """So many honest logs, none of which is blamed; of each so many mutations, all of which are found."""
    rng, counts, kept = Random(SEED), Counter[str](), tmp_path / "kept.db"
    alarms, missed = list[str](), list[str]()
    for number in range(logs):
        found = honest(bench, rng)
        try:
            report = verifier.check_served(bench.fetch, found.key, found.remembered)
            assert (report.checkpoint.size, len(report.erased)) == (found.size, found.erased)
            with reading(bench.engine) as connection:
                list(tree.verify(connection))
        except (Wrong, Broken) as wrong:
            alarms.append(f"log {number}: {wrong}")
        bench.keep(kept)
        for which in range(each):
            kind = KINDS[(number * each + which) % len(KINDS)]
            bench.put(kept)
            must = done(bench, kind, rng, found)
            counts[kind] += 1
            missed += unfound(bench, f"log {number}, {kind}", found, must, kind)
    return {"seed": SEED, "honest": logs, "false_alarms": alarms, "mutations": dict(counts), "missed": missed}


def unfound(bench: Bench, what: str, found: Honest, must: int | None, kind: str) -> list[str]:
    """What the verifier outside, and the one here, did not find or named wrongly."""
    missed = []
    remembered = Checkpoint("", found.size, b"", "") if kind == "replay" else found.remembered
    try:
        if kind == "careless edit of the chain":
            raise Wrong("not shown", must)
        verifier.check_served(bench.fetch, found.key, remembered)
        missed.append(f"{what}: not found outside")
    except Wrong as wrong:
        if must is not None and (wrong.position is None or wrong.position > must):
            missed.append(f"{what}: outside it is {wrong}, and not {must}")
    if must is not None:
        try:
            with reading(bench.engine) as connection:
                list(tree.verify(connection))
            missed.append(f"{what}: not found here")
        except Broken as broken:
            if broken.position != must:
                missed.append(f"{what}: here it is {broken}, and not {must}")
    return missed


def test_a_sample_of_mutations_is_found(bench: Bench, tmp_path: Path) -> None:
    result = campaign(bench, 6, 2 * len(KINDS) // 3, tmp_path)
    assert result["false_alarms"] == []
    assert result["missed"] == []
    assert set(result["mutations"]) == set(KINDS)  # type: ignore[call-overload]


@pytest.mark.campaign
def test_ten_thousand_mutations_are_found_and_a_thousand_honest_logs_are_not_blamed(
    bench: Bench, tmp_path: Path
) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    logs, each = size("LOGS", 1000), 10
    result = campaign(bench, logs, each, tmp_path)
    assert result["false_alarms"] == []
    assert result["missed"] == []
    counts = {f"{kind}: found": count for kind, count in result["mutations"].items()}  # type: ignore[attr-defined]
    report("proof", "sqlite", str(SEED), {"honest logs: not blamed": logs, **counts})


# ---------------------------------------------------------------- bytes of the file

RECORDED = (
    "SELECT position, id, subject, version, type, schema, development, body, salt, hash FROM events ORDER BY 1",
    'SELECT "first", "last", id, development, recorded_at, learnt_at, logged_by, chain FROM commits ORDER BY 1',
    "SELECT id, key FROM subjects ORDER BY 1", "SELECT position, chain FROM head",
    'SELECT level, "index", hashes, root FROM tiles ORDER BY 1, 2',
    "SELECT size, root, note FROM checkpoints ORDER BY 1", "SELECT position, commitment FROM erasures ORDER BY 1",
    "SELECT origin, seed FROM log_key",
)  # fmt: skip
"""All that is proven."""


def recorded(file: Path) -> object:
    """What a file says, read straight from its tables; the complaint where it cannot be read."""
    with contextmanager(opened)(file) as connection:
        try:
            return [connection.execute(query).fetchall() for query in RECORDED]
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # its complaint may quote the damage
            return f"{type(error).__name__}: {error}"


def opened(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file)
    connection.text_factory = bytes
    yield connection
    connection.close()


def flips(bench: Bench, count: int, tmp_path: Path) -> dict[str, object]:
    """Single bits of the file of a log, each flipped by itself."""
    rng, kept = Random(SEED), tmp_path / "kept.db"
    bench.begin()
    grown(bench.engine, 300)
    wander(bench.engine, rng, 12)
    signed(bench.engine)
    _erased(bench.engine, rng)
    wander(bench.engine, rng, 12)
    signed(bench.engine)
    wander(bench.engine, rng, 3)
    bench.keep(kept)
    sound, before = kept.read_bytes(), recorded(kept)
    counts, missed = Counter[str](), list[str]()
    for _ in range(count):
        at, bit = rng.randrange(len(sound)), rng.randrange(8)
        kept.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :])
        bench.put(kept)
        changed = recorded(bench.file) != before
        said = complaint(bench.engine)
        counts[f"{'changed' if changed else 'harmless'}, {said.partition(':')[0]}"] += 1
        if changed and said == "sound":
            missed.append(f"bit {bit} of byte {at} was not found")
    return {"seed": SEED, "bytes": len(sound), "flips": dict(sorted(counts.items())), "missed": missed}


def complaint(engine: Engine) -> str:
    try:
        with reading(engine) as connection:
            list(tree.verify(connection))
    except Broken as broken:
        return f"named: {broken}"
    except (DBAPIError, sqlite3.DatabaseError, UnicodeDecodeError) as error:
        return f"unreadable: {error}"
    return "sound"


def test_bits_of_the_file_that_matter_are_found(bench: Bench, tmp_path: Path) -> None:
    result = flips(bench, 60, tmp_path)
    assert result["missed"] == []
    assert any("named" in kind for kind in result["flips"])  # type: ignore[attr-defined]


@pytest.mark.campaign
def test_two_thousand_bits_of_the_file(bench: Bench, tmp_path: Path) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    result = flips(bench, size("BITS", 2000), tmp_path)
    assert result["missed"] == []
    report("bits", "sqlite", str(SEED), result["flips"])  # type: ignore[arg-type]
