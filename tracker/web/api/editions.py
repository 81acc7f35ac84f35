"""Editions: digests as they were cut, to the byte, what was mended since; and what the next one would say."""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.delivery import editions as kept
from tracker.domain.edition import Edition, Mark, Scope
from tracker.domain.errors import invalid
from tracker.domain.views import View
from tracker.read import subjects
from tracker.schema import instant, micros
from tracker.settings import Settings
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.web.asking import (
    Asked,
    Before,
    Limit,
    Next,
    Partners,
    Sectors,
    Topics,
    opened_before,
    written,
)
from tracker.web.conditional import Answer, answer, stored

TAGS = ["editions"]
MOST = 1000
"""As many events as a preview since a time of one's own goes through; it takes milliseconds for each."""
EditionId = Annotated[str, PathParameter(description="The id of an edition: the SHA-256 of its content.")]
Naming = Annotated[
    str | None, QueryParameter(pattern="^[A-Z]{2}$", description="Only those whose scope names this partner.")
]
NamingSector = Annotated[
    str | None,
    QueryParameter(
        max_length=300, description="Only those whose scope names this S&P 500 sector (any case)."
    ),
]
OfDay = Annotated[date | None, QueryParameter(description="Only those of this local date.")]
WithEmpty = Annotated[bool, QueryParameter(description="With those in which nothing changed.")]
Day = Annotated[
    str | None,
    QueryParameter(
        max_length=10, description="The digest of this local date, from what the record had learnt by then.",
        schema_extra={"examples": ["2025-04-10"]},
    ),
]  # fmt: skip
Since = Annotated[
    str | None,
    QueryParameter(
        max_length=40, description="What changed since then, in the world and in the record: a date (its end) or an "
        "instant with its offset. Default: since yesterday's digest.",
    ),
]  # fmt: skip
Until = Annotated[
    str | None, QueryParameter(max_length=40, description="Up to when, likewise. Default: now.")
]


class EditionCard(View, frozen=True):
    """An edition in a list. ``since`` and ``until``: the marks it lies between; ``empty``: nothing changed, and that
    was kept as well. ``cut_at``: when it was frozen."""

    id: str
    day: str
    headline: str
    scope: Scope
    since: Mark
    until: Mark
    empty: bool
    cut_at: datetime


class Editions(View, frozen=True):
    """Editions, the last cut first."""

    items: list[EditionCard]
    next: str | None


class Repair(View, frozen=True):
    """A development that an edition tells and that was corrected or withdrawn after it was cut. ``event``: its first,
    for ``/v1/events/{id}``; ``position``: that of the last repair."""

    development: str
    event: str
    title: str
    standing: str
    reason: str | None
    position: int


class Repairs(View, frozen=True):
    """What was mended since an edition was cut, as known at a position; corrections of words alone are left out."""

    edition: str
    known_position: int
    repairs: list[Repair]


@get("/editions", summary="Editions", tags=TAGS, sync_to_thread=True)
def editions(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    partner: Naming = None,
    sector: NamingSector = None,
    day: OfDay = None,
    empty: WithEmpty = True,
    limit: Limit = 50,
    cursor: Next = None,
) -> Answer[Editions]:
    """What digests said, the last cut first; one in which nothing changed is listed as well, so that silence can be
    proven. Equal scopes share an edition. Who got one is told to nobody."""
    before = None if cursor is None else opened_before(cursor)
    with reading(engine) as connection:
        known = log.position(connection)
        if partner is not None:
            read.partner(connection, partner, known, "partner")
        if sector is not None:
            (sector,) = subjects.sectors(connection, [sector], known, "sector")
        found = kept.listed(
            connection, partner=partner, sector=sector, day=None if day is None else day.isoformat(), empty=empty,
            before=None if before is None else (instant(before.as_of), before.id), limit=limit + 1,
        )  # fmt: skip
    items = [
        EditionCard(
            id=one.id, day=one.day, headline=one.headline, scope=one.scope, since=one.since, until=one.until,
            empty=one.empty, cut_at=one.cut_at,
        )
        for one in found[:limit]
    ]  # fmt: skip
    following = written(Before(micros(items[-1].cut_at), items[-1].id)) if len(found) > limit else None
    return answer(request, Editions(items=items, next=following), cursor=following)


@get("/editions/{id:str}", summary="One edition", tags=TAGS, sync_to_thread=True)
def edition(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: EditionId
) -> Answer[Edition]:
    """Its content as it was frozen, to the byte: the id, which is also the ETag, is the SHA-256 of it. Only where
    something in it had to be erased, it is no longer what the id stands for. What was corrected since is at
    ``/v1/editions/{id}/repairs``."""
    with reading(engine) as connection:
        found = kept.get(connection, id)
    return stored(request, found.content.encode(), id, found.intact, f"/v1/editions/{id}/repairs")


@get("/editions/{id:str}/repairs", summary="What was mended since an edition", tags=TAGS, sync_to_thread=True)
def repairs(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: EditionId
) -> Answer[Repairs]:
    """The developments it tells that were corrected or withdrawn after it was cut, as they stand now: what its page has
    in a banner."""
    with reading(engine) as connection:
        kept.get(connection, id)
        known = log.position(connection)
        stories = [read.story(connection, one, known) for one in kept.repaired_since(connection, id)]
    found = [
        Repair(
            development=story.entry.development, event=story.entry.event, title=story.entry.title,
            standing=story.entry.standing, reason=story.entry.reason, position=story.versions[-1].last,
        )
        for story in stories
    ]  # fmt: skip
    return answer(request, Repairs(edition=id, known_position=known, repairs=found))


@get("/digest", summary="What a digest would say", tags=TAGS, sync_to_thread=True)
def digest(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    partners: Partners = None,
    sectors: Sectors = None,
    topics: Topics = None,
    day: Day = None,
    since: Since = None,
    until: Until = None,
) -> Answer[Edition]:
    """The edition for a scope as it would be cut: since yesterday's was due, of a past day, or between two times.
    Nothing is kept. What was logged in the last ten minutes is in no edition yet: here it is, marked ``held``."""
    now, zone = clock(), settings.zone.key
    if day is not None and (since is not None or until is not None):
        raise invalid("day", "day: a day has its own beginning and end; give it, or 'since' and 'until'")
    with reading(engine) as connection:
        first, last = (
            _mark(connection, name, text, now, zone) for name, text in (("since", since), ("until", until))
        )
        known = log.position(connection)
        if first is not None and (last.position if last else known) - first.position > MOST:
            raise invalid(
                "since", f"since: more than {MOST:,} events lie between; begin later, or take /v1/events"
            )
        scope = Scope(
            partners=[*dict.fromkeys(partners or ())],
            sectors=subjects.sectors(connection, sectors or (), known, "sectors"),
            topics=[*dict.fromkeys(topics or ())],
        )
        content = kept.preview(connection, scope, now=now, zone=zone, day=day, since=first, until=last)
    return answer(request, content)


def _mark(connection: Connection, name: str, text: str | None, now: datetime, zone: str) -> Mark | None:
    """A time on both axes: the world then, and the record as far as it had learnt by then."""
    if text is None:
        return None
    at = Asked(lambda: now, zone, text, text, None, (name, name, name)).point(connection)
    return Mark(as_of=at.as_of, position=at.known)


ROUTES = (editions, edition, repairs, digest)
