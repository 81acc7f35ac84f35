"""Who is told: an address, what it follows, and when. Addresses are entered by an operator.

Ordinary rows, so that an address can be erased. A subscription remembers up to where it was told, on both axes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Row,
    SmallInteger,
    String,
    Table,
    select,
    update,
)

from tracker import read
from tracker.delivery import schedule
from tracker.delivery.schedule import WEEKDAYS
from tracker.domain.edition import Mark, Scope
from tracker.domain.errors import Problem, Refused
from tracker.domain.paint import EVERYONE
from tracker.projections import segments
from tracker.schema import Instant, Json, durable
from tracker.store import log

ERASED = ""
"""What stands where an address was."""
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]")

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
    Index("ix_subscriptions_active_due_at", "active", "due_at"),
    comment="Who is told of what, and when; as_of and position: up to where it was told; due_at: when next.",
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription. ``told``: where its last edition ends. ``due_at``: when the next is due."""

    id: str
    channel: str
    address: str
    scope: Scope
    zone: str
    hour: int
    weekdays: Sequence[str]
    send_empty: bool
    active: bool
    told: Mark
    due_at: datetime
    created_at: datetime
    created_by: str

    def due(self, now: datetime) -> schedule.Due | None:
        """The digest that was due last."""
        return schedule.latest(now, self.hour, ZoneInfo(self.zone), self.weekdays)

    def next_due(self, after: datetime) -> schedule.Due:
        """The first digest due after an instant."""
        return schedule.following(after, self.hour, ZoneInfo(self.zone), self.weekdays)


def add(
    connection: Connection,
    *,
    address: str,
    partners: Iterable[str] = (),
    sectors: Iterable[str] = (),
    zone: str = "America/New_York",
    hour: int = 8,
    weekdays: Iterable[str] = WEEKDAYS,
    send_empty: bool = False,
    now: datetime,
    by: str,
) -> Subscription:
    """Subscribe an address, by e-mail: from now on it is told what is recorded from now on. No partners and no
    sectors: everybody who is followed. Refused names every field that is wrong."""
    known = log.position(connection)
    address = address.strip()
    wanted = list(dict.fromkeys(code.strip().upper() for code in partners))
    named = list(dict.fromkeys(sector.strip() for sector in sectors))
    days = [day for day in WEEKDAYS if day in {name.strip().lower()[:3] for name in weekdays}]
    problems = [
        *_address_problems(address),
        *_partner_problems(wanted, list(read.names(connection, known))),
        *_zone_problems(zone),
        *_time_problems(hour, days, weekdays),
    ]
    followed = sectors_followed(connection, known) if named else {}
    named, unknown = _sectors(named, followed)
    problems += unknown
    if problems:
        raise Refused("invalid", problems[0].detail, *problems)
    due = schedule.following(now, hour, ZoneInfo(zone), days)
    row = {
        "id": f"sub-{token_hex(6)}", "channel": "email", "address": address, "partners": wanted, "sectors": named,
        "zone": zone, "hour": hour, "weekdays": days, "send_empty": send_empty, "active": True, "as_of": now,
        "position": known, "due_at": due.at, "created_at": now, "created_by": by,
    }  # fmt: skip
    _refuse_twin(connection, row)
    connection.execute(subscriptions.insert().values(row))
    return get(connection, str(row["id"]))


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
    """The subscriptions, oldest first; with those that were stopped, where asked."""
    wanted = select(subscriptions).order_by(subscriptions.c.created_at, subscriptions.c.id)
    return [
        _subscription(row)
        for row in connection.execute(wanted if stopped else wanted.where(subscriptions.c.active))
    ]


def due(connection: Connection, now: datetime) -> list[Subscription]:
    """The subscriptions whose digest is due, the longest overdue first."""
    wanted = select(subscriptions).where(subscriptions.c.active, subscriptions.c.due_at <= now)
    return [_subscription(row) for row in connection.execute(wanted.order_by(subscriptions.c.due_at))]


def claim(connection: Connection, seen: Subscription) -> bool:
    """Lock a subscription that still stands as it was seen; False where somebody else is at it, or was."""
    found = connection.execute(
        select(subscriptions.c.id)
        .where(
            subscriptions.c.id == seen.id, subscriptions.c.active,
            subscriptions.c.position == seen.told.position, subscriptions.c.as_of == seen.told.as_of,
            subscriptions.c.due_at == seen.due_at,
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


def stop(connection: Connection, id: str) -> Subscription:
    """Stop a subscription and erase its address."""
    seen = get(connection, id)
    connection.execute(
        update(subscriptions).where(subscriptions.c.id == id).values(active=False, address=ERASED)
    )
    return seen


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


def _address_problems(address: str) -> Iterable[Problem]:
    local, _, domain = address.rpartition("@")
    if len(address) > 254 or len(local) > 64 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        yield Problem("address", f"{address!r} is not an e-mail address: write it as name@example.org")


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


def _zone_problems(zone: str) -> Iterable[Problem]:
    zones = available_timezones()
    if zone not in zones:
        near = get_close_matches(zone, zones, n=1)
        meant = f"did you mean {near[0]}?" if near else "write one such as Europe/Paris"
        yield Problem("zone", f"{zone!r} is not an IANA time zone: {meant}")


def _time_problems(hour: int, days: Sequence[str], given: Iterable[str]) -> Iterable[Problem]:
    if not 0 <= hour <= 23:
        yield Problem("hour", f"{hour!r} is not an hour of the day: write a whole number from 0 to 23")
    unknown = [name for name in given if name.strip().lower()[:3] not in WEEKDAYS]
    if unknown or not days:
        yield Problem(
            "weekdays",
            f"{', '.join(map(repr, unknown)) or 'nothing'} names no day of the week: "
            f"write some of {', '.join(WEEKDAYS)}",
        )


def _refuse_twin(connection: Connection, row: Mapping[str, Any]) -> None:
    same = ("channel", "address", "partners", "sectors", "zone", "hour", "weekdays")
    twin = connection.scalar(
        select(subscriptions.c.id).where(
            subscriptions.c.active, *(subscriptions.c[name] == row[name] for name in same)
        )
    )
    if twin:
        raise Refused(
            "conflict", f"{row['address']} has this subscription already ({twin}): nothing was added"
        )


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        row.id, row.channel, row.address, Scope(partners=row.partners, sectors=row.sectors), row.zone, row.hour,
        row.weekdays, row.send_empty, row.active, Mark(as_of=row.as_of, position=row.position), row.due_at,
        row.created_at, row.created_by,
    )  # fmt: skip
