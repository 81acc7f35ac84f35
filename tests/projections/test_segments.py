"""The bitemporal table against an independent oracle: random histories, at every known position and every edge."""

from collections.abc import Iterator
from typing import Any

import pytest
from domain.histories import DEAL, LAW, PAIR, Step, X, Y, histories, opening, put_in_late, shuffled, traits
from hypothesis import HealthCheck, event, given, settings
from projections.world import (
    Played,
    World,
    assert_as_from_scratch,
    assert_past_answers_stand,
    assert_true_everywhere,
)

from tracker.projections import segments
from tracker.store.engine import reading

search = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('segments') / 'tracker.db'}")
    yield world
    world.engine.dispose()


@pytest.fixture
def either(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.engine.dispose()


def assert_sound(world: World, steps: list[Step]) -> None:
    played = world.play(steps)
    assert_true_everywhere(played)
    assert_as_from_scratch(played)
    assert_past_answers_stand(played)


@settings(search, max_examples=70)
@given(steps=histories())
def test_the_segments_say_what_the_oracle_says_whatever_is_recorded(world: World, steps: list[Step]) -> None:
    for trait in sorted(traits(steps)):
        event(trait)
    assert_sound(world, steps)


@settings(search, max_examples=40)
@given(steps=put_in_late())
def test_what_comes_late_is_folded_as_from_scratch(world: World, steps: list[Step]) -> None:
    assert_sound(world, steps)


@settings(search, max_examples=12)
@given(steps=histories(most=6))
def test_both_databases_hold_the_same_truth(either: World, steps: list[Step]) -> None:
    assert_sound(either, steps)


@settings(search, max_examples=25)
@given(drawn=shuffled())
def test_any_order_of_recording_ends_in_the_same_present(
    world: World, drawn: tuple[list[Step], list[int]]
) -> None:
    assert_order_is_nothing(world, drawn)


@pytest.mark.campaign
@settings(search, max_examples=4000)
@given(steps=put_in_late(most=16))
def test_what_comes_late_is_folded_as_from_scratch_in_a_long_search(world: World, steps: list[Step]) -> None:
    assert_sound(world, steps)


@pytest.mark.campaign
@settings(search, max_examples=4000)
@given(steps=histories(most=14))
def test_the_segments_say_what_the_oracle_says_in_a_long_search(world: World, steps: list[Step]) -> None:
    assert_sound(world, steps)


@pytest.mark.campaign
@settings(search, max_examples=1500)
@given(drawn=shuffled())
def test_any_order_of_recording_ends_in_the_same_present_in_a_long_search(
    world: World, drawn: tuple[list[Step], list[int]]
) -> None:
    assert_order_is_nothing(world, drawn)


def assert_order_is_nothing(world: World, drawn: tuple[list[Step], list[int]]) -> None:
    steps, other = drawn
    one = present(world, steps, list(range(len(steps))))
    assert one == present(world, steps, other)


FIRST = [
    opening({"type": type, "subject": subject}, "first")
    for subject, type in (
        (X, "measure.amended"), (Y, "measure.amended"), (LAW, "ruling.issued"),
        (DEAL, "agreement.amended"), (PAIR, "agreement.amended"),
    )
]  # fmt: skip


def present(world: World, steps: list[Step], order: list[int]) -> dict[Any, Any]:
    """What is believed in the end; events are named by their place in ``steps`` instead of by position."""
    world.empty()
    played = Played(world.engine)
    played.take(Step("log", {"title": "first", "announced": "2024", "events": FIRST}))
    names = {position: ("first", position) for position in range(played.last + 1)}
    for number in order:
        recorded = played.take(steps[number])
        assert recorded
        names |= {stored.position: (number, i) for i, stored in enumerate(recorded.events)}
    with reading(world.engine) as connection:
        rows = segments.known(connection, None, played.last)
    return {
        (row.subject, row.lane, row.segment.start, row.segment.end): {
            name: [layer._replace(position=names[layer.position]) for layer in layers]
            for name, layers in row.segment.state.items()
        }
        for row in rows
    }
