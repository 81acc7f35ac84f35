"""A log that an earlier release wrote is read, folded, exported, verified and imported as if it were today's."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from domain.given import NOW
from jsonschema import Draft202012Validator
from sqlalchemy import Engine

from tracker import exporting
from tracker.domain.errors import Refused
from tracker.domain.events import Correction, Development
from tracker.drift import drift
from tracker.importing import Rejected, Terms, load, read_lines
from tracker.projections import segments, table
from tracker.rebuilding import builds, catch_up
from tracker.record import By, Correct, record
from tracker.settings import shipped
from tracker.store import log, upcasts
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

ME = By("me", NOW)
GB = "partner:GB"
TOLD = {"title": "What was told", "announced": "2025-02-01"}
REGISTERED = {"type": "partner.registered", "subject": GB, "about": {"name": "United Kingdom"}}
SET = {
    "type": "deadline.set",
    "subject": GB,
    "deadline": "truce",
    "set": {"title": "Truce", "due": "2025-08-01"},
}
CLOSED: dict[str, Any] = {
    "type": "deadline.closed",
    "subject": GB,
    "deadline": "truce",
    "set": {"text": "It is over."},
}
"""As version 1 let it be: it does not say how."""
WITHDRAWN = {
    "type": "deadline.closed",
    "subject": GB,
    "deadline": "truce",
    "set": {"status": "open", "due": None},
}


def corrected(development: str, *now: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "development.corrected", "subject": GB, "development": development, "reason": "a slip", "now": [*now],
        "editorial": False,
    }  # fmt: skip


def write(engine: Engine, development: str, *events: dict[str, Any], key: str | None = None) -> None:
    """Put events into the log as a release wrote them that knew version 1 of every type: bodies without ``schemas``."""
    for event in events:
        for one in event.get("now", [event]):
            schema = (shipped("events") / one["type"] / "v1.schema.json").read_bytes()
            Draft202012Validator(msgspec.json.decode(schema)).validate(one)
    with writing(engine) as connection:
        appending = log.Appending(connection)
        appending.versions([GB])
        order = b"Development" + msgspec.json.encode(TOLD | {"events": [*events]}, order="sorted")
        request = (key, hashlib.sha256(order).digest()) if key else None
        commit = log.Commit(commit_id(development), development.partition("+")[0], NOW, NOW, "me")
        new = [
            log.NewEvent(
                f"{development}-{i}",
                GB,
                event["type"],
                1,
                log.canonical({"told": TOLD, "event": event}),
                bytes(16),
            )
            for i, event in enumerate(events)
        ]
        appending.append(commit, new, request)
        appending.write()


def commit_id(development: str) -> str:
    return f"commit-{development}".ljust(36, "-")


def development(*events: dict[str, Any]) -> Development:
    return msgspec.convert({**TOLD, "events": [*events]}, Development)


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A log of version 1: a partner, a deadline, and a closing that says nothing; then that is corrected."""
    write(engine, "d1", REGISTERED, SET)
    write(engine, "d2", CLOSED, key="k")
    write(engine, "d2+", corrected("d2", WITHDRAWN))
    catch_up(engine)
    return engine


def deadline(engine: Engine, known: int) -> dict[str, Any]:
    with reading(engine) as connection:
        rows = segments.of_subject(connection, GB, known)
    (last,) = [row.segment.state for row in rows if row.lane.aspect == "deadline:truce"][-1:]
    return {name: layers[0].value for name, layers in last.items()}


def test_old_events_are_read_in_todays_shape(old: Engine) -> None:
    with reading(old) as connection:
        *_, closed, repair = log.after(connection, 0, log.ENDLESS, 99)
    assert (closed.schema, closed.event.set.status) == (1, "closed")  # type: ignore[union-attr]
    assert repair.event.now[0].set.status == "closed"  # type: ignore[union-attr]
    assert "closed" not in closed.body.replace("deadline.closed", "")


def test_old_events_are_folded_in_todays_meaning(old: Engine) -> None:
    assert deadline(old, 2)["status"] == "open"
    assert deadline(old, 3) == {
        "title": "Truce", "due": "2025-08-01", "due_at": 1754002800, "status": "closed", "text": "It is over.",
    }  # fmt: skip
    assert (deadline(old, 4)["status"], deadline(old, 4)["due"]) == ("closed", None)
    with reading(old) as connection:
        assert list(drift(connection)) == []


def test_an_old_log_verifies_and_is_exported_as_it_was_hashed(old: Engine) -> None:
    with reading(old) as connection:
        assert list(log.verify(connection)) == [4]
        *_, closed, _ = [msgspec.json.decode(line) for line in exporting.events(connection)]
    assert (closed["schema"], closed["body"]) == (1, {"told": TOLD, "event": CLOSED})


def test_an_old_log_makes_the_same_record_elsewhere(old: Engine, tmp_path: Path) -> None:
    with reading(old) as connection:
        lines = list(exporting.commands(connection))
    assert msgspec.json.decode(lines[1])["schemas"] == {"deadline.closed": 2, "told": 1}
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    load(other, read_lines(BytesIO(b"\n".join(lines))), Terms("me", NOW, as_learnt=True))
    assert [deadline(other, known) for known in (2, 3, 4)] == [deadline(old, known) for known in (2, 3, 4)]
    with reading(other) as connection:
        assert [event.schema for event in log.after(connection, 0, 99, 99)] == [1, 1, 2, 1]
    other.dispose()


def test_an_old_log_takes_its_own_export_as_recorded(old: Engine) -> None:
    with reading(old) as connection:
        lines = list(exporting.commands(connection))
    assert load(old, read_lines(BytesIO(b"\n".join(lines))), Terms("me", NOW, as_learnt=True)).before == 3


def test_a_request_is_known_again_although_it_was_hashed_in_its_old_shape(old: Engine) -> None:
    said = development({**CLOSED, "set": {"status": "closed", "text": "It is over."}})
    assert record(old, said, By("me", NOW, key="k")).repeated
    with pytest.raises(Refused, match="was used for another request"):
        record(old, development({**CLOSED, "set": {"status": "met"}}), By("me", NOW, key="k"))


def test_what_is_recorded_now_says_its_version_also_within_a_correction(old: Engine) -> None:
    now = {**CLOSED, "set": {"status": "met"}}
    command = msgspec.convert({"reason": "It was met", "development": {**TOLD, "events": [now]}}, Correction)
    (stored,) = record(old, Correct("d2", command), ME).events
    assert stored.schema == 1
    assert msgspec.json.decode(stored.body)["schemas"] == {"deadline.closed": 2}
    assert deadline(old, 5)["status"] == "met"


def test_read_models_are_made_anew_once_by_a_release_that_reads_otherwise(old: Engine) -> None:
    def kept() -> list[int]:
        with reading(old) as connection:
            return sorted(connection.scalars(table.segments.select().with_only_columns(known_from)))

    known_from = table.segments.c.known_from
    with writing(old) as connection:
        connection.execute(builds.update().values(shape="another"))
        connection.execute(table.segments.delete())
    catch_up(old)
    made = kept()
    assert made
    with writing(old) as connection:
        connection.execute(table.segments.delete().where(known_from == made[-1]))
    catch_up(old)
    assert kept() == [position for position in made if position != made[-1]]


def test_what_a_newer_release_wrote_is_not_guessed_at(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(upcasts.VERSIONS, "deadline.closed", 3)
    record(old, development(SET, {**CLOSED, "set": {"status": "met"}}), ME)
    monkeypatch.undo()
    upcasts.decode.cache_clear()
    with reading(old) as connection:
        newest = log.after(connection, 0, log.ENDLESS, 99)[-1]
    with pytest.raises(
        Refused, match="version 3, and this release knows version 2: it was written by a newer one"
    ):
        _ = newest.event


@pytest.fixture
def told_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if what is told had come to a second version, in which every title ends in a stop."""
    monkeypatch.setitem(upcasts.VERSIONS, "told", 2)
    monkeypatch.setitem(upcasts.UPCASTS, ("told", 1), lambda told: told | {"title": told["title"] + "."})
    upcasts.decode.cache_clear()
    yield
    upcasts.decode.cache_clear()


def test_what_is_told_has_versions_too(old: Engine, told_again: None) -> None:
    record(old, development(SET), ME)
    with reading(old) as connection:
        stored = log.after(connection, 0, log.ENDLESS, 99)
    assert [event.told.title for event in stored] == [*["What was told."] * 4, "What was told"]
    assert msgspec.json.decode(stored[-1].body)["schemas"] == {"told": 2}


class TestImporting:
    """Commands that an earlier release wrote, or a program that knows version 1."""

    def take(self, engine: Engine, *events: dict[str, Any], **line: Any) -> None:
        command = {"key": "old", "development": {**TOLD, "events": [REGISTERED, SET, *events]}, **line}
        load(engine, read_lines(BytesIO(msgspec.json.encode(command))), Terms("me", NOW))

    def test_a_file_from_before_versions_were_stated_is_read(self, engine: Engine) -> None:
        self.take(engine, CLOSED)
        assert deadline(engine, 3)["status"] == "closed"
        self.take(engine, CLOSED)
        with reading(engine) as connection:
            assert log.position(connection) == 3

    def test_a_line_may_state_the_version_it_is_written_in(self, engine: Engine) -> None:
        self.take(engine, CLOSED, schemas={"deadline.closed": 1})
        assert deadline(engine, 3)["status"] == "closed"

    @pytest.mark.parametrize(
        ("version", "said"),
        [
            (2, "/development/events/2/set/status: is missing"),
            (0, "deadline.closed has no version 0: versions count from 1"),
            (3, "deadline.closed is there in version 3, and this release knows version 2"),
        ],
    )
    def test_a_line_that_states_another_version_is_held_to_it(
        self, engine: Engine, version: int, said: str
    ) -> None:
        with pytest.raises(Rejected) as raised:
            self.take(engine, CLOSED, schemas={"deadline.closed": version})
        assert said in raised.value.errors[0]

    def test_what_fits_no_version_is_refused_in_todays_words(self, engine: Engine) -> None:
        for event in (
            {**CLOSED, "set": {"status": "over"}},
            {**CLOSED, "set": 7},
            {**CLOSED, "set": {"due": 7}},
        ):
            with pytest.raises(Rejected) as raised:
                self.take(engine, event)
            assert raised.value.errors[0].startswith("line 1: /development/events/2/set")


def test_a_command_of_today_says_how_a_deadline_ended() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `status`"):
        development(CLOSED)
