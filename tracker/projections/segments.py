"""The bitemporal table: the state of every lane over world time, as known over log positions.

``Painting`` repaints the lanes that an event touches, in the append transaction: it closes what is no longer believed
(``known_until`` = the event's position) and inserts what is believed now. Rows are otherwise never changed, so an
answer for a past position never changes either.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    or_,
    select,
    union,
    update,
)

from tracker.domain.events import (
    VOCABULARY,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    Told,
    concerned,
)
from tracker.domain.fold import Contribution, Lane, Lanes, Layer, Order, Row, Segment, fold, painted, selected
from tracker.domain.paint import Paint, announced, paints
from tracker.domain.when import BEGINNING, FOREVER
from tracker.schema import Instant, Json, Serial, derived, instant, micros
from tracker.store import log
from tracker.store.engine import INSERTS
from tracker.store.log import StoredEvent

BELIEVED = 2**62
"""``known_until`` of what is believed now."""

lanes = Table(
    "lanes",
    derived,
    Column("id", Serial, primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("partner", String(80), nullable=False),
    Column("target", String(80), nullable=False),
    Column("scope", String(80), nullable=False),
    Column("basis", String(80), nullable=False),
    Column("aspect", String(80), nullable=False),
    UniqueConstraint("subject", "target", "scope", "basis", "aspect"),
    Index("ix_lanes_partner", "partner"),
    comment="What segments speak of; partner is whom the lane concerns.",
)
segments = Table(
    "segments",
    derived,
    Column("id", Serial, primary_key=True),
    Column("lane", BigInteger, ForeignKey(lanes.c.id), nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("known_from", BigInteger, nullable=False),
    Column("known_until", BigInteger, nullable=False),
    Column("state", Json, nullable=False),
    Index("ix_segments_lane_known_until_valid_until", "lane", "known_until", "valid_until"),
    Index("ix_segments_known_from", "known_from"),
    Index("ix_segments_known_until", "known_until"),
    comment="The state of a lane over [valid_from, valid_until), as known over positions [known_from, known_until).",
)
tops = Table(
    "tops",
    derived,
    Column("subject", String(120), primary_key=True),
    Column("announced", Instant, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    comment="The last place in the order of painting, per subject: what comes after it is painted on top.",
)
TABLES = (lanes, segments, tops)


# ---------------------------------------------------------------- writing


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


def contributions(connection: Connection, subject: str, until: int) -> list[Contribution]:
    """What every development says of a subject, each in its latest version known at position ``until``."""
    latest: dict[str, tuple[Told, list[tuple[int, Logged]]]] = {}
    for stored in log.of_subject(connection, subject, until):
        told, event = stored.told, stored.event
        if isinstance(event, DevelopmentCorrected):
            latest[stored.development] = (told, [(stored.position, now) for now in event.now])
        elif isinstance(event, DevelopmentWithdrawn):
            latest[stored.development] = (told, [])
        else:
            latest.setdefault(stored.development, (told, []))[1].append((stored.position, event))
    originals = log.originals(connection, latest)
    return [
        Contribution(
            Order(announced(told, subject).at, told.sequence, originals[development]),
            [(position, paint) for position, event in said for paint in paints(told, event)],
        )
        for development, (told, said) in latest.items()
    ]


def painted_over(
    connection: Connection, subject: str, original: int, until: int
) -> tuple[list[Row], list[Row]]:
    """What the developments say of a subject up to one's place in the order, without it and with it: the development
    whose first event has position ``original``, each in its latest version known at position ``until``."""
    said = contributions(connection, subject, until)
    place = next((c.order for c in said if c.order.position == original), None)
    below = [c for c in said if place is not None and c.order < place]
    mine = [c for c in said if c.order.position == original]
    return _course(subject, fold(below)), _course(subject, fold([*below, *mine]))


def _course(subject: str, folded: Lanes) -> list[Row]:
    return [
        Row(subject, concerned(subject, lane.target), lane, segment, 0, BELIEVED)
        for lane, held in folded.items()
        for segment in held
        if lane.aspect != "about"
    ]


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


# ---------------------------------------------------------------- states as JSON


def dumped(state: Any) -> dict[str, list[list[Any]]]:
    """A state as it is kept: field -> layers, each [value, position, since in microseconds, excepted...]."""
    return {
        name: [[layer.value, layer.position, micros(layer.since), *layer.excepted] for layer in layers]
        for name, layers in state.items()
    }


def loaded(state: dict[str, list[list[Any]]]) -> dict[str, tuple[Layer, ...]]:
    """The state that was kept."""
    return {
        name: tuple(
            Layer(value, position, instant(since), tuple(excepted))
            for value, position, since, *excepted in layers
        )
        for name, layers in state.items()
    }


# ---------------------------------------------------------------- reading

_ROWS: Select[Any] = select(
    lanes.c.subject, lanes.c.partner, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect,
    segments.c.valid_from, segments.c.valid_until, segments.c.known_from, segments.c.known_until, segments.c.state,
).join_from(lanes, segments, segments.c.lane == lanes.c.id)  # fmt: skip
_KNOWN = (segments.c.known_until > bindparam("known"), segments.c.known_from <= bindparam("known"))
_AT = (segments.c.valid_until > bindparam("at"), segments.c.valid_from <= bindparam("at"))
_CHANGED = _ROWS.where(
    or_(
        and_(
            segments.c.known_from.between(bindparam("first"), bindparam("last")),
            segments.c.known_until > bindparam("last"),
        ),
        and_(
            segments.c.known_until.between(bindparam("first"), bindparam("last")),
            segments.c.known_from < bindparam("first"),
        ),
    )
)
_PARTNERS = lanes.c.partner.in_(bindparam("partners", expanding=True))


def _rows(found: Iterable[Any]) -> list[Row]:
    return [
        Row(
            row.subject, row.partner, Lane(row.target, row.scope, row.basis, row.aspect),
            Segment(row.valid_from, row.valid_until, loaded(row.state)), row.known_from, row.known_until,
        )
        for row in found
    ]  # fmt: skip


def known(connection: Connection, partners: Iterable[str] | None, known: int) -> list[Row]:
    """All segments known at a position of lanes that concern these partners (None: everyone there is)."""
    return _rows(connection.execute(_ROWS.where(*_KNOWN, _of(partners)), _parameters(partners, known=known)))


def at(connection: Connection, partners: Iterable[str] | None, at: datetime, known: int) -> list[Row]:
    """The segments at a point of both axes, of lanes that concern these partners."""
    return _rows(
        connection.execute(
            _ROWS.where(*_KNOWN, *_AT, _of(partners)), _parameters(partners, known=known, at=at)
        )
    )


def ever_known(connection: Connection, partners: Iterable[str] | None, known: int) -> list[Row]:
    """All segments that were known at this position or at any before it: the material of a timeline."""
    return _rows(
        connection.execute(
            _ROWS.where(segments.c.known_from <= bindparam("known"), _of(partners)),
            _parameters(partners, known=known),
        )
    )


def known_between(connection: Connection, partners: Iterable[str] | None, first: int, last: int) -> list[Row]:
    """All segments that were known at some position from ``first`` to ``last``: two states of knowledge and every
    step between them."""
    between = (segments.c.known_from <= bindparam("last"), segments.c.known_until > bindparam("first"))
    return _rows(
        connection.execute(
            _ROWS.where(*between, _of(partners)), _parameters(partners, first=first, last=last)
        )
    )


def changed(connection: Connection, first: int, last: int) -> list[Row]:
    """The segments that positions first..last, together, closed or opened; as known at ``last``, so that the answer
    is the same whenever it is asked for."""
    return [
        row._replace(known_until=BELIEVED) if row.known_until > last else row
        for row in _rows(connection.execute(_CHANGED, {"first": first, "last": last}))
    ]


def of_aspect(connection: Connection, aspect: str, known: int) -> list[Row]:
    """All segments of an aspect known at a position, the newest last."""
    wanted = _ROWS.where(*_KNOWN, lanes.c.aspect == aspect).order_by(segments.c.valid_from)
    return _rows(connection.execute(wanted, {"known": known}))


def of_subject(connection: Connection, subject: str, known: int) -> list[Row]:
    """All segments of a subject known at a position."""
    return _rows(connection.execute(_ROWS.where(*_KNOWN, lanes.c.subject == subject), {"known": known}))


def ever_of(connection: Connection, subjects: Iterable[str], known: int) -> list[Row]:
    """All segments of these subjects that were known at this position or at any before it."""
    wanted = _ROWS.where(
        segments.c.known_from <= bindparam("known"),
        lanes.c.subject.in_(bindparam("subjects", expanding=True)),
    )
    return _rows(connection.execute(wanted, {"known": known, "subjects": sorted(set(subjects))}))


def places(connection: Connection) -> list[tuple[str, Lane]]:
    """Every subject and lane there is or was: what a form can suggest."""
    wanted = select(lanes.c.subject, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect)
    return [(row.subject, Lane(*row[1:])) for row in connection.execute(wanted)]


def abouts(
    connection: Connection, subjects: Iterable[str], known: int, scopes: bool = False
) -> dict[str, dict[str, Any]]:
    """What subjects are, as known at a position: title, kind, authority, ...; with all ``scopes`` if wished."""
    named = lanes.c.subject.in_(bindparam("subjects", expanding=True))
    whose = or_(named, lanes.c.partner == VOCABULARY) if scopes else named
    wanted = (
        select(lanes.c.subject, segments.c.state)
        .join_from(lanes, segments, segments.c.lane == lanes.c.id)
        .where(*_KNOWN, lanes.c.aspect == "about", whose)
    )
    found = connection.execute(wanted, {"known": known, "subjects": sorted(set(subjects))})
    return {subject: {name: layers[0][0] for name, layers in state.items()} for subject, state in found}


def scopes_in_use(connection: Connection) -> set[str]:
    """The scopes in which anything was ever said."""
    return {*connection.execute(select(lanes.c.scope).where(lanes.c.scope != "").distinct()).scalars()}


def positions_by_partner(connection: Connection, known: int) -> dict[str, list[int]]:
    """The positions whose segments are believed at ``known``, per partner (and ``everyone``)."""
    found: dict[str, list[int]] = {}
    wanted = (
        select(lanes.c.partner, segments.c.known_from)
        .join_from(lanes, segments, segments.c.lane == lanes.c.id)
        .where(*_KNOWN, lanes.c.aspect.not_in(("about", "checked")))
        .distinct()
        .order_by(segments.c.known_from)
    )
    for row in connection.execute(wanted, {"known": known}):
        found.setdefault(row.partner, []).append(row.known_from)
    return found


def touching(partners: Iterable[str], code: str) -> ColumnElement[bool]:
    """The condition of events that changed what holds for any of these partners, or are about the one with the code."""
    own = lanes.c.partner.in_(sorted(set(partners)))
    ends = [
        select(edge).join_from(lanes, segments, segments.c.lane == lanes.c.id).where(own)
        for edge in (segments.c.known_from, segments.c.known_until)
    ]
    return or_(log.events.c.position.in_(union(*ends)), log.subjects.c.key == f"partner:{code}")


def _of(partners: Iterable[str] | None) -> Any:
    return _PARTNERS if partners is not None else lanes.c.id.is_not(None)


def _parameters(partners: Iterable[str] | None, **others: Any) -> dict[str, Any]:
    return others if partners is None else {**others, "partners": sorted(set(partners))}


# ---------------------------------------------------------------- proof


def drift(connection: Connection, subjects: Iterable[str] | None = None) -> Iterator[str]:
    """Subjects (of these; None: of all) whose believed segments are not what a fold from scratch gives; nothing for a
    sound table."""
    end = log.position(connection)
    for subject in log.subject_keys(connection) if subjects is None else subjects:
        held: Lanes = {}
        for row in of_subject(connection, subject, end):
            held.setdefault(row.lane, []).append(row.segment)
        for run in held.values():
            run.sort(key=lambda segment: segment.start)
        if held != fold(contributions(connection, subject, end)):
            yield subject
