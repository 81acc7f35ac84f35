"""Dates that lie ahead, and what becomes of them as knowledge grows: deadlines, promises with a date, the days on which
something takes effect, and those that are only threatened. Each stays one date while it moves, is called off and is set
again; how often that happened is worked out here and kept nowhere. Everything here is pure.

A date goes on as the same one where it stands at the same time as before, or else where the same is to come at another
time. What is said of a deadline, or of a threat, is always the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from tracker.domain.history import Change, History, values
from tracker.domain.when import Days

Kind = Literal["deadline", "promise", "effect", "threat"]
ONE = ("deadline", "promise")
"""Kinds that have one date at a time, which is always the same however it moves."""


class Group(NamedTuple):
    """What has a date, or several: a deadline, a promise of an agreement, a subject (of a partner: an aspect) in which
    something takes effect, a claim that threatens."""

    kind: Kind
    subject: str
    key: str = ""


class Place(NamedTuple):
    """Where a date of a group stands: as stated in words of the record, and the days or the instant it takes up."""

    stated: str
    days: Days | datetime


class Comes(NamedTuple):
    """What comes to one partner: its change, as seen in a history."""

    code: str
    change: Change
    seen: History


class Dating(NamedTuple):
    """A date as it is known: its place and instant; ``signs`` tell what comes, wherever it moves; ``cause``: the
    position of the event that set it."""

    place: Place
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
        return self.place, self.cause, told


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
        moved = dating.place.days != self.now.place.days
        if moved:
            self.earlier.append((self.now.place.stated, position))
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


class Course:
    """The dates of a group, as knowledge of it grows."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._standing: dict[Place, Date] = {}
        self.dates: list[Date] = []

    def learns(
        self, position: int, learnt_at: datetime, gone: Iterable[Place], come: Iterable[Dating]
    ) -> None:
        """From a position on, which the record learnt at an instant, nothing stands at some places any more, and these
        datings stand at theirs."""
        freed = [self._standing.pop(place) for place in gone]
        left: list[Dating] = []
        for dating in sorted(come, key=lambda dating: (dating.at, dating.place.stated)):
            if date := self._standing.get(dating.place):
                date.goes_on(dating, position)
            else:
                left.append(dating)
        for fits in (_same_time, _same_thing):
            for dating in list(left):
                date = next((one for one in self._free(freed, learnt_at) if fits(one, dating)), None)
                if date:
                    freed = [one for one in freed if one is not date]
                    left.remove(dating)
                    date.goes_on(dating, position)
                    self._standing[dating.place] = date
        for date in freed:
            date.called_off(position)
        for dating in left:
            twin = sum(date.first == dating.at for date in self.dates)
            date = Date(self._group, dating.at, twin, dating, position, position, position)
            self.dates.append(date)
            self._standing[dating.place] = date

    def _free(self, freed: Sequence[Date], learnt_at: datetime) -> Iterator[Date]:
        """The dates that have lost their place, and those called off before that may return: while their day is still
        ahead; a deadline whenever it does."""
        yield from freed
        for date in self.dates:
            if not date.stands and (self._group.kind in ONE or date.now.at > learnt_at):
                yield date


def _same_time(date: Date, dating: Dating) -> bool:
    return date.now.at == dating.at


def _same_thing(date: Date, dating: Dating) -> bool:
    return not date.now.signs.isdisjoint(dating.signs)
