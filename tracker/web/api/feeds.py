"""Feeds and a calendar, of everybody or by partner and sector: what is new, and what is coming. Their addresses are
subscribed to for years, so no version of the API stands in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.domain.topics import TOPICS
from tracker.domain.views import ChangeView
from tracker.domain.when import FOREVER
from tracker.read import Point, subjects
from tracker.read.dates import dates
from tracker.read.moving import Moving
from tracker.read.recent import Recent, Sought, in_scope, recent
from tracker.settings import Settings
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.web import assets
from tracker.web.asking import (
    FILE,
    Cursor,
    Limit,
    Next,
    Partners,
    Sectors,
    Topics,
    known_type,
    opened,
    unknown_cursor,
    written,
)
from tracker.web.calendar import CALENDAR, Sheet, ics
from tracker.web.conditional import Answer, file
from tracker.web.html import subjects_in
from tracker.web.saying import Saying
from tracker.web.syndication import ATOM, JSON_FEED, Feed, JsonFeed, atom, json_feed, told

TAGS = ["feeds"]
OfSubject = Annotated[
    str | None,
    QueryParameter(
        max_length=120, pattern="^(measure|agreement|authority|partner|scope):",
        description="Only developments with an event about this: measure:us-..., partner:MX.",
    ),
]  # fmt: skip
OfType = Annotated[
    str | None,
    QueryParameter(
        max_length=60, description="Only developments with an event of this type: measure.paused."
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a feed is about, as it was asked for."""

    engine: Engine
    settings: Settings
    clock: Clock
    partners: Sequence[str]
    sectors: Sequence[str]
    topics: Sequence[str]

    @property
    def base(self) -> str:
        return self.settings.public_url.rstrip("/")

    def query(self) -> list[tuple[str, str]]:
        asked = (("partners", self.partners), ("sectors", self.sectors), ("topics", self.topics))
        return [(name, value) for name, values in asked for value in values]

    def address(self, path: str, *more: tuple[str, str | int | None]) -> str:
        """The address of a feed of the same."""
        asked = [*self.query(), *((name, str(value)) for name, value in more if value is not None)]
        return f"{self.base}/feeds/{path}" + (f"?{urlencode(asked, safe=':')}" if asked else "")

    @property
    def alone(self) -> str | None:
        """The one partner that it is about, if it is about one."""
        return self.partners[0] if len(self.partners) == 1 and not self.sectors else None

    @property
    def home(self) -> str:
        return f"{self.base}/partners/{self.alone}" if self.alone else f"{self.base}/"

    def saying(self, connection: Connection, changes: Iterable[ChangeView], known: int) -> Saying:
        """How its changes are told."""
        named = subjects_in(word for change in changes for word in change.words)
        followed, titles = read.names(connection, known), read.titles(connection, named, known)
        return Saying(followed=[*followed], alone=self.alone, titles=titles, zone=self.settings.zone)

    def about(self, connection: Connection, known: int) -> str:
        """Whom it is about, in words: ``Mexico, Canada``."""
        names = read.names(connection, known)
        parts = [", ".join(names[code].name for code in self.partners)] if self.partners else []
        if self.sectors:
            parts.append(f"partners with {' or '.join(self.sectors)} among the sectors affected")
        return ", ".join(
            [" and ".join(parts) or "all partners", *(TOPICS[topic][0] for topic in self.topics)]
        )


def wanted(
    engine: NamedDependency[SkipValidation[Engine]],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    partners: Partners = None,
    sectors: Sectors = None,
    topics: Topics = None,
) -> Wanted:
    asked = ([*dict.fromkeys(values or ())] for values in (partners, sectors, topics))
    return Wanted(engine, settings, clock, *asked)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a feed of developments, and the point that it is about."""

    feed: Feed
    found: Sequence[Recent]
    at: Point

    def answered(self, request: Request[Any, Any, Any], raw: bytes, media_type: str) -> Answer[Any]:
        return file(request, raw, media_type, max((one.touched for one in self.found), default=None), self.at)


FORMS = {ATOM: "developments.atom", JSON_FEED: "developments.json"}


@dataclass(frozen=True, slots=True)
class Paged:
    """Which developments, and which page of them."""

    wanted: Wanted
    subject: str | None
    type: str | None
    limit: int
    cursor: Cursor | None

    def page(self, form: str, other: str) -> Page:
        """The page in a form, which says where the other is."""
        known_type(self.type)
        wanted = self.wanted
        with reading(wanted.engine) as connection:
            known, before = self._from(connection)
            now = Moving.at(wanted.clock())
            at = Point(now if wanted.sectors else FOREVER, known, now, wanted.settings.zone.key)
            codes = in_scope(connection, wanted.partners, wanted.sectors, at)
            if self.subject is not None:
                subjects.about(connection, self.subject, known)
            found, rest = recent(
                connection, Sought(codes, self.subject, self.type, wanted.topics), known, before, self.limit
            )
            changes = [change for one in found for its in one.changes.values() for change in its]
            saying = wanted.saying(connection, changes, known)
            about = self._about(wanted.about(connection, known))
            feed = Feed(
                id=uuid5(origin(connection), f"feed {urlencode([*wanted.query(), *self._filter()])}").urn,
                title=f"Trade talks: {about}", about=f"What happened in trade talks with the United States: {about}",
                address=self._address(form, known, before), other=self._address(other, known, before),
                home=wanted.home, icon=f"{wanted.base}{assets.url('icon.svg')}",
                next=self._address(form, known, rest) if rest else None,
                entries=[told(one, saying, wanted.base) for one in found],
            )  # fmt: skip
        return Page(feed, found, at)

    def _from(self, connection: Connection) -> tuple[int, int]:
        end = log.position(connection)
        if self.cursor is None:
            return end, 0
        if self.cursor.known > end:
            raise unknown_cursor()
        return self.cursor.known, self.cursor.reached

    def _filter(self) -> list[tuple[str, str]]:
        return [(k, v) for k, v in (("subject", self.subject), ("type", self.type)) if v is not None]

    def _about(self, whom: str) -> str:
        return ", ".join([whom, *(value for _, value in self._filter())])

    def _address(self, form: str, known: int, before: int) -> str:
        cursor = written(Cursor(0, known, before)) if before else None
        limit = None if self.limit == USUAL else self.limit
        return self.wanted.address(FORMS[form], *self._filter(), ("limit", limit), ("cursor", cursor))


USUAL = 50


def paged(
    wanted: NamedDependency[SkipValidation[Wanted]],
    subject: OfSubject = None,
    type: OfType = None,
    limit: Limit = USUAL,
    cursor: Next = None,
) -> Paged:
    return Paged(wanted, subject, type, limit, None if cursor is None else opened(cursor))


def origin(connection: Connection) -> UUID:
    """The id from which those of feeds and dates are made: that of the first event of this log."""
    first = log.at_positions(connection, [1]).get(1)
    return UUID(first.id) if first else NAMESPACE_URL


@get(
    "/developments.atom",
    summary="Developments as Atom",
    tags=TAGS,
    opt={FILE: ATOM},
    sync_to_thread=True,
    media_type=ATOM,
)
def developments_atom(
    request: Request[Any, Any, Any], paged: NamedDependency[SkipValidation[Paged]]
) -> Answer[str]:
    """What happened, the last recorded first (RFC 4287). ``published`` is when it was recorded; ``updated`` moves, and
    the entry comes back to the top, when it is corrected in substance; a withdrawn entry stays and says so.
    ``rel="next"`` (RFC 5005) leads to the earlier ones."""
    page = paged.page(ATOM, JSON_FEED)
    return page.answered(request, atom(page.feed), ATOM)


@get(
    "/developments.json",
    summary="Developments as JSON Feed",
    tags=TAGS,
    opt={FILE: JSON_FEED},
    sync_to_thread=True,
    media_type=JSON_FEED,
)
def developments_json(
    request: Request[Any, Any, Any], paged: NamedDependency[SkipValidation[Paged]]
) -> Answer[JsonFeed]:
    """The same as JSON Feed 1.1: entries have the same ids and say the same."""
    page = paged.page(JSON_FEED, ATOM)
    return page.answered(request, msgspec.json.encode(json_feed(page.feed)), JSON_FEED)


@get(
    "/dates.ics",
    summary="Deadlines and effective dates as a calendar",
    tags=TAGS,
    opt={FILE: CALENDAR},
    sync_to_thread=True,
    media_type=CALENDAR,
)
def dates_ics(
    request: Request[Any, Any, Any], wanted: NamedDependency[SkipValidation[Wanted]]
) -> Answer[str]:
    """What is coming, and what came in the last 90 days (RFC 5545): deadlines, promises with a date, days on which
    something takes effect, and threatened ones (``TENTATIVE``). A date keeps its ``UID``; its ``SEQUENCE`` rises when
    it moves, is called off or set again; called off, it stays as ``CANCELLED`` for 90 days."""
    with reading(wanted.engine) as connection:
        known, now = log.position(connection), Moving.at(wanted.clock())
        at = Point(now, known, now, wanted.settings.zone.key)
        codes = in_scope(connection, wanted.partners, wanted.sectors, at)
        topics = {*wanted.topics}
        entries = [
            one for one in dates(connection, codes, at) if not topics or not topics.isdisjoint(one.topics)
        ]
        changes = [change for one in entries for its in one.changes.values() for change in its]
        saying = wanted.saying(connection, changes, known)
        about = wanted.about(connection, known)
        sheet = Sheet(
            title=f"Trade talks: {about}", about=f"Dates in trade talks with the United States: {about}",
            address=wanted.address("dates.ics"), home=wanted.home, origin=origin(connection), entries=entries,
        )  # fmt: skip
    modified = max((entry.changed_at for entry in entries), default=None)
    return file(request, ics(sheet, saying, wanted.base), CALENDAR, modified, at)


GIVEN = {
    "wanted": Provide(wanted, sync_to_thread=False),
    "paged": Provide(paged, sync_to_thread=False),
}
"""The dependencies that read what a feed is asked for."""
ROUTES = (developments_atom, developments_json, dates_ics)
