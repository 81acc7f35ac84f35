"""The timeline of a partner: what happened, in which order, and what each changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from tracker.domain.events import kind_of
from tracker.domain.fold import Row
from tracker.domain.history import History, blocs_of, joins
from tracker.domain.paint import EVERYONE
from tracker.domain.views import (
    ChangeView,
    Entry,
)
from tracker.domain.when import FOREVER
from tracker.projections import segments
from tracker.read.developments import around, entry_of, restatements, versions_of
from tracker.read.partners import abouts_of, partner
from tracker.read.point import Point
from tracker.store import log
from tracker.store.log import StoredEvent


def timeline(connection: Connection, code: str, at: Point) -> list[Entry]:
    """The developments that touch a partner, announced by ``as_of`` and known at the point, newest first, each with
    what it changed. Withdrawn ones stay, and say so."""
    touching = Touching(connection, code, at.known)
    entries = [entry for one in touching.stories if (entry := touching.entry(one, at.as_of))]
    return sorted(
        entries,
        key=lambda e: (e.announced_at, _sequence(touching.stories[e.development]), e.position),
        reverse=True,
    )


class Touching:
    """The developments that may touch a partner, as known at a position: ``stories`` holds the events of each.
    Whether one does, and what it changed, is worked out when it is asked for."""

    def __init__(self, connection: Connection, code: str, known: int) -> None:
        partner(connection, code, known)
        own = segments.ever_known(connection, [code, EVERYONE], known)
        blocs = blocs_of(own)
        rows = own + (segments.ever_known(connection, blocs, known) if blocs else [])
        rows = [row for row in rows if row.lane.aspect != "about"]
        self._connection, self._code, self._blocs = connection, code, blocs_of(rows)
        self._abouts = abouts_of(connection, rows, known)
        self._members = [row for row in rows if joins(row)]
        self._own = {row.known_from for row in rows if row.partner == code}
        self._by_subject: dict[str, list[Row]] = {}
        moved: set[int] = set()
        for row in rows:
            self._by_subject.setdefault(row.subject, []).append(row)
            moved |= {position for position in (row.known_from, row.known_until) if position <= known}
        developments = {event.development for event in log.at_positions(connection, moved).values()}
        developments |= _covered(connection, {*self._by_subject}, known, {code, *self._blocs})
        self.stories: dict[str, list[StoredEvent]] = {}
        for event in log.of_developments(connection, developments, known):
            self.stories.setdefault(event.development, []).append(event)

    def entry(self, development: str, as_of: datetime = FOREVER) -> Entry | None:
        """A development as it touches the partner; None where it does not, or was announced later."""
        events = self.stories[development]
        entry = entry_of(events)
        if entry.announced_at > as_of:
            return None
        if entry.standing == "current":
            changes = _changed_by(self._code, events, self._by_subject, self._members, self._abouts)
        else:
            changes = _mended_for(self._connection, self._code, events, self._members, self._abouts)
        concerns = _names(events, self._code, self._blocs) or any(e.position in self._own for e in events)
        if changes or concerns or entry.standing != "current":
            return msgspec.structs.replace(entry, changes=changes)
        return None


def _covered(connection: Connection, subjects: set[str], known: int, whom: set[str]) -> set[str]:
    """Developments that speak of these partners by name although they moved nothing: what lay above them said all."""
    return {event.development for event in log.of_subjects(connection, subjects, known) if _aims(event, whom)}


def _sequence(events: Sequence[StoredEvent]) -> int:
    return events[-1].told.sequence


def _names(events: Sequence[StoredEvent], code: str, blocs: set[str]) -> bool:
    return any(event.subject == f"partner:{code}" or _aims(event, {code, *blocs}) for event in events)


def _aims(event: StoredEvent, whom: set[str]) -> bool:
    effects = getattr(event.event, "effects", ())
    return kind_of(event.subject) != "partner" and any(getattr(e, "target", "") in whom for e in effects)


def _changed_by(
    code: str,
    events: Sequence[StoredEvent],
    by_subject: Mapping[str, Sequence[Row]],
    members: Sequence[Row],
    abouts: Mapping[str, Mapping[str, Any]],
) -> list[ChangeView]:
    """What the latest version of a development changed, against what was believed just before it."""
    latest = versions_of(events)[-1]
    first, last = latest[0].position, latest[-1].position
    subjects = {event.subject for event in events}
    rows = [*(row for subject in subjects for row in by_subject.get(subject, ())), *members]
    before = History(code, [row for row in rows if row.known_from < first <= row.known_until], abouts)
    after = History(code, [row for row in rows if row.known_from <= last < row.known_until], abouts)
    return restatements(before, after, lambda key: key.subject in subjects)


def _mended_for(
    connection: Connection,
    code: str,
    events: Sequence[StoredEvent],
    members: Sequence[Row],
    abouts: Mapping[str, Mapping[str, Any]],
) -> list[ChangeView]:
    """What a corrected development says as a whole, not only what its correction moved."""
    before, after = around(connection, events)
    now = [row for row in members if row.known_from <= events[-1].position < row.known_until]
    old, new = History(code, [*before, *now], abouts), History(code, [*after, *now], abouts)
    subjects = {event.subject for event in events}
    return restatements(old, new, lambda key: key.subject in subjects)
