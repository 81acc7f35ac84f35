"""What a question about an instant needs of the segments, and no more: what holds then, what comes next, since when it
has been so. As quick in a long history as in a short one (docs/decisions/0019, 0031)."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import Row as SqlRow

from tracker.domain.fold import Row
from tracker.domain.history import Key, key_of
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections.segments import LANE, OF_PARTNERS, SEGMENT, as_rows, learnt_by, parameters
from tracker.projections.table import TOP, lanes, nodes, segments
from tracker.schema import Instant
from tracker.store import log


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
        # SQLite looks in the index whether it was learnt later; PostgreSQL would be led by that.
        learnt = held.c.known_from <= bindparam("known") if dialect == "sqlite" else learnt_by(held, "known")
        return learnt, held.c.known_until > bindparam("known")

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
        learnt_by(last, "known"),
        last.c.known_until > bindparam("known"),
    )
    wanted = (
        select(lanes.c.id, *LANE, last.c.node.label("hangs"), *(last.c[column.name] for column in SEGMENT))
        .join_from(lanes, last, ending, isouter=True)
        .where(OF_PARTNERS, begun)
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
        columns = *(whose.c[one.name] for one in LANE), *(held.c[one.name] for one in SEGMENT)
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
    given = {f"node{i}": one for i, one in enumerate(hung)}
    given |= parameters(partners, at=at, known=known, ahead=AHEAD, behind=BEHIND)
    found: dict[int, list[SqlRow[Any]]] = {}
    for row in connection.execute(_around(len(hung), connection.dialect.name), given):
        found.setdefault(row.of, []).append(row)
    seen = Around([], {}, {})
    for lane in found.values():
        since, until = _gap_before(lane, at), _gap_after(lane, at)
        rows = as_rows(row for row in lane if since < row.valid_until <= until or row.valid_until == FOREVER)
        seen.rows.extend(rows)
        key = key_of(rows[0])
        if since > BEGINNING:
            seen.whole_since[key] = max(since, seen.whole_since.get(key, since))
        if until < FOREVER:
            seen.whole_until[key] = min(until, seen.whole_until.get(key, until))
    return seen


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
