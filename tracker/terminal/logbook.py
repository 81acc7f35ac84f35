"""Events on a screen: the log, and one development with its versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from tracker import read
from tracker.domain import words
from tracker.read import Point
from tracker.store import log
from tracker.store.log import Seal, StoredEvent
from tracker.terminal import showing

MOST = 100_000
"""Events looked through for the last ones of a subject or a type."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events are wanted: without ``after`` the last ones."""

    subject: str | None
    type: str | None
    after: int | None
    limit: int


def show_events(connection: Connection, at: Point, sought: Sought, as_json: bool) -> None:
    """A stretch of the log."""
    found, more = _found(connection, at, sought)
    if as_json:
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
        following = str(found[-1].position) if more else None
        showing.json({"temporal": temporal, "items": envelopes(connection, found), "next": following})
        return
    showing.table(
        "position", "announced", "what", firm=["position", "announced"],
        rows=[
            (
                str(event.position), words.stated(event.told.announced),
                f"{event.told.title}\n  {event.type} {event.subject}",
            )
            for event in found
        ],
    )  # fmt: skip


def _found(connection: Connection, at: Point, sought: Sought) -> tuple[list[StoredEvent], bool]:
    """The events, and whether more follow."""
    after, limit = sought.after or 0, sought.limit
    if sought.after is None and sought.subject is None and sought.type is None:
        after = max(0, at.known - limit)
    found = log.found(
        connection,
        after,
        at.known,
        MOST if sought.after is None else limit + 1,
        subject=sought.subject,
        type=sought.type,
    )
    return (found[-limit:], False) if sought.after is None else (found[:limit], len(found) > limit)


def show_story(connection: Connection, at: Point, reference: str, as_json: bool) -> None:
    """One development, by its id or that of an event of it: what it says now, and how it came to that."""
    story = read.story(connection, reference, at.known)
    zone = ZoneInfo(at.zone)
    if as_json:
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
        whole = {"entry": story.entry, "versions": story.versions, "seen": story.seen}
        event = log.by_id(connection, reference)
        showing.json(
            {"temporal": temporal, **({"event": envelopes(connection, [event])[0]} if event else {}), **whole}
        )
        return
    showing.line(f"{words.stated(story.entry.announced)}  {story.entry.title}")
    showing.line(f"development {story.entry.development}, {story.entry.standing}")
    for source in story.entry.sources:
        said = [str(source[name]) for name in ("publisher", "title", "url") if name in source]
        showing.line(f"source: {', '.join(said)}")
    for version in story.versions:
        recorded = f"recorded {words.day(version.recorded_at, zone)} by {version.logged_by}"
        erased = ", erased since" if version.erased else ""
        showing.heading(
            f"{version.what}{erased}, {recorded}, positions {showing.span(version.first, version.last)}"
        )
        showing.bullets([version.reason] if version.reason else [])
        for code, changes in version.changes.items():
            showing.line(f"  {words.name_of(code)}")
            showing.bullets((showing.change(change, zone) for change in changes), indent=4)


def envelopes(connection: Connection, found: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """Events as the API gives them: the envelope, the seal of the body, and the body."""
    seals = log.seals(connection, found)
    return [_envelope(event, seals[event.position]) for event in found]


def _envelope(event: StoredEvent, seal: Seal) -> dict[str, Any]:
    names = [name for name in StoredEvent.__slots__ if name not in ("hash", "body", "commit")]
    return {
        **{name: getattr(event, name) for name in names},
        "hash": event.hash.hex(),
        "commitment": seal.commitment.hex(),
        "salt": seal.salt.hex() if seal.salt is not None else None,
        "erased": {"at": seal.erased_at, "reason": seal.reason} if seal.erased_at else None,
        "body": msgspec.Raw(event.body.encode() or b"null"),
    }
