"""Housekeeping: what an analyst should look at so that the record stays true."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Cause, Chore, Temporal, View
from tracker.read import chores
from tracker.store.engine import reading
from tracker.web.asking import Listing
from tracker.web.conditional import Answer, answer

TAGS = ["housekeeping"]
AboutPartner = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Z]{2}$", description="Only about this partner, also what reaches it through a bloc or everyone."
    ),
]  # fmt: skip


class Housekeeping(View, frozen=True):
    """What there is to look at; ``causes`` names the events behind it."""

    temporal: Temporal
    items: list[Chore]
    causes: dict[int, Cause]
    next: str | None


@get("/housekeeping", summary="What an analyst should look at", tags=TAGS, sync_to_thread=True)
def housekeeping(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    partner: AboutPartner = None,
) -> Answer[Housekeeping]:
    """Claims that lie open though an instrument came or their date passed, promises still announced though they are
    carried out or due, old rates that come back when a pause ends, deadlines and reviews whose day has passed, and
    partners not checked for two weeks. Each in a sentence, with what to log."""
    with reading(engine) as connection:
        at = listing.point(connection)
        items, following = listing.cut(chores.listed(connection, at, partner), at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
        behind = {p for one in items for p in (one.caused_by, one.because) if p is not None}
        causes = read.causes(connection, behind)
    content = Housekeeping(temporal=temporal, items=items, causes=causes, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


ROUTES = (housekeeping,)
