"""Painting: how recorded events become segments, in the append transaction.

``Painting`` repaints the lanes that an event touches: it closes what is no longer believed (``known_until`` = the
event's position) and inserts what is believed now. Rows are otherwise never changed, so an answer for a past position
never changes either.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from tracker.domain.decide import Decided
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, concerned
from tracker.domain.fold import Lane, Lanes, Order, Row, Segment, fold, painted, selected
from tracker.domain.paint import Paint, announced
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections.segments import (
    BELIEVED,
    TOP,
    contributions,
    dumped,
    in_order,
    loaded,
    node,
    readable_or_why,
)
from tracker.schema import derived, instant, micros
from tracker.store.driver import Change, Given, Put, Question
from tracker.store.log import StoredEvent

ABOUT = "about"
LAST = FOREVER - timedelta(microseconds=1)
MANY = 100_000
"""So many segments are held at most, beside those of the subjects that are asked for."""


@dataclass(slots=True)
class _Held:
    """A segment that is or was believed in this transaction. ``kept``: the database has it."""

    lane: "_Lane"
    segment: Segment
    known_from: int
    known_until: int = BELIEVED
    kept: bool = False

    def row(self) -> tuple[Any, ...]:
        start, end, state = self.segment
        hung = node(self.known_from, self.known_until)
        return (
            self.lane.id,
            hung,
            micros(start),
            micros(end),
            self.known_from,
            self.known_until,
            dumped(state),
        )

    def shown(self) -> Row:
        subject, lane = self.lane.subject, self.lane.lane
        return Row(
            subject, concerned(subject, lane.target), lane, self.segment, self.known_from, self.known_until
        )

    def closed(self) -> tuple[int, ...]:
        """Until when it was known and where it hangs then, and where it hung."""
        hung = node(self.known_from, self.known_until)
        return self.known_until, hung, self.lane.id, TOP, micros(self.segment.end)


@dataclass(slots=True)
class _Lane:
    """What is believed in a lane, in order, from its subject's ``since`` on. ``kept``: the database has the lane.
    ``alive``: something is believed in it, be it before."""

    subject: str
    lane: Lane
    id: int
    kept: bool
    alive: bool = False
    believed: list[_Held] = field(default_factory=list)


@dataclass(slots=True)
class _Subject:
    """What is held of a subject: its lanes, and the last place in the order of painting."""

    since: datetime
    lanes: dict[Lane, _Lane] = field(default_factory=dict)
    top: Order | None = None
    moved: bool = False

    @property
    def alive(self) -> list[Lane]:
        return [lane for lane, held in self.lanes.items() if held.alive]

    def set_top(self, order: Order) -> None:
        self.moved = self.moved or order != self.top
        self.top = order


class Painting:
    """The segments of one write transaction. What is believed of the subjects that events touch is read once and held;
    what is closed and opened reaches the database with ``write``, together.

    ``settle`` is called before the log is read: whoever appends in the same transaction writes it first.
    """

    def __init__(
        self,
        connection: Connection,
        settle: Callable[[], None] = lambda: None,
        tables: Mapping[str, Table] = derived.tables,
    ) -> None:
        self._connection = connection
        self._settle = settle
        self._does = _statements(tables["lanes"], tables["segments"], tables["tops"], tables["parked"])
        self._subjects: dict[str, _Subject] = {}
        self._held = 0
        self._last_lane: int | None = None
        self._closed: list[_Held] = []
        self._opened: list[_Held] = []
        self._parked: list[tuple[int, str, str]] = []

    def foresee(self, wanted: Mapping[str, datetime]) -> Iterator[None]:
        """Read at once what is believed of these subjects, each from an instant on: first it is asked for, then what
        comes of it is noted."""
        since = {key: at for key, at in wanted.items() if not self._holds(key, at)}
        if not since:
            return
        if self._held > MANY:
            self.write()
            self._subjects, self._held = {}, 0
        elif not self._subjects.keys().isdisjoint(since):
            self.write()
        answer = self._does.believed.ask(
            self._connection, since={key: micros(at) for key, at in since.items()}
        )
        yield
        # Of a subject that there is not, nothing is missing.
        self._subjects |= {key: _Subject(BEGINNING) for key in since}
        lane: _Lane | None = None
        for key, id, *names, alive, at, sequence, position, start, end, known, state in answer():
            if lane is None or lane.id != id:
                subject = self._subjects[key]
                subject.since = since[key]
                if at is not None:
                    subject.top = Order(instant(at), sequence, position)
                lane = _Lane(key, Lane(*names), id, kept=True, alive=bool(alive))
                subject.lanes[lane.lane] = lane
            if state is not None:
                segment = Segment(instant(start), instant(end), loaded(state))
                lane.believed.append(_Held(lane, segment, known, kept=True))
                self._held += 1

    def _see(self, wanted: Mapping[str, datetime]) -> None:
        for _ in self.foresee(wanted):
            pass

    def _holds(self, subject: str, since: datetime) -> bool:
        return subject in self._subjects and self._subjects[subject].since <= since

    def believed(self, subject: str) -> list[Lane]:
        """The lanes of a subject in which anything is believed now."""
        self._see({subject: LAST})
        return self._subjects[subject].alive

    def apply_all(self, page: Sequence[StoredEvent]) -> None:
        """Repaint what these events touch, in order; one that cannot be read is parked, and the rest goes on."""
        readable = [(event, readable_or_why(event)) for event in page]
        since: dict[str, datetime] = {}
        for event, said in readable:
            if isinstance(said, Decided):
                since[event.subject] = min(_since(said.paints), since.get(event.subject, LAST))
        self._see(since)
        for event, said in readable:
            if isinstance(said, Decided):
                self.apply(event, said)
            else:
                self._parked.append((event.position, event.subject, said))

    def apply(self, event: StoredEvent, said: Decided) -> None:
        """Repaint what the event touches. On top of everything: only what the paint covers is looked at. Otherwise
        (back-dated, corrected, withdrawn): the subject is folded again and the difference kept."""
        told, known, new = said
        if isinstance(known, DevelopmentCorrected | DevelopmentWithdrawn):
            self._refold(event)
            return
        self._see({event.subject: _since(new)})
        subject = self._subjects[event.subject]
        order = Order(announced(told, event.subject).at, told.sequence, event.commit)
        if subject.top is not None and order < subject.top:
            self._refold(event)
            return
        subject.set_top(order)
        if new:
            self._paint_on_top(event, subject, new)

    def _paint_on_top(self, event: StoredEvent, subject: _Subject, new: Sequence[Paint]) -> None:
        since, until = _since(new), max(p.end for p in new)
        spans: dict[Lane, slice] = {}
        after: Lanes = {}
        there = dict.fromkeys(subject.alive)
        for paint in new:
            for lane in selected(paint, there):
                if lane not in after:
                    there[lane] = None
                    believed = subject.lanes[lane].believed if lane in subject.lanes else []
                    start = BEGINNING if lane.aspect == ABOUT else since
                    spans[lane] = slice(
                        bisect_right(believed, start, key=_end), bisect_left(believed, until, key=_start)
                    )
                    after[lane] = [held.segment for held in believed[spans[lane]]]
                after[lane] = painted(after[lane], paint, event.position)
        for lane in sorted(after):
            self._believe(event, self._lane(subject, event.subject, lane), spans[lane], after[lane])

    def _refold(self, event: StoredEvent) -> None:
        self._see({event.subject: BEGINNING})
        self._settle()
        subject = self._subjects[event.subject]
        said = contributions(self._connection, event.subject, event.position)
        if said:
            subject.set_top(max(c.order for c in said))
        folded = fold(said)
        for lane in sorted({*subject.alive, *folded}):
            held = self._lane(subject, event.subject, lane)
            self._believe(event, held, slice(None), folded.get(lane, []))
            held.alive = bool(held.believed)

    def _lane(self, subject: _Subject, key: str, lane: Lane) -> _Lane:
        """A lane of a subject; made where it is new. Whoever appends is alone, so ids can be counted here."""
        if lane not in subject.lanes:
            if self._last_lane is None:
                self._last_lane = self._does.last_lane.rows(self._connection)[0][0] or 0
            self._last_lane += 1
            subject.lanes[lane] = _Lane(key, lane, self._last_lane, kept=False)
        return subject.lanes[lane]

    def _believe(self, event: StoredEvent, lane: _Lane, span: slice, after: Sequence[Segment]) -> None:
        """Believe these segments from now on instead of those that the lane has in a span."""
        before = {held.segment.start: held for held in lane.believed[span]}
        now: list[_Held] = []
        for segment in after:
            held = before.get(segment.start)
            if held is not None and held.segment == segment:
                now.append(before.pop(segment.start))
            else:
                now.append(_Held(lane, segment, event.position))
                self._opened.append(now[-1])
        for held in before.values():
            held.known_until = event.position
            self._closed.append(held)
        lane.believed[span] = now
        lane.alive = True

    def changed(self, first: int) -> list[Row]:
        """The segments that positions ``first`` and after, together, closed or opened; of what is not written yet."""
        opened = takewhile(lambda held: held.known_from >= first, reversed(self._opened))
        closed = takewhile(lambda held: held.known_until >= first, reversed(self._closed))
        found = [held for held in opened if held.known_until == BELIEVED]
        return in_order(
            held.shown() for held in (*found, *(held for held in closed if held.known_from < first))
        )

    def write(self) -> None:
        """Put into the database what was closed and opened since the last time."""
        opened = self._opened
        moved = [(key, subject) for key, subject in self._subjects.items() if subject.moved]
        new = {held.lane.id: held.lane for held in opened if not held.lane.kept}
        self._does.put_lanes(
            self._connection,
            [
                (lane.id, lane.subject, concerned(lane.subject, lane.lane.target), *lane.lane)
                for lane in new.values()
            ],
        )
        self._does.put_tops(
            self._connection,
            [(key, micros(s.top.announced), s.top.sequence, s.top.position) for key, s in moved if s.top],
        )
        self._does.close(self._connection, [held.closed() for held in self._closed if held.kept])
        self._does.open(self._connection, [held.row() for held in opened])
        self._does.park(self._connection, self._parked)
        for lane in new.values():
            lane.kept = True
        for held in opened:
            held.kept = True
        for _, subject in moved:
            subject.moved = False
        self._held += len(opened)
        self._closed, self._opened, self._parked = [], [], []


def _since(paints: Sequence[Paint]) -> datetime:
    """From when on paints look at what is believed. What a subject is, is one segment over all time: it is read
    whenever anything is."""
    return min((paint.start for paint in paints if paint.aspect != ABOUT), default=LAST)


def _start(held: _Held) -> datetime:
    return held.segment.start


def _end(held: _Held) -> datetime:
    return held.segment.end


class _Statements(NamedTuple):
    """What is asked of one set of the tables, and done to it."""

    believed: Question
    last_lane: Question
    put_lanes: Put
    put_tops: Put
    open: Put
    close: Change
    park: Put


@lru_cache(maxsize=4)
def _statements(lanes: Table, segments: Table, tops: Table, parked: Table) -> _Statements:
    top: ColumnElement[int] = literal_column(str(TOP))
    others = segments.alias()

    def believed(given: Given) -> Select[Any]:
        since = given.each("since")
        here = and_(
            segments.c.lane == lanes.c.id, segments.c.node == top, segments.c.valid_until > since.c.value
        )
        before = exists().where(others.c.lane == lanes.c.id, others.c.node == top)
        return (
            select(
                lanes.c.subject, lanes.c.id, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect,
                or_(segments.c.state.is_not(None), before),
                tops.c.announced, tops.c.sequence, tops.c.position,
                segments.c.valid_from, segments.c.valid_until, segments.c.known_from, segments.c.state,
            )
            .join_from(since, lanes, lanes.c.subject == since.c.key)
            .join(tops, tops.c.subject == lanes.c.subject, isouter=True)
            .join(segments, here, isouter=True)
            .order_by(lanes.c.id, segments.c.valid_until)
        )  # fmt: skip

    return _Statements(
        believed=Question(believed),
        last_lane=Question(lambda _: select(func.max(lanes.c.id))),
        put_lanes=Put(lanes),
        put_tops=Put(tops, over=["subject"]),
        open=Put(segments),
        close=Change(segments, ["known_until", "node"], ["lane", "node", "valid_until"]),
        park=Put(parked),
    )
