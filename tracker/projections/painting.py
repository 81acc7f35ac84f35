"""Painting: how recorded events become segments, in the append transaction.

``Painting`` repaints the lanes that an event touches: it closes what is no longer believed (``known_until`` = the
event's position) and inserts what is believed now. Rows are otherwise never changed, so an answer for a past position
never changes either.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, exists, select, update

from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, concerned
from tracker.domain.fold import Lane, Lanes, Order, Segment, fold, painted, selected
from tracker.domain.paint import Paint, announced, paints
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections.segments import BELIEVED, contributions, dumped, lanes, loaded, segments, tops
from tracker.store.engine import INSERTS
from tracker.store.log import StoredEvent


class Painting:
    """The segments of one write transaction. What is believed of the subjects that events touch is read once and held;
    what is closed and opened reaches the database with ``write``, together.

    ``settle`` is called before the log is read: whoever appends in the same transaction writes it first.
    """

    def __init__(self, connection: Connection, settle: Callable[[], None] = lambda: None) -> None:
        self._connection = connection
        self._settle = settle
        self._subjects: dict[str, _Subject] = {}
        self._closed: list[dict[str, int]] = []
        self._opened: list[_Opened] = []

    def foresee(self, subjects: Iterable[str], since: datetime = BEGINNING) -> None:
        """Read at once what is believed of these subjects from ``since`` on."""
        wanted = [subject for subject in subjects if not self._holds(subject, since)]
        if any(subject in self._subjects for subject in wanted):
            self.write()
        if not wanted:
            return
        self._subjects |= {subject: _Subject(since) for subject in wanted}
        parameters = {"subjects": wanted, "since": since, "believed": BELIEVED}
        for row in self._connection.execute(_HELD, parameters):
            subject = self._subjects[row.subject]
            lane = Lane(row.target, row.scope, row.basis, row.aspect)
            subject.ids[lane] = row.id
            if row.announced is not None:
                subject.top = Order(row.announced, row.sequence, row.position)
            if row.alive:
                believed = subject.believed.setdefault(lane, [])
                if row.segment is not None:
                    segment = Segment(row.valid_from, row.valid_until, loaded(row.state))
                    believed.append(_Believed(segment, row.segment))

    def believed(self, subject: str) -> set[Lane]:
        """The lanes of a subject in which anything is believed now."""
        self.foresee([subject])
        return {*self._subjects[subject].believed}

    def apply(self, event: StoredEvent) -> None:
        """Repaint what the event touches. On top of everything: only what the paint covers is looked at. Otherwise
        (back-dated, corrected, withdrawn): the subject is folded again and the difference kept."""
        known = event.event
        if isinstance(known, DevelopmentCorrected | DevelopmentWithdrawn):
            self._refold(event)
            return
        told = event.told
        new = paints(told, known)
        self.foresee([event.subject], min((paint.start for paint in new), default=FOREVER))
        subject = self._subjects[event.subject]
        order = Order(announced(told, event.subject).at, told.sequence, event.commit)
        if subject.top is not None and order < subject.top:
            self._refold(event)
            return
        subject.set_top(order)
        if new:
            self._paint_on_top(event, subject, new)

    def _paint_on_top(self, event: StoredEvent, subject: "_Subject", new: list[Paint]) -> None:
        start, end = min(p.start for p in new), max(p.end for p in new)
        spans: dict[Lane, tuple[int, int]] = {}
        after: Lanes = {}
        for paint in new:
            for lane in selected(paint, subject.believed):
                if lane not in spans:
                    believed = subject.believed.setdefault(lane, [])
                    spans[lane] = (
                        bisect_right(believed, start, key=lambda held: held.segment.end),
                        bisect_left(believed, end, key=lambda held: held.segment.start),
                    )
                    after[lane] = [held.segment for held in believed[slice(*spans[lane])]]
                after[lane] = painted(after[lane], paint, event.position)
        for lane in sorted(after):
            self._believe(event, lane, slice(*spans[lane]), after[lane])

    def _refold(self, event: StoredEvent) -> None:
        self.foresee([event.subject])
        self._settle()
        subject = self._subjects[event.subject]
        said = contributions(self._connection, event.subject, event.position)
        if said:
            subject.set_top(max(c.order for c in said))
        folded = fold(said)
        for lane in sorted({*subject.believed, *folded}):
            subject.believed.setdefault(lane, [])
            self._believe(event, lane, slice(None), folded.get(lane, []))
        subject.believed = {lane: believed for lane, believed in subject.believed.items() if believed}

    def _believe(self, event: StoredEvent, lane: Lane, span: slice, after: Sequence[Segment]) -> None:
        """Believe these segments from now on instead of those that the lane has in a span."""
        believed = self._subjects[event.subject].believed[lane]
        before = {held.segment.start: held for held in believed[span]}
        now: list[_Believed] = []
        for segment in after:
            held = before.get(segment.start)
            if held is not None and held.segment == segment:
                now.append(before.pop(segment.start))
            else:
                opened = _Opened(event.subject, lane, segment, event.position)
                self._opened.append(opened)
                now.append(_Believed(segment, opened))
        for held in before.values():
            if isinstance(held.row, _Opened):
                held.row.known_until = event.position
            else:
                self._closed.append({"row": held.row, "position": event.position})
        believed[span] = now

    def write(self) -> None:
        """Put into the database what was closed and opened since the last time."""
        self._add_lanes()
        tops = [
            {"subject": key, **subject.top._asdict()}
            for key, subject in self._subjects.items()
            if subject.top is not None and subject.moved
        ]
        if tops:
            self._connection.execute(_TOP[self._connection.dialect.name], tops)
        if self._closed:
            self._connection.execute(_CLOSE, self._closed)
        if self._opened:
            rows = [opened.row(self._subjects[opened.subject].ids[opened.lane]) for opened in self._opened]
            self._connection.execute(_OPEN, rows)
        self._subjects, self._closed, self._opened = {}, [], []

    def _add_lanes(self) -> None:
        new = {
            (opened.subject, opened.lane): None
            for opened in self._opened
            if opened.lane not in self._subjects[opened.subject].ids
        }
        rows = [
            {"subject": subject, "partner": concerned(subject, lane.target), **lane._asdict()}
            for subject, lane in new
        ]
        if not rows:
            return
        for row in self._connection.execute(_ADD, rows):
            self._subjects[row.subject].ids[Lane(row.target, row.scope, row.basis, row.aspect)] = row.id

    def _holds(self, subject: str, since: datetime) -> bool:
        return subject in self._subjects and self._subjects[subject].since <= since


@dataclass(slots=True)
class _Opened:
    """A segment that is believed since an event of this transaction, not written yet."""

    subject: str
    lane: Lane
    segment: Segment
    known_from: int
    known_until: int = BELIEVED

    def row(self, lane: int) -> dict[str, Any]:
        return {
            "lane": lane, "valid_from": self.segment.start, "valid_until": self.segment.end,
            "known_from": self.known_from, "known_until": self.known_until, "state": dumped(self.segment.state),
        }  # fmt: skip


@dataclass(slots=True)
class _Believed:
    """A segment that is believed now: its row in the database, or the one that will be written."""

    segment: Segment
    row: "int | _Opened"


@dataclass(slots=True)
class _Subject:
    """What is held of a subject: its lanes that have a row, what is believed in each from ``since`` on, in order, and
    the last place in the order of painting."""

    since: datetime
    ids: dict[Lane, int] = field(default_factory=dict)
    believed: dict[Lane, list[_Believed]] = field(default_factory=dict)
    top: Order | None = None
    moved: bool = False

    def set_top(self, order: Order) -> None:
        self.moved = self.moved or order != self.top
        self.top = order


_LANES = (
    select(
        lanes,
        exists()
        .where(segments.c.lane == lanes.c.id, segments.c.known_until == bindparam("believed"))
        .label("alive"),
    )
    .where(lanes.c.subject.in_(bindparam("subjects", expanding=True)))
    .subquery()
)
_HELD = (
    select(
        _LANES, tops.c.announced, tops.c.sequence, tops.c.position, segments.c.id.label("segment"),
        segments.c.valid_from, segments.c.valid_until, segments.c.state,
    )
    .join_from(_LANES, tops, tops.c.subject == _LANES.c.subject, isouter=True)
    .join(
        segments,
        and_(
            segments.c.lane == _LANES.c.id,
            segments.c.known_until == bindparam("believed"),
            segments.c.valid_until > bindparam("since"),
        ),
        isouter=True,
    )
    .order_by(_LANES.c.id, segments.c.valid_from)
)  # fmt: skip
_ADD = lanes.insert().returning(
    lanes.c.id, lanes.c.subject, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect
)


def _upsert_of_tops(insert: Callable[[Table], Any]) -> Any:
    new = insert(tops)
    kept = {name: new.excluded[name] for name in ("announced", "sequence", "position")}
    return new.on_conflict_do_update(index_elements=[tops.c.subject], set_=kept)


_TOP = {dialect: _upsert_of_tops(insert) for dialect, insert in INSERTS.items()}
_OPEN = segments.insert()
_CLOSE = update(segments).where(segments.c.id == bindparam("row")).values(known_until=bindparam("position"))
