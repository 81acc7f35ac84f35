"""Statements: what sources say, in their own words, by when they said it."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Cause, Temporal, View
from tracker.domain.when import FOREVER, rfc3339
from tracker.read import accounts
from tracker.read.accounts import Sought, Statement
from tracker.store.engine import reading
from tracker.web.asking import Listing, with_plus
from tracker.web.conditional import Answer, answer

TAGS = ["sources"]
Source = Annotated[
    str | None,
    QueryParameter(
        max_length=64, description="Only this source, by the key of its claims.",
        schema_extra={"examples": ["tradewartracker"]},
    ),
]  # fmt: skip
Reaching = Annotated[
    str | None, QueryParameter(pattern="^[A-Z]{2}$", description="Only what reaches this partner.")
]
About = Annotated[
    str | None, QueryParameter(max_length=120, description="Only about this subject: measure:us-..., ...")
]
SaidBy = Annotated[
    str | None,
    QueryParameter(
        description="As sources had it by then, whenever it was recorded: a date (its end, in the tracker's zone) or "
        "an instant. Default: what they said last."
    ),
]  # fmt: skip


class Statements(View, frozen=True):
    """What sources say of the world at a point; ``said_by``: by when they had said it, null for ever."""

    temporal: Temporal
    said_by: datetime | None
    items: list[Statement]
    next: str | None
    causes: dict[int, Cause]


@get("/statements", summary="What sources say, by when they said it", tags=TAGS, sync_to_thread=True)
def statements(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    source: Source = None,
    partner: Reaching = None,
    subject: About = None,
    said_by: SaidBy = None,
) -> Answer[Statements]:
    """Claims, each in its source's own words: they never become law. *What did this source say on 15 October about
    1 November?* is ``source=...&said_by=2025-10-15&as_of=2025-11-01``; ``known_at`` asks what we knew of it."""
    with reading(engine) as connection:
        at = listing.point(connection)
        by = accounts.said_by(with_plus(said_by), at, "said_by")
        found, causes = accounts.statements(connection, at, Sought(source, partner, subject), by)
        items, following = listing.cut(found, at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Statements(
        temporal=temporal, said_by=None if by == FOREVER else by, items=items, next=following,
        causes={one.caused_by: causes[one.caused_by] for one in items},
    )  # fmt: skip
    pins = {**listing.asked.pins(at), "said_by": None if by == FOREVER else rfc3339(by)}
    return answer(request, content, pins, listing.asked.pinned, following)


ROUTES = (statements,)
