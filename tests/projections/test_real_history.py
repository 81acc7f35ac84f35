"""The founding history against the oracle: every state of knowledge on the way from January to August 2025."""

from collections.abc import Iterator

import pytest
from domain import oracle
from projections.world import Played, World, assert_as_from_scratch, assert_true_everywhere
from test_fixtures import COMMANDS

from tracker.record import By, record


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('real') / 'tracker.db'}")
    yield world
    world.engine.dispose()


def test_the_segments_of_the_real_history_say_what_the_oracle_says(world: World) -> None:
    played = Played(world.engine)
    for _, command in COMMANDS:
        made = record(world.engine, command.development, By("me", oracle.NEVER))
        at = [(stored.position, stored.subject) for stored in made.events]
        said = oracle.plain(command.development)
        said["events"] = [oracle.plain(stored.event) for stored in made.events]
        played.commits.append(oracle.Commit("log", made.development, said, at))
    assert_true_everywhere(played)
    assert_as_from_scratch(played)
