"""What the clocks of a zone show, found out by looking at them: from UTC to local time alone, a quarter of an hour at a
time. Nothing here asks for the instant of a local time, which is what the schedule has to find."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LOOK = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
FAR = 2 * DAY
"""No clock is further from UTC."""


class Stretch(NamedTuple):
    """From ``start`` to ``end`` (UTC, written without a zone) the clocks are ahead of UTC by ``ahead``."""

    start: datetime
    end: datetime
    ahead: timedelta

    def shows(self, local: datetime) -> bool:
        return self.start + self.ahead <= local < self.end + self.ahead


class Clocks:
    """The clocks of a zone from the first day to the last."""

    def __init__(self, zone: str, first: date, last: date) -> None:
        self.zone = ZoneInfo(zone)
        self.first, self.last = first, last
        self.stretches = list(self._looked(midnight(first) - 4 * DAY, midnight(last) + 5 * DAY))
        self._starts = [stretch.start for stretch in self.stretches]

    def _looked(self, at: datetime, end: datetime) -> Iterator[Stretch]:
        start, ahead = at, self._ahead(at)
        while at < end:
            at += LOOK
            if (now := self._ahead(at)) != ahead:
                change = self._change(at - LOOK, at, ahead)
                yield Stretch(start, change, ahead)
                start, ahead = change, now
        yield Stretch(start, end, ahead)

    def _ahead(self, at: datetime) -> timedelta:
        found = at.replace(tzinfo=UTC).astimezone(self.zone).utcoffset()
        assert found is not None
        return found

    def _change(self, before: datetime, after: datetime, ahead: timedelta) -> datetime:
        while after - before > SECOND:
            middle = before + (after - before) // 2
            before, after = (middle, after) if self._ahead(middle) == ahead else (before, middle)
        return after.replace(microsecond=0)

    def due(self, day: date, hour: int) -> datetime | None:
        """The first instant at which the clocks show this hour; where they skip it, the first after the gap; None
        where they show no time of this day at all."""
        local = midnight(day) + timedelta(hours=hour)
        near = self._near(local)
        shown = [local - one.ahead for one in near if one.shows(local)]
        if not shown and self._is_shown(day, near):
            shown = [one.start for one in near if one.start + one.ahead > local]
        return min(shown).replace(tzinfo=UTC) if shown else None

    def _is_shown(self, day: date, near: list[Stretch]) -> bool:
        begin = midnight(day)
        return any(one.start + one.ahead < begin + DAY and one.end + one.ahead > begin for one in near)

    def _near(self, local: datetime) -> list[Stretch]:
        first = bisect_right(self._starts, local - FAR) - 1
        return self.stretches[max(first, 0) : bisect_right(self._starts, local + FAR)]

    def days(self) -> Iterator[date]:
        """Every date of the calendar, also those that the zone leaves out."""
        for n in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=n)

    def changes(self) -> list[date]:
        """The dates, in UTC, on which the clocks change."""
        return [s.start.date() for s in self.stretches[1:] if self.first <= s.start.date() <= self.last]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
