"""Dates that lie ahead, and what becomes of them as knowledge grows: deadlines, the days on which something takes
effect, and the days that are only threatened. Each stays one date while it moves, is called off and is set again; how
often that happened is worked out here and kept nowhere. Everything here is pure.

A date goes on as the same one, from what is known at one position to the next, where it stands at the same time, or
else where the same is to come at another time. What is said of a deadline, or of a threat, is always the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from tracker.domain.events import Told, actor_of, kind_of
from tracker.domain.history import MAIN, Change, Facts, History, Key, value, values
from tracker.domain.moves import cause, inert, vacuous
from tracker.domain.paint import announced
from tracker.domain.views import stated
from tracker.domain.when import BEGINNING, FOREVER, Days, moment, span, stating, zone_of

END = FOREVER - timedelta(microseconds=1)
"""Late enough for everything that is said to hold."""

Kind = Literal["deadline", "promise", "effect", "threat"]
ONE = ("deadline", "promise")
"""Kinds that have one date at a time, which is always the same however it moves."""


class Group(NamedTuple):
    """What has a date, or several: a deadline, a promise of an agreement, a subject (of a partner: an aspect) in which
    something takes effect, a claim that threatens."""

    kind: Kind
    subject: str
    key: str = ""


class Comes(NamedTuple):
    """What comes to one partner: its change, as seen in a history."""

    code: str
    change: Change
    seen: History


class Dating(NamedTuple):
    """A date as it is known: ``stated`` in words of the record, taking up ``days`` of a calendar or an instant;
    ``signs`` tell what comes, wherever it moves; ``cause``: the position of the event that set it."""

    stated: str
    days: Days | datetime
    at: datetime
    signs: frozenset[Any]
    cause: int
    comes: Sequence[Comes]

    def says(self) -> tuple[Any, ...]:
        """Everything that is said of it, to tell whether that changed."""
        told = [
            (one.code, one.change.key, values(one.change.before), values(one.change.after))
            for one in self.comes
        ]
        return self.stated, self.cause, told


class Known(NamedTuple):
    """The dates of a group as known from a position on, which the record learnt at an instant."""

    position: int
    learnt_at: datetime
    dates: Sequence[Dating]


@dataclass(slots=True)
class Date:
    """A date and what became of it: as it stands, or stood when it was called off. It is named by its group, the
    instant at which it stood first, and its number among those (``twin``). ``sequence``: how often it moved, was called
    off and set again; ``set_by``, ``moved_by`` and ``changed_by``: the positions that set it first, last moved it or
    called it off, and last changed anything; ``earlier``: where it stood before, with the position that moved it."""

    group: Group
    first: datetime
    twin: int
    now: Dating
    set_by: int
    moved_by: int
    changed_by: int
    stands: bool = True
    sequence: int = 0
    earlier: list[tuple[str, int]] = field(default_factory=list)

    def goes_on(self, dating: Dating, position: int) -> None:
        """It is known like this from a position on."""
        moved = dating.days != self.now.days
        if moved:
            self.earlier.append((self.now.stated, position))
        if moved or not self.stands:
            self.sequence += 1
            self.moved_by = position
        if moved or not self.stands or dating.says() != self.now.says():
            self.changed_by = position
        self.now, self.stands = dating, True

    def called_off(self, position: int) -> None:
        self.stands = False
        self.sequence += 1
        self.moved_by = self.changed_by = position


def course(group: Group, known: Iterable[Known]) -> list[Date]:
    """The dates of a group, from what was known of it at each position that changed that."""
    dates: list[Date] = []
    for position, learnt_at, seen in known:
        left = sorted(seen, key=lambda dating: dating.at)
        going: list[tuple[Date, Dating]] = []
        for fits in (_same_time, _same_thing):
            for dating in list(left):
                free = (date for date in dates if all(date is not taken for taken, _ in going))
                found = [date for date in free if fits(date, dating) and _may_return(date, learnt_at)]
                if found:
                    going.append((max(found, key=lambda date: date.stands), dating))
                    left.remove(dating)
        for date in dates:
            if date.stands and all(date is not taken for taken, _ in going):
                date.called_off(position)
        for date, dating in going:
            date.goes_on(dating, position)
        for dating in left:
            twin = sum(date.first == dating.at for date in dates)
            dates.append(Date(group, dating.at, twin, dating, position, position, position))
    return dates


def _same_time(date: Date, dating: Dating) -> bool:
    return date.now.at == dating.at


def _same_thing(date: Date, dating: Dating) -> bool:
    return not date.now.signs.isdisjoint(dating.signs)


def _may_return(date: Date, learnt_at: datetime) -> bool:
    """What was called off comes back as the same while its day is still ahead; a deadline whenever it does."""
    return date.stands or date.group.kind in ONE or date.now.at > learnt_at


# ---------------------------------------------------------------- what is known at one position


Telling = Callable[[int], Told]
"""What was told by the event at a position."""
CALLED_OFF = ("cancelled", "shelved", "dropped")
"""How a deadline or a promise stands of which the date is void."""
THREATENS = ("status", "rate", "says", "by", "condition")
"""What is said of a threat whose day comes."""


Strand = tuple[str, str]
"""What can be worked out alone: a subject; of a partner, one aspect."""


class Dated(NamedTuple):
    """A date in a history."""

    group: Group
    stated: str
    zone: str
    at: datetime
    cause: int
    sign: Any
    change: Change


def datings(dated: Mapping[str, Sequence[Dated]], seen: Mapping[str, History]) -> dict[Group, list[Dating]]:
    """The dates of several partners as one, by group; all as known at one position."""
    parts: dict[tuple[Group, str, Days | datetime], list[tuple[str, Dated]]] = {}
    for code, its in dated.items():
        for one in its:
            parts.setdefault((one.group, one.stated, span(one.stated, one.zone)), []).append((code, one))
    found: dict[Group, list[Dating]] = {}
    for (group, text, days), held in parts.items():
        dating = Dating(
            stated=text, days=days, at=held[0][1].at, signs=frozenset(one.sign for _, one in held),
            cause=max(one.cause for _, one in held),
            comes=[Comes(code, one.change, seen[code]) for code, one in held],
        )  # fmt: skip
        found.setdefault(group, []).append(dating)
    return found


def dated(seen: History, told: Telling) -> Iterator[Dated]:
    """The dates that a history holds."""
    for key in sorted(seen.keys):
        facts = seen.own(key, END)
        if key.family in ("deadline", "provision") and not key.claim:
            if value(facts, "status") not in CALLED_OFF:
                kind: Kind = "deadline" if key.family == "deadline" else "promise"
                yield from _named(key, Group(kind, key.subject, key.name), facts, "due", told)
        elif key.claim:
            for one in _named(key, Group("threat", key.subject, key.claim), facts, "starts", told):
                held = seen.own(key, max(one.at, announced(told(one.cause), key.subject).at))
                if value(held, "status") == "threatened" or value(held, "outcome") == "open":
                    said = {name: held[name] for name in THREATENS if name in held}
                    yield one._replace(change=_coming(key, one.at, said))
    for change in seen.changes(BEGINNING, END):
        by = cause(change)
        if not _silent(change, seen) and announced(told(by), change.key.subject).at < change.start:
            place = told(by).zone or zone_of(actor_of(change.key.subject))
            vague = stated(seen.abouts.get(change.key.subject, {}), change.start)
            yield Dated(
                Group("effect", *strand(change.key.subject, change.key.aspect)), vague or stating(change.start, place),
                place, change.start, by, _sign(change, seen), change,
            )  # fmt: skip


def strand(subject: str, aspect: str) -> Strand:
    """The strand that an item is in."""
    return subject, aspect if kind_of(subject) == "partner" else ""


def _named(key: Key, group: Group, facts: Facts, field: str, told: Telling) -> Iterator[Dated]:
    """A date that is a value; it stands whether its day has come or not."""
    text = facts.get(field)
    if text is not None and text.value is not None:
        zone = told(text.position).zone or zone_of(actor_of(key.subject))
        at = moment(text.value, zone).at
        yield Dated(group, text.value.strip(), zone, at, text.position, key, _coming(key, at, facts))


def _coming(key: Key, at: datetime, said: Facts) -> Change:
    """What is said of a date that is a value, as if it began with it."""
    return Change(key, at, FOREVER, {}, {name: fact for name, fact in said.items() if fact.value is not None})


def _silent(change: Change, seen: History) -> bool:
    key = change.key
    return bool(key.claim) or key.family == "deadline" or vacuous(change, seen, seen) or inert(change, seen)


def _sign(change: Change, seen: History) -> tuple[Any, ...]:
    """What something comes to: how it stands from then on."""
    facts = seen.facts(change.key, change.start)
    return change.key, *(str(value(facts, name)) for name in MAIN)
