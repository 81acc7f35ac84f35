"""When a digest is due: a local date and hour in a zone, worked out anew for every day. Never "24 hours later"."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tracker.domain.when import TICK

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Due(NamedTuple):
    """A local date on which a digest is due, and the instant."""

    day: date
    at: datetime


def instant(day: date, hour: int, zone: ZoneInfo) -> datetime | None:
    """A local date and hour as an instant in UTC. An hour that the clocks skip means the first instant after the
    gap, be it midnight (Greenland skips the last hour of a Saturday); one that comes twice means the first. None for
    a date that a zone left out altogether."""
    local = datetime.combine(day, time(hour))
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _local(early, zone) == local:
        return early
    after = _first_after_gap(late, early, zone)
    around = (_local(after - TICK, zone).date(), _local(after, zone).date())
    return after if day in around else None


def latest(now: datetime, hour: int, zone: ZoneInfo, weekdays: Collection[str]) -> Due | None:
    """The digest that was due last; None for no weekdays."""
    return next((due for due in _around(now, -1, hour, zone, weekdays) if due.at <= now), None)


def following(after: datetime, hour: int, zone: ZoneInfo, weekdays: Collection[str]) -> Due:
    """The first digest due after an instant."""
    return next(due for due in _around(after, 1, hour, zone, weekdays) if due.at > after)


def _around(at: datetime, step: int, hour: int, zone: ZoneInfo, weekdays: Collection[str]) -> Iterator[Due]:
    """What is due on the days from the one of ``at`` on, forwards or backwards, for a little over two weeks."""
    today = _local(at, zone).date() - timedelta(days=step)
    for days in range(17):
        day = today + timedelta(days=days * step)
        if WEEKDAYS[day.weekday()] in weekdays and (due := instant(day, hour, zone)):
            yield Due(day, due)


def _first_after_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clocks are put forward, to the second, between two that lie around it."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
