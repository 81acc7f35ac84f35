"""What RFC 5545 asks of a calendar and parsers do not look at: lines, escapes, and which properties stand how often."""

import re
from typing import Any

from icalendar import Calendar

CONTENT = re.compile(r"([A-Z0-9-]+)((?:;[A-Z0-9-]+=[^;:\x00-\x1f\"]*)*):(.*)", re.DOTALL)
TEXTS = {
    "SUMMARY",
    "DESCRIPTION",
    "NAME",
    "X-WR-CALNAME",
    "X-WR-CALDESC",
    "CATEGORIES",
    "UID",
    "PRODID",
    "STATUS",
}
ESCAPED = re.compile(r"(?:[^\\;,]|\\[\\;,nN])*")
ONCE = (
    "UID",
    "DTSTAMP",
    "DTSTART",
    "SEQUENCE",
    "STATUS",
    "SUMMARY",
    "DESCRIPTION",
    "LAST-MODIFIED",
    "CREATED",
    "URL",
)
DAY, INSTANT = re.compile(r"\d{8}"), re.compile(r"\d{8}T\d{6}Z")

Line = tuple[str, str, str]
"""The name of a property, its parameters, and its value as it stands."""


def lines(raw: bytes) -> list[Line]:
    """The content lines of a calendar, unfolded; AssertionError for one that the RFC does not have."""
    assert raw.endswith(b"\r\n")
    assert b"\r" not in raw.replace(b"\r\n", b""), "a bare CR"
    assert b"\n" not in raw.replace(b"\r\n", b""), "a bare LF"
    folded = raw.split(b"\r\n")[:-1]
    for line in folded:
        assert len(line) <= 75, "a line of more than 75 octets"
        line.decode("utf-8")  # no character is cut in two
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line), "a control character"
    unfolded = raw.decode().replace("\r\n ", "").split("\r\n")[:-1]
    found = []
    for line in unfolded:
        form = CONTENT.fullmatch(line)
        assert form, line
        name, parameters, value = form.groups()
        if name in TEXTS:
            parts = re.split(r"(?<!\\),", value) if name == "CATEGORIES" else [value]
            assert all(ESCAPED.fullmatch(part) for part in parts), line
        found.append((name, parameters, value))
    return found


def text(value: str) -> str:
    """What a TEXT says (3.3.11)."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def events(raw: bytes) -> dict[str, Any]:
    """The events of a sound calendar by UID, as icalendar reads them; AssertionError where it is not sound."""
    held = lines(raw)
    assert [name for name, _, _ in (held[0], held[-1])] == ["BEGIN", "END"]
    top, blocks = _parts(held)
    names = [name for name, _, _ in top]
    for name in ("VERSION", "PRODID", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "SOURCE", "UID"):
        assert names.count(name) == 1, name
    assert ("REFRESH-INTERVAL", ";VALUE=DURATION", "PT1H") in top
    for block in blocks:
        _check(block)
    uids = [value for block in blocks for name, _, value in block if name == "UID"]
    assert len(uids) == len(set(uids)), "a UID stands twice"
    read = Calendar.from_ical(raw)
    assert read.errors == []
    found = {str(event["UID"]): event for event in read.walk("VEVENT")}
    assert all(event.errors == [] for event in found.values())
    assert set(found) == set(uids)
    return found


def _parts(held: list[Line]) -> tuple[list[Line], list[list[Line]]]:
    top, blocks, inside = [], [], False
    for line in held[1:-1]:
        if line == ("BEGIN", "", "VEVENT"):
            inside = True
            blocks.append([])
        elif line == ("END", "", "VEVENT"):
            inside = False
        elif inside:
            blocks[-1].append(line)
        else:
            top.append(line)
    return top, blocks


def _check(block: list[Line]) -> None:
    names = [name for name, _, _ in block]
    for name in ONCE:
        assert names.count(name) == 1, (name, block)
    its = {name: (parameters, value) for name, parameters, value in block}
    start, end = its["DTSTART"], its.get("DTEND")
    if start[0] == ";VALUE=DATE":
        assert DAY.fullmatch(start[1])
        assert end is not None
        assert end[0] == ";VALUE=DATE"
        assert end[1] > start[1]
    else:
        assert start[0] == ""
        assert INSTANT.fullmatch(start[1])
        assert end is None
    for name in ("DTSTAMP", "LAST-MODIFIED", "CREATED"):
        assert INSTANT.fullmatch(its[name][1])
    assert its["DTSTAMP"] == its["LAST-MODIFIED"]
    assert its["STATUS"][1] in ("CONFIRMED", "TENTATIVE", "CANCELLED")
    assert int(its["SEQUENCE"][1]) >= (its["STATUS"][1] == "CANCELLED")
