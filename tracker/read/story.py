"""One development with all its versions, and what each changed for whom."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from tracker.domain.decide import standing
from tracker.domain.errors import Refused
from tracker.domain.fold import Row
from tracker.domain.history import History, Key
from tracker.domain.paint import EVERYONE
from tracker.domain.views import (
    ChangeView,
    Story,
    Version,
)
from tracker.projections import segments
from tracker.read.developments import around, entry_of, restatements, versions_of
from tracker.store import log
from tracker.store.log import StoredEvent

WHAT = {"development.corrected": "corrected", "development.withdrawn": "withdrawn"}
"""What a version did, by the type of its events."""


def story(connection: Connection, id: str, known: int) -> Story:
    """A development, by its id or that of one of its events, with its versions and what each changed for whom."""
    sound = id.isprintable()  # what is not would be refused by PostgreSQL, in words of its own
    event = log.by_id(connection, id) if sound else None
    named = [event.development if event else id] if sound else []
    events = log.of_developments(connection, named, known)
    if not events:
        raise Refused("not_found", f"there is no event and no development {id!r}, as known then")
    subjects = {event.subject for event in events}
    rows = [row for row in segments.ever_of(connection, subjects, known) if row.lane.aspect != "about"]
    about = segments.abouts(connection, subjects, known)
    versions = [_version(events, commit, rows, about) for commit in versions_of(events)]
    return Story(
        entry=entry_of(events),
        versions=versions,
        changes=versions[0].changes if len(versions) == 1 else _as_mended(connection, events, about),
        seen=log.versions(connection, subjects),
    )


def says(connection: Connection, events: Sequence[StoredEvent], known: int) -> dict[str, list[ChangeView]]:
    """What a development says as it stands, for whom, from all events of it: the ``changes`` of its story, without what
    each version changed, and so without everything that was ever known of its subjects."""
    subjects = {event.subject for event in events}
    about = segments.abouts(connection, subjects, known)
    if len(versions_of(events)) > 1:
        return _as_mended(connection, events, about)
    first, last = events[0].position, events[-1].position
    before, after = (segments.of_subjects(connection, subjects, None, at) for at in (first - 1, last))
    rows = [*(row for row in before if row.known_until <= last), *after]
    return _changed_for([row for row in rows if row.lane.aspect != "about"], about, first, last)


def _as_mended(
    connection: Connection, events: Sequence[StoredEvent], about: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[ChangeView]]:
    """What a development says in the last version that stood, for whom, against what lay before it in the order."""
    before, after = around(connection, events)
    courses: tuple[dict[Any, list[Row]], dict[Any, list[Row]]] = ({}, {})
    for held, rows in zip(courses, (before, after), strict=True):
        for row in rows:
            held.setdefault((row.subject, row.lane), []).append(row)
    old, new = courses
    moved = [
        row
        for lane in {**old, **new}
        if old.get(lane) != new.get(lane)
        for row in (new.get(lane) or old[lane])
    ]
    return _for_whom(before, after, moved, about)


def _for_whom(
    before: Sequence[Row], after: Sequence[Row], moved: Iterable[Row], about: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[ChangeView]]:
    """The difference for each whom rows that moved concern, in what those rows are about: what reaches everybody
    stands once, under ``everyone``."""
    keys: dict[str, set[Key]] = {}
    for row in moved:
        keys.setdefault(row.partner, set()).add(_key(row))
    rows: list[dict[str, list[Row]]] = []
    for held in (before, after):
        by_partner: dict[str, list[Row]] = {}
        for row in held:
            by_partner.setdefault(row.partner, []).append(row)
        rows.append(by_partner)
    found = {}
    for code in sorted(keys):
        whose = {code, EVERYONE}
        old, new = (
            History(code, [r for who in whose for r in held.get(who, []) if _key(r) in keys[code]], about)
            for held in rows
        )
        if changes := restatements(old, new):
            found[code] = changes
    return found


def _key(row: Row) -> Key:
    return Key(row.subject, row.lane.scope, row.lane.basis, row.lane.aspect)


def _version(
    events: Sequence[StoredEvent],
    commit: Sequence[StoredEvent],
    rows: Sequence[Row],
    about: Mapping[str, Mapping[str, Any]],
) -> Version:
    first, last = commit[0].position, commit[-1].position
    now = standing((event.told, event.event) for event in events if event.position <= last)
    erased = commit[0].erased
    repair = None if erased else commit[0].event
    said = msgspec.to_builtins(now.told)
    said["events"] = [msgspec.to_builtins(fact) for held in now.events.values() for fact in held]
    return Version(
        what=WHAT.get(commit[0].type, "logged"), erased=erased,
        reason=getattr(repair, "reason", None), editorial=getattr(repair, "editorial", False), first=first, last=last,
        recorded_at=commit[0].recorded_at, learnt_at=commit[0].learnt_at, logged_by=commit[0].logged_by,
        hashes={event.position: event.hash.hex() for event in commit}, said=said,
        changes=_changed_for(rows, about, first, last),
    )  # fmt: skip


def _changed_for(
    rows: Sequence[Row], about: Mapping[str, Mapping[str, Any]], first: int, last: int
) -> dict[str, list[ChangeView]]:
    moved = [row for row in rows if first <= row.known_from <= last or first <= row.known_until <= last]
    before = [row for row in rows if row.known_from < first <= row.known_until]
    after = [row for row in rows if row.known_from <= last < row.known_until]
    return _for_whom(before, after, moved, about)
