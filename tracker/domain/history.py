"""What holds for one partner, over all of world time, as known at one position. This is the one ``resolve``:
board, page, difference, digest, calendar and API all see the world through it.

Lanes hold what was said; here they are brought together. For each field the more specific target wins (the partner,
then its blocs, then everyone), a layer that excepts the partner or a bloc of its is passed over, the legal status of
an authority reaches every measure under it. Which measures then count as duties is worked out in ``duty``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.domain.events import HOME, actor_of, kind_of
from tracker.domain.fold import Row
from tracker.domain.paint import EVERYONE, INSTRUMENT
from tracker.domain.scopes import Scopes
from tracker.domain.when import BEGINNING, FOREVER, TICK

SILENT = ("about", "checked")
"""Aspects whose changes are no news."""

MAIN = ("status", "rate", "exempt")
"""How a measure stands: what it is said to stand so ``since``."""

PERSONAL = ("about", "checked", "membership", "profile", "focus", "criterion", "risk", "assessment")
"""Aspects that a bloc does not hand down to its members."""

About = Mapping[str, Any]
Values = dict[str, Any]


class Key(NamedTuple):
    """What an item is: one subject's state in one scope, on one basis, in one aspect."""

    subject: str
    scope: str
    basis: str
    aspect: str

    @property
    def name(self) -> str:
        """The short key within an aspect: ``cars`` of ``provision:cars``."""
        return self.aspect.partition(":")[2]

    @property
    def family(self) -> str:
        """The aspect without its short key: ``provision`` of ``provision:cars``."""
        return self.aspect.partition(":")[0]

    @property
    def claim(self) -> str | None:
        """The short key of the claim this is; None for what an instrument says."""
        return self.basis.partition(":")[2] or None


def key_of(row: Row) -> Key:
    """The item that a row is part of."""
    return Key(row.subject, row.lane.scope, row.lane.basis, row.lane.aspect)


class Fact(NamedTuple):
    """A value, the position of the event it comes from, and the target it was said of."""

    value: Any
    position: int
    via: str


Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Item:
    """An item at an instant. ``start`` and ``end``: how long exactly this holds, as known. ``since``: from when on
    its status, its rate and whether it is exempt (or its first field, where it has none of them) have held without a
    break; the events that these come from are those that made it so then, not those that only said it again. ``till``:
    how long they go on to, as known."""

    key: Key
    facts: Facts
    start: datetime
    end: datetime
    since: datetime
    till: datetime
    about: About
    counts: bool = True
    reason: str = ""

    def get(self, field: str, default: Any = None) -> Any:
        fact = self.facts.get(field)
        return default if fact is None or fact.value is None else fact.value

    @property
    def position(self) -> int:
        """The event this state is due to: the one that set its newest field."""
        return max(fact.position for fact in self.facts.values())

    @property
    def via(self) -> str:
        """The target through which it reaches the partner."""
        fact = self.facts.get("status") or self.facts.get("rate") or next(iter(self.facts.values()))
        return fact.via

    @property
    def actor(self) -> str:
        return actor_of(self.key.subject)


@dataclass(frozen=True, slots=True)
class Change:
    """Over [start, end) an item's fields go from ``before`` to ``after`` (only those that differ)."""

    key: Key
    start: datetime
    end: datetime
    before: Facts
    after: Facts


def joins(row: Row) -> bool:
    """Whether a row says that its partner is a member of a bloc."""
    return row.lane.aspect.startswith("membership:")


def blocs_of(rows: Iterable[Row]) -> set[str]:
    """The blocs that partners of these rows are, were or will be members of."""
    return {row.lane.aspect.partition(":")[2] for row in rows if joins(row)}


def checked_days(rows: Iterable[Row]) -> dict[str, str]:
    """The last day through which each partner was checked, by what these rows say of that."""
    through: dict[str, str] = {}
    for row in rows:
        if row.lane.aspect == "checked":
            day = row.segment.state["through"][0].value
            through[row.partner] = max(through.get(row.partner, ""), day)
    return through


def by_partner(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by whom they concern."""
    held: dict[str, list[Row]] = {}
    for row in rows:
        held.setdefault(row.partner, []).append(row)
    return held


def rows_of(partner: str, held: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The rows, among those by partner, that reach one: its own, everyone's, its blocs'."""
    whose = {partner, EVERYONE, *blocs_of(held.get(partner, ()))}
    return [row for who in sorted(whose) for row in held.get(who, ())]


@dataclass(slots=True)
class Beyond:
    """What lies before and after the rows at hand: from which instant on, and until which, an item's rows are whole,
    where that is not all of time, and how all rows of subjects are read."""

    whole_since: dict[Key, datetime]
    whole_until: dict[Key, datetime]
    rows_of: Callable[[Collection[str]], Iterable[Row]]


class History:
    """The rows that concern a partner (or a named ``party`` that trades with it), as known at one position, ready to
    be asked for any instant. Where what lies ``beyond`` an instant and the time around it is missing, it is asked what
    holds then, and what changes from then on up to its ``horizon``: what comes at that or later is left out."""

    def __init__(
        self,
        partner: str,
        rows: Iterable[Row],
        abouts: Mapping[str, About],
        party: str | None = None,
        beyond: Beyond | None = None,
    ) -> None:
        self.partner = partner
        self._party = party
        self.abouts = abouts
        self._beyond = beyond
        ends = beyond.whole_until if beyond else {}
        self.horizon = min((end for key, end in ends.items() if key.family not in SILENT), default=FOREVER)
        self._rows: dict[Key, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(key_of(row), []).append(row)
        self._edges: dict[Key, list[datetime]] = {}
        self._lanes: dict[Key, list[list[Row]]] = {}
        self._facts: dict[tuple[Key, datetime], Facts] = {}
        self._beneath: dict[Key, list[Key]] = {}

    @cached_property
    def scopes(self) -> Scopes:
        """The vocabulary of goods, as far as ``abouts`` holds it."""
        return Scopes(self.abouts)

    @property
    def keys(self) -> Iterable[Key]:
        return self._rows.keys()

    def rows(self, key: Key) -> Sequence[Row]:
        """The rows an item is made of."""
        return self._rows.get(key, ())

    @cached_property
    def _memberships(self) -> list[tuple[str, datetime, datetime]]:
        return [
            (key.name, row.segment.start, row.segment.end)
            for key, rows in self._rows.items()
            if key.family == "membership"
            for row in rows
            if row.partner == self.partner and row.segment.state["member"][0].value
        ]

    def blocs(self, at: datetime) -> list[str]:
        """The blocs that the partner is a member of."""
        return [bloc for bloc, start, end in self._memberships if start <= at < end]

    def facts(self, key: Key, at: datetime) -> Facts:
        """The fields of an item at an instant; empty where nothing is said of it. What is not said of this scope
        holds as for all goods, and the legal status is the authority's where the measure has none of its own."""
        return self.through(key, at) if self.own(key, at) else {}

    def through(self, key: Key, at: datetime) -> Facts:
        """The fields that hold for an item, also where nothing is said of it: those of wider goods then."""
        facts = dict(self.own(key, at))
        for other in self._under(key):
            for name, fact in self.own(other, at).items():
                if _shows(facts, name, fact):
                    facts[name] = fact
        return facts

    def exempts(self, key: Key, at: datetime) -> bool:
        """Whether a measure spares the goods of an item: whatever else is said of them, they do not pay it."""
        return (
            key.aspect == "state"
            and kind_of(key.subject) == "measure"
            and bool(value(self.through(key, at), "exempt"))
        )

    def own(self, key: Key, at: datetime) -> Facts:
        """The fields that are said of the item itself: what changes are told by, so that a ruling is told once."""
        edges = self.edges(key)
        start = edges[bisect_right(edges, at) - 1]
        if (key, start) not in self._facts:
            self._facts[key, start] = self._resolved(key, start)
        return self._facts[key, start]

    def _resolved(self, key: Key, at: datetime) -> Facts:
        found: list[tuple[int, Row]] = []
        blocs = self.blocs(at)
        foreign = actor_of(key.subject) != HOME and kind_of(key.subject) in ("measure", "authority")
        whom = {HOME} if foreign else {self.partner, *blocs}
        for row in self._holding(key, at):
            rank = self._rank(row, blocs, foreign)
            if rank is not None:
                found.append((rank, row))
        facts: dict[str, Fact] = {}
        for _, row in sorted(found, key=lambda pair: pair[0]):
            for name, layers in row.segment.state.items():
                layer = next((x for x in layers if whom.isdisjoint(x.excepted)), None)
                if layer is not None:
                    via = row.partner if foreign else row.lane.target
                    fact = Fact(layer.value, layer.position, via)
                    if _shows(facts, name, fact):
                        facts[name] = fact
        return facts

    def _holding(self, key: Key, at: datetime) -> Iterator[Row]:
        """The rows of an item that hold at an instant: of each lane one at most, as its rows follow one another."""
        if key not in self._lanes:
            lanes: dict[tuple[str, str], list[Row]] = {}
            for row in self.rows(key):
                lanes.setdefault((row.partner, row.lane.target), []).append(row)
            self._lanes[key] = [sorted(held, key=_start) for held in lanes.values()]
        for held in self._lanes[key]:
            i = bisect_right(held, at, key=_start) - 1
            if i >= 0 and at < held[i].segment.end:
                yield held[i]

    def spared(self, key: Key, at: datetime) -> list[str]:
        """Whom the newest word on an item's status or rate leaves out."""
        for row in self.rows(key):
            if row.segment.start <= at < row.segment.end and row.lane.target in (self.partner, EVERYONE):
                for name in MAIN:
                    if layers := row.segment.state.get(name):
                        return [*layers[0].excepted]
        return []

    def _rank(self, row: Row, blocs: Sequence[str], foreign: bool) -> int | None:
        """How specific a row is for this partner: -1 the named party's, 0 its own, 1 its bloc's, 2 everyone's; None:
        not its business."""
        target = row.lane.target
        if self._party is not None and target == self._party:
            return -1
        if foreign:
            if target not in (HOME, EVERYONE) or row.partner not in (self.partner, *blocs):
                return None
            return (0 if target == HOME else 2) + (0 if row.partner == self.partner else 1)
        if target == self.partner:
            return 0
        if target in blocs and row.lane.aspect.partition(":")[0] not in PERSONAL:
            return 1
        return 2 if target == EVERYONE else None

    def _under(self, key: Key) -> list[Key]:
        """The items whose fields show through where a measure's own say nothing."""
        if key not in self._beneath:
            self._beneath[key] = self._wider(key)
        return self._beneath[key]

    def _wider(self, key: Key) -> list[Key]:
        if key.aspect != "state" or kind_of(key.subject) != "measure":
            return []
        under = [key._replace(scope=wider) for wider in self.scopes.up(key.scope)[1:]] if key.scope else []
        authority = self.abouts.get(key.subject, {}).get("authority")
        if authority and key.basis == INSTRUMENT:
            under.append(Key(authority, "", INSTRUMENT, "legal"))
        return under

    def edges(self, key: Key) -> list[datetime]:
        """The instants at which an item may change, in order, the beginning of time first."""
        if key not in self._edges:
            rows = [row for part in (key, *self._under(key)) for row in self.rows(part)]
            spans = [(row.segment.start, row.segment.end) for row in rows]
            spans += [(start, end) for _, start, end in self._memberships]
            edges = {edge for span in spans for edge in span if edge < FOREVER}
            self._edges[key] = sorted({BEGINNING, *edges})
        return self._edges[key]

    def runs(self, key: Key) -> Iterator[tuple[datetime, datetime, Facts]]:
        """The whole course of an item: [start, end) and its facts, also where they are empty."""
        edges = self.edges(key)
        for start, end in zip(edges, [*edges[1:], FOREVER], strict=True):
            if start < end:
                yield start, end, self.facts(key, start)

    def item(self, key: Key, at: datetime) -> Item | None:
        """An item at an instant; None where nothing is said."""
        facts = self.facts(key, at)
        if not any(fact.value is not None for fact in facts.values()):
            return None
        edges = self.edges(key)
        i = bisect_right(edges, at) - 1
        main = _main(facts)
        start = j = i
        while start > 0 and same(self.facts(key, edges[start - 1]), facts):
            start -= 1
        j = start
        while j > 0 and agrees(self.facts(key, edges[j - 1]), facts, main):
            j -= 1
        end = i + 1
        while end < len(edges) and same(self.facts(key, edges[end]), facts):
            end += 1
        till = end
        while till < len(edges) and agrees(self.facts(key, edges[till]), facts, main):
            till += 1
        ends = [*edges, FOREVER]
        begun = self.facts(key, edges[j])
        facts = {
            **facts,
            **{name: facts[name]._replace(position=begun[name].position) for name in main if name in begun},
        }
        about = self.abouts.get(key.subject, {})
        return Item(key, facts, edges[start], ends[end], edges[j], ends[till], about)

    def items(self, at: datetime, wanted: Callable[[Key], bool] = lambda key: True) -> list[Item]:
        """Everything that holds at an instant (or the wanted part of it), in the order of subjects. Terms of a measure
        that has no standing with this partner (a list of exempt goods, say) are left out."""
        keys = sorted(key for key in self._rows if key.family != "about" and wanted(key))
        self._read_beyond(keys, at)
        found = [item for key in keys if (item := self.item(key, at))]
        return [item for item in found if not _vacuous(item)]

    def _read_beyond(self, keys: Iterable[Key], at: datetime) -> None:
        """Read all of those items that stand as they do for longer than their rows go back or ahead, or that are
        announced and whose rate comes later than these."""
        if self._beyond and (
            deep := [key for key in keys if self._goes_on_before(key, at) or self._goes_on_after(key, at)]
        ):
            subjects = {part.subject for key in deep for part in (key, *self._under(key))}
            for key in [key for key in self._rows if key.subject in subjects]:
                del self._rows[key]
                self._beyond.whole_since.pop(key, None)
                self._beyond.whole_until.pop(key, None)
            for row in self._beyond.rows_of(subjects):
                self._rows.setdefault(key_of(row), []).append(row)
            self._edges, self._lanes, self._facts = {}, {}, {}

    def _goes_on_before(self, key: Key, at: datetime) -> bool:
        since = self._beyond.whole_since if self._beyond else None
        if not since:
            return False
        whole = max((since[part] for part in (key, *self._under(key)) if part in since), default=BEGINNING)
        if whole == BEGINNING:
            return False
        edges, facts = self.edges(key), self.facts(key, at)
        main = _main(facts)
        if not main:
            return False
        i = bisect_right(edges, at) - 1
        while edges[i] > whole:
            i -= 1
            if not agrees(self.facts(key, edges[i]), facts, main):
                return False
        return True

    def _goes_on_after(self, key: Key, at: datetime) -> bool:
        whole = self._whole_until(key)
        if whole == FOREVER:
            return False
        edges, facts = self.edges(key), self.facts(key, at)
        main = _main(facts)
        if not main:
            return False
        ahead = edges[bisect_right(edges, at) : bisect_left(edges, whole)]
        if all(agrees(self.facts(key, edge), facts, main) for edge in ahead):
            return True
        return awaits_rate(key, facts) and self.rate_to_come(key, at) is None

    def _whole_until(self, key: Key) -> datetime:
        until = self._beyond.whole_until if self._beyond else None
        if not until:
            return FOREVER
        return min((until[part] for part in (key, *self._under(key)) if part in until), default=FOREVER)

    def rate_to_come(self, key: Key, after: datetime) -> Change | None:
        """The first change by time alone that gives an item a rate."""
        changes = self._changes(key, after, self._whole_until(key) - TICK)
        return next((change for change in changes if "rate" in change.after), None)

    def coming(self, after: datetime) -> Iterator[Change]:
        """Every change by time alone that lies ahead, in order; worked out as it is taken."""
        until = self.horizon - TICK
        return merge(*(self._changes(key, after, until) for key in self._rows), key=_order)

    def changes(self, after: datetime, until: datetime) -> list[Change]:
        """Every change by time alone within (after, until], before the horizon, in order."""
        until = min(until, self.horizon - TICK)
        return sorted(
            (change for key in self._rows for change in self._changes(key, after, until)), key=_order
        )

    def next_change(self, after: datetime) -> Change | None:
        """The first change by time alone that lies ahead."""
        first: Change | None = None
        for key in sorted(self._rows):
            for change in self._changes(key, after, first.start if first else self.horizon - TICK):
                if first is None or change.start < first.start:
                    first = change
                break
        return first

    def _changes(self, key: Key, after: datetime, until: datetime) -> Iterator[Change]:
        edges = self.edges(key)
        if key.family in SILENT:
            return
        for i in range(bisect_right(edges, after), bisect_right(edges, until)):
            before, now = self.own(key, edges[i - 1]) if i else {}, self.own(key, edges[i])
            if not same(before, now):
                end = edges[i + 1] if i + 1 < len(edges) else FOREVER
                yield changed(key, edges[i], end, before, now)


def _order(change: Change) -> tuple[datetime, Key]:
    return change.start, change.key


def _start(row: Row) -> datetime:
    return row.segment.start


def difference(before: History, at: datetime, after: History, then: datetime) -> list[Change]:
    """What differs between two points: the one history at ``at``, the other at ``then``."""
    found = []
    for key in sorted({*before.keys, *after.keys}):
        if key.family not in SILENT:
            old, new = before.own(key, at), after.own(key, then)
            if not same(old, new):
                found.append(changed(key, then, FOREVER, old, new))
    return found


def restated(before: History, after: History, start: datetime, end: datetime) -> list[Change]:
    """Where two states of knowledge tell [start, end) differently, interval by interval."""
    found: list[Change] = []
    for key in sorted({*before.keys, *after.keys}):
        if key.family in SILENT:
            continue
        edges = sorted({start, *(e for e in (*before.edges(key), *after.edges(key)) if start < e < end)})
        for at, until in zip(edges, [*edges[1:], end], strict=True):
            old, new = before.own(key, at), after.own(key, at)
            if same(old, new):
                continue
            change = changed(key, at, until, old, new)
            last = found[-1] if found else None
            if last and last.key == key and last.end == at and _alike(last, change):
                found[-1] = Change(key, last.start, until, last.before, last.after)
            else:
                found.append(change)
    return found


def changed(key: Key, start: datetime, end: datetime, before: Facts, after: Mapping[str, Fact]) -> Change:
    """A change, with only the fields that differ."""
    names = [name for name in {**before, **after} if value(before, name) != value(after, name)]
    return Change(
        key, start, end,
        {name: before[name] for name in names if value(before, name) is not None},
        {name: after[name] for name in names if value(after, name) is not None},
    )  # fmt: skip


def parted(change: Change, seen: History) -> Iterator[Change]:
    """A change, apart where its goods begin or cease to be exempt, as a history knows it."""
    flips = [
        (at, seen.exempts(change.key, at))
        for at in (change.start, *(e for e in seen.edges(change.key) if change.start < e < change.end))
    ]
    starts = [flips[0][0], *(at for (_, was), (at, now) in pairwise(flips) if was != now)]
    for start, end in pairwise([*starts, change.end]):
        yield replace(change, start=start, end=end)


def value(facts: Facts, name: str) -> Any:
    """The value of a field; None where there is none, or where it was cleared."""
    fact = facts.get(name)
    return fact.value if fact else None


def values(facts: Facts) -> Values:
    """The values alone, without fields that were cleared."""
    return {name: fact.value for name, fact in facts.items() if fact.value is not None}


def same(a: Facts, b: Mapping[str, Fact]) -> bool:
    """Whether two sets of facts say the same, whoever said it."""
    return values(a) == values(b)


def agrees(a: Mapping[str, Fact], b: Mapping[str, Fact], names: Iterable[str]) -> bool:
    """Whether two sets of facts say the same in these fields."""
    return all(value(a, name) == value(b, name) for name in names)


def awaits_rate(key: Key, facts: Facts) -> bool:
    """Whether it is a measure that is announced, at a rate that does not stand with it yet."""
    return (
        kind_of(key.subject) == "measure"
        and key.aspect == "state"
        and not key.claim
        and value(facts, "status") == "announced"
        and value(facts, "rate") is None
    )


def _main(facts: Facts) -> list[str]:
    """The fields by which it is told since when an item stands as it does."""
    return [name for name in MAIN if name in facts] or [*facts][:1]


def _alike(a: Change, b: Change) -> bool:
    return same(a.before, b.before) and same(a.after, b.after)


def _shows(facts: Facts, name: str, below: Fact) -> bool:
    """Whether what is said less closely shows through: where nothing is said, or where something is announced of a
    measure that applies already."""
    if name not in facts:
        return True
    return name == "status" and facts[name].value == "announced" and below.value in ("in_force", "paused")


def _vacuous(item: Item) -> bool:
    return (
        kind_of(item.key.subject) == "measure" and item.key.aspect == "state" and item.get("status") is None
    )
