"""What must go goes for good, text and salt; what is left proves itself, says that something is gone, and answers."""

from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from domain.given import NOW, amended, at, correction, development
from litestar import Litestar
from litestar.testing import TestClient
from proof.desk import ME, X, Y, asking, begun, grown, key_of, signed, wander
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from store.kinds import on_postgresql, on_sqlite

from tracker import exporting, importing, rebuilding, record, verifier
from tracker.domain.errors import Refused
from tracker.domain.events import Withdrawal
from tracker.drift import drift
from tracker.importing import Terms
from tracker.projections import segments
from tracker.record import By, Correct, Withdraw
from tracker.store import erasure, log, tree
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

SECRET = "Zanzibar-Quux"
Client = TestClient[Litestar]


def secret(**told: Any) -> Any:
    return development(amended(X, at(7), summary=f"said {SECRET}"), title=f"A {SECRET}", **told)


@pytest.fixture
def gone(engine: Engine) -> tuple[str, str]:
    """Positions 3 (logged, secret), 4 (corrected), 5 (logged, secret), 6 (withdrawn, secret in its title), 7; the ids
    of the corrected and the withdrawn development."""
    begun(engine)
    one = record.record(engine, secret(), ME).development
    record.record(engine, Correct(one, correction(amended(X, at(8)))), ME)
    other = record.record(engine, secret(announced="2025-03-01"), By("me", NOW, key="once")).development
    record.record(engine, Withdraw(other, Withdrawal(reason=f"no {SECRET}")), ME)
    grown(engine, 1)
    signed(engine)
    return one, other


def erase(engine: Engine, *references: str) -> None:
    for reference in references:
        with writing(engine) as connection:
            erasure.erase(connection, reference, "The court ordered it", NOW)
    for _ in rebuilding.rebuild(engine):
        pass


def state(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        end = log.position(connection)
        return sorted((row.subject, row.lane, row.segment) for row in segments.known(connection, None, end))


def test_history_still_proves_itself_and_says_what_is_gone(
    engine: Engine, gone: tuple[str, str], client: Client
) -> None:
    before = state(engine)
    erase(engine, *gone)
    assert state(engine) == before, "nothing that is said today rested on it"
    with reading(engine) as connection:
        assert list(tree.verify(connection)) == [7]
        assert list(drift(connection)) == []
        lines = list(exporting.events(connection))
        newest = tree.latest(connection)
        assert newest is not None
        for table in ("events", "segments", "requests"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert SECRET not in repr(rows)
    key = key_of(engine)
    served = verifier.check_served(asking(client), key)
    exported = verifier.check_exported(lines, newest.note.encode(), key)
    assert served.erased == exported.erased == [3, 5, 6]
    assert str(served).endswith("3 bodies erased (positions 3, 5-6)")
    assert SECRET not in repr(lines)


def test_it_is_shown_as_erased_everywhere_and_nowhere_told(
    engine: Engine, gone: tuple[str, str], client: Client
) -> None:
    erase(engine, *gone)
    items = client.get("/v1/events").json()["items"]
    assert [item["position"] for item in items if item["body"] is None] == [3, 5, 6]
    for item in items:
        if item["body"] is None:
            assert item["erased"]["reason"] == "The court ordered it"
            assert item["salt"] is None
    ids = [item["id"] for item in items]
    paths = ["/", "/housekeeping", "/deadlines", "/conflicts", "/v1/partners", "/v1/measures", "/v1/measures/us-x",
             "/measures/us-x", "/v1/housekeeping", "/v1/statements", "/v1/conflicts",
             *(f"/v1/events?as_of=2025-09-02&known_position={n}" for n in range(8)),
             *(f"/v1/measures/us-x?known_position={n}" for n in range(2, 8)),
             *(f"/v1/events/{id}" for id in ids), *(f"/events/{id}" for id in ids),
             *(f"/v1/developments/{id}" for id in gone), *(f"/events/{id}" for id in gone)]  # fmt: skip
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert SECRET not in answer.text
    corrected, withdrawn = (client.get(f"/v1/developments/{id}").json() for id in gone)
    assert [(v["what"], v["erased"]) for v in corrected["versions"]] == [
        ("logged", True),
        ("corrected", False),
    ]
    assert [(v["what"], v["erased"]) for v in withdrawn["versions"]] == [
        ("logged", True),
        ("withdrawn", True),
    ]
    assert (withdrawn["entry"]["title"], withdrawn["entry"]["standing"]) == ("Erased", "withdrawn")


def test_what_stands_cannot_be_erased(engine: Engine, gone: tuple[str, str]) -> None:
    with reading(engine) as connection:
        standing = {e.position: e for e in log.after(connection, 0, 9, 9)}
    for reference in (standing[1].id, standing[1].development, standing[4].id, standing[7].id):
        with writing(engine) as connection, pytest.raises(Refused, match="still stands"):
            erasure.erase(connection, reference, "x", NOW)
    for reference in ("nothing", "x\0", ""):
        with writing(engine) as connection, pytest.raises(Refused, match="there is no event"):
            erasure.erase(connection, reference, "x", NOW)
    for reason in ("", "  ", "a\nb", "x" * 1001):
        with writing(engine) as connection, pytest.raises(Refused, match="reason"):
            erasure.erase(connection, gone[0], reason, NOW)
    with reading(engine) as connection:
        assert log.commitments(connection) == {}


def test_one_version_may_go_alone(engine: Engine, gone: tuple[str, str]) -> None:
    with reading(engine) as connection:
        (logged,) = (e for e in log.after(connection, 0, 9, 9) if e.position == 5)
        plan = erasure.planned(connection, logged.id)
    assert ([e.position for e in plan.events], [e.position for e in plan.kept]) == ([5], [6])
    erase(engine, logged.id)
    with reading(engine) as connection:
        assert list(log.commitments(connection)) == [5]
        assert list(tree.verify(connection)) == [7]
        assert [e.position for e in erasure.planned(connection, gone[1]).events] == [6]


def test_erasing_again_changes_nothing(engine: Engine, gone: tuple[str, str]) -> None:
    erase(engine, gone[1], gone[1])
    with reading(engine) as connection:
        assert sorted(log.commitments(connection)) == [5, 6]


def test_a_repeated_request_is_known_and_puts_nothing_back(engine: Engine, gone: tuple[str, str]) -> None:
    erase(engine, gone[1])
    with reading(engine) as connection:
        held = connection.execute(text("SELECT hash FROM requests WHERE key = 'once'")).scalar_one()
        assert bytes(held) == b"", "a guess at the text could be held against it"
    again = record.record(engine, secret(announced="2025-03-01"), By("me", NOW, key="once"))
    assert again.repeated
    assert again.events[0].erased
    with reading(engine) as connection:
        assert log.position(connection) == 7


def test_what_was_withdrawn_and_erased_can_be_brought_back_by_saying_it_anew(
    engine: Engine, gone: tuple[str, str]
) -> None:
    erase(engine, *gone)
    record.record(engine, Correct(gone[1], correction(amended(Y, at(33)))), ME)
    with reading(engine) as connection:
        assert list(drift(connection)) == []
        assert "33" in repr(segments.of_subject(connection, Y, log.position(connection)))


def test_an_export_of_commands_leaves_it_out_and_gives_the_same_state(
    engine: Engine, gone: tuple[str, str], tmp_path: Path
) -> None:
    erase(engine, *gone)
    with reading(engine) as connection:
        lines = list(exporting.commands(connection))
    assert len(lines) == 3, "opened, the corrected one, the last"
    assert SECRET not in repr(lines)
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    given = [importing.Given(f"line {n}", line) for n, line in enumerate(lines, 1)]
    importing.load(other, given, Terms("me", NOW, as_learnt=True))
    assert [(s, lane, seg.start, seg.end) for s, lane, seg in state(other)] == [
        (s, lane, seg.start, seg.end) for s, lane, seg in state(engine)
    ]
    other.dispose()


@on_sqlite
@pytest.mark.parametrize("seed", range(4))
def test_of_any_history_anything_that_may_go_can_go(engine: Engine, client: Client, seed: int) -> None:
    rng = Random(seed)
    begun(engine)
    wander(engine, rng, 25)
    signed(engine)
    before, many = state(engine), 0
    with reading(engine) as connection:
        events = log.after(connection, 0, log.ENDLESS, 1000)
    for reference in rng.sample([e.id for e in events] + sorted({e.development for e in events}), 20):
        with suppress(Refused), writing(engine) as connection:
            many += len(erasure.erase(connection, reference, "ordered", NOW).events)
    for _ in rebuilding.rebuild(engine):
        pass
    assert many
    assert state(engine) == before
    with reading(engine) as connection:
        assert list(drift(connection)) == []
        assert len(log.commitments(connection)) == many
        assert list(tree.verify(connection)) == [len(events)]
        assert list(exporting.commands(connection))
    for path in ("/", "/measures/us-x", "/v1/measures/us-x", *(f"/events/{e.id}" for e in events[::3])):
        assert client.get(path).status_code == 200, path


# ---------------------------------------------------------------- the database allows that and nothing else


def refused(engine: Engine, *statements: str) -> None:
    *before, last = statements
    with engine.connect().execution_options(writes=True) as connection, connection.begin() as attempt:
        for statement in before:
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(last)
        attempt.rollback()


def test_the_database_lets_nothing_else_change(engine: Engine, gone: tuple[str, str]) -> None:
    empty = "x''" if engine.dialect.name == "sqlite" else "''::bytea"
    said = "INSERT INTO erasures SELECT position, hash, 0, 'x' FROM events WHERE position = 5"
    if engine.dialect.name == "postgresql":
        said = ("INSERT INTO erasures SELECT position, sha256(salt || convert_to(body, 'UTF8')), 0, 'x' FROM events "
                "WHERE position = 5")  # fmt: skip
    gone_ = f"body = '', salt = {empty}"
    refused(engine, f"UPDATE events SET {gone_} WHERE position = 5")
    for values in (
        f"salt = {empty}", "body = ''", f"body = 'x', salt = {empty}", f"body = ' ', salt = {empty}",
        f"{gone_}, hash = {empty}", f"{gone_}, type = 'x'", f"{gone_}, id = 'x'", f"{gone_}, schema = 2",
        f"{gone_}, version = 99", f"{gone_}, development = 'x'", f"{gone_}, position = 99", f"{gone_}, subject = 2",
        f"{gone_}, \"commit\" = 1",
    ):  # fmt: skip
        refused(engine, said, f"UPDATE events SET {values} WHERE position = 5")
    refused(engine, said, f"UPDATE events SET {gone_} WHERE position IN (5, 7)")
    refused(engine, said, "DELETE FROM events WHERE position = 5")
    refused(engine, said, "UPDATE erasures SET reason = 'y'")
    refused(engine, said, "DELETE FROM erasures")
    refused(engine, "UPDATE checkpoints SET note = ''")
    refused(engine, "DELETE FROM checkpoints")
    erase(engine, gone[1])
    refused(engine, "UPDATE events SET body = 'back' WHERE position = 5")


@on_postgresql
def test_postgresql_lets_no_body_go_without_what_proves_it(engine: Engine, gone: tuple[str, str]) -> None:
    refused(
        engine, "INSERT INTO erasures SELECT position, hash, 0, 'x' FROM events WHERE position = 5",
        "UPDATE events SET body = '', salt = '' WHERE position = 5",
    )  # fmt: skip
    refused(engine, "TRUNCATE erasures")
    refused(engine, "TRUNCATE checkpoints")


@on_sqlite
@pytest.mark.parametrize(("table", "key"), [("erasures", "position"), ("checkpoints", "size")])
def test_sqlite_replaces_no_erasure_and_no_checkpoint(
    engine: Engine, gone: tuple[str, str], table: str, key: str
) -> None:
    erase(engine, gone[1])
    with engine.connect() as connection:
        connection.detach()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA recursive_triggers = OFF")
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")


# ---------------------------------------------------------------- nothing is left in the files


def found_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file() and SECRET.encode() in path.read_bytes()]


@on_sqlite
def test_no_byte_of_it_is_left_in_sqlites_files(
    engine: Engine, gone: tuple[str, str], tmp_path: Path
) -> None:
    assert found_in(tmp_path)
    erase(engine, *gone)
    assert found_in(tmp_path), "old pages and the journal still hold it: this is what scrubbing is for"
    assert erasure.scrub(engine)
    assert found_in(tmp_path) == []
    with reading(engine) as connection:
        assert list(tree.verify(connection)) == [7]


@on_sqlite
def test_who_reads_meanwhile_keeps_the_file_from_being_scrubbed_and_that_is_told(
    engine: Engine, gone: tuple[str, str], migrated_url: str
) -> None:
    other = open_engine(migrated_url)
    with engine.connect() as quick:
        quick.exec_driver_sql("PRAGMA busy_timeout = 10")
    with reading(other) as connection:
        log.position(connection)
        erase(engine, *gone)
        assert not erasure.scrub(engine)
    assert erasure.scrub(engine)
    other.dispose()
