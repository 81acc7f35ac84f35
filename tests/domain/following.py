"""A program that knows nothing but the editions, and puts together from them what is known."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tracker.domain.edition import PARTS, Edition, Entry, Line
from tracker.domain.history import SILENT, History
from tracker.domain.views import nested
from tracker.domain.when import BEGINNING, FOREVER

Item = tuple[str, str, str, str | None, str]
Known = dict[Item, dict[str, Any]]


class Follower:
    """For each item the course of its fields over time."""

    def __init__(self) -> None:
        self.courses: dict[Item, list[tuple[datetime, datetime, dict[str, Any]]]] = {}

    def read(self, edition: Edition, code: str) -> None:
        """Lay what an edition says for a partner over what was known."""
        entries = [*edition.new, *edition.late, *edition.corrected, *edition.withdrawn]
        lines = [line for entry in entries for line in entry.lines if code in line.partners]
        for line in sorted(lines, key=lambda line: line.position):
            for scope in line.scopes or [""]:
                self._lay((line.subject, line.aspect, line.key, line.claim, scope), line)

    def _lay(self, item: Item, line: Line) -> None:
        start, end = line.starts or BEGINNING, line.ends or FOREVER
        new: list[tuple[datetime, datetime, dict[str, Any]]] = []
        for first, last, held in self.courses.get(item, [(BEGINNING, FOREVER, {})]):
            lo, hi = max(first, start), min(last, end)
            if lo >= hi:
                new.append((first, last, held))
                continue
            new += [(first, lo, held)] if first < lo else []
            new.append((lo, hi, patched(held, line.before, line.after)))
            new += [(hi, last, held)] if hi < last else []
        self.courses[item] = new

    def at(self, at: datetime) -> Known:
        """What is known of an instant."""
        found = {
            item: held
            for item, course in self.courses.items()
            for first, last, held in course
            if first <= at < last
        }
        return {item: held for item, held in found.items() if held}


def patched(held: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Fields after a change; entries of exemptions and ratifications change one by one."""
    out = dict(held)
    for name in {**before, **after}:
        if name in ("exemptions", "ratified"):
            out[name] = patched(held.get(name, {}), before.get(name, {}), after.get(name, {}))
            if not out[name]:
                del out[name]
        elif name in after:
            out[name] = after[name]
        else:
            out.pop(name, None)
    return out


def known(seen: History, at: datetime) -> Known:
    """What the record says of an instant, as editions speak of it."""
    found = {
        (key.subject, key.family, key.name, key.claim, key.scope): nested(seen.own(key, at))
        for key in seen.keys
        if key.family not in SILENT
    }
    return {item: held for item, held in found.items() if held}


class Reader:
    """Who reads editions from top to bottom and takes what each line says as how it is from then on, unless that is
    yet to come; when a line says that something ends, it waits to be told."""

    def __init__(self) -> None:
        self.held: Known = {}

    def read(self, edition: Edition, code: str) -> None:
        for kind, _ in PARTS:
            entries: list[Entry] = [] if kind == "coming" else getattr(edition, kind)
            for line in [line for entry in entries for line in entry.lines if code in line.partners]:
                if (line.starts or BEGINNING) <= edition.until.as_of:
                    self._take(line)

    def _take(self, line: Line) -> None:
        for scope in line.scopes or [""]:
            item = (line.subject, line.aspect, line.key, line.claim, scope)
            self.held[item] = patched(self.held.get(item, {}), line.before, line.after)
            if not self.held[item]:
                del self.held[item]
