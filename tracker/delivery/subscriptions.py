"""Who is told: over which channel, where, of what, and when.

Ordinary rows, so that an address can be erased. A subscription remembers up to where it was told, on both axes. It is
*pending* until whoever holds the address has confirmed it, then *active*, until it is *stopped*. While it is *halted*,
because its address has failed for too long, it is cut for all the same, and what is cut is held.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from secrets import token_hex
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    SmallInteger,
    String,
    Table,
    delete,
    false,
    select,
    text,
    update,
)

from tracker import read
from tracker.delivery import schedule
from tracker.delivery.schedule import WEEKDAYS
from tracker.domain.edition import Mark, Scope
from tracker.domain.errors import Problem, Refused
from tracker.domain.paint import EVERYONE
from tracker.domain.topics import TOPICS
from tracker.projections import segments
from tracker.schema import Instant, Json, durable
from tracker.store import log

ERASED = ""
"""What stands where an address was."""
PENDING = timedelta(hours=72)
"""How long a subscription may be confirmed."""

State = Literal["pending", "active", "stopped"]

subscriptions = Table(
    "subscriptions",
    durable,
    Column("id", String(40), primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("address", String(320), nullable=False),
    Column("partners", Json, nullable=False),
    Column("sectors", Json, nullable=False),
    Column("zone", String(60), nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("weekdays", Json, nullable=False),
    Column("send_empty", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("topics", Json, nullable=False, server_default="[]"),
    Column("at_once", Boolean, nullable=False, server_default=false()),
    Column("confirmed_at", Instant),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", Instant),
    Column("halted_at", Instant),
    Column("halted_because", String(200)),
    Index("ix_subscriptions_active_due_at", "active", "due_at"),
    comment="Who is told of what, and when; as_of and position: up to where it was told; due_at: when next.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Of what, and when. No partners and no sectors: everybody who is followed; no topics: whatever it is about.
    ``at_once``: as soon as an entry is old enough to be told, whatever the hour and the days. ``send_empty``: also
    when nothing has changed."""

    partners: Sequence[str] = ()
    sectors: Sequence[str] = ()
    topics: Sequence[str] = ()
    zone: str = "America/New_York"
    hour: int = 8
    weekdays: Sequence[str] = WEEKDAYS
    at_once: bool = False
    send_empty: bool = False

    @property
    def scope(self) -> Scope:
        return Scope(partners=[*self.partners], sectors=[*self.sectors], topics=[*self.topics])


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription. ``told``: where its last edition ends. ``due_at``: when the next is due; of one that is told at
    once, when it is looked at again though nothing was logged. ``failures``: attempts in a row that failed."""

    id: str
    channel: str
    address: str
    scope: Scope
    zone: str
    hour: int
    weekdays: Sequence[str]
    at_once: bool
    send_empty: bool
    active: bool
    told: Mark
    due_at: datetime
    created_at: datetime
    created_by: str
    confirmed_at: datetime | None
    failures: int
    failing_since: datetime | None
    halted_at: datetime | None
    halted_because: str | None

    @property
    def state(self) -> State:
        if self.active:
            return "active"
        return "pending" if self.confirmed_at is None and self.address != ERASED else "stopped"

    def due(self, now: datetime) -> schedule.Due | None:
        """The digest that was due last."""
        return schedule.latest(now, self.hour, ZoneInfo(self.zone), self.weekdays)

    def next_due(self, after: datetime) -> schedule.Due:
        """The first digest due after an instant."""
        return schedule.following(after, self.hour, ZoneInfo(self.zone), self.weekdays)


def checked(connection: Connection, wanted: Wanted, *others: Problem) -> Wanted:
    """What is wanted, with names as the record writes them. Refused names every field that is wrong, ``others``
    too."""
    known = log.position(connection)
    codes = list(dict.fromkeys(code.strip().upper() for code in wanted.partners))
    named = list(dict.fromkeys(sector.strip() for sector in wanted.sectors))
    topics = list(dict.fromkeys(topic.strip().lower() for topic in wanted.topics))
    days = [day for day in WEEKDAYS if day in {name.strip().lower()[:3] for name in wanted.weekdays}]
    sectors, unknown = _sectors(named, sectors_followed(connection, known) if named else {})
    problems = [
        *others,
        *_partner_problems(codes, list(read.names(connection, known))),
        *unknown,
        *_topic_problems(topics),
        *_zone_problems(wanted.zone),
        *_time_problems(wanted.hour, days, wanted.weekdays),
    ]
    if problems:
        raise Refused("invalid", problems[0].detail, *problems)
    return Wanted(
        partners=codes, sectors=sectors, topics=topics, zone=wanted.zone, hour=wanted.hour, weekdays=days,
        at_once=wanted.at_once, send_empty=wanted.send_empty,
    )  # fmt: skip


def add(
    connection: Connection, *, channel: str, address: str, wanted: Wanted, now: datetime, by: str,
    confirmed: bool = False,
) -> Subscription:  # fmt: skip
    """Keep a subscription; what is ``wanted`` was checked. Once confirmed it is told what is recorded from then on."""
    id = f"sub-{token_hex(6)}"
    connection.execute(
        subscriptions.insert().values(
            id=id, channel=channel, address=address, active=False, as_of=now, position=log.position(connection),
            due_at=now, created_at=now, created_by=by, failures=0, **_columns(wanted),
        )
    )  # fmt: skip
    return confirm(connection, id, now) if confirmed else get(connection, id)


def confirm(connection: Connection, id: str, now: datetime) -> Subscription:
    """Whoever holds the address agrees: from now on it is told what is recorded from now on. Once; Refused
    (``conflict``) where it was stopped meanwhile."""
    seen = get(connection, id)
    if seen.active:
        return seen
    if seen.state == "stopped":
        raise Refused("conflict", "this subscription was stopped: nothing was changed; subscribe anew")
    if now - seen.created_at > PENDING:
        raise Refused(
            "conflict", "the 72 hours in which this could be confirmed are over: please subscribe anew"
        )
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.id == id, subscriptions.c.confirmed_at.is_(None))  # of two at once, the first counts
        .values(
            active=True, confirmed_at=now, as_of=now, position=log.position(connection),
            due_at=_first_due(seen, now),
        )
    )  # fmt: skip
    return get(connection, id)


def change(connection: Connection, id: str, wanted: Wanted, now: datetime) -> Subscription:
    """From now on another scope, another time; what is ``wanted`` was checked. Up to where it was told stays, so
    nothing is told twice and nothing is left out."""
    connection.execute(update(subscriptions).where(subscriptions.c.id == id).values(**_columns(wanted)))
    seen = get(connection, id)
    connection.execute(
        update(subscriptions).where(subscriptions.c.id == id).values(due_at=_first_due(seen, now))
    )
    return get(connection, id)


def _first_due(seen: Subscription, now: datetime) -> datetime:
    return now if seen.at_once else seen.next_due(now).at


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "partners": list(wanted.partners), "sectors": list(wanted.sectors), "topics": list(wanted.topics),
        "zone": wanted.zone, "hour": wanted.hour, "weekdays": list(wanted.weekdays), "at_once": wanted.at_once,
        "send_empty": wanted.send_empty,
    }  # fmt: skip


def get(connection: Connection, id: str) -> Subscription:
    """A subscription by its id; Refused where there is none."""
    row = connection.execute(select(subscriptions).where(subscriptions.c.id == id)).one_or_none()
    if row is None:
        raise Refused(
            "not_found",
            f"there is no subscription {id!r}: take the id from the list",
            Problem("id", "no such subscription"),
        )
    return _subscription(row)


def listed(connection: Connection, *, stopped: bool = False) -> list[Subscription]:
    """The subscriptions that are active or wait to be confirmed, oldest first; with those that were stopped, where
    asked."""
    wanted = select(subscriptions).order_by(subscriptions.c.created_at, subscriptions.c.id)
    found = [_subscription(row) for row in connection.execute(wanted)]
    return found if stopped else [one for one in found if one.state != "stopped"]


def twin(connection: Connection, channel: str, address: str, wanted: Wanted) -> Subscription | None:
    """The active subscription of this address that asks for the same."""
    asked = _columns(wanted)
    rows = connection.execute(
        select(subscriptions).where(
            subscriptions.c.active, subscriptions.c.channel == channel, subscriptions.c.address == address,
            *(subscriptions.c[name] == value for name, value in asked.items() if name != "send_empty"),
        )
    )  # fmt: skip
    row = rows.first()
    return None if row is None else _subscription(row)


def due(connection: Connection, now: datetime) -> list[Subscription]:
    """The subscriptions whose digest is due at an hour that has come, the longest overdue first."""
    wanted = select(subscriptions).where(
        subscriptions.c.active, ~subscriptions.c.at_once, subscriptions.c.due_at <= now
    )
    return [_subscription(row) for row in connection.execute(wanted.order_by(subscriptions.c.due_at))]


def behind(connection: Connection, position: int, now: datetime) -> list[Subscription]:
    """The subscriptions that are told at once and were not told up to ``position``, or for which something comes by
    time."""
    wanted = select(subscriptions).where(
        subscriptions.c.active, subscriptions.c.at_once,
        (subscriptions.c.position < position) | (subscriptions.c.due_at <= now),
    )  # fmt: skip
    return [_subscription(row) for row in connection.execute(wanted.order_by(subscriptions.c.id))]


def claim(connection: Connection, seen: Subscription) -> bool:
    """Lock a subscription that still stands as it was seen; False where somebody else is at it, or was."""
    found = connection.execute(
        select(subscriptions.c.id)
        .where(
            subscriptions.c.id == seen.id, subscriptions.c.active,
            subscriptions.c.position == seen.told.position, subscriptions.c.as_of == seen.told.as_of,
            subscriptions.c.due_at == seen.due_at,
            subscriptions.c.halted_at.is_not_distinct_from(seen.halted_at),
        )
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    return found.scalar() is not None


def advance(connection: Connection, id: str, told: Mark, due_at: datetime) -> None:
    """It has been told up to here; when it is due next."""
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.id == id)
        .values(as_of=told.as_of, position=told.position, due_at=due_at)
    )


def pass_over(connection: Connection, seen: Sequence[Subscription], told: Mark, due_at: datetime) -> None:
    """There was nothing to tell those that still stand as they were seen, all alike, up to here."""
    one = seen[0]
    for some in log.parts([one.id for one in seen]):
        connection.execute(
            update(subscriptions)
            .where(
                subscriptions.c.id.in_(some), subscriptions.c.active,
                subscriptions.c.position == one.told.position, subscriptions.c.as_of == one.told.as_of,
                subscriptions.c.due_at == one.due_at,
            )
            .values(as_of=told.as_of, position=told.position, due_at=due_at)
        )  # fmt: skip


def failed(connection: Connection, id: str, failures: int, since: datetime | None) -> None:
    """So many attempts in a row have failed, since then; none: it works."""
    connection.execute(
        update(subscriptions).where(subscriptions.c.id == id).values(failures=failures, failing_since=since)
    )


def halt(connection: Connection, id: str, because: str, now: datetime) -> None:
    """From now on what is due is held."""
    connection.execute(
        update(subscriptions).where(subscriptions.c.id == id).values(halted_at=now, halted_because=because)
    )


def resume(connection: Connection, id: str) -> None:
    """It goes on."""
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.id == id)
        .values(halted_at=None, halted_because=None, failures=0, failing_since=None)
    )


def stop(connection: Connection, id: str) -> Subscription:
    """Stop a subscription and erase its address."""
    seen = get(connection, id)
    connection.execute(
        update(subscriptions).where(subscriptions.c.id == id).values(active=False, address=ERASED)
    )
    return seen


def expired(connection: Connection, now: datetime) -> list[str]:
    """The subscriptions that nobody confirmed in time."""
    return list(
        connection.scalars(
            select(subscriptions.c.id).where(
                ~subscriptions.c.active, subscriptions.c.confirmed_at.is_(None),
                subscriptions.c.address != ERASED, subscriptions.c.created_at < now - PENDING,
            )
        )
    )  # fmt: skip


def remove(connection: Connection, id: str) -> None:
    """Take out one that was never confirmed, and to which nothing refers any more."""
    connection.execute(delete(subscriptions).where(subscriptions.c.id == id))


def sectors_followed(connection: Connection, known: int) -> dict[str, str]:
    """The sectors that profiles name, by their lower-case name."""
    rows = segments.known(connection, None, known)
    return {
        sector.lower(): sector
        for row in rows
        if row.lane.aspect == "profile" and "sectors" in row.segment.state
        for layer in row.segment.state["sectors"]
        for sector in layer.value or []
    }


# ---------------------------------------------------------------- what is checked


def _partner_problems(wanted: Sequence[str], followed: Sequence[str]) -> Iterable[Problem]:
    for code in wanted:
        if code == EVERYONE.upper():
            yield Problem("partners", "for everybody who is followed, give no partners")
        elif code not in followed:
            yield Problem(
                "partners",
                f"{code!r} is not a partner that is followed here; these are: {', '.join(followed)}",
            )


def _sectors(named: Sequence[str], followed: Mapping[str, str]) -> tuple[list[str], list[Problem]]:
    """The sectors as profiles write them, and a problem for each that none names."""
    known = [followed[name.lower()] for name in named if name.lower() in followed]
    problems = [
        Problem(
            "sectors",
            f"{name!r} is a sector that no profile names; these do: {', '.join(sorted(followed.values()))}",
        )
        for name in named
        if name.lower() not in followed
    ]
    return known, problems


@cache
def _zones() -> frozenset[str]:
    """The zones there are, looked for once: hundreds of files are opened for it."""
    return frozenset(available_timezones())


def _zone_problems(zone: str) -> Iterable[Problem]:
    zones = _zones()
    if zone not in zones:
        near = get_close_matches(zone, zones, n=1)
        meant = f"did you mean {near[0]}?" if near else "write one such as Europe/Paris"
        yield Problem("zone", f"{zone!r} is not an IANA time zone: {meant}")


def _time_problems(hour: int, days: Sequence[str], given: Iterable[str]) -> Iterable[Problem]:
    if not 0 <= hour <= 23:
        yield Problem("hour", f"{hour!r} is not an hour of the day: write a whole number from 0 to 23")
    unknown = [name for name in given if name.strip().lower()[:3] not in WEEKDAYS]
    if unknown or not days:
        wrong = f"{', '.join(map(repr, unknown))} names no day of the week" if unknown else "no day is given"
        yield Problem("weekdays", f"{wrong}: write some of {', '.join(WEEKDAYS)}")


def _topic_problems(topics: Sequence[str]) -> Iterable[Problem]:
    for topic in topics:
        if topic not in TOPICS:
            yield Problem("topics", f"{topic!r} is not a kind of change; these are: {', '.join(TOPICS)}")


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        row.id, row.channel, row.address,
        Scope(partners=row.partners, sectors=row.sectors, topics=row.topics), row.zone, row.hour, row.weekdays,
        row.at_once, row.send_empty, row.active, Mark(as_of=row.as_of, position=row.position), row.due_at,
        row.created_at, row.created_by, row.confirmed_at, row.failures, row.failing_since, row.halted_at,
        row.halted_because,
    )  # fmt: skip
