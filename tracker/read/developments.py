"""A development as its events make it: one entry, in versions, and the rows around it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import Connection

from tracker.domain.decide import standing
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, Logged
from tracker.domain.fold import Row
from tracker.domain.history import Change, History, Key, parted, restated
from tracker.domain.paint import announced
from tracker.domain.views import (
    ChangeView,
    Entry,
    change_view,
)
from tracker.domain.when import BEGINNING, FOREVER
from tracker.projections.said import painted_over
from tracker.store.log import StoredEvent

LATE = timedelta(days=2)
"""An entry learnt this much later than it was announced was logged late."""


def entry_of(events: Sequence[StoredEvent]) -> Entry:
    """A development as it stands after these events of it, without its changes."""
    first, last = events[0], events[-1]
    now = standing((event.told, event.event) for event in events)
    told = now.told
    facts = [fact for held in now.events.values() for fact in held]
    repair = _repair(events) if isinstance(last.event, DevelopmentCorrected | DevelopmentWithdrawn) else None
    when = announced(told, first.subject).at
    links: dict[str, list[str]] = {}
    for fact in facts:
        for name, held in msgspec.to_builtins(fact.links).items():
            links.setdefault(name, []).extend(held)
    return Entry(
        development=first.development, event=first.id, position=first.position, title=told.title,
        summary=told.summary, note=told.note, confidence=told.confidence, announced=told.announced, announced_at=when,
        learnt_at=first.learnt_at, recorded_at=first.recorded_at, late=first.learnt_at - when >= LATE,
        standing="withdrawn" if now.withdrawn else "corrected" if repair else "current",
        reason=repair.reason if repair else None, versions=len(versions_of(events)),
        types=[_type(fact) for fact in facts], subjects=sorted({event.subject for event in events}),
        sources=msgspec.to_builtins(told.sources), links=links, changes=[],
    )  # fmt: skip


def _repair(events: Sequence[StoredEvent]) -> DevelopmentCorrected | DevelopmentWithdrawn:
    """The last repair of what was said in substance; where there is none, of how it was said."""
    repairs = [e.event for e in events if isinstance(e.event, DevelopmentCorrected | DevelopmentWithdrawn)]
    of_substance = [one for one in repairs if not getattr(one, "editorial", False)]
    return (of_substance or repairs)[-1]


def versions_of(events: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
    """The events of a development by version: each correction or withdrawal is a commit of its own."""
    versions: dict[int, list[StoredEvent]] = {}
    for event in events:
        versions.setdefault(event.commit, []).append(event)
    return list(versions.values())


def around(connection: Connection, events: Sequence[StoredEvent]) -> tuple[list[Row], list[Row]]:
    """The rows of a development's subjects without it and with it, in the last version of it that stood."""
    last = next(c for c in reversed(versions_of(events)) if not isinstance(c[0].event, DevelopmentWithdrawn))
    before: list[Row] = []
    after: list[Row] = []
    for subject in {event.subject for event in events}:
        old, new = painted_over(connection, subject, events[0].position, last[-1].position)
        before += old
        after += new
    return before, after


def change_views(changes: Iterable[Change], seen: History) -> list[ChangeView]:
    """Changes as they are seen, each with what its subject is."""
    return [change_view(change, seen) for change in changes]


def restatements(
    before: History, after: History, wanted: Callable[[Key], bool] = lambda key: True
) -> list[ChangeView]:
    """What two states of knowledge tell differently, over all of world time: of the wanted items."""
    found = [change for change in restated(before, after, BEGINNING, FOREVER) if wanted(change.key)]
    return change_views([part for change in found for part in parted(change, after)], after)


def _type(event: Logged) -> str:
    return str(event.__struct_config__.tag)
