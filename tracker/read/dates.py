"""The dates of a calendar: deadlines, effective dates and threatened ones, those ahead and those of late, each with
what became of it. Nothing of this is kept: it is worked out from what was known at each position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection

from tracker.domain.dates import Date, Group
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, Told, kind_of
from tracker.domain.fold import Row
from tracker.domain.history import About, Change, blocs_of, by_partner, joins, rows_of, value
from tracker.domain.paint import EVERYONE
from tracker.domain.strands import Part, Step, Strand, strand, walk
from tracker.domain.topics import topics_of
from tracker.domain.views import Cause, ChangeView, change_view, name_of, title_of
from tracker.domain.when import FOREVER, Days, moment
from tracker.projections import segments
from tracker.read.moving import plain
from tracker.read.partners import abouts_of, cause, names
from tracker.read.point import Point
from tracker.store import log
from tracker.store.log import StoredEvent

KEEP = timedelta(days=90)
"""How long a date stays: after it has passed, or after it was called off."""


@dataclass(frozen=True, slots=True)
class Moved:
    """That a date moved, from and to where as they were stated, by which event."""

    before: str
    after: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class DateView:
    """A date for people: ``title`` of the subject that has it, and the ``name`` of the deadline or promise; ``stated``
    in words of the record, taking up ``days`` or an instant; ``stands``: it was not called off; ``status`` and ``text``
    of a deadline; ``changes``: what comes for whom; ``cause``: what set it like this, ``called_off`` what called it
    off, and ``reason`` why, where our record was mended. ``set_at`` and ``changed_at``: when that was recorded, first
    and last. ``topics``: what the event that set it is about."""

    group: Group
    first: datetime
    twin: int
    title: str
    name: str
    stated: str
    days: Days | datetime
    stands: bool
    sequence: int
    status: str | None
    text: str | None
    changes: Mapping[str, Sequence[ChangeView]]
    moved: Sequence[Moved]
    cause: Cause
    called_off: Cause | None
    reason: str | None
    set_at: datetime
    changed_at: datetime
    topics: Sequence[str]


def dates(connection: Connection, codes: Sequence[str] | None, at: Point) -> list[DateView]:
    """The dates that concern these partners (None: all who are followed), in order: those ahead of a point, those
    that passed not long before, and those that were called off not long before."""
    strands = Strands(connection, [*names(connection, at.known)] if codes is None else codes, at)
    found = [date for own in strands.late for date in strands.dates(own)]
    shown = [date for date in found if strands.shows(date)]
    return [
        strands.view(date) for date in sorted(shown, key=lambda date: (date.now.at, date.group, date.twin))
    ]


class Strands:
    """All that was ever known about some partners, in strands; those that may hold a date to show are ``late``."""

    def __init__(self, connection: Connection, codes: Sequence[str], at: Point) -> None:
        self._at = at
        self._order = {code: number for number, code in enumerate(codes)}
        rows = segments.ever_known(connection, [*codes, EVERYONE], at.known)
        if blocs := blocs_of(rows) - {*codes}:
            rows += segments.ever_known(connection, blocs, at.known)
        self._abouts = abouts_of(connection, rows, at.known)
        self._scopes = {key: about for key, about in self._abouts.items() if kind_of(key) == "scope"}
        held = by_partner(row for row in rows if row.lane.aspect not in ("about", "checked"))
        self._members: dict[str, list[Row]] = {}
        self._rows: dict[Strand, dict[str, list[Row]]] = {}
        since = plain(at.as_of) - KEEP
        recent = log.known_at(connection, since)
        self.late: dict[Strand, None] = {}
        for code in codes:
            its = rows_of(code, held)
            self._members[code] = [row for row in its if row.partner == code and joins(row)]
            joined = any(_may_show(row, since, recent, at.known) for row in self._members[code])
            for row in its:
                own = strand(row.subject, row.lane.aspect)
                self._rows.setdefault(own, {}).setdefault(code, []).append(row)
                if joined or _may_show(row, since, recent, at.known):
                    self.late[own] = None
        behind = {subject for subject, _ in self.late}
        self._about: dict[str, list[Row]] = {subject: [] for subject in behind}
        for row in segments.ever_about(connection, behind, at.known):
            self._about[row.subject].append(row)
        behind |= {row.subject for its in self._members.values() for row in its}
        self._events = {event.position: event for event in log.of_subjects(connection, behind, at.known)}
        self._told = cache(self._read)

    def _read(self, position: int) -> Told:
        return self._events[position].told

    def dates(self, own: Strand) -> list[Date]:
        """The dates of a strand, through all that was known of it."""
        parts = self._parts(own)
        about = {position for row in self._about[own[0]] for position in (row.known_from, row.known_until)}
        moved = about.union(*(part.positions for part in parts))
        commits: dict[int, list[StoredEvent]] = {}
        for position in sorted(moved & self._events.keys()):
            event = self._events[position]
            commits.setdefault(event.commit, []).append(event)
        steps = [self._step(own, events, about) for events in commits.values()]
        return walk(parts, steps, self._told, self._order)

    def _parts(self, own: Strand) -> list[Part]:
        """Whom a strand concerns; those whom only what reaches everyone reaches are one part."""
        parts: list[Part] = []
        common: list[str] = []
        for code, rows in self._rows[own].items():
            its = {id(row): row for row in (*rows, *self._members[code])}.values()
            if not all(_for_anyone(row, code) for row in its):
                parts.append(Part(own, [code], its))
            else:
                common.append(code)
        return [*([Part(own, common, self._rows[own][common[0]])] if common else []), *parts]

    def _step(self, own: Strand, events: Sequence[StoredEvent], about: set[int]) -> Step:
        positions = [event.position for event in events]
        abouts = {**self._scopes, own[0]: self._known_about(own[0], positions[-1])}
        return Step(positions, events[0].learnt_at, abouts, not about.isdisjoint(positions))

    def _known_about(self, subject: str, position: int) -> About:
        """What was known at a position of what a subject is: above all, how its dates were stated."""
        return {
            name: layers[0].value
            for row in self._about[subject]
            if row.known_from <= position < row.known_until
            for name, layers in row.segment.state.items()
        }

    def shows(self, date: Date) -> bool:
        """Whether a date is ahead, or passed or was called off not long ago."""
        since = date.now.at if date.stands else self._events[date.moved_by].learnt_at
        return self._at.as_of < since + KEEP

    def view(self, date: Date) -> DateView:
        now, group = date.now, date.group
        changes: dict[str, list[ChangeView]] = {}
        codes = {one.code for one in now.comes}
        for code, change, seen in now.comes:
            if _via(change) not in codes - {code}:
                changes.setdefault(code, []).append(change_view(change, seen))
        first = now.comes[0].change
        off = None if date.stands else self._events[date.moved_by]
        stood = [stated for stated, _ in date.earlier] + [now.place.stated]
        return DateView(
            group=group, first=date.first, twin=date.twin, stands=date.stands,
            stated=now.place.stated, days=now.place.days,
            title=title_of(group.subject, self._abouts.get(group.subject, {})), name=name_of(first, now.comes[0].seen),
            sequence=date.sequence, status=value(first.after, "status"), text=value(first.after, "text"),
            changes=changes, cause=cause(self._events[now.cause]), called_off=cause(off) if off else None,
            moved=[
                Moved(before, after, cause(self._events[position]))
                for (before, position), after in zip(date.earlier, stood[1:], strict=True)
            ],
            reason=_reason(off), topics=topics_of([self._events[now.cause].event]),
            set_at=self._events[date.set_by].recorded_at, changed_at=self._events[date.changed_by].recorded_at,
        )  # fmt: skip


def _may_show(row: Row, since: datetime, recent: int, known: int) -> bool:
    """Whether a row may be behind a date to show: it speaks of a time since then, or was learnt or given up since."""
    start, end, state = row.segment
    stated = [layer.value for name in ("due", "starts") for layer in state.get(name, ())[:1] if layer.value]
    return (
        start >= since
        or since <= end < FOREVER
        or any(moment(text, "UTC").at >= since - timedelta(days=1) for text in stated)
        or row.known_from > recent
        or recent < row.known_until <= known
    )


def _for_anyone(row: Row, code: str) -> bool:
    layers = (layer for its in row.segment.state.values() for layer in its)
    return row.partner == EVERYONE and not any(code in layer.excepted for layer in layers)


def _via(change: Change) -> str:
    """The target through which a change reaches the partner."""
    return next(iter((*change.after.values(), *change.before.values()))).via


def _reason(event: StoredEvent | None) -> str | None:
    said = event.event if event else None
    return said.reason if isinstance(said, DevelopmentCorrected | DevelopmentWithdrawn) else None
