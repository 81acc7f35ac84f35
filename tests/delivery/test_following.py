"""Editions worked out from the database: whoever reads them all knows what is known, and is told everything once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from domain.following import Follower, Reader, known
from domain.histories import Step, histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projections.world import World
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.delivery import editions, render
from tracker.domain.edition import Edition, Mark, Scope, headline
from tracker.domain.telling import Frame
from tracker.domain.when import BEGINNING
from tracker.store import log
from tracker.store.engine import reading

NOW = datetime(2026, 11, 22, tzinfo=UTC)
REGISTERED = [
    Step("log", {"title": code, "announced": "2025-01-01", "events": [
        {"type": "partner.registered", "subject": f"partner:{code}", "about": {"name": code}}
    ]})
    for code in ("GB", "MX", "CN", "EU")
]  # fmt: skip
PARTNERS = ("CN", "GB", "DE", "EU", "CA")


def edition(connection: Connection, since: Mark, until: Mark, *partners: str) -> Edition:
    scope = Scope(partners=list(partners))
    frame = Frame(scope=scope, day="2025-09-01", zone="America/New_York", since=since, until=until)
    return editions.worked_out(connection, frame)


@pytest.fixture(scope="module")
def record(real_history: Engine) -> Iterator[Connection]:
    """The founding history."""
    with reading(real_history) as connection:
        yield connection


def test_who_read_every_edition_of_2025_knows_the_real_history(record: Connection) -> None:
    weeks = [datetime(2025, 1, 1, 13, tzinfo=UTC) + timedelta(days=6 * n) for n in range(42)]
    marks = [Mark(as_of=BEGINNING, position=0)]
    marks += [Mark(as_of=at, position=log.known_at(record, at)) for at in weeks]
    followers = {code: Follower() for code in PARTNERS}
    readers = {code: Reader() for code in PARTNERS}
    told: list[int] = []
    for since, until in pairwise(marks):
        found = edition(record, since, until, *PARTNERS)
        told += [position for entry in found.told for position in entry.positions]
        for code, follower in followers.items():
            follower.read(found, code)
            readers[code].read(found, code)
            as_it_is = known(read.history(record, code, until.position), until.as_of)
            assert readers[code].held == as_it_is, (code, until)
    assert len(told) == len(set(told))
    for code, follower in followers.items():
        seen = read.history(record, code, log.position(record))
        for at in weeks:
            assert follower.at(at) == known(seen, at), (code, at)


def told_text(record: Connection, day: str, *partners: str) -> tuple[str, str]:
    found = editions.preview(
        record, Scope(partners=list(partners)), now=NOW, zone="America/New_York", day=day
    )
    return headline(found), " ".join(render.text(found).split())


def test_the_morning_of_10_april_2025(record: Connection) -> None:
    """Half a day after the pause, told to somebody who follows China and Japan."""
    said, text = told_text(record, "2025-04-10", "CN", "JP")
    assert said == "3 changes of state (CN, JP)"
    for sentence in (
        "China: Tariff on all American goods: 84%",
        "Country rates paused for 90 days, except for China",
        "Japan: Reciprocal tariff, country rates: paused (was in force)",
        "from 10 April 2025, 00:01 until 9 July 2025, 00:01 New York time",
        "China: Reciprocal tariff, country rates: 125% (was 84%) since 10 April 2025, 00:01 New York time",
    ):
        assert sentence in text


def test_the_morning_of_3_february_2025(record: Connection) -> None:
    """Paused before it applied: the day on which it was to begin brings nothing."""
    _, text = told_text(record, "2025-02-01", "MX")
    assert text.count("Fentanyl and border tariff on Mexico: 25%") == 2
    assert "COMING UP * 25% on Mexican goods from 4 February 2025, 00:01 New York time · announced 1" in text
    _, text = told_text(record, "2025-02-03", "MX")
    assert "announced 3 February 2025 · until 4 March 2025, 00:01 New York time" in text
    assert "Fentanyl and border tariff on Mexico: paused (was announced)" in text
    assert "stays in force [was to be ended, revoked from 4 February 2025, 00:01 New York time]" in text
    assert told_text(record, "2025-02-05", "MX")[0] == "nothing changed"
    _, text = told_text(record, "2025-03-04", "MX")
    assert "TOOK EFFECT * Tariffs on Canada and Mexico put off for 30 days from 4 March 2025, 00:01" in text
    assert "in force (was paused)" in text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('editions') / 'tracker.db'}")
    yield world
    world.engine.dispose()


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(histories(most=6), st.lists(st.integers(0, 10), min_size=1, max_size=2))
def test_the_database_hands_over_what_concerns_a_partner(world: World, steps: list, cuts: list[int]) -> None:  # type: ignore[type-arg]
    """Random histories: the same law as for editions made in memory."""
    played = world.play([*REGISTERED, *(replace(step, which=step.which + len(REGISTERED)) for step in steps)])
    with reading(played.engine) as connection:
        end = log.position(connection)
        whole = {event.commit: event.position for event in log.after(connection, 0, end, end)}
        ends = sorted(
            {0, end, *(last for first, last in whole.items() if {*range(first, last + 1)} & {*cuts})}
        )
        start = datetime(2025, 1, 2, 5, tzinfo=UTC)
        marks = [Mark(as_of=start + timedelta(days=3 * n), position=at) for n, at in enumerate(ends)]
        names = list(read.names(connection, end))
        assert set(names) == {"GB", "MX", "CN", "EU"}
        for code in names:
            follower, reader = Follower(), Reader()
            for since, until in pairwise([Mark(as_of=BEGINNING, position=0), *marks]):
                found = edition(connection, since, until, code)
                follower.read(found, code)
                reader.read(found, code)
                as_it_is = known(read.history(connection, code, until.position), until.as_of)
                assert reader.held == as_it_is
            seen = read.history(connection, code, end)
            for days in range(14):
                at = start + timedelta(days=days, minutes=7)
                assert follower.at(at) == known(seen, at)
