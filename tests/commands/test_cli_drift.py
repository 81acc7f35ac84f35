"""``tracker verify`` and what somebody changed by hand in a copy: each row that is worked out from the log, and what
the log keeps beside its events for who records next."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from domain.given import NOW, amended, at, correction, development, opened
from prompt import Run
from sqlalchemy import Engine, text

from tests.conftest import copied
from tracker.rebuilding import catch_up
from tracker.record import By, Correct, record
from tracker.store.engine import open_engine, writing

X, Y = "measure:us-x", "measure:us-y"
ME = By("me", NOW)


def corrected(engine: Engine) -> None:
    """Two measures: amended, back-dated, corrected, so that much was known that is no longer."""
    catch_up(engine)
    record(engine, development(opened(X, at(1, "MX")), announced="2025-01-10"), ME)
    record(engine, development(amended(X, at(2, "MX")), announced="2025-01-20"), By("me", NOW, "key"))
    record(engine, development(opened(Y, at(3)), announced="2025-01-20"), ME)
    late = record(engine, development(amended(X, at(4, "MX")), announced="2025-01-15"), ME)
    again = correction(amended(X, at(5, "MX")), announced="2025-01-15")
    record(engine, Correct(late.development, again), ME)


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Engine]:
    with copied(request, kind, tmp_path, corrected) as (url, _):
        engine = open_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def verify(tracker: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on that database."""
    monkeypatch.setenv("TRACKER_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    return tracker


OF_X = f"SELECT id FROM lanes WHERE subject = '{X}'"
CLOSED = f"known_until < {2**62} AND lane IN ({OF_X})"
DRIFT = {
    f"UPDATE segments SET state = replace(state, '4.0', '7.0') WHERE {CLOSED}": "segments: ",
    f"DELETE FROM segments WHERE {CLOSED}": "segments: ",
    f"UPDATE segments SET node = node + 1 WHERE {CLOSED}": "segments: ",
    f"UPDATE segments SET node = node - 1 WHERE known_until = {2**62} AND lane IN ({OF_X})": "segments: ",
    f"UPDATE segments SET valid_from = valid_from + 1 WHERE {CLOSED}": "segments: ",
    f"UPDATE segments SET known_from = known_from + 1 WHERE {CLOSED}": "segments: ",
    f"UPDATE segments SET known_until = known_until - 1 WHERE {CLOSED}": "segments: ",
    "UPDATE lanes SET partner = 'CA' WHERE partner = 'MX'": "lanes: ",
    f"UPDATE lanes SET target = 'CA' WHERE target <> '' AND subject = '{X}'": "lanes: ",
    f"DELETE FROM turns WHERE subject = '{X}' AND position = 2": "turns: 1 missing",
    f"UPDATE turns SET announced = announced + 1 WHERE subject = '{X}'": "turns: ",
    f"INSERT INTO turns SELECT subject, announced, 9, 9 FROM turns WHERE subject = '{X}'": "turns: ",
    f"INSERT INTO parked VALUES (2, '{X}', 'none')": "parked: 1 not from its events",
}
"""What shows at the measure X, by what was done."""
STRAY = {
    "INSERT INTO lanes VALUES (99, 'measure:us-z', 'MX', '', '', '', 'about')": (
        "measure:us-z", "lanes: 1 of a subject without events",
    ),
    "INSERT INTO segments SELECT 99, node, valid_from, valid_until, known_from, known_until, state FROM segments "
    "WHERE known_from = 1 AND lane = 1": ("lane 99", "segments: 1 of a lane that is not there"),
    "INSERT INTO turns VALUES ('measure:us-z', 1, 1, 1)": ("measure:us-z", "turns: 1 of a subject without events"),
}  # fmt: skip
"""The subject that is named and what is said, by what was put in."""
BESIDE = {
    f"UPDATE subjects SET version = 9 WHERE key = '{Y}'": (
        "position 3: the version of measure:us-y was changed: it is 9, and its events make it 1"
    ),
    "INSERT INTO subjects VALUES (99, 'measure:us-z', 2)": (
        "position 5: the version of measure:us-z was changed: it is 2, and its events make it 0"
    ),
    "UPDATE head SET learnt_at = learnt_at + 1": "position 5: the head does not say when",
    "UPDATE head SET recorded_at = recorded_at - 1": "position 5: the head does not say when",
    "UPDATE requests SET hash = ''": "position 2: the idempotency key 'key' has lost",
    "UPDATE requests SET commit = 'another'": "position 5: the idempotency key 'key' has lost",
}
"""What is said, by what was done."""


def edited(engine: Engine, statement: str) -> None:
    quoted = statement.replace("SET commit", 'SET "commit"')
    with writing(engine) as connection:
        assert connection.execute(text(quoted)).rowcount, "nothing was changed"


def test_what_nobody_touched_is_not_blamed(verify: Run) -> None:
    assert "5 events, chain whole, read models as the events say" in verify("verify").out


@pytest.mark.parametrize("statement", DRIFT)
def test_any_change_of_what_is_worked_out_is_told_and_mended(
    engine: Engine, verify: Run, statement: str
) -> None:
    edited(engine, statement)
    told = msgspec.json.decode(verify("verify", "--json", code=1).out)
    assert (told["broken"], told["drifted"]) == (None, [X])
    assert DRIFT[statement] in told["differences"][0]["says"]
    said = verify("verify", code=1).err
    assert (
        f"not what the events say, of {X} ({told['differences'][0]['says']}): run 'tracker rebuild'" in said
    )
    assert f"of {X} (" in verify("doctor", code=1).err
    verify("rebuild")
    verify("verify")


@pytest.mark.parametrize("statement", STRAY)
def test_what_no_event_is_about_is_told_and_removed(engine: Engine, verify: Run, statement: str) -> None:
    edited(engine, statement)
    subject, says = STRAY[statement]
    assert f"of {subject} ({says}): run 'tracker rebuild'" in verify("verify", code=1).err
    verify("rebuild")
    verify("verify")


@pytest.mark.parametrize("statement", BESIDE)
def test_any_change_of_what_the_log_keeps_beside_its_events_is_told(
    engine: Engine, verify: Run, statement: str
) -> None:
    edited(engine, statement)
    assert BESIDE[statement] in verify("verify", code=1).err


def test_of_many_that_drifted_a_few_are_named(engine: Engine, verify: Run) -> None:
    for n in range(6):
        record(engine, development(opened(f"measure:us-{n}", at(n))), ME)
    edited(engine, "DELETE FROM segments")
    said = verify("verify", code=1).err
    assert "measure:us-0 (segments: " in said
    assert ", and 3 more: run 'tracker rebuild'" in said
