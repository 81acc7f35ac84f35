"""What differs between two points, and what an order would change."""

from sqlalchemy import Connection

from tracker.domain.history import difference
from tracker.domain.paint import announced
from tracker.domain.preview import erased, resumed
from tracker.domain.views import (
    ChangeView,
    Erasure,
    Preview,
    Resumption,
    nested,
)
from tracker.read.developments import change_views, restatements
from tracker.read.partners import history, partner
from tracker.read.point import Point
from tracker.record import Recorded


def diff(connection: Connection, code: str, first: Point, then: Point) -> list[ChangeView]:
    """What differs for a partner between two points."""
    partner(connection, code, then.known)
    before, after = history(connection, code, first.known), history(connection, code, then.known)
    return change_views(difference(before, first.as_of, after, then.as_of), after)


def preview(connection: Connection, recorded: Recorded) -> Preview:
    """What a recorded (or rehearsed) order changes, what resumes at its ends, and what it erases."""
    rows = [row for row in recorded.changes if row.lane.aspect != "about" and row.partner]
    subjects = {row.subject for row in rows}
    since = announced(recorded.events[0].told, recorded.events[0].subject).at
    seen = Preview(effects={}, resumes={}, erases={})
    for code in sorted({row.partner for row in rows}):
        old = history(connection, code, recorded.first - 1)
        new = history(connection, code, recorded.last)
        seen.effects[code] = restatements(old, new, lambda key: key.subject in subjects)
        if again := resumed(new, rows, recorded.first, recorded.last):
            views = change_views([one.change for one in again], new)
            seen.resumes[code] = [
                Resumption(change=view, state=nested(one.facts))
                for view, one in zip(views, again, strict=True)
            ]
        if gone := erased(old, new, rows, since):
            views = change_views([one.change for one in gone], new)
            seen.erases[code] = [
                Erasure(change=view, later=one.later) for view, one in zip(views, gone, strict=True)
            ]
    return seen
