"""Agreements: deals, their provisions, and what each side says of them."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Cause, ChangeView, Deal, Temporal, View
from tracker.read import subjects
from tracker.store.engine import reading
from tracker.web.asking import Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["agreements"]
AgreementKey = Annotated[
    str,
    PathParameter(
        description="The key of an agreement, with or without ``agreement:``.",
        schema_extra={"examples": ["us-gb-epd"]},
    ),
]
WithPartner = Annotated[
    str | None,
    QueryParameter(pattern="^[A-Z]{2}$", description="Only with this partner, or with a bloc of it."),
]


class Agreements(View, frozen=True):
    """The agreements that stand at a point."""

    temporal: Temporal
    items: list[Deal]
    next: str | None


class AgreementNow(View, frozen=True):
    """An agreement at a point; ``deal`` is null where it is on record and nothing is said of it yet. ``version``: what
    an ``If-Match`` names; ``coming``: what is scheduled, per partner."""

    temporal: Temporal
    version: int
    subject: str
    deal: Deal | None
    coming: dict[str, list[ChangeView]]
    causes: dict[int, Cause]


@get("/agreements", summary="Agreements with their provisions", tags=TAGS, sync_to_thread=True)
def agreements(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    partner: WithPartner = None,
) -> Answer[Agreements]:
    """The agreements that stand at a point: as a whole, provision by provision, and the accounts that differ."""
    with reading(engine) as connection:
        at = listing.point(connection)
        items, following = listing.cut(subjects.deals(connection, at, partner), at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Agreements(temporal=temporal, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


@get("/agreements/{key:str}", summary="One agreement", tags=TAGS, sync_to_thread=True)
def agreement(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    key: AgreementKey,
) -> Answer[AgreementNow]:
    """An agreement by its key (``us-gb-epd``): its state, each provision's own state, who claims what, what is
    scheduled, and the events behind it all."""
    subject = subjects.key_of("agreement", key)
    with reading(engine) as connection:
        at = asked.point(connection)
        deal = subjects.deal(connection, subject, at)
        views = [deal.agreement, *deal.provisions, *deal.accounts] if deal else []
        content = AgreementNow(
            temporal=read.temporal(connection, at, read.coverage(connection, at.known)),
            version=subjects.version(connection, subject, at.known),
            subject=subject,
            deal=deal,
            coming=subjects.coming(connection, subject, at),
            causes=read.causes(connection, {p for view in views for p in view.causes.values()}),
        )
    return answer(request, content, asked.pins(at), asked.pinned)


ROUTES = (agreements, agreement)
