"""Conflicts: where sources and our record, or two sources, cannot both be right."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Cause, Temporal, View
from tracker.read import disputes
from tracker.read.accounts import Sought
from tracker.read.disputes import Conflict
from tracker.store.engine import reading
from tracker.web.asking import Listing
from tracker.web.conditional import Answer, answer

TAGS = ["sources"]
Source = Annotated[
    str | None, QueryParameter(max_length=64, description="Only this source, by the key of its claims.")
]
Reaching = Annotated[
    str | None, QueryParameter(pattern="^[A-Z]{2}$", description="Only what reaches this partner.")
]
About = Annotated[str | None, QueryParameter(max_length=120, description="Only about this measure.")]
Holding = Annotated[bool, QueryParameter(description="Only those that hold at the point itself.")]


class Conflicts(View, frozen=True):
    """Where accounts cannot both be right, by the day from which on."""

    temporal: Temporal
    items: list[Conflict]
    next: str | None
    causes: dict[int, Cause]


@get("/conflicts", summary="Where sources and our record disagree", tags=TAGS, sync_to_thread=True)
def conflicts(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    source: Source = None,
    partner: Reaching = None,
    subject: About = None,
    holding: Holding = False,
) -> Answer[Conflicts]:
    """About any day until ``as_of``: both values, both dates, the tier of each source, and why. A threat contradicts
    nothing, nor does silence, nor a rate that may be the other."""
    with reading(engine) as connection:
        at = listing.point(connection)
        found, causes = disputes.disputes(connection, at, Sought(source, partner, subject))
        items, following = listing.cut([one for one in found if one.holds or not holding], at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    behind = {side.caused_by for one in items for side in (one.theirs, one.ours)}
    content = Conflicts(
        temporal=temporal, items=items, next=following,
        causes={position: cause for position, cause in causes.items() if position in behind},
    )  # fmt: skip
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


ROUTES = (conflicts,)
