"""The bitemporal table: the state of every lane over world time, as known over log positions; what is asked of it.

``painting`` writes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Index,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy import Row as SqlRow

from tracker.domain.decide import Decided, decided
from tracker.domain.events import (
    FOLLOWED,
    VOCABULARY,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Told,
    concerned,
)
from tracker.domain.fold import Contribution, Lane, Lanes, Layer, Order, Row, Segment, State, fold
from tracker.domain.history import Key, key_of
from tracker.domain.paint import Paint, announced
from tracker.domain.paint import paints as painted_by
from tracker.domain.when import BEGINNING, FOREVER, TICK
from tracker.schema import Instant, Serial, derived
from tracker.store import log
from tracker.store.log import StoredEvent

ABOUT = "about"
LAST = FOREVER - TICK
BELIEVED = 2**62
"""``known_until`` of what is believed now."""


def node(known_from: int, known_until: int) -> int:
    """Where [known_from, known_until) hangs in a binary tree over all positions: the one in it that a power of two
    divides highest.

    What was known at a position hangs at one of its ancestors, of which there are as many as the log's length has bits.
    Segments of one lane at one node were all known at that position, so they follow one another in world time: an index
    on (lane, node, valid_until) leads to at most one that can hold at an instant, however often the lane was rewritten.
    (Kriegel, Pötke, Seidl: Managing Intervals Efficiently in Object-Relational Databases, VLDB 2000.)
    """
    last = known_until - 1
    shared = ((known_from - 1) ^ last).bit_length() - 1
    return last >> shared << shared


TOP = node(1, BELIEVED)
"""The node of all that is believed now."""


def nodes(known: int, end: int) -> list[int]:
    """The nodes at which everything hangs that was known at a position of a log that ends at ``end``."""
    if known >= end:
        return [TOP]
    return [TOP, *(known >> bit + 1 << bit + 1 | 1 << bit for bit in range(end.bit_length()))]


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
    Index("ix_lanes_aspect", "aspect"),
    comment="What segments speak of; partner is whom the lane concerns.",
)
_CLOSED = text(f"known_until < {BELIEVED}")
"""The rows that the index of ``known_until`` holds; a query that is to find it says so, too."""
segments = Table(
    "segments",
    derived,
    Column("lane", BigInteger, nullable=False),
    Column("node", BigInteger, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("known_from", BigInteger, nullable=False),
    Column("known_until", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("lane", "node", "valid_until", "known_from"),
    Index("ix_segments_known_from", "known_from"),
    Index("ix_segments_known_until", "known_until", sqlite_where=_CLOSED, postgresql_where=_CLOSED),
    comment="The state of a lane over [valid_from, valid_until), as known over positions [known_from, known_until).",
)
turns = Table(
    "turns",
    derived,
    Column("subject", String(120), nullable=False),
    Column("announced", Instant, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "announced", "sequence", "position"),
    comment="In which order the developments of a subject are painted: what comes after the last is painted on top.",
    sqlite_with_rowid=False,
)
parked = Table(
    "parked",
    derived,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    comment="Events that this release cannot read: nothing is worked out from them until it can.",
)


# ---------------------------------------------------------------- what is said, from the log


def readable_or_why(stored: StoredEvent) -> Decided | str:
    """What an event says and paints; or why this release cannot read it. While an event is recorded that cannot happen:
    what cannot be read then is refused."""
    try:
        return decided(stored.record)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the log goes on
        return f"{type(error).__name__}: {error}"


def contributions(connection: Connection, subject: str, until: int) -> list[Contribution]:
    """What every development says of a subject, each in its latest version known at position ``until``."""
    return _said(connection, subject, log.of_subject(connection, subject, until)).contributions


class Said(NamedTuple):
    """What developments say of a subject, each in its latest version; and from when on any version does."""

    contributions: list[Contribution]
    since: datetime


def said_after(connection: Connection, event: StoredEvent, after: int) -> Said:
    """What the events of a subject say that were recorded after a position, up to this one."""
    return _said(connection, event.subject, log.back_from(connection, event, after))


def _said(connection: Connection, subject: str, events: Iterable[StoredEvent]) -> Said:
    latest: dict[str, tuple[Told, list[tuple[int, Paint]]]] = {}
    originals: dict[str, int] = {}
    since = LAST
    for stored in events:
        said = readable_or_why(stored)
        if isinstance(said, str):
            continue
        told, event, paints = said
        if isinstance(event, DevelopmentCorrected):
            paints = [paint for now in event.now for paint in painted_by(told, now)]
        new = [(stored.position, paint) for paint in paints]
        if isinstance(event, DevelopmentCorrected | DevelopmentWithdrawn):
            latest[stored.development] = (told, new)
        else:
            latest.setdefault(stored.development, (told, []))[1].extend(new)
            originals.setdefault(stored.development, stored.commit)
        since = min(since, paints_since(paints))
    originals |= log.originals(connection, latest.keys() - originals.keys())
    return Said(
        [
            Contribution(Order(announced(told, subject).at, told.sequence, originals[development]), said)
            for development, (told, said) in latest.items()
        ],
        since,
    )


def paints_since(paints: Sequence[Paint]) -> datetime:
    """From when on paints look at what is believed. What a subject is, is one segment over all time: it is read
    whenever anything is."""
    return min((paint.start for paint in paints if paint.aspect != ABOUT), default=LAST)


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


# ---------------------------------------------------------------- states as JSON


_state_encoder = msgspec.json.Encoder(order="deterministic")
_state_decoder = msgspec.json.Decoder(dict[str, tuple[Layer, ...]])
STATES_IN_MIND = 4096


def dumped(state: State) -> str:
    """A state as it is kept: field -> layers, each [value, position, since, excepted]."""
    return _state_encoder.encode(state).decode()


@lru_cache(maxsize=STATES_IN_MIND)
def loaded(text: str) -> State:
    """The state that was kept. Nobody changes a state: one reading of a text serves all who ask."""
    return _state_decoder.decode(text)


# ---------------------------------------------------------------- reading

_LANE = (lanes.c.subject, lanes.c.partner, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect)
_SEGMENT = (
    segments.c.valid_from, segments.c.valid_until, segments.c.known_from, segments.c.known_until, segments.c.state,
)  # fmt: skip
_ROWS: Select[Any] = select(*_LANE, *_SEGMENT).join_from(lanes, segments, segments.c.lane == lanes.c.id)


def _learnt_by(held: FromClause, name: str) -> ColumnElement[bool]:
    """That something was known by a position; no index is taken for it, which would lead to all that was by then."""
    return held.c.known_from + 0 <= bindparam(name)


_KNOWN = (
    segments.c.node.in_(bindparam("nodes", expanding=True)),
    _learnt_by(segments, "known"),
    segments.c.known_until > bindparam("known"),
)
_CHANGED = _ROWS.where(
    or_(
        and_(
            segments.c.known_from.between(bindparam("first"), bindparam("last")),
            segments.c.known_until > bindparam("last"),
        ),
        and_(
            segments.c.known_until.between(bindparam("first"), bindparam("last")),
            _CLOSED,
            segments.c.known_from < bindparam("first"),
        ),
    )
)
_PARTNERS = lanes.c.partner.in_(bindparam("partners", expanding=True))
_KNOWN_OF_ALL = _ROWS.where(*_KNOWN)
_KNOWN_OF = _KNOWN_OF_ALL.where(_PARTNERS)
_OF_ASPECT = _KNOWN_OF_ALL.where(lanes.c.aspect == bindparam("aspect")).order_by(segments.c.valid_from)
_OF_SUBJECT = _KNOWN_OF_ALL.where(lanes.c.subject == bindparam("subject"))
_ALL_OF_SUBJECTS = _KNOWN_OF_ALL.where(lanes.c.subject.in_(bindparam("subjects", expanding=True)))
_OF_SUBJECTS = _ALL_OF_SUBJECTS.where(_PARTNERS)
_EVER_KNOWN = _ROWS.where(_learnt_by(segments, "known"))
_EVER_OF = _EVER_KNOWN.where(lanes.c.subject.in_(bindparam("subjects", expanding=True)))
_SAYS_WHAT_IT_IS = lanes.c.aspect.concat("") == ABOUT
"""Every subject has such a lane: no index is taken for it, so that it is that of the subject or the partner."""
_EVER_ABOUT = _EVER_OF.where(_SAYS_WHAT_IT_IS)
_ABOUT = (
    select(lanes.c.subject, segments.c.state)
    .join_from(lanes, segments, segments.c.lane == lanes.c.id)
    .where(*_KNOWN, _SAYS_WHAT_IT_IS)
)
_ABOUTS = _ABOUT.where(lanes.c.subject.in_(bindparam("subjects", expanding=True)))
_OF_MARK = _ABOUT.where(lanes.c.partner == bindparam("mark"))


_MEMBERSHIPS = _KNOWN_OF.where(or_(lanes.c.aspect == "checked", lanes.c.aspect.startswith("membership:")))


@cache
def _around(count: int, dialect: str) -> CompoundSelect[Any]:
    """What hangs at so many nodes: of each lane what it comes to in the end, and per node the first few segments that
    end after an instant, and the last few that end before. These are walked along the index from that instant, lane by
    lane; each database has its own way to say so.

    Versions that were not known are passed over. So that these are few, a walk keeps to what lies before the end to
    which the lane was known to come, and begins no lane of a subject that was not on record.
    """
    given = [bindparam(f"node{i}", type_=BigInteger) for i in range(count)]
    ones = [select(one.label("node")) for one in given]
    hung = (union_all(*ones) if count > 1 else ones[0]).subquery("hung")
    at = bindparam("at", type_=Instant())
    near, last = segments.alias("near"), segments.alias("last")

    def was_known(held: FromClause) -> tuple[ColumnElement[bool], ...]:
        return held.c.known_from <= bindparam("known"), held.c.known_until > bindparam("known")

    first = log.subjects.join(log.events, log.events.c.subject == log.subjects.c.id)
    begun = (
        select(log.events.c.position)
        .select_from(first)
        .where(log.subjects.c.key == lanes.c.subject, log.events.c.version == 1)
        .where(log.events.c.position <= bindparam("known"))
        .exists()
    )
    ending = and_(
        last.c.lane == lanes.c.id,
        last.c.node.in_(given),
        last.c.valid_until == FOREVER,
        _learnt_by(last, "known"),
        last.c.known_until > bindparam("known"),
    )
    wanted = (
        select(lanes.c.id, *_LANE, last.c.node.label("hangs"), *(last.c[column.name] for column in _SEGMENT))
        .join_from(lanes, last, ending, isouter=True)
        .where(_PARTNERS, begun)
    )
    own = wanted.cte("own").prefix_with("MATERIALIZED")
    there = near.c.lane == own.c.id, near.c.node == hung.c.node
    used = select(literal(1)).where(*there, *was_known(near)).limit(1).correlate(own, hung).scalar_subquery()
    everywhere = select(own, hung).select_from(own.join(hung, true()))
    found_at = everywhere.where(or_(hung.c.node == TOP, used.is_not(None)))  # elsewhere mostly nothing is
    places = found_at.cte("places").prefix_with("MATERIALIZED")

    def nearest(ahead: bool, *columns: Any) -> Select[Any]:
        ends = near.c.valid_until
        if ahead:
            reach = and_(ends > at, ends <= func.coalesce(places.c.valid_from, literal(FOREVER, Instant())))
        else:
            reach = ends <= case((places.c.valid_from < at, places.c.valid_from), else_=at)
        return (
            select(*columns)
            .where(near.c.lane == places.c.id, near.c.node == places.c.node, reach, *was_known(near))
            .order_by(ends if ahead else ends.desc())
            .limit(bindparam("ahead" if ahead else "behind"))
            .correlate(places)
        )

    def rows(whose: CTE, held: FromClause, hangs: ColumnElement[int], joined: FromClause) -> Select[Any]:
        columns = *(whose.c[one.name] for one in _LANE), *(held.c[one.name] for one in _SEGMENT)
        return select(*columns, whose.c.id.label("of"), hangs.label("node")).select_from(joined)

    def arm(ahead: bool) -> Select[Any]:
        if dialect == "sqlite":
            its: ColumnElement[int] = literal_column("segments.rowid")
            found = its.in_(nearest(ahead, literal_column("near.rowid")))
            return rows(places, segments, places.c.node, places.join(segments, found))
        beside = nearest(ahead, near).lateral("ahead" if ahead else "behind")
        return rows(places, beside, places.c.node, places.join(beside, true()))

    in_the_end = rows(own, own, own.c.hangs, own).where(own.c.state.is_not(None))
    return union_all(in_the_end, arm(ahead=True), arm(ahead=False))


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
    found = _KNOWN_OF if partners is not None else _KNOWN_OF_ALL
    return _rows(connection.execute(found, _parameters(partners, **_as_known(connection, known))))


BEHIND = 8
"""How many segments before an instant are read of each lane: mostly enough to say since when something holds."""
AHEAD = 16
"""How many segments that end after an instant are read of each lane: enough of what comes for a reader."""


class Around(NamedTuple):
    """The first few segments that end after an instant and the last few before it. ``whole_since`` and ``whole_until``:
    from when on and until when an item's are all there, where that is not all of time; the latter follows from what was
    known alone, whatever was learnt since."""

    rows: list[Row]
    whole_since: dict[Key, datetime]
    whole_until: dict[Key, datetime]


def around(connection: Connection, partners: Iterable[str], at: datetime, known: int) -> Around:
    """The segments known at a position of lanes that concern these partners, as far as a question about an instant and
    what comes next needs them."""
    hung = nodes(known, log.position(connection))
    parameters = {f"node{i}": one for i, one in enumerate(hung)}
    parameters |= _parameters(partners, at=at, known=known, ahead=AHEAD, behind=BEHIND)
    found: dict[int, list[SqlRow[Any]]] = {}
    for row in connection.execute(_around(len(hung), connection.dialect.name), parameters):
        found.setdefault(row.of, []).append(row)
    around = Around([], {}, {})
    for lane in found.values():
        since, until = _gap_before(lane, at), _gap_after(lane, at)
        rows = _rows(row for row in lane if since < row.valid_until <= until or row.valid_until == FOREVER)
        around.rows.extend(rows)
        key = key_of(rows[0])
        if since > BEGINNING:
            around.whole_since[key] = max(since, around.whole_since.get(key, since))
        if until < FOREVER:
            around.whole_until[key] = min(until, around.whole_until.get(key, until))
    return around


def _gap_before(lane: Iterable[SqlRow[Any]], at: datetime) -> datetime:
    """From when on the segments of a lane that ended by an instant are all there."""
    behind: dict[int, list[datetime]] = {}
    for row in lane:
        if row.valid_until <= at:
            behind.setdefault(row.node, []).append(row.valid_from)
    return max((min(starts) for starts in behind.values() if len(starts) == BEHIND), default=BEGINNING)


def _gap_after(lane: Iterable[SqlRow[Any]], at: datetime) -> datetime:
    """Until when the segments of a lane that end after an instant are all there, besides what it comes to at last."""
    ahead = sorted(row.valid_until for row in lane if row.valid_until > at)
    return ahead[AHEAD - 1] if len(ahead) >= AHEAD else FOREVER


def memberships(connection: Connection, partner: str, known: int) -> list[Row]:
    """All segments that say which blocs a partner is a member of, or until when it was checked."""
    return _rows(connection.execute(_MEMBERSHIPS, _parameters([partner], **_as_known(connection, known))))


def ever_known(connection: Connection, partners: Iterable[str] | None, known: int) -> list[Row]:
    """All segments that were known at this position or at any before it: the material of a timeline."""
    found = _EVER_KNOWN.where(_of(partners))
    return _rows(connection.execute(found, _parameters(partners, known=known)))


def known_between(connection: Connection, partners: Iterable[str] | None, first: int, last: int) -> list[Row]:
    """All segments that were known at some position from ``first`` to ``last``: two states of knowledge and every
    step between them."""
    between = (_learnt_by(segments, "last"), segments.c.known_until > bindparam("first"))
    return _rows(
        connection.execute(
            _ROWS.where(*between, _of(partners)), _parameters(partners, first=first, last=last)
        )
    )


def changed(connection: Connection, first: int, last: int) -> list[Row]:
    """The segments that positions first..last, together, closed or opened; as known at ``last``, so that the answer
    is the same whenever it is asked for."""
    return in_order(
        row._replace(known_until=BELIEVED) if row.known_until > last else row
        for row in _rows(connection.execute(_CHANGED, {"first": first, "last": last}))
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows by what they speak of, when, and since when that is known."""
    return sorted(rows, key=lambda row: (row.subject, row.lane, row.segment.start, row.known_from))


def of_aspect(connection: Connection, aspect: str, known: int) -> list[Row]:
    """All segments of an aspect known at a position, the newest last."""
    return _rows(connection.execute(_OF_ASPECT, {"aspect": aspect, **_as_known(connection, known)}))


def of_subject(connection: Connection, subject: str, known: int) -> list[Row]:
    """All segments of a subject known at a position."""
    return _rows(connection.execute(_OF_SUBJECT, {"subject": subject, **_as_known(connection, known)}))


def of_subjects(
    connection: Connection, subjects: Iterable[str], partners: Iterable[str] | None, known: int
) -> list[Row]:
    """All segments of these subjects known at a position, of lanes that concern these partners (None: anybody)."""
    asked = _parameters(partners, subjects=sorted(set(subjects)), **_as_known(connection, known))
    found = _OF_SUBJECTS if partners is not None else _ALL_OF_SUBJECTS
    return _rows(connection.execute(found, asked))


def ever_of(connection: Connection, subjects: Iterable[str], known: int) -> list[Row]:
    """All segments of these subjects that were known at this position or at any before it."""
    return _rows(connection.execute(_EVER_OF, {"known": known, "subjects": sorted(set(subjects))}))


def ever_about(connection: Connection, subjects: Iterable[str], known: int) -> list[Row]:
    """All segments known at this position or before it that say what these subjects are."""
    return _rows(connection.execute(_EVER_ABOUT, {"known": known, "subjects": sorted(set(subjects))}))


def places(connection: Connection) -> list[tuple[str, Lane]]:
    """Every subject and lane there is or was: what a form can suggest."""
    wanted = select(lanes.c.subject, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect)
    return [(row.subject, Lane(*row[1:])) for row in connection.execute(wanted)]


def abouts(
    connection: Connection, subjects: Iterable[str], known: int, scopes: bool = False
) -> dict[str, dict[str, Any]]:
    """What subjects are, as known at a position: title, kind, authority, ...; with all ``scopes`` if wished."""
    asked = {**_as_known(connection, known), "subjects": sorted(set(subjects)), "mark": VOCABULARY}
    found = [*connection.execute(_ABOUTS, asked)]
    if scopes:
        found += connection.execute(_OF_MARK, asked)
    return _described(found)


def partners(connection: Connection, known: int) -> dict[str, dict[str, Any]]:
    """What the subjects that are partners are, as known at a position."""
    return _described(connection.execute(_OF_MARK, {"mark": FOLLOWED, **_as_known(connection, known)}))


def _described(found: Iterable[Any]) -> dict[str, dict[str, Any]]:
    return {
        subject: {name: layers[0].value for name, layers in loaded(state).items()} for subject, state in found
    }


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
    for row in connection.execute(wanted, _as_known(connection, known)):
        found.setdefault(row.partner, []).append(row.known_from)
    return found


def touching(partners: Iterable[str], code: str) -> ColumnElement[bool]:
    """The condition of events that changed what holds for any of these partners, or are about the one with the code."""
    own = lanes.c.partner.in_(sorted(set(partners)))
    ends = [
        select(edge).join_from(lanes, segments, segments.c.lane == lanes.c.id).where(own, which)
        for edge, which in ((segments.c.known_from, true()), (segments.c.known_until, _CLOSED))
    ]
    return or_(log.events.c.position.in_(union(*ends)), log.subjects.c.key == f"partner:{code}")


def _as_known(connection: Connection, known: int) -> dict[str, Any]:
    return {"known": known, "nodes": nodes(known, log.position(connection))}


def _of(partners: Iterable[str] | None) -> Any:
    return _PARTNERS if partners is not None else lanes.c.id.is_not(None)


def _parameters(partners: Iterable[str] | None, **others: Any) -> dict[str, Any]:
    return others if partners is None else {**others, "partners": sorted(set(partners))}


# ---------------------------------------------------------------- proof


def all_parked(connection: Connection) -> Sequence[SqlRow[Any]]:
    """The events that nothing is worked out from, as they could not be read: position, subject, reason."""
    return connection.execute(select(parked).order_by(parked.c.position)).all()


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
