"""Many orders recorded in one transaction, held in memory between two writes, are kept as one by one."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from domain.given import NOW
from domain.histories import Step, sample
from projections.world import Played, World
from sqlalchemy import text

from tracker.domain.errors import Refused
from tracker.drift import drift
from tracker.projections import segments, table
from tracker.rebuilding import rebuild
from tracker.record import By, Recording
from tracker.store import log
from tracker.store.engine import reading, writing


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.engine.dispose()


def together(world: World, steps: list[Step], random: Random) -> Played:
    """Record a history in one transaction; some subjects are foreseen, and now and then it is written."""
    world.empty()
    played = Played(world.engine)
    with writing(world.engine) as connection:
        recording = Recording(connection)
        for step in steps:
            order = played.order(step)
            if random.random() < 0.3:
                recording.foresee([(None, order)])
            with suppress(Refused):  # it says what the record says already
                played.note(step, order, recording.carry_out(order, By("me", NOW)))
            if random.random() < 0.2:
                recording.write()
        recording.write()
    return played


def kept(world: World, played: Played) -> list[Any]:
    """All that the database holds, with developments by their number instead of their id."""
    with reading(world.engine) as connection:
        events = [
            [event.position, event.subject, event.version, event.type, event.commit, event.told, event.body]
            for event in log.after(connection, 0, log.ENDLESS, 10_000)
        ]
        spans = [
            (*row[:-1], table.dumped(row.segment.state))
            for row in segments.ever_known(connection, None, log.ENDLESS)
        ]
        others = [
            sorted(map(repr, connection.execute(text(f"SELECT {columns} FROM {table}"))))
            for columns, table in [
                ("*", "turns"), ("key, version", "subjects"), ("first, last, recorded_at", "commits"),
                ("subject, partner, target, scope, basis, aspect", "lanes"),
            ]
        ]  # fmt: skip
        list(log.verify(connection))
        assert list(drift(connection)) == []
    numbers = {id: f"development {i}" for i, id in enumerate(played.developments)}
    for event in events:
        for id, number in numbers.items():
            event[-1] = event[-1].replace(id, number)
    return [events, sorted(map(repr, spans)), *others]


def test_together_is_as_one_by_one(world: World) -> None:
    random = Random(7)
    for steps in sample(25):
        one_by_one = world.play(steps)
        wanted = kept(world, one_by_one)
        played = together(world, steps, random)
        assert kept(world, played) == wanted
        assert len(played.developments) == len(one_by_one.developments)
        list(rebuild(world.engine))
        assert kept(world, played) == wanted
