"""Events on a screen: the log, and one development with its versions."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tracker import read
from tracker.domain import words
from tracker.domain.paint import announced
from tracker.store import log
from tracker.store.engine import reading
from tracker.store.log import StoredEvent
from tracker.terminal import showing
from tracker.terminal.opening import Opened


def show_events(opened: Opened, subject: str | None, after: int | None, limit: int, as_json: bool) -> None:
    """The last events, or those that follow a position."""
    with reading(opened.engine) as connection:
        end = log.position(connection)
        if subject is not None:
            found = [e for e in log.of_subject(connection, subject, end) if e.position > (after or 0)]
            found = found[:limit] if after is not None else found[-limit:]
        else:
            found = log.after(connection, max(0, end - limit) if after is None else after, end, limit)
    if as_json:
        showing.json({"items": [envelope(event) for event in found], "next": None})
        return
    zone = ZoneInfo(opened.zone)
    showing.table(
        "position", "announced", "type", "subject", "title",
        rows=[
            (
                str(event.position), words.day(announced(event.told, event.subject).at, zone), event.type,
                event.subject, event.told.title,
            )
            for event in found
        ],
    )  # fmt: skip


def show_story(opened: Opened, reference: str, as_json: bool) -> None:
    """One development, by its id or that of an event of it: what it says now, and how it came to that."""
    with reading(opened.engine) as connection:
        story = read.story(connection, reference, log.position(connection))
    if as_json:
        showing.json(story)
        return
    zone = ZoneInfo(opened.zone)
    showing.line(f"{words.stated(story.entry.announced)}  {story.entry.title}")
    showing.line(f"development {story.entry.development}, {story.entry.standing}")
    for source in story.entry.sources:
        showing.line(
            "source: "
            + ", ".join(str(source[name]) for name in ("publisher", "title", "url") if name in source)
        )
    for version in story.versions:
        recorded = f"recorded {words.day(version.recorded_at, zone)}"
        showing.heading(f"{version.what}, {recorded}, positions {version.first} to {version.last}")
        showing.bullets([version.reason] if version.reason else [])
        for code, changes in version.changes.items():
            showing.line(f"  {words.name_of(code)}")
            showing.bullets((showing.change(change, zone) for change in changes), indent=4)


def envelope(event: StoredEvent) -> dict[str, Any]:
    """An event as the API gives it: its envelope, and the body exactly as it is kept."""
    fields = {
        name: getattr(event, name) for name in StoredEvent.__slots__ if name not in ("hash", "body", "commit")
    }
    return {**fields, "hash": event.hash.hex(), "body": msgspec.Raw(event.body.encode())}
