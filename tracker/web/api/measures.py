"""Measures: tariffs, bans, quotas, taxes, and how each stands for whom."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Cause, ChangeView, Measure, Temporal, View
from tracker.read import subjects
from tracker.read.subjects import Wanted
from tracker.store.engine import reading
from tracker.web.asking import Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["measures"]
MeasureKey = Annotated[
    str,
    PathParameter(
        description="The key of a measure, with or without ``measure:``.",
        schema_extra={"examples": ["us-ieepa-fentanyl-mx"]},
    ),
]
OfPartner = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Z]{2}$",
        description="Only what reaches this partner: its own, its blocs', and what applies to everyone.",
    ),
]
OfAuthority = Annotated[
    str | None,
    QueryParameter(max_length=120, description="Only under this authority: us-ieepa, us-section-232."),
]
Status = Annotated[
    str | None,
    QueryParameter(max_length=40, description="Only what has this status: in_force, paused, threatened."),
]
Scope = Annotated[
    str | None,
    QueryParameter(name="scope", max_length=64, description="Only this scope: all-goods, auto-parts."),
]
Subject = Annotated[str | None, QueryParameter(max_length=120, description="Only this measure.")]


class Measures(View, frozen=True):
    """The measures that say something at a point."""

    temporal: Temporal
    items: list[Measure]
    next: str | None


class MeasureNow(View, frozen=True):
    """A measure at a point. ``version``: what an ``If-Match`` names; ``coming``: what is scheduled, per partner."""

    temporal: Temporal
    version: int
    measure: Measure
    coming: dict[str, list[ChangeView]]
    causes: dict[int, Cause]


@get("/measures", summary="Measures, and how each stands for whom", tags=TAGS, sync_to_thread=True)
def measures(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    partner: OfPartner = None,
    authority: OfAuthority = None,
    status: Status = None,
    of_scope: Scope = None,
    subject: Subject = None,
) -> Answer[Measures]:
    """The measures that say something at a point, each with the items that fit all filters: a target in a scope, on
    one basis (an instrument, or a claim). ``counts`` says whether an item is a duty then, ``reason`` why or why not."""
    wanted = Wanted(
        partner=partner, status=status, scope=of_scope,
        authority=authority and subjects.key_of("authority", authority),
        subject=subject and subjects.key_of("measure", subject),
    )  # fmt: skip
    with reading(engine) as connection:
        at = listing.point(connection)
        items, following = listing.cut(subjects.measures(connection, at, wanted), at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Measures(temporal=temporal, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


@get("/measures/{key:str}", summary="One measure", tags=TAGS, sync_to_thread=True)
def measure(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    key: MeasureKey,
) -> Answer[MeasureNow]:
    """A measure by its key (``us-ieepa-fentanyl-mx``), with what is scheduled and the events behind its values."""
    subject = subjects.key_of("measure", key)
    with reading(engine) as connection:
        at = asked.point(connection)
        found = subjects.measure(connection, subject, at)
        behind = {p for items in found.partners.values() for item in items for p in item.causes.values()}
        content = MeasureNow(
            temporal=read.temporal(connection, at, read.coverage(connection, at.known)),
            version=subjects.version(connection, subject, at.known),
            measure=found,
            coming=subjects.coming(connection, subject, at),
            causes=read.causes(connection, behind),
        )
    return answer(request, content, asked.pins(at), asked.pinned)


ROUTES = (measures, measure)
