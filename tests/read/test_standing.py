"""What holds at a point and what comes next is read without what lies far from it, and is the same as if all had been
read; and as it was when less was on record."""

import inspect
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from domain.histories import Step, histories, sample
from hypothesis import HealthCheck, given, settings
from projections.world import TICK, Played, World
from sqlalchemy import Connection

from tracker.domain import history as history_of
from tracker.domain.history import History, awaits_rate
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections import around
from tracker.read import partners
from tracker.read.partners import coming, history, standing
from tracker.read.point import Point
from tracker.store.engine import reading

CODES = ("GB", "MX", "EU", "CN", "US")
search = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.engine.dispose()


def at(instant: datetime, known: int) -> Point:
    return Point(instant, known, instant, "America/New_York")


def instants(whole: History) -> list[datetime]:
    """Every edge of a history, and a moment to either side."""
    edges = {edge for key in whole.keys for edge in whole.edges(key) if BEGINNING < edge < FOREVER}
    return sorted({near for edge in edges for near in (edge - TICK, edge, edge + TICK)})


def assert_the_same(connection: Connection, code: str, known: int) -> None:
    whole = history(connection, code, known)
    for instant in instants(whole):
        seen = standing(connection, code, at(instant, known))
        where = (code, known, instant)
        ahead = whole.changes(instant, FOREVER)
        near = [change for change in ahead if change.start < seen.horizon]
        assert instant < seen.horizon, where
        assert seen.changes(instant, FOREVER) == near, where
        assert seen.items(instant) == whole.items(instant), where
        assert seen.changes(instant, FOREVER) == [*seen.coming(instant)] == near, where
        for item in whole.items(instant):
            if awaits_rate(item.key, item.facts):
                rate = whole.rate_to_come(item.key, instant)
                assert seen.rate_to_come(item.key, instant) == rate, where
        assert seen.blocs(instant) == whole.blocs(instant), where
        assert seen.abouts == whole.abouts, where
        listed, until = coming(seen, instant)
        assert listed == [change for change in ahead if change.start < until], where
        assert until == seen.horizon or len(listed) >= partners.LISTED, where
        if until < seen.horizon:
            assert until in {change.start for change in ahead}, where
            assert len([c for c in listed if c.start < listed[-1].start]) < partners.LISTED, where


@pytest.mark.parametrize(("behind", "ahead"), [(1, 1), (2, 2)])
@settings(search, max_examples=5)
@given(steps=histories(most=7))
def test_what_holds_at_a_point_is_the_same_read_in_part_or_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, behind: int, ahead: int, steps: list[Step]
) -> None:
    monkeypatch.setattr(around, "BEHIND", behind)
    monkeypatch.setattr(around, "AHEAD", ahead)
    monkeypatch.setattr(partners, "LISTED", 2)
    played = world.play(steps)
    with reading(world.engine) as connection:
        for known in {played.last, played.last // 2, 1}:
            for code in CODES:
                assert_the_same(connection, code, known)


@settings(search, max_examples=6)
@given(steps=histories(most=8))
def test_what_was_answered_is_answered_still_when_more_is_on_record(
    world: World, monkeypatch: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    monkeypatch.setattr(around, "AHEAD", 2)
    monkeypatch.setattr(partners, "LISTED", 2)
    first = len(steps) // 2 or 1
    played = world.play(steps[:first])
    known = played.last
    with reading(world.engine) as connection:
        days = instants(history(connection, "GB", known))
        then = [coming(standing(connection, "GB", at(day, known)), day) for day in days]
    for step in steps[first:]:
        if step.kind == "log":
            played.take(step)
    with reading(world.engine) as connection:
        assert [coming(standing(connection, "GB", at(day, known)), day) for day in days] == then


BROKEN: list[tuple[ModuleType, str, str, str]] = [
    (around, "_gap_after", "[AHEAD - 1]", "[-1]"),
    (around, "_gap_after", "len(ahead) >= AHEAD", "False"),
    (around, "_gap_after", "len(ahead) >= AHEAD", "len(ahead) > AHEAD"),
    (around, "_gap_before", "len(starts) == BEHIND", "False"),
    (around, "around", "min(until, seen.whole_until", "max(until, seen.whole_until"),
    (around, "_around", "union_all(in_the_end, ", "union_all("),
    (around, "_around", "log.events.c.position <= ", "log.events.c.position < "),
    (around, "_around", "ends if ahead else ends.desc()", "ends.desc() if ahead else ends"),
    (around, "_around", "else_=at", "else_=places.c.valid_from"),
    (history_of, "History", "or self._goes_on_after(key, at)", ""),
    (history_of, "History", "bisect_left(edges, whole)]", "bisect_right(edges, whole)]"),
    (history_of, "History", "until = self.horizon - TICK", "until = self.horizon"),
    (history_of, "History", "min(until, self.horizon - TICK)", "until"),
    (partners, "coming", "change.start > found[-1].start", "True"),
    (partners, "coming", "return found, seen.horizon", "return found, after"),
]


@pytest.fixture(scope="module")
def samples() -> list[list[Step]]:
    return sample(60)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('broken') / 'tracker.db'}")
    yield world
    world.engine.dispose()


@pytest.mark.parametrize(
    ("module", "name", "right", "wrong"), BROKEN, ids=[f"{m[1]}: {m[2]} -> {m[3]}" for m in BROKEN]
)
def test_a_broken_copy_is_found_out(
    module: ModuleType, name: str, right: str, wrong: str,
    samples: list[list[Step]], sqlite: World, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(partners, "LISTED", 2)
    original = getattr(module, name)
    source = inspect.getsource(original)
    assert right in source, "the code has moved on: break it elsewhere"
    made: dict[str, Any] = {}
    exec(source.replace(right, wrong), module.__dict__, made)
    for one in (around, history_of, partners, sys.modules[__name__]):
        if getattr(one, name, None) is original:
            monkeypatch.setattr(one, name, made[name])
    assert any(found_out(sqlite, steps, monkeypatch) for steps in samples)


def found_out(world: World, steps: list[Step], monkeypatch: pytest.MonkeyPatch) -> bool:
    played = world.play(steps)
    try:
        with reading(world.engine) as connection:
            for ahead in (1, 2):
                monkeypatch.setattr(around, "AHEAD", ahead)
                monkeypatch.setattr(around, "BEHIND", ahead)
                for known in {played.last, played.last // 2}:
                    for code in ("GB", "EU"):
                        assert_the_same(connection, code, known)
    except AssertionError:
        return True
    return False


def test_since_when_is_told_however_long_ago_it_was(world: World) -> None:
    """A rate said again and again stands since it was first said."""
    days = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days) for days in range(20)]
    said = [
        {
            "title": "said", "announced": f"{day:%Y-%m-%d}", "sequence": 0,
            "events": [
                {
                    "type": "measure.announced", "subject": "measure:us-x",
                    "about": {"title": "X"}, "effects": [{"target": "GB", "set": {"rate": {"percent": 10}}}],
                }
            ],
        }
        for day in days
    ]  # fmt: skip
    played: Played = world.play([Step("log", told) for told in said])
    with reading(world.engine) as connection:
        seen = standing(connection, "GB", at(days[-1] + timedelta(1), played.last))
        [item] = [one for one in seen.items(days[-1] + timedelta(1)) if one.key.aspect == "state"]
    assert item.since == datetime(2025, 1, 1, 5, tzinfo=UTC)
    assert len(seen.rows(item.key)) == len(said) > around.BEHIND


def test_the_rate_of_what_is_announced_is_found_however_late_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(around, "AHEAD", 2)
    said: list[tuple[str, str, dict[str, Any]]] = [
        ("2025-01-01", "announced", {"from": "2025-06-01", "set": {"rate": {"percent": 10}}}),
        ("2025-01-02", "paused", {"from": "2025-02-01", "until": "2025-03-01"}),
        ("2025-01-03", "paused", {"from": "2025-04-01", "until": "2025-05-01"}),
    ]
    steps = [
        Step(
            "log",
            {
                "title": "said", "announced": day, "sequence": 0,
                "events": [
                    {
                        "type": f"measure.{what}", "subject": "measure:us-x", "effects": [{"target": "GB", **effect}],
                        **({"about": {"title": "X"}} if what == "announced" else {}),
                    }
                ],
            },
        )
        for day, what, effect in said
    ]  # fmt: skip
    played = world.play(steps)
    day = datetime(2025, 1, 10, tzinfo=UTC)
    with reading(world.engine) as connection:
        seen = standing(connection, "GB", at(day, played.last))
        [item] = [one for one in seen.items(day) if one.key.aspect == "state"]
        rate = seen.rate_to_come(item.key, day)
    assert rate is not None
    assert rate.start == datetime(2025, 6, 1, 4, tzinfo=UTC)
    assert seen.horizon == datetime(2025, 3, 1, 5, tzinfo=UTC)
