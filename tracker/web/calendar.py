"""Dates as a calendar: iCalendar (RFC 5545, named and refreshed as RFC 7986 has it).

Everything in it comes from the record, its stamps too, so that the same record gives the same bytes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from icalendar import Calendar, Event, vDuration, vText, vUri

from tracker.domain import words
from tracker.domain.views import Cause
from tracker.domain.when import Days, rfc3339, vague
from tracker.read.dates import DateView
from tracker.web.html import party, upper_first
from tracker.web.saying import FEW, Saying

CALENDAR = "text/calendar"
REFRESH = timedelta(hours=1)
LINES = 40
"""As many sentences as a description holds at most; the page has them all."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""What no text of a calendar may hold; a line feed is escaped."""


class Text(vText):
    """A text as it is; the library would make a line break of a backslash before an N."""

    def to_ical(self) -> bytes:
        said = re.sub(r"([\\;,])", r"\\\1", str(self)).replace("\n", "\\n")
        return said.encode()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A calendar: what it is about, its own address, that of the page for people, and the id from which those of its
    events are made."""

    title: str
    about: str
    address: str
    home: str
    origin: UUID
    entries: Sequence[DateView]


def ics(sheet: Sheet, saying: Saying, base: str) -> bytes:
    """A calendar as its file."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Negotiation tracker//EN")
    calendar.add("uid", _text(str(uuid5(sheet.origin, f"calendar {sheet.address.partition('?')[2]}"))))
    for name, said in (("name", sheet.title), ("description", sheet.about)):
        calendar.add(name, _text(said))
        calendar.add({"name": "x-wr-calname", "description": "x-wr-caldesc"}[name], _text(said))
    if sheet.entries:
        calendar.add("last-modified", max(entry.changed_at for entry in sheet.entries))
    calendar.add("url", vUri(sheet.home))
    calendar.add("source", vUri(sheet.address), {"VALUE": "URI"})
    calendar.add("refresh-interval", vDuration(REFRESH), {"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for entry in sheet.entries:
        calendar.add_component(_event(entry, sheet.origin, saying, base))
    return bytes(calendar.to_ical())


def _event(entry: DateView, origin: UUID, saying: Saying, base: str) -> Event:
    event = Event()
    event.add("uid", _text(uid(entry, origin)))
    event.add("summary", _text(_summary(entry, saying)))
    match entry.days:
        case Days(first, last):
            event.add("dtstart", first)
            event.add("dtend", last)
        case datetime() as at:
            event.add("dtstart", at)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("created", entry.set_at)
    event.add("sequence", entry.sequence)
    event.add("status", _status(entry))
    event.add("transp", "TRANSPARENT")
    event.add("categories", [_text(said) for said in _categories(entry)])
    event.add("description", _text("\n\n".join(_description(entry, saying, base))))
    event.add("url", vUri(page(entry, base)))
    return event


def uid(entry: DateView, origin: UUID) -> str:
    """The id of a date, for good: made of what it is, and where it stood first."""
    named = [*entry.group]
    if entry.group.kind in ("effect", "threat"):
        named += [rfc3339(entry.first), str(entry.twin)]
    return str(uuid5(origin, " ".join(named)))


def page(entry: DateView, base: str) -> str:
    """The page of a date."""
    partner = entry.group.subject.partition(":")[2]
    if entry.group.kind == "deadline":
        return f"{base}/deadlines#{partner}-{entry.group.key}"
    return f"{base}/events/{entry.cause.development}"


def _status(entry: DateView) -> str:
    if not entry.stands:
        return "CANCELLED"
    return "TENTATIVE" if entry.group.kind == "threat" else "CONFIRMED"


KINDS = {"deadline": "Deadline", "promise": "Promised", "effect": "Takes effect", "threat": "Threatened"}


def _categories(entry: DateView) -> list[str]:
    whom = [*entry.changes] if len(entry.changes) <= FEW else []
    return [KINDS[entry.group.kind], *map(party, whom)]


def _summary(entry: DateView, saying: Saying) -> str:
    known = vague(entry.stated)
    said = f"{_what(entry, saying)} ({words.stated(known)})" if known else _what(entry, saying)
    return said if entry.stands else f"Cancelled: {said}"


def _what(entry: DateView, saying: Saying) -> str:
    match entry.group.kind:
        case "deadline":
            (stands, *_), _ = words.happened("deadline", {}, {"status": entry.status or "open"})
            label = "Deadline" if stands == "open" else f"Deadline, {stands}"
            return f"{label}: {entry.name} ({entry.title})"
        case "promise":
            waits = entry.status in (None, "announced", "in_force")
            label = "Promised by this date" if waits else f"Promise, {words.said('status', entry.status)}"
            return f"{label}: {entry.name} ({entry.title})"
        case _:
            first, *others = saying.headlines(entry.changes)
            return f"{first}; and {len(others)} more" if others else first


def _description(entry: DateView, saying: Saying, base: str) -> Iterator[str]:
    """What is said about a date: a paragraph each."""
    if entry.called_off:
        yield _because("Cancelled", entry.called_off)
        if entry.reason:
            yield f"Reason: {entry.reason}"
    sentences = saying.sentences(entry.changes, begun=True)
    yield from sentences[:LINES]
    if hidden := len(sentences) - LINES > 0:
        yield f"and {hidden} more"
    for moved in entry.moved:
        (said, *_), _ = words.happened("deadline", {"due": moved.before}, {"due": moved.after})
        yield _because(upper_first(said), moved.cause)
    yield _because("By", entry.cause)
    for source in entry.cause.sources:
        yield ", ".join(source[name] for name in ("publisher", "title", "url") if source.get(name))
    yield page(entry, base)


def _because(said: str, cause: Cause) -> str:
    return f"{said}: {cause.title} (announced {words.stated(cause.announced)})"


def _text(said: str) -> Text:
    return Text(_CONTROL.sub("\ufffd", said.replace("\r\n", "\n").replace("\r", "\n")))
