"""What a reader of an edition would have wrong at its end: who takes each of its lines as how it is from then on, until
another line says otherwise. What was mended may have been over, by time alone, before the edition was cut. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.domain.edition import PARTS, Edition, Entry, Kind, Line
from tracker.domain.history import Change, Fact, Facts, History, Key, value
from tracker.domain.paint import INSTRUMENT
from tracker.domain.views import nested
from tracker.domain.watched import Watched
from tracker.domain.when import BEGINNING, FOREVER, TICK

ENTRIES = ("exemptions", "ratified")
"""Fields whose entries change one by one."""
REPAIRED = ("corrected", "withdrawn")

Place = tuple[Kind, int]
"""An entry of an edition: its part, and its number there."""


class Left(NamedTuple):
    """How an item stands at the end, for a partner who would have it otherwise from the entry at ``place``, the last
    that tells of it; ``said``: another line says it to people."""

    place: Place
    code: str
    change: Change
    said: bool


class _Told(NamedTuple):
    place: Place
    line: Line


def left_wrong(edition: Edition, watched: Iterable[Watched]) -> list[Left]:
    """All that must be said once more, in the order of the edition's parts."""
    told = [*_lines(edition)]
    found: list[Left] = []
    for who in watched:
        for key, its in _by_item(told, who.code).items():
            found += _left(edition, who, key, its)
    parts = [kind for kind, _ in PARTS]
    return sorted(found, key=lambda one: (parts.index(one.place[0]), one.place[1], one.change.start))


def _left(edition: Edition, who: Watched, key: Key, its: Sequence[_Told]) -> Iterator[Left]:
    since, until = edition.since, edition.until
    before, after = who.known(since.position), who.known(until.position)
    held = _flat(nested(before.own(key, since.as_of)))
    for _, line in its:
        held = _patched(held, line)
    facts = after.own(key, until.as_of)
    now = _flat(nested(facts))
    wrong = {name for name in {**held, **now} if held.get(name) != now.get(name)}
    for (start, end), names in _runs(after, key, until.as_of, wrong).items():
        old = _only(after.own(key, start - TICK), names) if start > BEGINNING else {}
        unheard = {name: Fact(held[name], until.position, who.code) for name in names if name in held}
        change = Change(key, start, end, {**unheard, **old}, _only(facts, names))
        said = start <= since.as_of or any(_says(one, change) for one in its)
        yield Left(its[-1].place, who.code, change, said)


def _says(told: _Told, change: Change) -> bool:
    """Whether a line tells people how an item stands from then on: as what comes then; or as what holds but for a
    time, where it was no mistake of ours that held before."""
    line, now = told.line, nested(change.after)
    if line.quiet:
        return False
    if line.starts == change.start:
        return all(
            line.after.get(name) == now.get(name) for name in nested({**change.before, **change.after})
        )
    return line.ends == change.start and told.place[0] not in REPAIRED and _within(now, line.before)


def _within(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    return all(others.get(name) == held for name, held in some.items())


def _lines(edition: Edition) -> Iterator[_Told]:
    """What has begun, of all parts but what is to come."""
    for kind, _ in PARTS:
        entries: Sequence[Entry] = () if kind == "coming" else getattr(edition, kind)
        for number, entry in enumerate(entries):
            for line in entry.lines:
                if (line.starts or BEGINNING) <= edition.until.as_of:
                    yield _Told((kind, number), line)


def _by_item(told: Iterable[_Told], code: str) -> dict[Key, list[_Told]]:
    found: dict[Key, list[_Told]] = {}
    for one in told:
        line = one.line
        if code in line.partners:
            aspect = f"{line.aspect}:{line.key}" if line.key else line.aspect
            basis = f"claim:{line.claim}" if line.claim else INSTRUMENT
            for scope in line.scopes or [""]:
                found.setdefault(Key(line.subject, scope, basis, aspect), []).append(one)
    return found


def _patched(held: dict[str, Any], line: Line) -> dict[str, Any]:
    before, after = _flat(line.before), _flat(line.after)
    return {name: now for name, now in {**held, **after}.items() if name in after or name not in before}


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, held in fields.items():
        entries = {f"{name}.{entry}": one for entry, one in held.items()} if name in ENTRIES else {name: held}
        found.update(entries)
    return found


def _only(facts: Facts, names: Iterable[str]) -> dict[str, Fact]:
    return {name: facts[name] for name in names if value(facts, name) is not None}


def _runs(
    seen: History, key: Key, at: datetime, names: Iterable[str]
) -> dict[tuple[datetime, datetime], list[str]]:
    """From when until when each of these fields stays as it is at an instant, those together for which it is the
    same time."""
    runs: dict[tuple[datetime, datetime], list[str]] = {}
    spans = [*pairwise([*seen.edges(key), FOREVER])]
    for name in sorted(names):
        now = value(seen.own(key, at), name)
        other = [span for span in spans if value(seen.own(key, span[0]), name) != now]
        start = max((end for _, end in other if end <= at), default=BEGINNING)
        end = min((begin for begin, _ in other if begin > at), default=FOREVER)
        runs.setdefault((start, end), []).append(name)
    return runs
