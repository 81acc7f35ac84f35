"""Negotiations: the talks with a partner, their goals and risks; deadlines and commitments of all."""

from datetime import date
from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import invalid
from tracker.domain.views import Cause, Commitment, Deadline, Negotiation, Temporal, View
from tracker.domain.when import stated_on
from tracker.read import subjects
from tracker.store.engine import reading
from tracker.web.asking import Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["negotiations"]
Code = Annotated[
    str,
    PathParameter(
        description="A partner: ISO 3166-1 alpha-2, or EU.", schema_extra={"examples": ["GB", "EU"]}
    ),
]
OfPartner = Annotated[
    str | None,
    QueryParameter(pattern="^[A-Z]{2}$", description="Only of this partner, and of the blocs it is in."),
]
Status = Annotated[
    Literal["open", "met", "missed", "cancelled", "closed"] | None,
    QueryParameter(description="Only those that stand so; closed: over, and nobody says how."),
]
From = Annotated[
    str | None,
    QueryParameter(
        name="from", max_length=40, description="Only those due on this day or later: a date, as stated.",
        schema_extra={"examples": ["2025-07-01"]},
    ),
]  # fmt: skip
To = Annotated[
    str | None,
    QueryParameter(
        name="to", max_length=40, description="Only those due on this day or before: a date, as stated.",
        schema_extra={"examples": ["2025-08-31"]},
    ),
]  # fmt: skip


class Deadlines(View, frozen=True):
    """Deadlines at a point, by date. ``causes`` names the events behind them."""

    temporal: Temporal
    items: list[Deadline]
    next: str | None
    causes: dict[int, Cause]


class Commitments(View, frozen=True):
    """What agreements promise with an amount or by a date, at a point. ``causes`` names the events behind it."""

    temporal: Temporal
    items: list[Commitment]
    next: str | None
    causes: dict[int, Cause]


@get(
    "/partners/{code:str}/negotiation", summary="The talks, goals beside results", tags=TAGS, sync_to_thread=True
)  # fmt: skip
def negotiation(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    code: Code,
) -> Answer[Negotiation]:
    """The talks with a partner and their course, the focus, each criterion of the win and each risk with its standing,
    its evidence and what moved it, the deadlines with every date they had, and the deals."""
    with reading(engine) as connection:
        at = asked.point(connection)
        found = read.negotiation(connection, code, at)
    return answer(request, found, asked.pins(at), asked.pinned)


@get("/deadlines", summary="Deadlines, with every date they had", tags=TAGS, sync_to_thread=True)
def deadlines(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    partner: OfPartner = None,
    status: Status = None,
    from_: From = None,
    to: To = None,
) -> Answer[Deadlines]:
    """The deadlines set by the point, of all partners, by date: where each stood before (``earlier``), the events that
    set, moved and closed it (``moves``), and whether its date has ``passed`` while it is still open."""
    between = (_day(from_, "from", date.min), _day(to, "to", date.max))
    with reading(engine) as connection:
        at = listing.point(connection)
        found = [
            one
            for one in read.deadlines(connection, at, partner)
            if status in (None, one.status) and ((from_ or to) is None or _within(one, *between))
        ]
        items, following = listing.cut(found, at)
        causes = read.causes(connection, {move.position for one in items for move in one.moves})
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Deadlines(temporal=temporal, items=items, next=following, causes=causes)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


def _day(text: str | None, name: str, otherwise: date) -> date:
    try:
        return otherwise if text is None else date.fromisoformat(text)
    except ValueError:
        raise invalid(name, f"{name}: {text!r} is not a date: write 2025-07-01") from None


def _within(one: Deadline, first: date, last: date) -> bool:
    return one.due is not None and first <= stated_on(one.due) <= last


@get(
    "/commitments",
    summary="What agreements promise with an amount or by a date",
    tags=TAGS,
    sync_to_thread=True,
)
def commitments(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    partner: OfPartner = None,
) -> Answer[Commitments]:
    """Each promise: by whom, how much of what amount has come so far, until when, how it stands, and in which
    agreement; also those that stand in one side's account alone."""
    with reading(engine) as connection:
        at = listing.point(connection)
        items, following = listing.cut(subjects.commitments(connection, at, partner), at)
        causes = read.causes(connection, {move.position for one in items for move in one.moves})
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Commitments(temporal=temporal, items=items, next=following, causes=causes)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


ROUTES = (negotiation, deadlines, commitments)
