"""Authorities: the laws that measures are taken under, and what courts have made of them."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Authority, Cause, Measure, Ruling, Temporal, View
from tracker.read import subjects
from tracker.read.subjects import Wanted
from tracker.store.engine import reading
from tracker.web.asking import Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["authorities"]
AuthorityKey = Annotated[
    str,
    PathParameter(
        description="The key of an authority, with or without ``authority:``.",
        schema_extra={"examples": ["us-ieepa"]},
    ),
]


class Authorities(View, frozen=True):
    """The authorities on record."""

    temporal: Temporal
    items: list[Authority]
    next: str | None


class AuthorityNow(View, frozen=True):
    """An authority at a point, what was ruled on it and on measures under it, in order, and how each of these measures
    stands for whom: ``counts`` and ``reason`` tell what the rulings mean for it. ``version``: what an ``If-Match``
    names."""

    temporal: Temporal
    version: int
    authority: Authority
    rulings: list[Ruling]
    measures: list[Measure]
    causes: dict[int, Cause]


@get("/authorities", summary="Authorities, and their legal status", tags=TAGS, sync_to_thread=True)
def authorities(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
) -> Answer[Authorities]:
    """The laws that measures are taken under: whether each stands, for everyone and for named parties, whether duties
    under it are collected and refunded, and the measures under it."""
    with reading(engine) as connection:
        at = listing.point(connection, moving=True)
        items, following = listing.cut(read.authorities(connection, at), at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Authorities(temporal=temporal, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following, at)


@get("/authorities/{key:str}", summary="One authority, and its rulings", tags=TAGS, sync_to_thread=True)
def authority(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    key: AuthorityKey,
) -> Answer[AuthorityNow]:
    """An authority by its key (``us-ieepa``), the rulings in the order in which they were told, and how each measure
    under it stands for whom."""
    subject = subjects.key_of("authority", key)
    with reading(engine) as connection:
        at = asked.point(connection, moving=True)
        found = read.authority(connection, subject, at)
        rulings = read.rulings(connection, found, at)
        measures = subjects.measures(connection, at, Wanted(authority=subject))
        behind = {one.move.position for one in rulings} | {one.caused_by for one in found.standing}
        behind |= {p for m in measures for its in m.partners.values() for i in its for p in i.causes.values()}
        content = AuthorityNow(
            temporal=read.temporal(connection, at, read.coverage(connection, at.known)),
            version=subjects.version(connection, subject, at.known),
            authority=found,
            rulings=rulings,
            measures=measures,
            causes=read.causes(connection, behind),
        )
    return answer(request, content, asked.pins(at), asked.pinned, at=at)


ROUTES = (authorities, authority)
