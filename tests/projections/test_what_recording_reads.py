"""How much a database does to record one development more: the same, however long the history is that it adds to."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest
from msgspec import structs
from sqlalchemy import Connection, Engine, text

from bench.databases import Database
from bench.history import BEGINS, NOW, STEP, Fact, Shape, instant, story
from bench.subjects.ours import opened, written
from tests.counting import STEPS, work
from tracker.record import By, record_in
from tracker.store.engine import writing

SUBJECTS = 3
SHORT, LONG = 40, 800
"""How many events each has before."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = opened(Database("", database_url, database_url))
    yield engine
    engine.dispose()


def put(connection: Connection, fact: Fact) -> None:
    record_in(connection, fact.development, By("ann", NOW, f"{fact.stream}-{fact.version}"))


def at_the_end(fact: Fact, length: int) -> Fact:
    return fact


def before_the_last_two(fact: Fact, length: int) -> Fact:
    at = instant(BEGINS + SUBJECTS * (length - 2) * STEP - STEP / 2)
    return Fact(fact.stream, fact.version, structs.replace(fact.development, announced=at))


@pytest.mark.parametrize("place", [at_the_end, before_the_last_two])
def test_one_more_is_as_much_work_in_a_long_history_as_in_a_short_one(
    engine: Engine, place: Callable[[Fact, int], Fact]
) -> None:
    shapes = {length: Shape(f"of-{length}", SUBJECTS, 10**6) for length in (SHORT, LONG)}
    history = [fact for length, shape in shapes.items() for fact in islice(story(shape), SUBJECTS * length)]
    history.sort(key=lambda fact: fact.development.announced)
    written(engine, iter(history), 500, len(history))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    taken = {}
    for length, shape in shapes.items():
        more = islice(story(shape), SUBJECTS * length, SUBJECTS * (length + 1))
        with writing(engine) as connection:
            done = [work(connection, partial(put, connection, place(fact, length))) for fact in more]
        taken[length] = sorted(done)[SUBJECTS // 2]
    assert 0 < taken[LONG] <= 1.5 * taken[SHORT] + STEPS, taken
