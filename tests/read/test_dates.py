"""Dates as a subscriber sees them, who looks after everything that is recorded: none vanishes, each keeps its name, and
its sequence rises when, and only when, it moves, is called off or is set again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from domain.histories import Step, histories
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from projections.world import Played, World

from tracker.domain.strands import END, effective, named
from tracker.domain.views import ChangeView, change_view
from tracker.domain.when import BEGINNING
from tracker.read import Point, deadlines
from tracker.read.dates import DateView, dates
from tracker.read.partners import history
from tracker.store import log
from tracker.store.engine import reading

CODES = ["GB", "MX", "EU", "CN"]
SOON = datetime(2025, 2, 15, tzinfo=UTC)
"""Late enough that all of a history has happened, early enough that none of it is gone."""
search = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
Name = tuple[Any, ...]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path / 'tracker.db'}")
    yield world
    world.engine.dispose()


def polls(played: Played, codes: list[str]) -> Iterator[tuple[Point, dict[Name, DateView]]]:
    """What a subscriber sees after each commit."""
    with reading(played.engine) as connection:
        for commit in played.commits:
            at = Point(SOON, commit.positions[-1][0], SOON, "America/New_York")
            seen = dates(connection, codes, at)
            named = {(*one.group, one.first, one.twin): one for one in seen}
            assert len(named) == len(seen)
            yield at, named


JOINING = Step(
    "log",
    {
        "title": "What happened", "announced": "2025-01-01",
        "events": [
            {"type": "talks.held", "subject": "partner:GB"},
            {"type": "bloc.joined", "subject": "partner:GB", "bloc": "EU", "from": "2025-01-03"},
        ],
    },
)  # fmt: skip
"""Whoever joins a bloc joins it once, whatever else is said of it."""


def assert_nothing_is_lost(played: Played, codes: list[str]) -> None:
    before: dict[Name, DateView] = {}
    for at, now in polls(played, codes):
        assert before.keys() <= now.keys(), at
        for name, one in now.items():
            was = before.get(name)
            if was is None:
                assert (one.stands, one.sequence) == (True, 0), (at, name)
            else:
                moved = (one.days, one.stands) != (was.days, was.stands)
                assert one.sequence == was.sequence + moved, (at, name, was, one)
                assert len(one.moved) == len(was.moved) + (one.days != was.days), (at, name)
        before = now


@settings(search, max_examples=8)
@example(steps=[JOINING])
@given(steps=histories(most=8))
def test_no_date_is_lost_and_each_move_is_counted(world: World, steps: list[Step]) -> None:
    played = world.play(steps)
    assert_nothing_is_lost(played, CODES)
    assert_nothing_is_lost(played, ["MX"])


@settings(search, max_examples=8)
@given(steps=histories(most=7))
def test_the_dates_that_stand_are_those_that_the_whole_record_holds(world: World, steps: list[Step]) -> None:
    played = world.play(steps)
    with reading(played.engine) as connection:
        told = {event.position: event.told for page in log.pages(connection) for event in page}
        for at, shown_then in polls(played, CODES):
            found: list[tuple[str, str, tuple[Any, ...], tuple[Any, ...]]] = []
            for code in CODES:
                seen = history(connection, code, at.known)
                for one in (
                    *named(seen, told.__getitem__),
                    *effective(seen, told.__getitem__, BEGINNING, END),
                ):
                    via = next(iter((*one.change.after.values(), *one.change.before.values()))).via
                    view = change_view(one.change, seen)
                    found.append((code, via, (*one.group, one.place.stated), _says(view)))
            # Whom it reaches through a bloc is told with the bloc, where it is a date of the bloc's, too: who joins it
            # on that day has it alone.
            theirs = {(code, date) for code, _, date, _ in found}
            whole = [
                (code, *date, *says)
                for code, via, date, says in found
                if via == code or (via, date) not in theirs
            ]
            shown = [
                (code, *view.group, view.stated, *_says(change))
                for view in shown_then.values()
                if view.stands
                for code, changes in view.changes.items()
                for change in changes
            ]
            assert sorted(shown, key=str) == sorted(whole, key=str), at


def _says(change: ChangeView) -> tuple[Any, ...]:
    return change.subject, change.aspect, change.scope, str(change.before), str(change.after)


# ---------------------------------------------------------------- deadlines alone, which move most

DUE = ["2025-01-20", "2025-01-25", "2025-01-25T12:00-05:00", "by 2025-01-25", "2025-01", "2025-02"]


@st.composite
def of_a_deadline(draw: st.DrawFn) -> dict[str, Any]:
    """A development about one of two deadlines, announced in any order."""
    day = draw(st.sampled_from(["2025-01-02", "2025-01-05", "2025-01-05", "2025-01-08"]))
    name = draw(st.sampled_from(["a", "a", "b"]))
    event: dict[str, Any] = {"subject": "partner:GB", "deadline": name}
    match draw(st.sampled_from(["set", "moved", "moved", "closed", "cleared"])):
        case "closed":
            status = draw(st.sampled_from(["met", "missed", "cancelled", "cancelled", "closed"]))
            event |= {"type": "deadline.closed", "set": {"status": status}}
        case "cleared":
            event |= {"type": "deadline.moved", "set": {"due": None}}
        case kind:
            event |= {"type": f"deadline.{kind}", "set": {"due": draw(st.sampled_from(DUE))}}
    return {"title": "What happened", "announced": day, "events": [event]}


@st.composite
def of_deadlines(draw: st.DrawFn) -> list[Step]:
    registered = {"type": "partner.registered", "subject": "partner:GB", "about": {"name": "United Kingdom"}}
    steps = [Step("log", {"title": "It begins", "announced": "2025-01-01", "events": [registered]})]
    for _ in range(draw(st.integers(1, 8))):
        logged = sum(step.kind == "log" for step in steps)
        kinds = ["log", "log", "log", "correct", "withdraw"] if logged > 1 else ["log"]
        kind = draw(st.sampled_from(kinds))
        told = {} if kind == "withdraw" else draw(of_a_deadline())
        steps.append(Step(kind, told, draw(st.integers(1, logged - 1)) if kind != "log" else 0))
    return steps


@settings(search, max_examples=10)
@given(steps=of_deadlines())
def test_a_deadline_is_one_date_however_it_moves(world: World, steps: list[Step]) -> None:
    played = world.play(steps)
    assert_nothing_is_lost(played, ["GB"])
    with reading(played.engine) as connection:
        for at, seen in polls(played, ["GB"]):
            assert len({view.group for view in seen.values()}) == len(seen)
            standing = {view.group.key: view for view in seen.values() if view.stands}
            known = {
                one.key: one for one in deadlines(connection, at) if one.due and one.status != "cancelled"
            }
            assert {key: view.stated for key, view in standing.items()} == {
                k: one.due for k, one in known.items()
            }
            assert {key: view.status for key, view in standing.items()} == {
                k: one.status for k, one in known.items()
            }
