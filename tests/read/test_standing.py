"""What holds at a point is read without what lies long before it, and is the same as if all had been read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from domain.histories import Step, histories
from hypothesis import HealthCheck, given, settings
from projections.world import TICK, Played, World
from sqlalchemy import Connection

from tracker.domain.history import History
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections import segments
from tracker.read.partners import history, standing
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
        assert seen.changes(instant, FOREVER) == whole.changes(instant, FOREVER), where
        assert seen.items(instant) == whole.items(instant), where
        assert seen.blocs(instant) == whole.blocs(instant), where
        assert seen.abouts == whole.abouts, where


@pytest.mark.parametrize("behind", [1, 2])
@settings(search, max_examples=6)
@given(steps=histories(most=7))
def test_what_holds_at_a_point_is_the_same_read_in_part_or_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, behind: int, steps: list[Step]
) -> None:
    monkeypatch.setattr(segments, "BEHIND", behind)
    played = world.play(steps)
    with reading(world.engine) as connection:
        for known in {played.last, played.last // 2, 1}:
            for code in CODES:
                assert_the_same(connection, code, known)


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
    assert len(seen.rows(item.key)) == len(said) > segments.BEHIND
