"""Developments as the record came to hold them, the last first: what feeds are made of.

The order is that of the last version that is news: a correction brings a development back to the top, an editorial one
leaves it where it was. So whoever looks often enough at the top misses nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from tracker.domain.events import DevelopmentCorrected
from tracker.domain.topics import TOPICS, topics_of
from tracker.domain.views import ChangeView, Entry
from tracker.projections import segments
from tracker.read import subjects
from tracker.read.developments import entry_of, versions_of
from tracker.read.partners import names, partner
from tracker.read.point import Point
from tracker.read.story import says
from tracker.read.timeline import Touching
from tracker.store import log
from tracker.store.log import ENDLESS, StoredEvent

UNTOLD = {"partner.checked"}
"""The types of events that are no news."""
CORRECTED = str(DevelopmentCorrected.__struct_config__.tag)
PAGE = 100
"""Commits that are looked through at a time."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which developments: those that touch one of these partners (None: any), hold an event about this subject and one
    of this type, and are about one of these topics (none: any)."""

    partners: Sequence[str] | None = None
    subject: str | None = None
    type: str | None = None
    topics: Sequence[str] = ()

    def holds(self, events: Sequence[StoredEvent]) -> bool:
        return (
            any(self.subject in (None, event.subject) for event in events)
            and any(self.type in (None, event.type) for event in events)
            and (not self.topics or not {*self.topics}.isdisjoint(topics_of(event.event for event in events)))
        )

    @property
    def begins(self) -> list[str]:
        """What the type of one of its events begins with; a correction may be about anything."""
        found = [word for topic in self.topics for word in TOPICS[topic][1]]
        return [*found, CORRECTED] if found else []


class Recent(NamedTuple):
    """A development, in the version known, with what it changed for whom; ``updated``: when the last version that is
    news was recorded, from position ``place`` on; ``touched``: when the last was, editorial ones too."""

    entry: Entry
    changes: dict[str, list[ChangeView]]
    updated: datetime
    touched: datetime
    place: int


def recent(
    connection: Connection, sought: Sought, known: int, before: int, limit: int
) -> tuple[list[Recent], int]:
    """So many developments whose place is before a position (0: any), the last first, and the place after which the
    next follow: 0 where none do."""
    below = before or ENDLESS
    found: list[Recent] = []
    everything = (
        _of_anybody(connection, sought, known, below)
        if sought.partners is None
        else _touching(connection, sought, known, below)
    )
    for one in everything:
        if len(found) == limit:
            return found, found[-1].place
        found.append(one)
    return found, 0


def in_scope(
    connection: Connection, partners: Iterable[str], sectors: Iterable[str], at: Point
) -> list[str] | None:
    """The partners that are asked for, and those whose profile names one of the sectors at a point; None: nobody in
    particular. Refused where a partner is not followed, or no profile names a sector."""
    asked = dict.fromkeys(partners)
    named = [*sectors]
    for code in asked:
        partner(connection, code, at.known, "partners")
    if not asked and not named:
        return None
    wanted = {*subjects.sectors(connection, named, at.known, "sectors")}
    affected = {
        row.partner
        for row in segments.of_aspect(connection, "profile", at.known)
        if row.segment.start <= at.as_of < row.segment.end
        for layer in row.segment.state.get("sectors", ())[:1]
        if not wanted.isdisjoint(layer.value or ())
    }
    return [code for code in names(connection, at.known) if code in asked or code in affected]


def _of_anybody(connection: Connection, sought: Sought, known: int, below: int) -> Iterator[Recent]:
    while page := log.commits_before(
        connection, below, known, PAGE, subject=sought.subject, type=sought.type, begins=sought.begins
    ):
        stories = _stories(log.of_developments(connection, {commit.development for commit in page}, known))
        for commit in page:
            events = stories[commit.development]
            here = _place(events)[0].position == commit.first and sought.holds(events)
            if here and not _untold(entry := entry_of(events)):
                yield _recent(events, entry, says(connection, events, known))
        below = page[-1].first


def _touching(connection: Connection, sought: Sought, known: int, below: int) -> Iterator[Recent]:
    views = {code: Touching(connection, code, known) for code in sought.partners or ()}
    stories = {id: events for view in views.values() for id, events in view.stories.items()}
    placed = [(_place(events)[0].position, events) for events in stories.values() if sought.holds(events)]
    for place, events in sorted(placed, key=lambda pair: pair[0], reverse=True):
        id = events[0].development
        if place < below and not _untold(entry_of(events)):
            seen = {
                code: entry
                for code, view in views.items()
                if id in view.stories and (entry := view.entry(id))
            }
            if seen:
                changes = {code: entry.changes for code, entry in seen.items() if entry.changes}
                entry = msgspec.structs.replace(next(iter(seen.values())), changes=[])
                yield _recent(events, entry, changes)


def _stories(events: Iterable[StoredEvent]) -> dict[str, list[StoredEvent]]:
    stories: dict[str, list[StoredEvent]] = {}
    for event in events:
        stories.setdefault(event.development, []).append(event)
    return stories


def _place(events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """The last version of a development that is news."""
    return next(version for version in reversed(versions_of(events)) if not _editorial(version[0]))


def _editorial(event: StoredEvent) -> bool:
    return isinstance(event.event, DevelopmentCorrected) and event.event.editorial


def _untold(entry: Entry) -> bool:
    return bool(entry.types) and {*entry.types} <= UNTOLD


def _recent(events: Sequence[StoredEvent], entry: Entry, changes: dict[str, list[ChangeView]]) -> Recent:
    told = _place(events)[0]
    return Recent(entry, changes, told.recorded_at, events[-1].recorded_at, told.position)
