"""Where dates come from: what was known, position by position, of what can be worked out alone. Pure.

What an event changes is little: only the dates that its rows speak of, over the time that they speak of, are looked for
anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tracker.domain.dates import Comes, Course, Date, Dating, Group, Kind, Place
from tracker.domain.events import Told, actor_of, kind_of
from tracker.domain.fold import Row
from tracker.domain.history import MAIN, About, Change, Facts, History, Key, joins, key_of, value
from tracker.domain.moves import cause, inert, vacuous
from tracker.domain.paint import announced
from tracker.domain.views import stated
from tracker.domain.when import BEGINNING, FOREVER, TICK, moment, span, stating, zone_of

END = FOREVER - TICK
"""Late enough for everything that is said to hold."""
CALLED_OFF = ("cancelled", "shelved", "dropped")
"""How a deadline or a promise stands of which the date is void."""
THREATENS = ("status", "rate", "says", "by", "condition")
"""What is said of a threat whose day comes."""

Strand = tuple[str, str]
"""What can be worked out alone: a subject; of a partner, one aspect."""
Telling = Callable[[int], Told]
"""What was told by the event at a position."""


def strand(subject: str, aspect: str) -> Strand:
    """The strand that an item is in."""
    return subject, aspect if kind_of(subject) == "partner" else ""


class Dated(NamedTuple):
    """A date in a history."""

    group: Group
    place: Place
    at: datetime
    cause: int
    sign: Any
    change: Change
    seen: History


def named(seen: History, told: Telling) -> Iterator[Dated]:
    """The deadlines, promises and threats that a history holds: dates that are values. They stand whether their day has
    come or not."""
    for key in sorted(key for key in seen.keys if names_a_date(key)):
        if key.claim:
            for one in _named(seen, Group("threat", key.subject, key.claim), key, "starts", told):
                held = seen.own(key, max(one.at, announced(told(one.cause), key.subject).at))
                if value(held, "status") == "threatened" or value(held, "outcome") == "open":
                    said = {name: held[name] for name in THREATENS if name in held}
                    yield one._replace(change=_coming(key, one.at, said))
        elif value(seen.own(key, END), "status") not in CALLED_OFF:
            kind: Kind = "deadline" if key.family == "deadline" else "promise"
            yield from _named(seen, Group(kind, key.subject, key.name), key, "due", told)


def names_a_date(key: Key) -> bool:
    """Whether an item may hold a date as a value."""
    return key.claim is not None or key.family in ("deadline", "provision")


def _named(seen: History, group: Group, key: Key, field: str, told: Telling) -> Iterator[Dated]:
    facts = seen.own(key, END)
    text = facts.get(field)
    if text is not None and text.value is not None:
        zone = told(text.position).zone or zone_of(actor_of(key.subject))
        said, at = text.value.strip(), moment(text.value, zone).at
        change = _coming(key, at, facts)
        yield Dated(group, Place(said, span(said, zone)), at, text.position, key, change, seen)


def _coming(key: Key, at: datetime, said: Facts) -> Change:
    """What is said of a date that is a value, as if it began with it."""
    return Change(key, at, FOREVER, {}, {name: fact for name, fact in said.items() if fact.value is not None})


def effective(seen: History, told: Telling, first: datetime, last: datetime) -> Iterator[Dated]:
    """The dates from the first instant to the last on which something takes effect: later than it was announced."""
    for change in seen.changes(first - TICK if first > BEGINNING else first, min(last, END)):
        key, by = change.key, cause(change)
        if not _silent(change, seen) and announced(told(by), key.subject).at < change.start:
            zone = told(by).zone or zone_of(actor_of(key.subject))
            said = stated(seen.abouts.get(key.subject, {}), change.start) or stating(change.start, zone)
            group = Group("effect", *strand(key.subject, key.aspect))
            yield Dated(
                group, Place(said, span(said, zone)), change.start, by, _sign(change, seen), change, seen
            )


def _silent(change: Change, seen: History) -> bool:
    key = change.key
    return bool(key.claim) or key.family == "deadline" or vacuous(change, seen, seen) or inert(change, seen)


def _sign(change: Change, seen: History) -> tuple[Any, ...]:
    """What something comes to: how it stands from then on."""
    facts = seen.facts(change.key, change.start)
    return change.key, *(str(value(facts, name)) for name in MAIN)


# ---------------------------------------------------------------- position by position


class Step(NamedTuple):
    """The positions of one commit, when they were learnt, and what subjects were then; ``renamed``: otherwise than
    before."""

    positions: Sequence[int]
    learnt_at: datetime
    abouts: Mapping[str, About]
    renamed: bool


class Part:
    """Some partners to whom all of a strand is the same, with every row of it that was ever known, those of their
    memberships too; and the dates in it as they are known at the position that was reached."""

    def __init__(self, own: Strand, codes: Sequence[str], rows: Iterable[Row]) -> None:
        self.codes = codes
        self._own = own
        self._dated: list[Dated] = []
        self._alive: dict[int, Row] = {}
        self._moves: dict[int, list[Row]] = {}
        for row in rows:
            for position in {row.known_from, row.known_until}:
                self._moves.setdefault(position, []).append(row)

    @property
    def positions(self) -> Iterable[int]:
        """Where knowledge of it changed."""
        return self._moves.keys()

    def learns(self, step: Step, told: Telling) -> tuple[list[Dated], list[Dated]]:
        """The dates that a step may have changed: as they were, and as they are."""
        moved = [row for position in step.positions for row in self._moves.get(position, ())]
        for row in moved:
            if row.known_from <= step.positions[-1] < row.known_until:
                self._alive[id(row)] = row
            else:
                self._alive.pop(id(row), None)
        if step.renamed or any(joins(row) for row in moved):
            first, last, values_too = BEGINNING, FOREVER, True
        elif moved:
            first = min(row.segment.start for row in moved)
            last = max(row.segment.end for row in moved)
            values_too = any(names_a_date(key_of(row)) for row in moved)
        else:
            return [], []
        gone = [
            one
            for one in self._dated
            if (first <= one.at <= last if one.group.kind == "effect" else values_too)
        ]
        come = [*self._effective(step.abouts, told, first, last)]
        come += self._named(step.abouts, told) if values_too else []
        still = {id(one) for one in gone}
        self._dated = [one for one in self._dated if id(one) not in still] + come
        return gone, come

    def _effective(
        self, abouts: Mapping[str, About], told: Telling, first: datetime, last: datetime
    ) -> Iterator[Dated]:
        near = [
            row
            for row in self._alive.values()
            if joins(row) or (row.segment.start <= last and first <= row.segment.end)
        ]
        seen = History(self.codes[0], near, abouts)
        for one in effective(seen, told, first, last):
            if strand(one.change.key.subject, one.change.key.aspect) == self._own:
                yield one

    def _named(self, abouts: Mapping[str, About], told: Telling) -> Iterator[Dated]:
        held = [row for row in self._alive.values() if joins(row) or names_a_date(key_of(row))]
        return named(History(self.codes[0], held, abouts), told)


def walk(parts: Sequence[Part], steps: Iterable[Step], told: Telling, order: Mapping[str, int]) -> list[Date]:
    """The dates of a strand, through all that was known of it. ``order``: that of partners."""
    held: dict[tuple[Group, Place], list[tuple[Part, Dated]]] = {}
    courses: dict[Group, Course] = {}
    for step in steps:
        before: dict[tuple[Group, Place], bool] = {}
        for part in parts:
            gone, come = part.learns(step, told)
            dropped = {id(one) for one in gone}
            for one in (*gone, *come):
                before.setdefault((one.group, one.place), (one.group, one.place) in held)
            for where in {(one.group, one.place): None for one in gone}:
                held[where] = [pair for pair in held[where] if id(pair[1]) not in dropped]
            for one in come:
                held.setdefault((one.group, one.place), []).append((part, one))
        changed: dict[Group, tuple[list[Place], list[Dating]]] = {}
        for (group, place), stood in before.items():
            left, come_to = changed.setdefault(group, ([], []))
            if its := held[group, place]:
                come_to.append(_dating(place, its, order))
            else:
                del held[group, place]
                if stood:
                    left.append(place)
        for group, (left, come_to) in changed.items():
            course = courses.setdefault(group, Course(group))
            course.learns(step.positions[-1], step.learnt_at, left, come_to)
    return [date for course in courses.values() for date in course.dates]


def _dating(place: Place, held: Sequence[tuple[Part, Dated]], order: Mapping[str, int]) -> Dating:
    comes = [Comes(code, one.change, one.seen) for part, one in held for code in part.codes]
    return Dating(
        place=place, at=held[0][1].at, signs=frozenset(one.sign for _, one in held),
        cause=max(one.cause for _, one in held),
        comes=sorted(comes, key=lambda one: (order[one.code], one.change.key)),
    )  # fmt: skip
