"""Painting: how recorded events become segments, in the append transaction. Read ``domain.fold`` first.

``Painting`` repaints the lanes that an event touches: it closes what is no longer believed (``known_until`` = the
event's position) and inserts what is believed now. Rows are otherwise never changed, so an answer for a past position
never changes either. Position 1 announces 10% from January, position 2 then 20% from March:

    10%  January to forever    known from 1 until 2      closed by 2
    10%  January to March      known from 2
    20%  March to forever      known from 2

An event comes in one of three ways (``apply``): after everything that was said of its subject, and is painted on top;
in between (announced earlier, logged late), and what follows it is folded again (``_refold``); or it repairs a
development, which is given its place anew (``_moved``), and folded again with what follows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from tracker.domain.decide import Decided
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, concerned
from tracker.domain.fold import Lane, Lanes, Place, Row, Segment, fold, painted, selected
from tracker.domain.paint import ABOUT, Paint, announced
from tracker.domain.when import BEGINNING, LAST, TICK
from tracker.projections.said import Said, paints_since, readable_or_why, said_after
from tracker.projections.segments import in_order
from tracker.projections.table import BELIEVED, TOP, dumped, loaded, node, nodes
from tracker.schema import derived, instant, micros
from tracker.store import log
from tracker.store.driver import Change, Given, Put, Question, Remove
from tracker.store.log import StoredEvent

SEGMENTS_IN_MIND = 100_000
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
    top: Place | None = None

    @property
    def alive(self) -> list[Lane]:
        return [lane for lane, held in self.lanes.items() if held.alive]


class Painting:
    """The segments of one write transaction. What is believed of the subjects that events touch is read once and held;
    what is closed and opened reaches the database with ``write``, together.

    ``settle`` is called before the log is read: whoever appends in the same transaction writes it first. ``source``:
    where the log is read, where that is another database than the one that is written to.
    """

    def __init__(
        self,
        connection: Connection,
        settle: Callable[[], None] = lambda: None,
        tables: Mapping[str, Table] = derived.tables,
        source: Connection | None = None,
    ) -> None:
        self._connection = connection
        self._source = source or connection
        self._settle = settle
        self._does = _statements(tables["lanes"], tables["segments"], tables["turns"], tables["parked"])
        self._subjects: dict[str, _Subject] = {}
        self._held = 0
        self._last_lane: int | None = None
        self._closed: list[_Held] = []
        self._opened: list[_Held] = []
        self._placed: list[tuple[Any, ...]] = []
        self._parked: list[tuple[int, str, str]] = []

    def foresee(self, wanted: Mapping[str, datetime]) -> Iterator[None]:
        """Read at once what is believed of these subjects, each from an instant on: first it is asked for, then what
        comes of it is noted."""
        since = {key: at for key, at in wanted.items() if not self._holds(key, at)}
        if not since:
            return
        if self._held > SEGMENTS_IN_MIND:
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
                    subject.top = Place(instant(at), sequence, position)
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
                since[event.subject] = min(paints_since(said.paints), since.get(event.subject, LAST))
        self._see(since)
        for event, said in readable:
            if isinstance(said, Decided):
                self.apply(event, said)
            else:
                self._parked.append((event.position, event.subject, said))

    def apply(self, event: StoredEvent, said: Decided) -> None:
        """Repaint what the event touches. On top of everything: only what the paint covers is looked at. Otherwise
        (back-dated, corrected, withdrawn): what comes after it is folded again and the difference kept."""
        told, known, new = said
        at = announced(told, event.subject).at
        if isinstance(known, DevelopmentCorrected | DevelopmentWithdrawn):
            original = log.originals(self._source, [event.development])[event.development]
            self._refold(event, self._moved(event.subject, Place(at, told.sequence, original)))
            return
        self._see({event.subject: paints_since(new)})
        subject = self._subjects[event.subject]
        place = Place(at, told.sequence, event.commit)
        if place != subject.top:
            self._placed.append(_turn(event.subject, place))
        if subject.top is not None and place < subject.top:
            self._refold(event, place)
            return
        subject.top = place
        if new:
            self._paint_on_top(event, subject, new)

    def _moved(self, subject: str, place: Place) -> Place:
        """Give a development that is repaired its place, which is another where it was announced on another day."""
        self.write()
        found = self._does.place.rows(self._connection, subject=subject, position=place.position)
        self._does.unplace(self._connection, [(subject, *turn) for turn in found])
        self._placed.append(_turn(subject, place))
        return place

    def _paint_on_top(self, event: StoredEvent, subject: _Subject, new: Sequence[Paint]) -> None:
        since, until = paints_since(new), max(p.end for p in new)
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

    def _refold(self, event: StoredEvent, place: Place) -> None:
        """Fold again what has a place in the order at this one or after it, over what was known before any of that was
        recorded; and keep the difference."""
        self._settle()
        self.write()
        after, said = self._tail(event, place)
        since = said.since - TICK  # a segment may end where the first paint begins
        self._see({event.subject: since})
        subject = self._subjects[event.subject]
        subject.top = max(c.place for c in said.contributions)
        below, before = self._known(event, after, since)
        folded = fold(said.contributions, below)
        for lane in sorted({*subject.alive, *folded}):
            held = self._lane(subject, event.subject, lane)
            span = slice(bisect_right(held.believed, since, key=_end), None)
            self._believe(event, held, span, folded.get(lane, []))
            held.alive = bool(held.believed) or lane in before

    def _tail(self, event: StoredEvent, place: Place) -> tuple[int, Said]:
        """What has to be folded again, and the position whose knowledge is the fold of all the rest. What was recorded
        after it comes along, also what has a place further down: then what follows that is folded again, too."""
        while True:
            ((first,),) = self._does.following.rows(
                self._connection, subject=event.subject, announced=micros(place.announced),
                sequence=place.sequence, position=place.position,
            )  # fmt: skip
            said = said_after(self._source, event, first - 1)
            lowest = min(c.place for c in said.contributions)
            if lowest >= place:
                return first - 1, said
            place = lowest

    def _known(self, event: StoredEvent, known: int, since: datetime) -> tuple[Lanes, set[Lane]]:
        """What was known of a subject at a position, from an instant on; and the lanes that had anything before it."""
        lanes: Lanes = {}
        before: set[Lane] = set()
        found = self._does.known.rows(
            self._connection, subject=event.subject, known=known, nodes=nodes(known, event.position),
            since=micros(since),
        )  # fmt: skip
        for *names, earlier, start, end, state in found:
            lane = Lane(*names)
            if earlier:
                before.add(lane)
            if state is not None:
                lanes.setdefault(lane, []).append(Segment(instant(start), instant(end), loaded(state)))
            elif earlier:
                lanes[lane] = []
        return lanes, before

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
        new = {held.lane.id: held.lane for held in opened if not held.lane.kept}
        self._does.put_lanes(
            self._connection,
            [
                (lane.id, lane.subject, concerned(lane.subject, lane.lane.target), *lane.lane)
                for lane in new.values()
            ],
        )
        self._does.put_turns(self._connection, self._placed)
        self._does.close(self._connection, [held.closed() for held in self._closed if held.kept])
        self._does.open(self._connection, [held.row() for held in opened])
        self._does.park(self._connection, self._parked)
        for lane in new.values():
            lane.kept = True
        for held in opened:
            held.kept = True
        self._held += len(opened)
        self._closed, self._opened, self._placed, self._parked = [], [], [], []


def _turn(subject: str, place: Place) -> tuple[Any, ...]:
    return subject, micros(place.announced), place.sequence, place.position


def _start(held: _Held) -> datetime:
    return held.segment.start


def _end(held: _Held) -> datetime:
    return held.segment.end


class _Statements(NamedTuple):
    """What is asked of one set of the tables, and done to it."""

    believed: Question
    known: Question
    following: Question
    place: Question
    last_lane: Question
    put_lanes: Put
    put_turns: Put
    unplace: Remove
    open: Put
    close: Change
    park: Put


@lru_cache(maxsize=4)
def _statements(lanes: Table, segments: Table, turns: Table, parked: Table) -> _Statements:
    top: ColumnElement[int] = literal_column(str(TOP))
    nothing: ColumnElement[int] = literal_column("0")
    # Plus nothing: PostgreSQL is not to walk through all lanes in order, nor through half of what was ever known.
    by_lane = lanes.c.id + nothing
    others = segments.alias()
    below = turns.alias()
    place = ("announced", "sequence", "position")
    # Column by column, so that an index leads to it: PostgreSQL would compare a row with every turn of the subject.
    last = [
        turns.c[name]
        == select(below.c[name])
        .where(below.c.subject == lanes.c.subject)
        .order_by(*(below.c[each].desc() for each in place))
        .limit(literal_column("1"))
        .offset(nothing)
        .scalar_subquery()
        for name in place
    ]

    def believed(given: Given) -> Select[Any]:
        since = given.each("since")
        believed, there = given.found(
            segments,
            and_(
                segments.c.lane == lanes.c.id, segments.c.node == top, segments.c.valid_until > since.c.value
            ),
        )
        before = exists().where(others.c.lane == lanes.c.id, others.c.node == top)
        return (
            select(
                lanes.c.subject, lanes.c.id, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect,
                or_(believed.c.state.is_not(None), before),
                turns.c.announced, turns.c.sequence, turns.c.position,
                believed.c.valid_from, believed.c.valid_until, believed.c.known_from, believed.c.state,
            )
            .join_from(since, lanes, lanes.c.subject == since.c.key)
            .join(turns, and_(turns.c.subject == lanes.c.subject, *last), isouter=True)
            .join(believed, there, isouter=True)
            .order_by(by_lane, believed.c.valid_until)
        )  # fmt: skip

    def known(given: Given) -> Select[Any]:
        then, earlier = (
            and_(
                some.c.lane == lanes.c.id,
                given.among(some.c.node, "nodes"),
                some.c.known_from + nothing <= bindparam("known"),
                some.c.known_until > bindparam("known"),
            )
            for some in (segments, others)
        )
        return (
            select(
                lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect,
                exists().where(earlier, others.c.valid_until <= bindparam("since")),
                segments.c.valid_from, segments.c.valid_until, segments.c.state,
            )
            .join_from(lanes, segments, and_(then, segments.c.valid_until > bindparam("since")), isouter=True)
            .where(lanes.c.subject == bindparam("subject"))
            .order_by(by_lane, segments.c.valid_until)
        )  # fmt: skip

    def following(_: Given) -> Select[Any]:
        at, sequence = turns.c.announced, turns.c.sequence
        later = or_(
            at > bindparam("announced"),
            sequence > bindparam("sequence"),
            and_(sequence == bindparam("sequence"), turns.c.position >= bindparam("position")),
        )
        return select(func.min(turns.c.position)).where(
            turns.c.subject == bindparam("subject"), at >= bindparam("announced"), later
        )

    return _Statements(
        believed=Question(believed),
        known=Question(known),
        following=Question(following),
        place=Question(
            lambda _: select(turns.c.announced, turns.c.sequence, turns.c.position).where(
                turns.c.subject == bindparam("subject"), turns.c.position == bindparam("position")
            )
        ),
        last_lane=Question(lambda _: select(func.max(lanes.c.id))),
        put_lanes=Put(lanes),
        put_turns=Put(turns, over=[column.name for column in turns.columns]),
        unplace=Remove(turns, [column.name for column in turns.columns]),
        open=Put(segments),
        close=Change(segments, ["known_until", "node"], ["lane", "node", "valid_until"]),
        park=Put(parked),
    )
