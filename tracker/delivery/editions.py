"""Editions: what a digest says, worked out from the record, frozen under the hash of its content.

Two subscriptions with the same scope and window share one edition. What was frozen is never worked out again:
mail, page and resend show the same content, years later too.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    type_coerce,
)

from tracker import read
from tracker.delivery import schedule
from tracker.delivery.subscriptions import subscriptions
from tracker.domain.charting import charted
from tracker.domain.digest import tell
from tracker.domain.edition import Edition, Mark, Scope, headline, without
from tracker.domain.errors import Problem, Refused, invalid
from tracker.domain.events import DevelopmentCorrected
from tracker.domain.fold import Row as Segment
from tracker.domain.history import blocs_of, by_partner, rows_of
from tracker.domain.moves import moves
from tracker.domain.news import Said
from tracker.domain.paint import EVERYONE
from tracker.domain.telling import Frame, Occasion, ToldOn
from tracker.domain.watched import Watched
from tracker.projections import segments
from tracker.schema import Instant, Json, Serial, durable
from tracker.store import log
from tracker.store.engine import insert_or_nothing
from tracker.store.log import StoredEvent

HOLD = timedelta(minutes=10)
"""Entries younger than this are not cut into an edition yet: who logged one may still mend it."""
PATIENCE = timedelta(hours=1)
"""How long what is told at once waits for a development that is mended again and again."""
REPAIRS = ("development.corrected", "development.withdrawn")
"""The types of events that repair our own record."""
HOUR = 8
"""The local hour at which a day's digest is due, unless said otherwise."""

editions = Table(
    "editions",
    durable,
    Column("id", String(64), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("headline", Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("since_as_of", Instant, nullable=False),
    Column("since_position", BigInteger, nullable=False),
    Column("until_as_of", Instant, nullable=False),
    Column("until_position", BigInteger, nullable=False),
    Column("empty", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    Column("cut_at", Instant, nullable=False),
    Index("ix_editions_cut_at", "cut_at"),
    comment="Frozen digests; id is the SHA-256 of content, the exact text.",
)
cuts = Table(
    "cuts",
    durable,
    Column("id", Serial, primary_key=True),
    Column("subscription", String(40), ForeignKey(subscriptions.c.id), nullable=False),
    Column("due_key", String(40), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("edition", String(64), ForeignKey(editions.c.id), nullable=False, index=True),
    Column("cut_at", Instant, nullable=False),
    UniqueConstraint("subscription", "due_key"),
    comment="Which edition a subscription got for which local date: once only.",
)
mentions = Table(
    "mentions",
    durable,
    Column("edition", String(64), ForeignKey(editions.c.id), primary_key=True),
    Column("development", String(36), primary_key=True),
    Index("ix_mentions_development", "development"),
    comment="Which developments an edition tells, so that a correction knows who was told what, and when.",
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """An edition as it was frozen. ``content`` is the exact text that ``id`` is the SHA-256 of, unless something in it
    had to be erased."""

    id: str
    day: str
    headline: str
    cut_at: datetime
    content: str

    @property
    def intact(self) -> bool:
        """Whether nothing in it had to be erased."""
        return hashlib.sha256(self.content.encode()).hexdigest() == self.id

    @property
    def edition(self) -> Edition:
        return msgspec.json.decode(self.content, type=Edition)


@dataclass(frozen=True, slots=True)
class Listed:
    """An edition in a list."""

    id: str
    day: str
    headline: str
    scope: Scope
    since: Mark
    until: Mark
    empty: bool
    cut_at: datetime


# ---------------------------------------------------------------- working one out


def preview(
    connection: Connection,
    scope: Scope,
    *,
    now: datetime,
    zone: str,
    hour: int = HOUR,
    day: str | None = None,
    since: Mark | None = None,
    until: Mark | None = None,
) -> Edition:
    """What a digest would say. Without more: since yesterday's was due, up to now. With ``day``: the digest of that
    local date, from what the record had learnt by then. ``since`` and ``until`` name the points themselves.
    Entries too young to be cut are marked as held. Refused for a partner that nobody follows."""
    known = log.position(connection)
    for code in scope.partners:
        read.partner(connection, code, known)
    if day is not None:
        since, until = _window(connection, _date(day, now, zone), hour, zone)
    if until is None:
        until = Mark(as_of=now, position=known)
    if since is None:
        at = _due(until.as_of.astimezone(ZoneInfo(zone)).date() - timedelta(days=1), hour, zone)
        since = Mark(as_of=at, position=log.known_at(connection, at))
    if since.position > until.position or since.as_of > until.as_of:
        raise invalid("since", "the digest would end before it begins: give an earlier 'since'")
    on = day or until.as_of.astimezone(ZoneInfo(zone)).date().isoformat()
    return worked_out(
        connection, Frame(scope=scope, day=on, zone=zone, since=since, until=until, held_after=now - HOLD)
    )


def _date(day: str, now: datetime, zone: str) -> date:
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise invalid("day", f"day: {day!r} is not a date: write it as 2025-04-10") from None
    if on > now.astimezone(ZoneInfo(zone)).date():
        raise invalid("day", f"day: {day} lies in the future: nobody knows yet what will be told")
    return on


def _window(connection: Connection, day: date, hour: int, zone: str) -> tuple[Mark, Mark]:
    first, last = (_due(on, hour, zone) for on in (day - timedelta(days=1), day))
    return (
        Mark(as_of=first, position=log.known_at(connection, first)),
        Mark(as_of=last, position=log.known_at(connection, last)),
    )


def _due(day: date, hour: int, zone: str) -> datetime:
    """When the digest of a day is due; of a day that the zone left out, that of the day before."""
    at = schedule.instant(day, hour, ZoneInfo(zone))
    return at if at is not None else _due(day - timedelta(days=1), hour, zone)


def cut_position(connection: Connection, at: datetime) -> int:
    """The last position old enough at an instant to be cut into an edition."""
    found = connection.scalar(
        select(log.commits.c.last)
        .where(log.commits.c.recorded_at <= at - HOLD)
        .order_by(log.commits.c.first.desc())
        .limit(1)
    )
    return found or 0


def settled_position(connection: Connection, at: datetime) -> int:
    """The last position to tell at once: as above, but not up to a development that is still being mended, so that
    nobody is told in a hurry what was put right already. For an hour at most."""
    old, floor = cut_position(connection, at), cut_position(connection, at - PATIENCE)
    mended = select(log.events.c.development).where(
        log.events.c.position > old, log.events.c.type.in_(REPAIRS)
    )
    first = connection.scalar(
        select(func.min(log.events.c.position)).where(
            log.events.c.development.in_(mended), log.events.c.position > floor, log.events.c.position <= old
        )
    )
    return old if first is None else first - 1


def worked_out(connection: Connection, frame: Frame, told_on: ToldOn | None = None) -> Edition:
    """The edition between two marks, from the record. ``told_on``: when its readers were told of developments."""
    watched = watch(connection, frame)
    moved = moves(watched, frame.since, frame.until)
    fresh = between(connection, frame.since, frame.until)
    behind = log.at_positions(connection, moved.positions())
    developments = {event.development for event in (*fresh, *behind.values())}
    stories: dict[str, list[Said]] = {}
    for event in log.of_developments(connection, developments, frame.until.position):
        stories.setdefault(event.development, []).append(_said(event))
    causes = {said.position: said for story in stories.values() for said in story}
    news = {event.development for event in fresh}
    told = tell(
        frame, watched, [story for id, story in stories.items() if id in news], moved, causes, told_on or {}
    )
    return charted(told, watched, segments.abouts(connection, (), frame.until.position, scopes=True))


def between(connection: Connection, since: Mark, until: Mark) -> list[StoredEvent]:
    """The events of a window."""
    return log.after(connection, since.position, until.position, limit=until.position - since.position)


def watch(connection: Connection, frame: Frame) -> list[Watched]:
    """The partners in scope, each with the rows that concern it. Who matched by a sector before or after counts."""
    first, last = frame.since.position, frame.until.position
    names = read.names(connection, first) | read.names(connection, last)
    rows = _rows_by_partner(connection, frame.scope, first, last)
    found = []
    for code in names:
        own = rows.get(code, [])
        if _in_scope(code, frame, own):
            found.append((code, rows_of(code, rows)))
    subjects = {row.subject for _, held in found for row in held}
    abouts = segments.abouts(connection, subjects, first) | segments.abouts(connection, subjects, last)
    return [Watched(code, names[code].name, held, abouts) for code, held in found]


def _rows_by_partner(connection: Connection, scope: Scope, first: int, last: int) -> dict[str, list[Segment]]:
    """The rows known at any position of the window, by the partner they concern; of those in scope alone, where that
    is known beforehand."""
    found = segments.known_between(
        connection, None if scope.everybody or scope.sectors else [*scope.partners, EVERYONE], first, last
    )
    rows = by_partner(found)
    if others := {bloc for held in list(rows.values()) for bloc in blocs_of(held)} - rows.keys():
        for row in segments.known_between(connection, others, first, last):
            rows.setdefault(row.partner, []).append(row)
    return rows


def _in_scope(code: str, frame: Frame, rows: Iterable[Segment]) -> bool:
    scope = frame.scope
    if scope.everybody or code in scope.partners:
        return True
    named = {
        sector
        for row in rows
        if row.lane.aspect == "profile" and row.partner == code and "sectors" in row.segment.state
        if row.segment.start <= frame.until.as_of and row.segment.end > frame.since.as_of
        for sector in row.segment.state["sectors"][0].value or []
    }
    return not named.isdisjoint(scope.sectors)


def _said(event: StoredEvent) -> Said:
    return Said(
        event.position, event.commit, event.id, event.subject, event.development, event.learnt_at,
        event.recorded_at, event.told, event.event,
    )  # fmt: skip


# ---------------------------------------------------------------- freezing


def freeze(connection: Connection, edition: Edition, now: datetime) -> Frozen:
    """Keep an edition under the hash of its content; the same content is kept once."""
    content = msgspec.json.encode(edition, order="sorted")
    id = hashlib.sha256(content).hexdigest()
    new = insert_or_nothing(connection, editions).values(
        id=id, day=edition.day, headline=headline(edition), scope=msgspec.to_builtins(edition.scope),
        since_as_of=edition.since.as_of, since_position=edition.since.position, until_as_of=edition.until.as_of,
        until_position=edition.until.position, empty=edition.empty, content=content.decode(), cut_at=now,
    )  # fmt: skip
    connection.execute(new)
    told = {e.development for e in edition.told if e.positions} | {
        also.development for entry in edition.told for also in entry.also
    }
    if told:
        rows = [{"edition": id, "development": development} for development in sorted(told)]
        connection.execute(insert_or_nothing(connection, mentions), rows)
    return get(connection, id)


def forget(connection: Connection, development: str, subjects: Collection[str], first: int) -> int:
    """Take out of every edition what a development said that was erased, whose first event has position ``first``; how
    many said anything. They keep their ids: those of what was sent."""
    wanted = select(editions.c.id, editions.c.content).where(editions.c.until_position >= first)
    changed = 0
    for row in connection.execute(wanted).all():
        told = msgspec.json.decode(row.content, type=Edition)
        if (left := without(told, development, subjects)) != told:
            content = msgspec.json.encode(left, order="sorted").decode()
            connection.execute(editions.update().where(editions.c.id == row.id).values(content=content))
            changed += 1
    return changed


def get(connection: Connection, id: str) -> Frozen:
    """A frozen edition by its id; Refused where there is none."""
    row = connection.execute(select(editions).where(editions.c.id == id)).one_or_none()
    if row is None:
        raise Refused(
            "not_found",
            f"there is no edition {id!r}: take its id from the list or from the mail",
            Problem("id", "no such edition"),
        )
    return Frozen(row.id, row.day, row.headline, row.cut_at, row.content)


def beginning(connection: Connection, id: str) -> Frozen:
    """A frozen edition by its id, or by the beginning of it; Refused where there is none, or more than one."""
    wanted = select(editions.c.id).where(editions.c.id.startswith(id, autoescape=True)).limit(2)
    found = list(connection.scalars(wanted)) if id.isprintable() else []
    if len(found) > 1:
        raise invalid("id", f"more than one edition begins with {id!r}: give more of its id")
    return get(connection, found[0] if found else id)


def headlines(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """What editions say, in a line each, by their ids."""
    wanted = select(editions.c.id, editions.c.headline).where(editions.c.id.in_(list(ids)))
    return {row.id: row.headline for row in connection.execute(wanted)} if ids else {}


def listed(
    connection: Connection,
    *,
    subscription: str | None = None,
    partner: str | None = None,
    sector: str | None = None,
    day: str | None = None,
    empty: bool = True,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """The editions cut last, newest first; those of one subscription, whose scope names a partner or a sector, of one
    day, or all; with the empty ones, unless not. ``before``: those after an edition in this order, by when it was cut
    and its id."""
    columns = [column for column in editions.c if column.name != "content"]
    wanted = select(*columns).order_by(editions.c.cut_at.desc(), editions.c.id).limit(limit)
    if subscription is not None:
        wanted = wanted.where(
            editions.c.id.in_(select(cuts.c.edition).where(cuts.c.subscription == subscription))
        )
    for name in (partner, sector):
        if name is not None:  # codes and names of sectors are never alike
            quoted = msgspec.json.encode(name).decode()
            wanted = wanted.where(type_coerce(editions.c.scope, Text).contains(quoted, autoescape=True))
    if day is not None:
        wanted = wanted.where(editions.c.day == day)
    if not empty:
        wanted = wanted.where(~editions.c.empty)
    if before is not None:
        at, id = before
        later = (editions.c.cut_at == at) & (editions.c.id > id)
        wanted = wanted.where((editions.c.cut_at < at) | later)
    return [_listed(row) for row in connection.execute(wanted)]


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        row.id, row.day, row.headline, msgspec.convert(row.scope, Scope),
        Mark(as_of=row.since_as_of, position=row.since_position),
        Mark(as_of=row.until_as_of, position=row.until_position), row.empty, row.cut_at,
    )  # fmt: skip


def told_on(
    connection: Connection, subscription: str, developments: Iterable[str]
) -> dict[str, tuple[Occasion, ...]]:
    """The editions that told a subscription of each of these developments, in order, where any did."""
    rows = connection.execute(
        select(mentions.c.development, editions.c.until_position, editions.c.day)
        .join_from(mentions, cuts, mentions.c.edition == cuts.c.edition)
        .join(editions, editions.c.id == cuts.c.edition)
        .where(cuts.c.subscription == subscription, mentions.c.development.in_(list(developments)))
        .order_by(editions.c.until_position, editions.c.day)
    )
    found: dict[str, tuple[Occasion, ...]] = {}
    for row in rows:
        found[row.development] = (*found.get(row.development, ()), Occasion(row.until_position, row.day))
    return found


def repaired_since(connection: Connection, id: str) -> list[str]:
    """The developments an edition tells that were corrected or withdrawn after it was cut, not only editorially: what
    its banner names."""
    until = select(editions.c.until_position).where(editions.c.id == id).scalar_subquery()
    found = connection.scalars(
        select(log.events.c.position)
        .join_from(log.events, mentions, mentions.c.development == log.events.c.development)
        .where(mentions.c.edition == id, log.events.c.type.in_(REPAIRS), log.events.c.position > until)
    )
    repairs = log.at_positions(connection, found).values()
    return sorted({stored.development for stored in repairs if not _editorial(stored)})


def _editorial(stored: StoredEvent) -> bool:
    event = stored.event
    return isinstance(event, DevelopmentCorrected) and event.editorial
