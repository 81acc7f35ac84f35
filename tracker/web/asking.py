"""What a program asks for, read from the query: strictly, so that a typo is told and never ignored.

Handlers declare what they take in their signatures, or take ``asked`` or ``listing`` below; the document at
/openapi.json is made from the same declarations.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers.base import BaseRouteHandler
from litestar.params import QueryParameter, SkipValidation
from litestar.typing import FieldDefinition
from sqlalchemy import Connection

from tracker import read
from tracker.domain.errors import Problem, Refused
from tracker.domain.events import TYPES
from tracker.domain.topics import TOPICS
from tracker.domain.when import BEGINNING, rfc3339
from tracker.read import Point
from tracker.read.moving import Moving, plain
from tracker.schema import instant, micros
from tracker.settings import Settings, nearest
from tracker.store import log
from tracker.store.clock import Clock
from tracker.web.errors import Failed, Wrong

Item = TypeVar("Item")

BODY = "body"
"""``opt={BODY: Shape}`` on a handler: what its body holds, for the document."""
DONE = "done"
"""``opt={DONE: words}`` on a handler: what its success means, for the document."""
KEYS = "keys"
"""``opt={KEYS: names}`` on a handler: the security schemes that open it, for the document."""
STREAMED = "streamed"
"""``opt={STREAMED: Shape}`` on a handler: what each message of its stream holds, for the document."""
FILE = "file"
"""``opt={FILE: "text/calendar"}`` on a handler: the media type of what it answers, for the document."""

WORLD = (
    "World time: what applied then. A date (the end of that day in the tracker's zone) or an instant with its "
    "offset; default now. A time to come: what is scheduled."
)
RECORD = "Record time: what was known then. A date or an instant with its offset; default now, never to come."
POSITION = "Record time as a position in the log, instead of an instant."

AsOf = Annotated[str | None, QueryParameter(description=WORLD, schema_extra={"examples": ["2025-04-09"]})]
KnownAt = Annotated[str | None, QueryParameter(description=RECORD, schema_extra={"examples": ["2025-04-03"]})]
KnownPosition = Annotated[int | None, QueryParameter(ge=0, le=2**53, description=POSITION)]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many items at most.")]
Next = Annotated[
    str | None, QueryParameter(max_length=400, description="``next`` of the page before; it keeps its point.")
]


Code = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
Sector = Annotated[str, msgspec.Meta(max_length=300)]
Partners = Annotated[
    list[Code] | None,
    QueryParameter(
        description="Only what concerns these partners, themselves or through a bloc or everyone; may be given again.",
        schema_extra={"examples": [["MX", "CA"]]},
    ),
]  # fmt: skip
Sectors = Annotated[
    list[Sector] | None,
    QueryParameter(
        description="And what concerns partners whose profile names this S&P 500 sector (any case); may be given again."
    ),
]  # fmt: skip
Topic = Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(TOPICS)})$")]
Topics = Annotated[
    list[Topic] | None,
    QueryParameter(description="Only what is about this, as digests have it; may be given again."),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """The point that a query names, on both axes. ``names``: what its parameters are called."""

    clock: Clock
    zone: str
    as_of: str | None
    known_at: str | None
    known_position: int | None
    names: tuple[str, str, str] = ("as_of", "known_at", "known_position")

    @property
    def pinned(self) -> bool:
        """Whether the answer can never change: both axes are named, knowledge by its position."""
        return self.as_of is not None and self.known_position is not None

    def point(self, connection: Connection, moving: bool = False) -> Point:
        """The point; ``moving``: now as an instant that notes until when an answer about it holds."""
        now = self.clock()
        return read.point(
            connection, now=Moving.at(now) if moving else now, zone=self.zone, as_of=with_plus(self.as_of),
            known_at=with_plus(self.known_at), known_position=self.known_position, names=self.names,
        )  # fmt: skip

    def pins(self, point: Point) -> dict[str, Any]:
        """The parameters that name this point for good."""
        return {self.names[0]: rfc3339(plain(point.as_of)), self.names[1]: None, self.names[2]: point.known}


def asked(
    clock: NamedDependency[SkipValidation[Clock]],
    settings: NamedDependency[SkipValidation[Settings]],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    known_position: KnownPosition = None,
) -> Asked:
    return Asked(clock, settings.zone.key, as_of, known_at, known_position)


_PLUS_LOST = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:\d\d)")


def with_plus(text: str | None) -> str | None:
    """A ``+`` in a query means a blank: ``T12:00 02:00`` was ``T12:00+02:00``."""
    return text and _PLUS_LOST.sub(r"\1+\2", text)


# ---------------------------------------------------------------- lists


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ends: the point of its list (in microseconds since 1970, and a position), and how far it went."""

    as_of: int
    known: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    reached: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Before(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page of a list ends that grows at its top: its last entry, by instant (in microseconds since 1970) and
    id."""

    as_of: int
    id: Annotated[str, msgspec.Meta(max_length=80)]


Place = TypeVar("Place", Cursor, Before)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, at a point: on later pages that of the first."""

    asked: Asked
    limit: int
    cursor: Cursor | None

    @property
    def reached(self) -> int:
        return self.cursor.reached if self.cursor else 0

    def point(self, connection: Connection, moving: bool = False) -> Point:
        if self.cursor is None:
            return self.asked.point(connection, moving)
        if self.cursor.known > log.position(connection):
            raise unknown_cursor()
        known_at = log.known_since(connection, self.cursor.known) or BEGINNING
        return Point(instant(self.cursor.as_of), self.cursor.known, known_at, self.asked.zone)

    def cut(self, items: Sequence[Item], point: Point) -> tuple[list[Item], str | None]:
        """This page of all items, and the cursor of the next where there is one."""
        end = self.reached + self.limit
        return [*items[self.reached : end]], self.after(end, point) if end < len(items) else None

    def after(self, reached: int, point: Point) -> str:
        """The cursor of a page that goes on from there."""
        return written(Cursor(micros(point.as_of), point.known, reached))


def moved(cursor: str, now: datetime) -> str:
    """The same cursor, of a list about another instant."""
    return written(msgspec.structs.replace(opened(cursor), as_of=micros(now)))


def listing(asked: NamedDependency[SkipValidation[Asked]], limit: Limit = 50, cursor: Next = None) -> Listing:
    return Listing(asked, limit, None if cursor is None else opened(cursor))


def written(cursor: Cursor | Before) -> str:
    return urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def opened(cursor: str) -> Cursor:
    """The cursor behind its text."""
    return _opened(cursor, Cursor)


def opened_before(cursor: str) -> Before:
    """The same, of a list that grows at its top."""
    return _opened(cursor, Before)


def _opened(cursor: str, shape: type[Place]) -> Place:
    try:
        raw = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        found = msgspec.json.decode(raw, type=shape)
        instant(found.as_of)
    except (ValueError, OverflowError):  # base64's and msgspec's own are ValueErrors
        raise unknown_cursor() from None
    return found


def known_type(type: str | None) -> None:
    """Refused for what is no type of event."""
    if type is not None and type not in TYPES:
        near = get_close_matches(type, TYPES, n=1)
        meant = f"did you mean {near[0]}?" if near else "/v1/schemas lists those that are"
        detail = f"type: {type!r} is no type of event; {meant}"
        raise Refused("invalid", detail, Problem("type", detail))


def unknown_cursor() -> Failed:
    detail = "cursor: this is none of ours; take 'next' of the page before, or leave it out to begin"
    return Failed(400, "invalid", detail, Wrong(parameter="cursor", detail=detail))


ASKED = {
    "asked": Provide(asked, sync_to_thread=False),
    "listing": Provide(listing, sync_to_thread=False),
}
"""The dependencies that read a query."""


# ---------------------------------------------------------------- strictness

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no name has, and some database refuses."""
_declared: dict[Callable[..., Any], dict[str, FieldDefinition]] = {}


async def strict(request: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: no parameter that the handler does not know, none twice, no control characters."""
    if CONTROL.search(request.scope["path"]):
        raise Failed(400, "invalid", "the path holds a control character: remove it")
    if not request.url.query:
        return
    given = parse_qsl(request.url.query, keep_blank_values=True)
    known = declared(handler)
    wrong = [problem for name, value in given if (problem := _wrong(name, value, known))]
    for name, times in Counter(name for name, _ in given).items():
        if name in known and times > 1 and not several(known[name]):
            wrong.append(Wrong(parameter=name, detail=f"{name} is given {times} times: give it once"))
    if wrong:
        raise Failed(400, "invalid", wrong[0].detail, *wrong)


def _wrong(name: str, value: str, known: Mapping[str, FieldDefinition]) -> Wrong | None:
    if name not in known:
        name = name[:80]
        hint = nearest(name, tuple(known)) or (f"these are: {', '.join(known)}" if known else "there is none")
        return Wrong(parameter=name, detail=f"{name!r} is not a parameter of this resource; {hint}")
    if CONTROL.search(value):
        return Wrong(parameter=name, detail=f"{name} holds a control character: remove it")
    if value == "null" and not known[name].has_inner_subclass_of(str):  # it would pass for one not given
        return Wrong(parameter=name, detail=f"{name} 'null' is not understood: give a value, or leave it out")
    return None


def declared(handler: BaseRouteHandler) -> Mapping[str, FieldDefinition]:
    """The query parameters that a handler takes, itself or through what it is given, by name."""
    if handler.fn not in _declared:
        _declared[handler.fn] = {sent_as(field): field for field in fields(handler, QueryParameter)}
    return _declared[handler.fn]


def several(field: FieldDefinition) -> bool:
    """Whether a parameter may be given again."""
    return field.is_non_string_sequence or any(one.is_non_string_sequence for one in field.inner_types)


def fields(handler: BaseRouteHandler, kind: type[Any]) -> list[FieldDefinition]:
    """The parameters of this kind that a handler takes, in the order of its signature."""
    provided = handler.resolve_dependencies()

    def within(signature: Any) -> Iterator[FieldDefinition]:
        for name, field in signature.parameters.items():
            if isinstance(field.kwarg_definition, kind):
                yield field
            elif name in provided:
                yield from within(provided[name].parsed_fn_signature)

    return list(within(handler.parsed_fn_signature))


def sent_as(field: FieldDefinition) -> str:
    """The name that a parameter is sent by."""
    named: str | None = getattr(field.kwarg_definition, "name", None)
    return named or field.name
