"""Partners: who is followed, where things stand, what happened, what differs."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Card, ChangeView, Entry, PartnerName, PartnerState, Temporal, View
from tracker.read import subjects
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.web.asking import POSITION, RECORD, WORLD, Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["partners"]
Code = Annotated[
    str,
    PathParameter(
        description="A partner: ISO 3166-1 alpha-2, or EU.", schema_extra={"examples": ["GB", "EU"]}
    ),
]
Sector = Annotated[
    str | None, QueryParameter(max_length=300, description="Only partners of this S&P 500 sector (any case).")
]
From = Annotated[str | None, QueryParameter(name="from", description=f"The earlier point. {WORLD}")]
To = Annotated[str | None, QueryParameter(name="to", description=f"The later point. {WORLD}")]
KnownFrom = Annotated[str | None, QueryParameter(description=f"The earlier point. {RECORD}")]
KnownTo = Annotated[str | None, QueryParameter(description=f"The later point. {RECORD}")]
PositionFrom = Annotated[
    int | None, QueryParameter(ge=0, le=2**53, description=f"The earlier point. {POSITION}")
]
PositionTo = Annotated[int | None, QueryParameter(ge=0, le=2**53, description=f"The later point. {POSITION}")]


class Partners(View, frozen=True):
    """The partners that are followed, each with what a reader wants to know first."""

    temporal: Temporal
    items: list[Card]
    next: str | None


class Partner(View, frozen=True):
    """A partner, with what a reader wants to know first."""

    temporal: Temporal
    card: Card


class Timeline(View, frozen=True):
    """The developments that touch a partner, newest first, each with what it changed."""

    temporal: Temporal
    partner: PartnerName
    items: list[Entry]
    next: str | None


class Diff(View, frozen=True):
    """What differs for a partner between two points: ``before`` and ``after``, per item."""

    partner: PartnerName
    first: Temporal
    then: Temporal
    changes: list[ChangeView]


@get("/partners", summary="The board: partners, and where talks stand", tags=TAGS, sync_to_thread=True)
def partners(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    sector: Sector = None,
) -> Answer[Partners]:
    """The partners that are followed, in the order of their rank: talks, deal, the layers of duty on all goods that
    count, last change, next date ahead, last checked."""
    with reading(engine) as connection:
        at = listing.point(connection, moving=True)
        wanted = None if sector is None else subjects.sectors(connection, [sector], at.known, "sector")[0]
        cards = [card for card in read.board(connection, at) if wanted is None or wanted in card.sectors]
        items, following = listing.cut(cards, at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Partners(temporal=temporal, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following, at)


@get("/partners/{code:str}", summary="One partner of the board", tags=TAGS, sync_to_thread=True)
def partner(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    code: Code,
) -> Answer[Partner]:
    """Who a partner is, and what a reader wants to know first."""
    with reading(engine) as connection:
        at = asked.point(connection, moving=True)
        read.partner(connection, code, at.known)
        card = next(card for card in read.board(connection, at) if card.partner.code == code)
        temporal = read.temporal(connection, at, card.checked_through)
    return answer(request, Partner(temporal=temporal, card=card), asked.pins(at), asked.pinned, at=at)


@get("/partners/{code:str}/state", summary="Where things stand", tags=TAGS, sync_to_thread=True)
def state(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    code: Code,
) -> Answer[PartnerState]:
    """Goals beside results, at any point of both axes: talks, the criteria of a win, risks, measures, agreements with
    their provisions, deadlines, claims, and what is coming. ``causes`` names the event behind each value."""
    with reading(engine) as connection:
        at = asked.point(connection, moving=True)
        found = read.state(connection, code, at)
    return answer(request, found, asked.pins(at), asked.pinned, at=at)


@get("/partners/{code:str}/timeline", summary="What happened", tags=TAGS, sync_to_thread=True)
def timeline(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    code: Code,
) -> Answer[Timeline]:
    """The developments that touch a partner, announced by ``as_of``, in the version known at the point; corrections
    and withdrawals say so."""
    with reading(engine) as connection:
        at = listing.point(connection, moving=True)
        name = read.partner(connection, code, at.known)
        items, following = listing.cut(read.timeline(connection, code, at), at)
        temporal = read.temporal(connection, at, read.checked(connection, code, at.known))
    content = Timeline(temporal=temporal, partner=name, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following, at)


@get("/partners/{code:str}/diff", summary="What differs between two points", tags=TAGS, sync_to_thread=True)
def diff(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    clock: NamedDependency[SkipValidation[Clock]],
    settings: NamedDependency[SkipValidation[Settings]],
    code: Code,
    from_: From = None,
    to: To = None,
    known_from: KnownFrom = None,
    known_to: KnownTo = None,
    known_from_position: PositionFrom = None,
    known_to_position: PositionTo = None,
) -> Answer[Diff]:
    """From one point to another, on either axis or both: what changed in the world between two days, or what we have
    since learnt about one day. Each defaults to now."""
    zone = settings.zone.key
    first = Asked(
        clock, zone, from_, known_from, known_from_position, ("from", "known_from", "known_from_position")
    )
    then = Asked(clock, zone, to, known_to, known_to_position, ("to", "known_to", "known_to_position"))
    with reading(engine) as connection:
        earlier, later = first.point(connection), then.point(connection)
        name = read.partner(connection, code, later.known)
        content = Diff(
            partner=name,
            first=read.temporal(connection, earlier, read.checked(connection, code, earlier.known)),
            then=read.temporal(connection, later, read.checked(connection, code, later.known)),
            changes=read.diff(connection, code, earlier, later),
        )
    pins = {**first.pins(earlier), **then.pins(later)}
    return answer(request, content, pins, first.pinned and then.pinned)


ROUTES = (partners, partner, state, timeline, diff)
