"""Random days on a real database, by the whole way from the log to what was frozen: things are logged and repaired,
clocks are moved, schedulers stop, come late or come twice, and readers change their zone. What must hold in the end is
in ``laws``."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
from delivery.laws import Audit
from domain.histories import Step, developments
from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)
from projections.world import Played, World
from sqlalchemy import func, select

from tracker.delivery import dispatch, editions, enrolment, subscriptions
from tracker.delivery.schedule import WEEKDAYS
from tracker.delivery.subscriptions import Subscription, Wanted, checked
from tracker.domain.edition import Mark
from tracker.domain.errors import Refused
from tracker.record import By, Correct, record
from tracker.store.engine import reading, writing

FIRST = datetime(2025, 1, 6, 15, tzinfo=UTC)
CODES = ("GB", "MX", "CN", "EU")
ZONES = ("America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Nuuk", "UTC")
SECTORS = ("Energy", "Materials")
WANTED = (
    Wanted(partners=["GB"]),
    Wanted(partners=["MX", "CN"]),
    Wanted(),
    Wanted(partners=["GB"], zone="Asia/Tokyo", hour=3),
    Wanted(partners=["GB"]),
    Wanted(sectors=["Energy"]),
    Wanted(partners=["EU"], weekdays=["tue", "fri"]),
    Wanted(topics=["agreements", "talks"]),
    Wanted(partners=["GB", "MX"], at_once=True),
    Wanted(at_once=True),
)


def opening() -> Iterator[Step]:
    for code in CODES:
        about = {"type": "partner.registered", "subject": f"partner:{code}", "about": {"name": code}}
        yield Step("log", {"title": code, "announced": "2025-01-01", "events": [about]})
    profile = {"type": "partner.profiled", "subject": "partner:MX", "set": {"sectors": ["Energy"]}}
    yield Step("log", {"title": "Profile", "announced": "2025-01-01", "events": [profile]})


class Days(RuleBasedStateMachine):
    """Days on which anything may happen. ``done``: how often what was done, over all runs."""

    world: ClassVar[World]
    done: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.world.empty()
        self.played = Played(self.world.engine)
        self.now = FIRST
        self.began: dict[str, Mark] = {}
        self.late: tuple[list[Subscription], list[Subscription], Mark] | None = None
        self.hurried = False

    @initialize(told=st.lists(developments(), max_size=6))
    def some_subscribe(self, told: list[dict[str, Any]]) -> None:
        for step in opening():
            self._take(step)
        self.opened = len(self.played.developments)
        for one in told:
            self._take(Step("log", one))
        for wanted in WANTED:
            self._subscribe(wanted)
        self.done["runs"] += 1

    # ------------------------------------------------------------ recording

    @rule(told=developments())
    def log(self, told: dict[str, Any]) -> None:
        """Announced at any time, and to apply from any time, before or to come."""
        self._take(Step("log", told))

    @rule(told=st.lists(developments(), min_size=2, max_size=3), minutes=st.sampled_from([0, 1, 12]))
    def log_several(self, told: list[dict[str, Any]], minutes: int) -> None:
        for one in told:
            self._take(Step("log", one))
            self.now += timedelta(minutes=minutes)

    @precondition(lambda self: len(self.played.developments) > self.opened)
    @rule(told=developments(), which=st.integers(0, 99), editorial=st.booleans())
    def correct(self, told: dict[str, Any], which: int, editorial: bool) -> None:
        self._take(Step("correct", told, self._which(which)), editorial)

    @precondition(lambda self: len(self.played.developments) > self.opened)
    @rule(which=st.integers(0, 99))
    def withdraw(self, which: int) -> None:
        self._take(Step("withdraw", {}, self._which(which)))

    @rule(code=st.sampled_from(CODES), sectors=st.lists(st.sampled_from(SECTORS), unique=True))
    def profile(self, code: str, sectors: list[str]) -> None:
        event = {"type": "partner.profiled", "subject": f"partner:{code}", "set": {"sectors": sectors}}
        self._take(
            Step("log", {"title": "Profile", "announced": self.now.date().isoformat(), "events": [event]})
        )

    @rule(code=st.sampled_from(CODES))
    def look_for_news(self, code: str) -> None:
        through = self.now.date().isoformat()
        event = {"type": "partner.checked", "subject": f"partner:{code}", "through": through}
        self._take(Step("log", {"title": "Checked", "announced": through, "events": [event]}))

    # ------------------------------------------------------------ time

    @rule(minutes=st.sampled_from([1, 9, 11, 300]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def a_day_goes_by(self) -> None:
        """On which somebody cuts every hour or so."""
        for hours in (1, 6, 1, 9, 7):
            dispatch.cut_due(self.world.engine, self.now)
            self.now += timedelta(hours=hours)

    @rule()
    def stop_for_three_days(self) -> None:
        self.now += timedelta(days=3)
        self.done["days on which nobody cut"] += 3

    @rule()
    def put_the_clock_back(self) -> None:
        self.now -= timedelta(hours=1)
        self.done["clocks put back an hour"] += 1

    @precondition(lambda self: not self.hurried)
    @rule()
    def put_the_clock_on(self) -> None:
        """And back, after a day."""
        self.now += timedelta(days=7)
        self.hurried = True
        self.done["clocks put on a week"] += 1

    @precondition(lambda self: self.hurried)
    @rule()
    def put_it_back(self) -> None:
        self.now -= timedelta(days=6)
        self.hurried = False

    # ------------------------------------------------------------ cutting

    @rule()
    def cut(self) -> None:
        dispatch.cut_due(self.world.engine, self.now)

    @rule(which=st.integers(0, 99))
    def cut_for_one_and_stop(self, which: int) -> None:
        with reading(self.world.engine) as connection:
            due = subscriptions.due(connection, self.now)
        if due:
            dispatch.cut_one(self.world.engine, due[which % len(due)], self.now)

    @rule()
    def look_and_fall_asleep(self) -> None:
        """A scheduler that has seen what is due, and is held up."""
        with reading(self.world.engine) as connection:
            end = Mark(as_of=self.now, position=editions.settled_position(connection, self.now))
            due = subscriptions.due(connection, self.now)
            self.late = due, subscriptions.behind(connection, end.position, self.now), end

    @precondition(lambda self: self.late)
    @rule()
    def wake_up_and_cut(self) -> None:
        """It goes on with what it saw, and what its clock said."""
        assert self.late is not None
        due, behind, end = self.late
        self.late = None
        found = [dispatch.cut_one(self.world.engine, one, end.as_of) for one in due]
        for one in behind:
            found += dispatch.cut_at_once(self.world.engine, [one], end) or [None]
        for cut in found:
            self.done["held up, and too late" if cut is None else "held up, and still first"] += 1

    # ------------------------------------------------------------ readers

    @rule(
        which=st.integers(0, 99), zone=st.sampled_from(ZONES), hour=st.integers(0, 23),
        weekdays=st.sampled_from([WEEKDAYS, WEEKDAYS, ["mon", "thu"]]),
        at_once=st.sampled_from([None, None, True, False]),
    )  # fmt: skip
    def change_zone_and_hour(
        self, which: int, zone: str, hour: int, weekdays: Sequence[str], at_once: bool | None
    ) -> None:
        """Or from once a day to at once, and back."""
        with writing(self.world.engine) as connection:
            seen = subscriptions.get(connection, self._reader(which))
            wanted = Wanted(
                partners=seen.scope.partners, sectors=seen.scope.sectors, topics=seen.scope.topics, zone=zone,
                hour=hour, weekdays=weekdays, at_once=seen.at_once if at_once is None else at_once,
            )  # fmt: skip
            subscriptions.change(connection, seen.id, wanted, self.now)
        self.done["changes of zone and hour"] += 1

    @rule(which=st.integers(0, 99), other=st.integers(0, 99))
    def follow_others(self, which: int, other: int) -> None:
        """Another scope from now on."""
        with writing(self.world.engine) as connection:
            wanted = checked(connection, replace(WANTED[other % len(WANTED)], sectors=()))
            subscriptions.change(connection, self._reader(which), wanted, self.now)

    @precondition(lambda self: len(self.began) < len(WANTED) + 3)
    @rule(which=st.integers(0, 99))
    def subscribe(self, which: int) -> None:
        self._subscribe(WANTED[which % len(WANTED)])

    @rule(which=st.integers(0, 99))
    def unsubscribe(self, which: int) -> None:
        with writing(self.world.engine) as connection:
            if subscriptions.get(connection, self._reader(which)).active:
                enrolment.stop(connection, self._reader(which))

    def teardown(self) -> None:
        """Two more days, so that what was held is told as well."""
        for _ in range(2):
            self.now += timedelta(days=1)
            dispatch.cut_due(self.world.engine, self.now)
        with reading(self.world.engine) as connection:
            audit = Audit(connection, self.began)
            audit.hold(self.now)
            self.done.update(counted(audit))

    # ------------------------------------------------------------ how

    def _take(self, step: Step, editorial: bool = False) -> None:
        """Record a step; one that is refused is left out."""
        order = self.played.order(step)
        if isinstance(order, Correct) and editorial:
            order = replace(order, command=msgspec.structs.replace(order.command, editorial=True))
        try:
            recorded = record(self.world.engine, order, By("me", self.now))
        except Refused:
            return
        self.played.note(step, order, recorded.events)

    def _which(self, number: int) -> int:
        return self.opened + number % (len(self.played.developments) - self.opened)

    def _reader(self, number: int) -> str:
        return list(self.began)[number % len(self.began)]

    def _subscribe(self, wanted: Wanted) -> None:
        with writing(self.world.engine) as connection:
            try:
                found = checked(connection, wanted)
            except Refused:  # no profile names the sector any more
                return
            made = subscriptions.add(
                connection, channel="email", address=f"reader-{len(self.began)}@example.org", wanted=found,
                now=self.now, by="operator", confirmed=True,
            )  # fmt: skip
            self.began[made.id] = made.told


def counted(audit: Audit) -> Counter[str]:
    found = Counter({"events": audit.end})
    for held in audit.editions.values():
        for each in held:
            found["editions cut"] += 1
            found["editions in which nothing changed"] += each.edition.empty
            for part, entry in each.entries():
                found[f"entries: {NAMES[part]}"] += not entry.quiet
    repeated = select(func.count()).select_from(editions.editions)
    found["different editions"] = audit.connection.scalar(repeated) or 0
    return found


NAMES = {"new": "new", "late": "added late", "corrected": "corrected", "withdrawn": "withdrawn"}


def machine(world: World, seeded_by: str = "") -> type[Days]:
    made = type("Days", (Days,), {"world": world, "done": Counter()})
    return seeded(int(seeded_by, 16))(made) if seeded_by else made


LOUD = settings(
    deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=True
)
