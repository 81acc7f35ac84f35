"""What an order does to the time ahead, beside what it says: an end uncovers what lies below, and an open-ended act
covers the steps that were scheduled after it. Analysts see both before they save."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from tracker.domain.fold import Row
from tracker.domain.history import SILENT, Change, Facts, History, Key, changed, value
from tracker.domain.when import FOREVER


class Resumed(NamedTuple):
    """A change where an effect ends, and all facts of its item from then on."""

    change: Change
    facts: Facts


class Erased(NamedTuple):
    """A change that was scheduled and no longer happens then; ``later``: when its state comes instead, if ever."""

    change: Change
    later: datetime | None


def resumed(after: History, rows: Collection[Row], first: int, last: int) -> list[Resumed]:
    """Where something that positions ``first`` to ``last`` set comes to its end, and what older events say (or
    nothing) holds again. ``rows``: what these positions changed."""
    found = []
    for key in _touched(after, rows):
        for at, end, old, new in _steps(after, key):
            ends = {
                name: fact
                for name, fact in old.items()
                if first <= fact.position <= last
                and not (name in new and first <= new[name].position <= last)
                and fact.value != value(new, name)
            }
            if ends:
                change = changed(key, at, end, ends, _only(new, ends))
                found.append(Resumed(change, after.facts(key, at)))
    return sorted(found, key=_place)


def erased(before: History, after: History, rows: Collection[Row], since: datetime) -> list[Erased]:
    """Changes that were believed to happen later than ``since``, and no longer happen on their day."""
    found = []
    for key in _touched(before, rows):
        for at, end, old, new in _steps(before, key):
            if at <= since:
                continue
            now = after.own(key, at)
            was = changed(key, at, end, old, new)
            gone = {name for name in {**was.before, **was.after} if value(now, name) != value(new, name)}
            if gone:
                change = Change(key, at, end, _only(was.before, gone), _only(was.after, gone))
                found.append(Erased(change, _later(after, key, at, new, gone)))
    return sorted(found, key=_place)


def _touched(history: History, rows: Collection[Row]) -> list[Key]:
    subjects = {row.subject for row in rows}
    return sorted(key for key in history.keys if key.subject in subjects and key.family not in SILENT)


def _steps(history: History, key: Key) -> Iterator[tuple[datetime, datetime, Facts, Facts]]:
    """Each instant at which an item may change, until when that holds, and its facts before and after."""
    edges = [*history.edges(key), FOREVER]
    for (before, at), end in zip(pairwise(edges[:-1]), edges[2:], strict=True):
        yield at, end, history.own(key, before), history.own(key, at)


def _later(after: History, key: Key, at: datetime, wanted: Facts, names: Collection[str]) -> datetime | None:
    for edge in after.edges(key):
        if edge > at and all(value(after.own(key, edge), n) == value(wanted, n) for n in names):
            return edge
    return None


def _only(facts: Facts, names: Collection[str]) -> Facts:
    return {name: fact for name, fact in facts.items() if name in names}


def _place(found: Resumed | Erased) -> tuple[datetime, Key]:
    return found.change.start, found.change.key
