"""What is exported makes the same record again, and can be checked without our code."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from tracker import exporting, read, seeding
from tracker.domain.events import Correction, Development, Withdrawal
from tracker.importing import Terms, load, read_lines
from tracker.projections import segments
from tracker.record import By, Correct, Withdraw, record
from tracker.store import log
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

NOW = datetime(2025, 9, 1, tzinfo=UTC)
REPAIRS = [
    {"key": "r2", "withdraws": "D004", "reason": "for the test", "learnt_at": "2025-09-02"},
    {"key": "r3", "corrects": "D004", "reason": "and back", "learnt_at": "2025-09-03",
     "development": {"title": "10% on China", "announced": "2025-02-01", "events": [
         {"type": "measure.announced", "subject": "measure:us-ieepa-fentanyl-cn", "effects": [{"target": "CN"}]}]}},
]  # fmt: skip


def fresh(folder: Path) -> Engine:
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    return engine


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The founding history with repairs of it, and something that came without a key."""
    engine = fresh(tmp_path_factory.mktemp("original"))
    seeding.seed(engine, open_clock(engine)())
    load(engine, read_lines(lines(*REPAIRS)), Terms("operator", open_clock(engine)(), as_learnt=True))
    command = {"title": "By hand", "announced": "2025-09-04", "events": [
        {"type": "partner.checked", "subject": "partner:MX", "through": "2025-09-04"}]}  # fmt: skip
    made = record(engine, msgspec.convert(command, Development), By("analyst-1", open_clock(engine)()))
    assert made.last > 300
    yield engine
    engine.dispose()


def lines(*commands: dict[str, Any]) -> BytesIO:
    return BytesIO(b"\n".join(map(msgspec.json.encode, commands)))


def exported(engine: Engine, form: str = "commands") -> list[bytes]:
    with reading(engine) as connection:
        return list(getattr(exporting, form)(connection))


def everything(engine: Engine) -> tuple[object, ...]:
    """All that can be asked, apart from ids and the instants of recording."""
    with reading(engine) as connection:
        end = log.position(connection)
        rows = sorted(segments.ever_known(connection, None, end), key=repr)
        stored = [
            (e.position, e.subject, e.version, e.type, e.learnt_at)
            for e in log.after(connection, 0, end, 9999)
        ]
        points = [
            read.point(connection, now=NOW, zone="America/New_York", known_position=known)
            for known in (end // 2, end)
        ]
        cards = [msgspec.to_builtins(card) for at in points for card in read.board(connection, at)]
    return rows, stored, without_ids(cards)


def without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [without_ids(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: without_ids(entry) for name, entry in value.items() if name not in ("development", "event")}


def test_commands_make_the_same_record_again(original: Engine, tmp_path: Path) -> None:
    kept = exported(original)
    copy = fresh(tmp_path)
    load(copy, read_lines(BytesIO(b"\n".join(kept))), Terms("operator", open_clock(copy)(), as_learnt=True))
    assert everything(copy) == everything(original)
    assert exported(copy) == kept
    copy.dispose()


def test_an_export_brought_home_records_nothing(original: Engine) -> None:
    kept = BytesIO(b"\n".join(exported(original)))
    done = load(original, read_lines(kept), Terms("operator", open_clock(original)(), as_learnt=True))
    assert (done.new, done.events) == (0, 0)
    assert done.before == len(exported(original))


def test_a_correction_is_exported_so_that_it_can_be_imported(tmp_path: Path) -> None:
    """Corrections keep their events by subject. On the way out, what opens a subject comes before what names it."""

    def event(type: str, key: str, **fields: object) -> dict[str, object]:
        effect = {"target": "MX", "set": {"rate": {"percent": 5}}}
        return {"type": f"measure.{type}", "subject": f"measure:us-{key}", "effects": [effect], **fields}

    opened = {key: event("announced", key, about={"title": key}) for key in "abc"}
    first = {"title": "First", "announced": "2025-01-01", "events": [opened["a"]]}
    events = [
        opened["b"], event("amended", "a", links={"answers": ["measure:us-b"]}), opened["c"],
        event("amended", "b", links={"answers": ["measure:us-c"]}),
    ]  # fmt: skip
    engine, copy = (fresh(tmp_path / name) for name in ("one", "two"))
    now = open_clock(engine)()
    made = record(engine, msgspec.convert(first, Development), By("me", now))
    correction = {"reason": "more to it", "development": first | {"events": events}}
    record(engine, Correct(made.development, msgspec.convert(correction, Correction)), By("me", now))
    record(engine, Withdraw(made.development, Withdrawal(reason="no")), By("me", now))
    load(copy, read_lines(BytesIO(b"\n".join(exported(engine)))), Terms("me", now, as_learnt=True))
    assert everything(copy) == everything(engine)


def test_events_prove_themselves(original: Engine) -> None:
    """The hashes can be worked out from the lines alone, as docs and catalogue say."""
    found = [
        (msgspec.json.decode(raw), bytes(msgspec.json.decode(raw, type=Body).body))
        for raw in exported(original, "events")
    ]
    assert [line["position"] for line, _ in found] == list(range(1, len(found) + 1))
    chain = bytes(32)
    for _, commit in groupby(found, key=lambda pair: pair[0]["commit"]):
        hashes = b""
        for line, body in commit:
            header = [
                *(line[name] for name in HEADER),
                micros(line["recorded_at"]),
                micros(line["learnt_at"]),
                line["logged_by"],
            ]
            inner = sha256(bytes.fromhex(line["salt"]) + body).digest()
            assert sha256(inner + msgspec.json.encode(header)).hexdigest() == line["hash"]
            hashes += bytes.fromhex(line["hash"])
        chain = sha256(chain + hashes).digest()
        assert chain.hex() == line["chain"]


HEADER = ("position", "id", "subject", "version", "type", "schema", "development")


class Body(msgspec.Struct):
    body: msgspec.Raw


def micros(at: str) -> int:
    exact = datetime.fromisoformat(at) - datetime(1970, 1, 1, tzinfo=UTC)
    return (exact.days * 86_400 + exact.seconds) * 1_000_000 + exact.microseconds
