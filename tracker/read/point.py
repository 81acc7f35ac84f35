"""The point on both axes that every question is put at, and how answers echo it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tracker.domain.errors import invalid
from tracker.domain.views import (
    Temporal,
)
from tracker.domain.when import BEGINNING, asked, over
from tracker.read.moving import plain
from tracker.store import log


@dataclass(frozen=True, slots=True)
class Point:
    """A point on both axes: what held at ``as_of``, as known at log position ``known`` (reached at ``known_at``)."""

    as_of: datetime
    known: int
    known_at: datetime
    zone: str


def point(
    connection: Connection,
    *,
    now: datetime,
    zone: str,
    as_of: str | None = None,
    known_at: str | None = None,
    known_position: int | None = None,
    names: tuple[str, str, str] = ("as_of", "known_at", "known_position"),
) -> Point:
    """The point a question names; now, as known now, where it names nothing. Refused for a future knowledge."""
    at = _instant(as_of, zone, names[0]) or now
    end = log.position(connection)
    if known_position is not None:
        if known_at is not None:
            raise invalid(names[2], f"give {names[1]} or {names[2]}, not both")
        if not 0 <= known_position <= end:
            raise invalid(
                names[2], f"{names[2]} {known_position} is not in the log: it holds positions 0 to {end}"
            )
        return Point(at, known_position, log.known_since(connection, known_position) or BEGINNING, zone)
    wanted = _instant(known_at, zone, names[1])
    if wanted is None:
        return Point(at, end, now, zone)
    if wanted > now and not _today(wanted, now, zone):
        raise invalid(
            names[1],
            f"{names[1]} {known_at} lies in the future: nobody knows yet what will be known; "
            f"ask for {names[0]} to see what is scheduled",
        )
    return Point(at, log.known_at(connection, wanted), min(wanted, now), zone)


def _instant(text: str | None, zone: str, name: str) -> datetime | None:
    try:
        return None if text is None else asked(text, zone)
    except ValueError as error:
        raise invalid(name, f"{name}: {error}") from None


def _today(at: datetime, now: datetime, zone: str) -> bool:
    return at.astimezone(ZoneInfo(zone)).date() <= now.astimezone(ZoneInfo(zone)).date()


def temporal(connection: Connection, at: Point, checked: str | None = None) -> Temporal:
    """The point as answers echo it."""
    kept_until = None if checked is None else over(checked, at.zone)
    return Temporal(
        as_of=plain(at.as_of), known_at=plain(at.known_at), known_position=at.known, zone=at.zone,
        checked_through=checked,
        beyond_coverage=kept_until is None or at.as_of >= kept_until,
    )  # fmt: skip
