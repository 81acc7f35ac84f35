"""Where two accounts of one thing cannot both be right: a source's and our record's, or those of two sources.

An account is a course over time: stretches with a status and a rate. Silence contradicts nothing, nor does a rate that
is unknown or only bounded where the other lies within the bounds; and less than a day is the difference between a date
and its hour. Everything here is pure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Any, Literal, NamedTuple

from tracker.domain import words
from tracker.domain.when import BEGINNING

AVERAGE = "measure:us-average-duty"
"""The subject of what sources say of all duties together; it has no instrument, and is held against bounds."""
APPLIES = "in_force"
ASSERTED = (APPLIES, "paused", "ended")
"""What is said of law as it is, rather than of law to come."""
SHORTEST = timedelta(days=1)
TOLERANCE = 0.05
"""Percentage points that rounding explains."""

Kind = Literal["rate", "dates", "status", "no_instrument", "bounds"]


class Stretch(NamedTuple):
    """What an account says over [start, end), and the position of the event it comes from."""

    start: datetime
    end: datetime
    status: str | None
    rate: Mapping[str, Any] | None
    position: int

    @property
    def applies(self) -> bool:
        return self.status == APPLIES


class Disagreement(NamedTuple):
    """Over [start, end) ``said`` and ``held`` cannot both be right; ``held`` is None where the other side is silent. Of
    the kind ``dates`` the two are one step, which each side puts on another day."""

    start: datetime
    end: datetime
    kind: Kind
    said: Stretch
    held: Stretch | None


class Bounds(NamedTuple):
    """Between which rates, in percent, an average of all goods can lie over [start, end); ``position``: the newest
    event they are due to, None where nothing is charged."""

    start: datetime
    end: datetime
    lowest: float
    highest: float
    position: int | None


def disagreements(said: Sequence[Stretch], held: Sequence[Stretch]) -> list[Disagreement]:
    """Where what a source says cannot be, if our record is right."""
    found: list[Disagreement] = []
    edges = sorted({edge for s in (*said, *held) for edge in (s.start, s.end)})
    for start, end in pairwise(edges):
        theirs, ours = _at(said, start), _at(held, start)
        if theirs is None or theirs.status not in ASSERTED or _agree(theirs, ours):
            continue
        last = found[-1] if found else None
        if last and last.end == start and (last.said, last.held) == (theirs, ours):
            found[-1] = last._replace(end=end)
        else:
            found.append(Disagreement(start, end, "status", theirs, ours))
    found += _late(said, held)
    whole = [one for one in _joined(found) if one.end - one.start >= SHORTEST]
    return [_kinded(one, said, held) for one in whole]


def rivals(said: Sequence[Stretch], other: Sequence[Stretch]) -> list[Disagreement]:
    """Where two sources cannot both be right. The silence of a source counts only as long as it has not come to a step
    that the other has taken already."""
    return [
        one
        for one in disagreements(said, other)
        if one.kind != "no_instrument" and (_at(other, one.start) or (one.kind == "dates" and _stated(one)))
    ]


def out_of_bounds(said: Sequence[Stretch], bounds: Sequence[Bounds]) -> list[tuple[Disagreement, Bounds]]:
    """Where an average lies above the highest rate that any goods bear, or is nothing though all goods are charged."""
    found: list[tuple[Disagreement, Bounds]] = []
    for theirs in said:
        percent = (theirs.rate or {}).get("percent")
        if percent is None or not theirs.applies:
            continue
        for one in bounds:
            start, end = max(theirs.start, one.start), min(theirs.end, one.end)
            nothing = percent <= 0 < one.lowest
            if end - start >= SHORTEST and (percent > one.highest + TOLERANCE or nothing):
                last = found[-1] if found else None
                if last and last[0].said == theirs and last[0].end == start and last[1][2:] == one[2:]:
                    found[-1] = last[0]._replace(end=end), last[1]
                else:
                    found.append((Disagreement(start, end, "bounds", theirs, None), one))
    return found


def range_of(rate: Mapping[str, Any] | None) -> tuple[float, float]:
    """The percentages that a rate may be; all of them where it is unknown, or not a percentage."""
    rate = rate or {}
    if rate.get("percent") is not None:
        return rate["percent"], rate["percent"]
    if rate.get("ban"):
        return inf, inf
    low, high = rate.get("at_least"), rate.get("at_most")
    return (0.0 if low is None else low, inf if high is None else high)


def why(one: Disagreement, whose: str, other: str, day: Any) -> str:
    """The disagreement as a sentence; ``day`` writes an instant."""
    said = told(one.said)
    if one.kind == "no_instrument":
        return f"{whose} has {said} from {day(one.said.start)}, {other} nothing in force at any time."
    if one.held is None:
        return f"{whose} has {said} from {day(one.said.start)}, {other} says nothing of that time."
    if one.kind == "dates":
        return (
            f"{whose} has {said} from {day(one.said.start)}, {other} {told(one.held)} from {day(one.held.start)}: "
            "one step, two days."
        )
    return f"{whose} has {said} since {day(one.said.start)}, {other} {told(one.held)} since {day(one.held.start)}."


def why_bounds(one: Disagreement, bounds: Bounds, whose: str) -> str:
    """An average that cannot be, as a sentence."""
    said = words.rate(one.said.rate or {})
    if bounds.highest <= 0:
        return f"{whose} has an average of {said}, our record no duty that is charged then."
    if one.said.rate and one.said.rate["percent"] <= 0:
        return f"{whose} has an average of {said}, our record {words.number(bounds.lowest)}% on all goods."
    return (
        f"{whose} has an average of {said}, more than the highest that any goods bear by our record, "
        f"{words.number(bounds.highest)}%."
    )


def told(stretch: Stretch) -> str:
    """A status and a rate in words: ``25% in force``, ``paused``."""
    status = (stretch.status or "nothing").replace("_", " ")
    return (
        f"{words.rate(stretch.rate)} {status}" if stretch.rate and not stretch.rate.get("unknown") else status
    )


# ---------------------------------------------------------------- how it is found


def _at(course: Sequence[Stretch], at: datetime) -> Stretch | None:
    return next((s for s in course if s.start <= at < s.end), None)


def _agree(theirs: Stretch, ours: Stretch | None) -> bool:
    if ours is None or not ours.applies:
        return not theirs.applies
    return theirs.applies and _meet(theirs, ours)


def _meet(a: Stretch, b: Stretch) -> bool:
    """Whether one rate fits both."""
    (low, high), (least, most) = range_of(a.rate), range_of(b.rate)
    return low <= most + TOLERANCE and least <= high + TOLERANCE


def _stated(one: Disagreement) -> bool:
    return bool(one.said.rate and one.held and one.held.rate)


def _late(said: Sequence[Stretch], held: Sequence[Stretch]) -> list[Disagreement]:
    """A source that lets a thing begin later than the other account has it: its silence before then says so."""
    first = next((s for s in said if s.status in ASSERTED), None)
    if first is None or not first.applies:
        return []
    ours = _at(held, first.start)
    if ours is None or not ours.applies or not _meet(first, ours) or ours.start >= first.start:
        return []
    if not first.rate or ours.start <= BEGINNING:
        return []
    return [Disagreement(ours.start, first.start, "dates", first, ours)]


def _joined(found: Sequence[Disagreement]) -> list[Disagreement]:
    """Neighbours between which only terms changed as one: the same values on both sides, each since its first day."""
    out: list[Disagreement] = []
    for one in sorted(found, key=lambda d: d.start):
        last = out[-1] if out else None
        if last and last.end == one.start and _values(last) == _values(one):
            out[-1] = last._replace(end=one.end)
        else:
            out.append(one)
    return out


def _values(one: Disagreement) -> tuple[Any, ...]:
    """Both sides; of one where nothing is in force it does not matter why."""
    held = one.held if one.held and one.held.applies else None
    return one.said.status, one.said.rate, held and held.rate


def _kinded(one: Disagreement, said: Sequence[Stretch], held: Sequence[Stretch]) -> Disagreement:
    """With its kind; of one about dates, the two stretches are the same step, each with its own start."""
    if one.kind == "dates":
        return one
    if one.said.applies and not any(s.applies for s in held):
        return one._replace(kind="no_instrument")
    ours, theirs = (_at(course, one.end) for course in (held, said))
    if one.said.applies and ours and ours.applies and _meet(one.said, ours):
        return one._replace(kind="dates", held=ours)
    if one.held and one.held.applies and theirs and theirs.applies and _meet(theirs, one.held):
        return one._replace(kind="dates", said=theirs)
    both = one.said.applies and one.held is not None and one.held.applies
    return one._replace(kind="rate" if both else "status")
