"""Dates as people state them, and the instants they stand for.

What is logged keeps the words it was given: ``2025``, ``2025-04``, ``2025-04-09``, ``by 2025-04-01``, or an
instant with its offset, ``2025-04-09T00:01-04:00``. Its precision is read from its form, and a date without a
time starts at 00:00 in the actor's zone. In a question a bare date means the *end* of that day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
TICK = timedelta(microseconds=1)
"""The least that lies between two instants."""
LAST = FOREVER - TICK
YEARS = range(1900, 2200)
"""The years that a date may be stated in."""

Precision = Literal["year", "month", "day", "minute"]

_FORM = re.compile(
    r"(?P<by>by )?(?P<y>\d{4})(?:-(?P<m>\d\d)(?:-(?P<d>\d\d)"
    r"(?P<t>[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?"
)


@dataclass(frozen=True)
class Moment:
    """An instant in UTC with how precisely it was stated; ``latest`` is true for "by ..."."""

    at: datetime
    precision: Precision
    latest: bool = False

    @property
    def vague(self) -> bool:
        """Whether it was stated less precisely than by the day."""
        return self.latest or self.precision in ("year", "month")


@lru_cache(maxsize=4096)
def moment(text: str, zone: str) -> Moment:
    """The moment that a logged date stands for; ValueError says what to write instead."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(
            f"{text!r} is not a date: write 2025-04-09, 2025-04, 2025, 'by 2025-04-09', "
            "or an instant such as 2025-04-09T00:01-04:00"
        )
    by, y, m, d, t = form.group("by", "y", "m", "d", "t")
    if int(y) not in YEARS:
        raise _outside(text)
    try:
        if t:
            at = datetime.fromisoformat(text.strip().removeprefix("by "))
            at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
        else:
            at = datetime(int(y), int(m or 1), int(d or 1), tzinfo=ZoneInfo(zone))
        at = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date on the calendar: {error}") from None
    precision: Precision = "minute" if t else "day" if d else "month" if m else "year"
    return Moment(at, precision, bool(by))


def stated_on(text: str) -> date:
    """The first day of a logged date, as it was stated: an instant's by the offset that it names."""
    said = text.strip().removeprefix("by ")
    return datetime.fromisoformat(said).date() if len(said) > 10 else moment(said, "UTC").at.date()


class Days(NamedTuple):
    """The days from the first up to, and without, the last."""

    first: date
    last: date


def span(text: str, zone: str) -> Days | datetime:
    """What a logged date takes up on a calendar: its day, month or year as it was stated, or its instant."""
    told = moment(text, zone)
    if told.precision == "minute":
        return told.at
    first = told.at.astimezone(ZoneInfo(zone)).date()
    match told.precision:
        case "day":
            return Days(first, first + timedelta(days=1))
        case "month":
            return Days(first, date(first.year + first.month // 12, first.month % 12 + 1, 1))
        case _:
            return Days(first, date(first.year + 1, 1, 1))


def over(text: str, zone: str) -> datetime:
    """The instant from which on a logged date is past: the end of its day, month or year."""
    taken = span(text, zone)
    if isinstance(taken, datetime):
        return taken
    return datetime.combine(taken.last, time(), ZoneInfo(zone)).astimezone(UTC)


def asked(text: str, zone: str) -> datetime:
    """The instant a question means: an RFC 3339 instant as it is, a bare date as the end of that day in ``zone``."""
    text = text.strip()
    try:
        stated = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        if isinstance(stated, datetime) and stated.tzinfo is None:
            raise ValueError("no offset")
    except ValueError:
        raise ValueError(
            f"{text!r} is not a point in time: write a date (2025-04-09) or an instant with its offset "
            "(2025-04-09T12:00-04:00 or ...Z)"
        ) from None
    if stated.year not in YEARS:
        raise _outside(text)
    if isinstance(stated, datetime):
        return stated.astimezone(UTC)
    end = datetime.combine(stated + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    return end - TICK


def _outside(text: str) -> ValueError:
    return ValueError(f"{text!r} is outside the years {YEARS[0]} to {YEARS[-1]}")


def rfc3339(at: datetime) -> str:
    """An instant as the API writes it: UTC with ``Z``, fractions only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_ZONES = {
    "US": "America/New_York", "CA": "America/Toronto", "MX": "America/Mexico_City", "CN": "Asia/Shanghai",
    "HK": "Asia/Hong_Kong", "MO": "Asia/Macau", "EU": "Europe/Brussels", "DE": "Europe/Berlin",
    "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "GB": "Europe/London", "VN": "Asia/Ho_Chi_Minh",
    "IN": "Asia/Kolkata", "IT": "Europe/Rome", "FR": "Europe/Paris", "BR": "America/Sao_Paulo",
    "NL": "Europe/Amsterdam", "TW": "Asia/Taipei", "CH": "Europe/Zurich", "BE": "Europe/Brussels",
    "IL": "Asia/Jerusalem", "SG": "Asia/Singapore", "AU": "Australia/Sydney", "MY": "Asia/Kuala_Lumpur",
    "CO": "America/Bogota", "ID": "Asia/Jakarta", "TH": "Asia/Bangkok", "PH": "Asia/Manila",
    "ZA": "Africa/Johannesburg", "TR": "Europe/Istanbul", "RU": "Europe/Moscow", "AR": "America/Buenos_Aires",
    "NZ": "Pacific/Auckland", "NO": "Europe/Oslo", "SE": "Europe/Stockholm", "ES": "Europe/Madrid",
    "PL": "Europe/Warsaw", "IE": "Europe/Dublin", "AT": "Europe/Vienna",
}  # fmt: skip


def zone_of(actor: str) -> str:
    """The zone in which an actor's dates begin; that of its capital, New York where we know none (give ``zone``)."""
    return _ZONES.get(actor, "America/New_York")


def vague(text: str | None) -> str | None:
    """A stated date that is less precise than a day (``2025-10``, ``by 2025-05-03``), or None."""
    if text is None:
        return None
    return text.strip() if text.strip().startswith("by ") or len(text.strip()) < len("2025-10-01") else None


def stated_at(at: datetime) -> str:
    """The field of what a subject is that holds how this instant was stated, where that was not by the day."""
    return f"stated.{rfc3339(at)}"


def stating(at: datetime, zone: str) -> str:
    """An instant as it would be stated there: as a day where that begins with it, else with hour and offset."""
    local = at.astimezone(ZoneInfo(zone))
    return local.date().isoformat() if local.time() == time() else local.isoformat(timespec="minutes")
