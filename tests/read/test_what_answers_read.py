"""How much a database does to answer about a partner: the same, however much the record holds about others."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from statistics import mean

import pytest
from sqlalchemy import Connection, Engine, text

from bench.databases import Database
from bench.history import NOW, PARTNERS, Shape, story
from bench.subjects.ours import OPENED, opened, written
from tests.counting import STEPS, work
from tracker import read
from tracker.read import recent
from tracker.store import log
from tracker.store.engine import reading

OWN, SHORT, LONG = 60, 300, 2400
"""How many events the record holds about a partner, and then about others besides."""
PLACES = 5
"""At so many points, spread over the record, a question is put."""
ASK = {"now": NOW, "zone": "America/New_York"}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = opened(Database("", database_url, database_url))
    yield engine
    engine.dispose()


def state_as_known(connection: Connection, known: int) -> object:
    return read.state(connection, "JP", read.point(connection, known_position=known, **ASK))


def state_known_at(connection: Connection, known: int) -> object:
    learnt = log.known_since(connection, known)
    assert learnt is not None
    return read.state(connection, "JP", read.point(connection, known_at=learnt.isoformat(), **ASK))


def timeline(connection: Connection, known: int) -> object:
    return read.timeline(connection, "JP", read.point(connection, known_position=known, **ASK))


def difference(connection: Connection, known: int) -> object:
    first = read.point(connection, known_position=known - 5, **ASK)
    return read.diff(connection, "JP", first, read.point(connection, known_position=known, **ASK))


def negotiation(connection: Connection, known: int) -> object:
    return read.negotiation(connection, "JP", read.point(connection, known_position=known, **ASK))


def newest_of_all(connection: Connection, known: int) -> object:
    return recent.recent(connection, recent.Sought(), known, 0, 5)


def newest_of_the_partner(connection: Connection, known: int) -> object:
    return recent.recent(connection, recent.Sought(partners=["JP"]), known, 0, 5)


def one_story(connection: Connection, known: int) -> object:
    [event] = log.at_positions(connection, [known]).values()
    return read.story(connection, event.development, known)


QUESTIONS = [
    state_as_known, state_known_at, timeline, difference, negotiation, newest_of_all, newest_of_the_partner, one_story,
]  # fmt: skip


def test_an_answer_is_as_much_work_in_a_long_record_as_in_a_short_one(engine: Engine) -> None:
    own = Shape("own", 6, 10, ("JP",))
    others = story(Shape("others", 100, 10, [code for code in PARTNERS if code != "JP"]), since=OWN)
    written(engine, islice(story(own), OWN), 1000, OWN)
    taken: dict[str, list[float]] = {}
    for more in (SHORT, LONG - SHORT):
        written(engine, others, 1000, more)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        for question in QUESTIONS:
            taken.setdefault(question.__name__, []).append(_mean(engine, question))
    grown = {name: (short, long) for name, (short, long) in taken.items() if long > 1.7 * short + 4 * STEPS}
    assert not grown
    assert all(short for short, _ in taken.values()), taken


def _mean(engine: Engine, question: Callable[[Connection, int], object]) -> float:
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            # it would read small tables whole, whether or not an index leads to what is wanted
            connection.execute(text("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"))
        end, first = log.position(connection), OPENED + OWN + 1
        places = [first + (end - first) * n // (PLACES - 1) for n in range(PLACES)]
        return mean(work(connection, partial(question, connection, known)) for known in places)
