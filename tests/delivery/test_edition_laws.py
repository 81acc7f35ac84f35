"""The laws of editions, by the whole way from the log to what was frozen: random histories, recorded over days, cut
at their hours for several subscriptions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from domain.following import Follower, known
from domain.histories import Step, histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projections.world import Played, World
from sqlalchemy import select

from tracker import read
from tracker.delivery import dispatch, editions, subscriptions
from tracker.delivery.editions import Frozen, cuts
from tracker.delivery.subscriptions import Wanted
from tracker.domain.edition import Edition, Entry
from tracker.domain.errors import Refused
from tracker.domain.history import restated
from tracker.domain.when import BEGINNING, FOREVER
from tracker.record import By, Correct, record
from tracker.store import log
from tracker.store.engine import reading, writing

FIRST = datetime(2025, 1, 6, 15, tzinfo=UTC)
CODES = ("GB", "MX", "CN", "EU")
READER = "reader@example.org"
WANTED = (
    (READER, Wanted(partners=["GB"])),
    (READER, Wanted(partners=["MX", "CN"])),
    (READER, Wanted()),
    (READER, Wanted(partners=["GB"], zone="Asia/Tokyo", hour=3)),
    ("twin@example.org", Wanted(partners=["GB"])),
)
REGISTERED = [
    Step("log", {"title": code, "announced": "2025-01-01", "events": [
        {"type": "partner.registered", "subject": f"partner:{code}", "about": {"name": code}}
    ]})
    for code in CODES
]  # fmt: skip
search = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)


@dataclass(frozen=True)
class Told:
    """A history as it was recorded and told: per subscription its editions, oldest first."""

    played: Played
    start: int
    editions: dict[str, list[Frozen]]
    scopes: dict[str, Sequence[str]]


def told(world: World, steps: Sequence[Step], minutes: Sequence[int], editorial: Sequence[bool]) -> Told:
    """Record a history with pauses between its steps, and cut what is due after each."""
    world.empty()
    played = Played(world.engine)
    now = FIRST
    for step in REGISTERED:
        taken(played, step, now, editorial=False)
    with writing(world.engine) as connection:
        made = [
            subscriptions.add(
                connection,
                channel="email",
                address=address,
                wanted=wanted,
                now=now,
                by="operator",
                confirmed=True,
            )
            for address, wanted in WANTED
        ]
    with reading(world.engine) as connection:
        start = log.position(connection)
    for step, pause, quiet in zip(steps, minutes, editorial, strict=False):
        now += timedelta(minutes=pause)
        dispatch.cut_due(world.engine, now)
        taken(played, replace(step, which=step.which + len(REGISTERED)), now, editorial=quiet)
    for _ in range(2):
        now += timedelta(days=1)
        dispatch.cut_due(world.engine, now)
    with reading(world.engine) as connection:
        held = {
            one.id: [
                editions.get(connection, id)
                for id in connection.scalars(
                    select(cuts.c.edition).where(cuts.c.subscription == one.id).order_by(cuts.c.id)
                )
            ]
            for one in made
        }
    return Told(played, start, held, {one.id: one.scope.partners or CODES for one in made})


def taken(played: Played, step: Step, now: datetime, *, editorial: bool) -> None:
    """Record a step; one that is refused, or that repairs what was refused, is left out."""
    if step.kind != "log" and step.which >= len(played.developments):
        return
    order = played.order(step)
    if isinstance(order, Correct) and editorial:
        order = Correct(order.development, msgspec.structs.replace(order.command, editorial=True))
    try:
        recorded = record(played.engine, order, By("me", now))
    except Refused:
        return
    played.note(step, order, recorded.events)


def parts(edition: Edition) -> list[Entry]:
    """What knowledge brought, also what is there for programs alone."""
    return [*edition.new, *edition.late, *edition.corrected, *edition.withdrawn]


def assert_the_laws(found: Told) -> None:
    with reading(found.played.engine) as connection:
        end = log.position(connection)
        events = {event.position: event for event in log.after(connection, 0, end, limit=end)}
        histories = {code: {0: read.history(connection, code, 0)} for code in CODES}
        for code in CODES:
            for commit in {event.commit for event in events.values()}:
                for at in (commit - 1, log.commit_end(connection, commit)):
                    histories[code][at] = read.history(connection, code, at)
        now = {code: read.history(connection, code, end) for code in CODES}
        ends = {commit: log.commit_end(connection, commit) for commit in {e.commit for e in events.values()}}
    for id, held in found.editions.items():
        seen = [frozen.edition for frozen in held]
        for before, after in pairwise(seen):  # windows leave nothing out and nothing twice
            assert before.until == after.since
        counted: dict[int, int] = {}
        followers = {code: Follower() for code in found.scopes[id]}
        for edition in seen:
            for entry in parts(edition):
                assert set(entry.partners) <= set(found.scopes[id])
                assert entry.quiet or entry.partners or edition.scope.everybody
                for position in entry.positions:
                    assert edition.since.position < position <= edition.until.position
                    counted[position] = counted.get(position, 0) + 1
                    assert events[position].recorded_at <= edition.until.as_of - editions.HOLD
            for code, follower in followers.items():
                follower.read(edition, code)
        assert all(times == 1 for times in counted.values())
        for commit, last in ends.items():
            if commit <= found.start:
                continue
            moved = any(
                restated(histories[code][commit - 1], histories[code][last], BEGINNING, FOREVER)
                for code in found.scopes[id]
            )
            assert not moved or all(position in counted for position in range(commit, last + 1)), (
                commit,
                last,
            )
        for days in range(12):
            at = datetime(2025, 1, 2, 5, 7, tzinfo=UTC) + timedelta(days=days)
            for code, follower in followers.items():
                assert follower.at(at) == known(now[code], at), (code, at)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(f"sqlite:///{tmp_path_factory.mktemp('laws') / 'tracker.db'}")


pauses = st.lists(st.sampled_from([1, 9, 11, 300, 1440, 4000]), min_size=8, max_size=8)
flags = st.lists(st.booleans(), min_size=8, max_size=8)


@settings(search, max_examples=10)
@given(histories(most=6), pauses, flags)
def test_everything_is_told_once_and_nothing_else(
    world: World, steps: list[Step], minutes: list[int], editorial: list[bool]
) -> None:
    assert_the_laws(told(world, steps, minutes, editorial))


@pytest.mark.campaign
@settings(search, max_examples=600)
@given(histories(most=8), pauses, flags)
def test_everything_is_told_once_and_nothing_else_at_length(
    world: World, steps: list[Step], minutes: list[int], editorial: list[bool]
) -> None:
    assert_the_laws(told(world, steps, minutes, editorial))
