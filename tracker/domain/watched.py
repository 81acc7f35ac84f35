"""A partner in the scope of a digest, and what each event changed for it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from tracker.domain.events import HOME, actor_of, kind_of
from tracker.domain.fold import Row
from tracker.domain.history import PERSONAL, SILENT, About, Change, History, Key, joins, key_of, restated
from tracker.domain.paint import ANY_BASIS, EACH_OF, EVERYONE, Paint
from tracker.domain.when import BEGINNING, FOREVER


class Watched:
    """A partner in scope, with the rows known at any position of the window that concern it: its own, those of its
    blocs, and everyone's."""

    def __init__(self, code: str, name: str, rows: Sequence[Row], abouts: Mapping[str, About]) -> None:
        self.code = code
        self.name = name
        self.rows = rows
        self.abouts = abouts
        self._seen: dict[int, History] = {}
        self._by_key: dict[Key, list[Row]] = {}
        self._moved: dict[int, list[Row]] = {}
        for row in rows:
            self._by_key.setdefault(key_of(row), []).append(row)
            for position in {row.known_from, row.known_until}:
                self._moved.setdefault(position, []).append(row)
        self._joined = [row for row in rows if row.partner == code and joins(row)]
        self._memberships = {
            (row.lane.aspect.partition(":")[2], row.segment.start, row.segment.end)
            for row in self._joined
            if row.segment.state["member"][0].value
        }

    def known(self, position: int) -> History:
        """Everything, as known at a position."""
        if position not in self._seen:
            self._seen[position] = self._history(position, self.rows, self.abouts)
        return self._seen[position]

    def step(self, before: int, after: int) -> list[Change]:
        """What the events after one position and up to another changed, over all of world time."""
        return self.changed(self.touched(before, after), before, after)

    def touched(self, before: int, after: int) -> Sequence[Row]:
        """The rows that tell what changed between two positions; none where nothing did."""
        moved = [row for at in range(before + 1, after + 1) for row in self._moved.get(at, ())]
        if any(row.partner == self.code and joins(row) for row in moved):
            return self.rows  # joining a bloc brings with it everything that holds for the bloc
        return [*self._joined, *self._around(moved)] if moved else []

    def changed(self, rows: Sequence[Row], before: int, after: int) -> list[Change]:
        """What these rows tell of it."""
        if not rows:
            return []
        # What is said of an item itself does not hang on what subjects are: to go through them at each step took long.
        old, new = (self._history(at, rows, {}) for at in (before, after))
        return restated(old, new, BEGINNING, FOREVER)

    def as_anyone(self, rows: Sequence[Row]) -> bool:
        """Whether these rows hold for the partner as they do for anyone."""
        return all(
            row.partner == EVERYONE
            and not any(self.code in layer.excepted for its in row.segment.state.values() for layer in its)
            for row in rows
        )

    def _around(self, moved: Iterable[Row]) -> Iterator[Row]:
        """The rows of the same items, over the time that these are about."""
        spans: dict[Key, tuple[datetime, datetime]] = {}
        for row in moved:
            key, (start, end, _) = key_of(row), row.segment
            first, last = spans.get(key, (start, end))
            spans[key] = min(first, start), max(last, end)
        for key, (first, last) in spans.items():
            yield from (r for r in self._by_key[key] if r.segment.start < last and first < r.segment.end)

    def reached(self, subject: str, painted: Iterable[Paint]) -> bool:
        """Whether an event on a subject, with these effects, is this partner's business, also where it changes
        nothing."""
        return subject == f"partner:{self.code}" or any(self._painted(subject, paint) for paint in painted)

    def _painted(self, subject: str, paint: Paint) -> bool:
        family = paint.aspect.partition(":")[0]
        if family in SILENT:
            return False
        blocs = {bloc for bloc, start, end in self._memberships if start < paint.end and paint.start < end}
        whom = {self.code} if family in PERSONAL else {self.code, *blocs}
        foreign = actor_of(subject) != HOME and kind_of(subject) in ("measure", "authority")
        if foreign:
            return actor_of(subject) in whom and paint.target in (HOME, EVERYONE, EACH_OF)
        if not whom.isdisjoint(paint.excepted):
            return False
        if paint.target == EACH_OF:
            return any(
                key.subject == subject
                and key.aspect == paint.aspect
                and paint.basis in (key.basis, ANY_BASIS)
                and paint.scope in (None, key.scope)
                for key in self._by_key
            )
        return paint.target in whom or paint.target == EVERYONE

    def _history(self, position: int, rows: Iterable[Row], abouts: Mapping[str, About]) -> History:
        known = [row for row in rows if row.known_from <= position < row.known_until]
        return History(self.code, known, abouts)


def steps(watched: Iterable[Watched], before: int, after: int) -> dict[str, list[Change]]:
    """The step of each of them; what reaches everyone alike is worked out once."""
    found: dict[str, list[Change]] = {}
    common: list[Change] | None = None
    for who in watched:
        rows = who.touched(before, after)
        if not rows or not who.as_anyone(rows):
            found[who.code] = who.changed(rows, before, after)
        elif common is None:
            found[who.code] = common = who.changed(rows, before, after)
        else:
            found[who.code] = common
    return found
