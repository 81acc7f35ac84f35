"""The log: every event as it was recorded, byte for byte, and how to follow it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter, SkipValidation
from litestar.response import Stream
from sqlalchemy import ColumnElement, Connection, Engine

from tracker import read
from tracker.domain.errors import Refused
from tracker.domain.paint import EVERYONE, announced
from tracker.domain.views import Entry, Temporal, Version, View
from tracker.projections import segments
from tracker.read import Point
from tracker.store import log
from tracker.store.engine import reading
from tracker.store.log import Seal, StoredEvent
from tracker.web.asking import STREAMED, Asked, Listing, known_type
from tracker.web.conditional import Answer, answer
from tracker.web.errors import Failed, Wrong
from tracker.web.streaming import MEDIA_TYPE, MOST, Page, Streams, Wanted, message

TAGS = ["events"]
EventId = Annotated[str, PathParameter(description="The id of an event.")]
AfterPosition = Annotated[
    int,
    QueryParameter(
        ge=0, le=2**53, description="Only later ones: the position of the last event you have. To follow."
    ),
]
OfSubject = Annotated[
    str | None, QueryParameter(max_length=120, description="Only about this: measure:us-..., partner:MX.")
]
OfType = Annotated[
    str | None, QueryParameter(max_length=60, description="Only of this type: measure.paused.")
]
OfPartner = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Z]{2}$",
        description="Only what changed something for this partner, itself or through a bloc or everyone.",
    ),
]
LAST_EVENT_ID = "Last-Event-ID"
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name=LAST_EVENT_ID,
        max_length=20,
        description="``id`` of the last message you have; browsers send it by themselves when they come back. It "
        "counts before ``after_position``.",
    ),
]
PAGE = 100
"""Events that are read for a stream at a time."""


class ErasureView(View, frozen=True):
    """That the body of an event was erased, and why."""

    at: datetime
    reason: str


class EventView(View, frozen=True):
    """An event as the log holds it. ``body`` is the exact text that was hashed: what was told, and the fact; null with
    its ``salt`` where it was ``erased``. ``commitment`` is SHA-256(salt, body), in hexadecimal like the others."""

    position: int
    id: str
    subject: str
    version: int
    type: str
    schema: int
    development: str
    recorded_at: datetime
    learnt_at: datetime
    logged_by: str
    hash: str
    commitment: str
    salt: str | None
    erased: ErasureView | None
    body: Annotated[
        msgspec.Raw,
        msgspec.Meta(
            extra_json_schema={"anyOf": [{"$ref": "#/components/schemas/Record"}, {"type": "null"}]}
        ),
    ]


class Events(View, frozen=True):
    """A stretch of the log, in the order of positions."""

    temporal: Temporal
    items: list[EventView]
    next: str | None


class EventNow(View, frozen=True):
    """An event, and its development in all its versions, each with what it changed for whom. ``seen``: the version of
    each of its subjects, for an ``If-Match``."""

    temporal: Temporal
    event: EventView
    entry: Entry
    versions: list[Version]
    seen: dict[str, int]


@get("/events", summary="The log", tags=TAGS, sync_to_thread=True)
def events(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
    after_position: AfterPosition = 0,
    subject: OfSubject = None,
    type: OfType = None,
    partner: OfPartner = None,
) -> Answer[Events]:
    """Events in the order of positions, which is the order of commits: ask again with ``after_position`` set to the
    last one you have, and none is missed. A position that is not in the log, as after the restore of an older backup,
    is refused: what follows it would belong to another history. ``as_of``, where given, leaves out what was announced
    later."""
    known_type(type)
    with reading(engine) as connection:
        reachable(connection, after_position)
        at = listing.point(connection)
        among = None if partner is None else _touching(connection, partner, at.known)
        found: list[StoredEvent] = []
        reached = max(after_position, listing.reached)
        while page := log.found(
            connection, reached, at.known, listing.limit + 1, subject=subject, type=type, among=among
        ):
            found += [event for event in page if listing.asked.as_of is None or _was_told(event, at)]
            reached = page[-1].position
            if len(found) > listing.limit or len(page) <= listing.limit:
                break
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
        items = found[: listing.limit]
        views = viewed(connection, items)
    following = listing.after(items[-1].position, at) if len(found) > len(items) else None
    content = Events(temporal=temporal, items=views, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


@get("/events/{id:str}", summary="One event, with its versions", tags=TAGS, sync_to_thread=True)
def event(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    id: EventId,
) -> Answer[EventNow]:
    """An event by its id: as it was recorded, every version of its development with the hash of each event, and what
    each version changed."""
    with reading(engine) as connection:
        at = asked.point(connection)
        found = log.by_id(connection, id)
        if found is None or found.position > at.known:
            raise Refused("not_found", f"there is no event {id!r}, as known then: /v1/events lists them")
        story = read.story(connection, found.development, at.known)
        content = EventNow(
            temporal=read.temporal(connection, at, read.coverage(connection, at.known)),
            event=viewed(connection, [found])[0], entry=story.entry, versions=story.versions, seen=story.seen,
        )  # fmt: skip
    return answer(request, content, asked.pins(at), asked.pinned)


@get(
    "/stream",
    summary="The log as it grows",
    tags=["stream"],
    opt={STREAMED: EventView},
    sync_to_thread=True,
    media_type=MEDIA_TYPE,
)
def stream(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    last_event_id: LastEventId = None,
    after_position: AfterPosition = 0,
    type: OfType = None,
    partner: OfPartner = None,
) -> Stream:
    """Every event after a position, then each as it is recorded: server-sent events, one message an event, its ``id``
    the position and its ``data`` what ``/v1/events`` has for it. A stream ends after some ten minutes; come back with
    ``Last-Event-ID``, as browsers do, and nothing is missed or repeated. Comments are heartbeats."""
    streams: Streams = request.app.state.streams
    known_type(type)
    after = after_position if last_event_id is None else _position(last_event_id)
    with reading(engine) as connection:
        end = reachable(connection, after, "after_position" if last_event_id is None else LAST_EVENT_ID)
        if partner is not None:
            read.partner(connection, partner, end, "partner")
    if not streams.admits():
        detail = f"{MOST} streams are open here: try again in a minute, or ask /v1/events"
        raise Failed(503, "busy", detail, headers={"Retry-After": "60"})
    wanted = Wanted(partner, type)
    return Stream(
        streams.follow(wanted, after, end, partial(_page, engine, wanted)),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        media_type=MEDIA_TYPE,
    )


def reachable(connection: Connection, after: int, where: str = "after_position") -> int:
    """Where the log ends. Refused for a position beyond: whoever has dealt with that follows another log."""
    end = log.position(connection)
    if after > end:
        detail = f"{where} {after} is not in the log: it holds positions 0 to {end}"
        raise Failed(400, "invalid", detail, _wrong(where, detail))
    return end


def _position(last_event_id: str) -> int:
    """The position in a ``Last-Event-ID``."""
    if last_event_id.isascii() and last_event_id.isdigit():
        return int(last_event_id)
    what = f"{LAST_EVENT_ID} {last_event_id!r} is no position"
    detail = f"{what}: send the id of the last message you have, or leave it out"
    raise Failed(400, "invalid", detail, _wrong(LAST_EVENT_ID, detail))


def _wrong(where: str, detail: str) -> Wrong:
    return (
        Wrong(header=where, detail=detail)
        if where == LAST_EVENT_ID
        else Wrong(parameter=where, detail=detail)
    )


def _page(engine: Engine, wanted: Wanted, after: int, end: int) -> Page:
    """The next page of a stream."""
    with reading(engine) as connection:
        among = None if wanted.partner is None else _touching(connection, wanted.partner, end)
        found = log.found(connection, after, end, PAGE, type=wanted.type, among=among)
        views = viewed(connection, found)
    reached = found[-1].position if len(found) == PAGE else end
    return Page(b"".join(message(view.position, view) for view in views), reached)


def viewed(connection: Connection, found: Sequence[StoredEvent]) -> list[EventView]:
    """Events as the API shows them."""
    seals = log.seals(connection, found)
    return [_view(event, seals[event.position]) for event in found]


def _view(event: StoredEvent, seal: Seal) -> EventView:
    return EventView(
        position=event.position, id=event.id, subject=event.subject, version=event.version, type=event.type,
        schema=event.schema, development=event.development, recorded_at=event.recorded_at, learnt_at=event.learnt_at,
        logged_by=event.logged_by, hash=event.hash.hex(), commitment=seal.commitment.hex(),
        salt=seal.salt.hex() if seal.salt is not None else None,
        erased=ErasureView(at=seal.erased_at, reason=seal.reason or "") if seal.erased_at else None,
        body=msgspec.Raw(event.body.encode() or b"null"),
    )  # fmt: skip


def _was_told(event: StoredEvent, at: Point) -> bool:
    return announced(event.told, event.subject).at <= at.as_of


def _touching(connection: Connection, code: str, known: int) -> ColumnElement[bool]:
    read.partner(connection, code, known, "partner")
    blocs = {key.name for key in read.history(connection, code, known).keys if key.family == "membership"}
    return segments.touching([code, EVERYONE, *blocs], code)


ROUTES = (events, event, stream)
