"""The laws of editions hold whatever happens: random days, and what must be true of all that was told on them."""

from collections.abc import Iterator

import pytest
from campaign.report import report, seed, size
from delivery.days import LOUD, machine
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from projections.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('laws') / 'tracker.db'}")
    yield world
    world.engine.dispose()


def test_whatever_happens_everything_is_told_once_and_nothing_else(world: World) -> None:
    run_state_machine_as_test(machine(world), settings=settings(LOUD, max_examples=5, stateful_step_count=12))


@pytest.mark.campaign
def test_whatever_happens_at_length(database_url: str) -> None:
    chosen, world = seed(), World(database_url)
    days = machine(world, chosen)
    long = settings(LOUD, max_examples=size("RUNS", 200), stateful_step_count=40, database=None)
    run_state_machine_as_test(days, settings=long)
    world.engine.dispose()
    report("editions", database_url, chosen, days.done)
