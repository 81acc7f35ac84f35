"""What is asked of the segments.

``known`` is a position: what was known then. Some take everything about partners (``known``, ``memberships``), some
about subjects (``of_subject``, ``of_subjects``), some what was ever known by then (``ever_known``, ``ever_of``,
``ever_about``), some what changed over positions (``known_between``, ``changed``). What a question about one instant
needs is in ``around``.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    or_,
    select,
    true,
    union,
)
from sqlalchemy import Row as SqlRow

from tracker.domain.events import FOLLOWED, VOCABULARY
from tracker.domain.fold import Lane, Row, Segment
from tracker.domain.paint import ABOUT
from tracker.projections.table import BELIEVED, CLOSED, lanes, loaded, nodes, parked, segments
from tracker.store import log

LANE = (lanes.c.subject, lanes.c.partner, lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect)
SEGMENT = (
    segments.c.valid_from, segments.c.valid_until, segments.c.known_from, segments.c.known_until, segments.c.state,
)  # fmt: skip
_ROWS: Select[Any] = select(*LANE, *SEGMENT).join_from(lanes, segments, segments.c.lane == lanes.c.id)


def learnt_by(held: FromClause, name: str) -> ColumnElement[bool]:
    """That something was known by a position; no index is taken for it, which would lead to all that was by then."""
    return held.c.known_from + 0 <= bindparam(name)


_KNOWN = (
    segments.c.node.in_(bindparam("nodes", expanding=True)),
    learnt_by(segments, "known"),
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
            CLOSED,
            segments.c.known_from < bindparam("first"),
        ),
    )
)
OF_PARTNERS = lanes.c.partner.in_(bindparam("partners", expanding=True))
_KNOWN_OF_ALL = _ROWS.where(*_KNOWN)
_KNOWN_OF = _KNOWN_OF_ALL.where(OF_PARTNERS)
_OF_ASPECT = _KNOWN_OF_ALL.where(lanes.c.aspect == bindparam("aspect")).order_by(segments.c.valid_from)
_OF_SUBJECT = _KNOWN_OF_ALL.where(lanes.c.subject == bindparam("subject"))
_ALL_OF_SUBJECTS = _KNOWN_OF_ALL.where(lanes.c.subject.in_(bindparam("subjects", expanding=True)))
_OF_SUBJECTS = _ALL_OF_SUBJECTS.where(OF_PARTNERS)
_EVER_KNOWN = _ROWS.where(learnt_by(segments, "known"))
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


def as_rows(found: Iterable[Any]) -> list[Row]:
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
    return as_rows(connection.execute(found, parameters(partners, **_as_known(connection, known))))


def memberships(connection: Connection, partner: str, known: int) -> list[Row]:
    """All segments that say which blocs a partner is a member of, or until when it was checked."""
    return as_rows(connection.execute(_MEMBERSHIPS, parameters([partner], **_as_known(connection, known))))


def ever_known(connection: Connection, partners: Iterable[str] | None, known: int) -> list[Row]:
    """All segments that were known at this position or at any before it: the material of a timeline."""
    found = _EVER_KNOWN.where(_of(partners))
    return as_rows(connection.execute(found, parameters(partners, known=known)))


def known_between(connection: Connection, partners: Iterable[str] | None, first: int, last: int) -> list[Row]:
    """All segments that were known at some position from ``first`` to ``last``: two states of knowledge and every
    step between them."""
    between = (learnt_by(segments, "last"), segments.c.known_until > bindparam("first"))
    return as_rows(
        connection.execute(_ROWS.where(*between, _of(partners)), parameters(partners, first=first, last=last))
    )


def changed(connection: Connection, first: int, last: int) -> list[Row]:
    """The segments that positions first..last, together, closed or opened; as known at ``last``, so that the answer
    is the same whenever it is asked for."""
    return in_order(
        row._replace(known_until=BELIEVED) if row.known_until > last else row
        for row in as_rows(connection.execute(_CHANGED, {"first": first, "last": last}))
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows by what they speak of, when, and since when that is known."""
    return sorted(rows, key=lambda row: (row.subject, row.lane, row.segment.start, row.known_from))


def of_aspect(connection: Connection, aspect: str, known: int) -> list[Row]:
    """All segments of an aspect known at a position, the newest last."""
    return as_rows(connection.execute(_OF_ASPECT, {"aspect": aspect, **_as_known(connection, known)}))


def of_subject(connection: Connection, subject: str, known: int) -> list[Row]:
    """All segments of a subject known at a position."""
    return as_rows(connection.execute(_OF_SUBJECT, {"subject": subject, **_as_known(connection, known)}))


def of_subjects(
    connection: Connection, subjects: Iterable[str], partners: Iterable[str] | None, known: int
) -> list[Row]:
    """All segments of these subjects known at a position, of lanes that concern these partners (None: anybody)."""
    asked = parameters(partners, subjects=sorted(set(subjects)), **_as_known(connection, known))
    found = _OF_SUBJECTS if partners is not None else _ALL_OF_SUBJECTS
    return as_rows(connection.execute(found, asked))


def ever_of(connection: Connection, subjects: Iterable[str], known: int) -> list[Row]:
    """All segments of these subjects that were known at this position or at any before it."""
    return as_rows(connection.execute(_EVER_OF, {"known": known, "subjects": sorted(set(subjects))}))


def ever_about(connection: Connection, subjects: Iterable[str], known: int) -> list[Row]:
    """All segments known at this position or before it that say what these subjects are."""
    return as_rows(connection.execute(_EVER_ABOUT, {"known": known, "subjects": sorted(set(subjects))}))


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
        .where(*_KNOWN, lanes.c.aspect.not_in((ABOUT, "checked")))
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
        for edge, which in ((segments.c.known_from, true()), (segments.c.known_until, CLOSED))
    ]
    return or_(log.events.c.position.in_(union(*ends)), log.subjects.c.key == f"partner:{code}")


def _as_known(connection: Connection, known: int) -> dict[str, Any]:
    return {"known": known, "nodes": nodes(known, log.position(connection))}


def _of(partners: Iterable[str] | None) -> Any:
    return OF_PARTNERS if partners is not None else lanes.c.id.is_not(None)


def parameters(partners: Iterable[str] | None, **others: Any) -> dict[str, Any]:
    return others if partners is None else {**others, "partners": sorted(set(partners))}


# ---------------------------------------------------------------- proof


def all_parked(connection: Connection) -> Sequence[SqlRow[Any]]:
    """The events that nothing is worked out from, as they could not be read: position, subject, reason."""
    return connection.execute(select(parked).order_by(parked.c.position)).all()
