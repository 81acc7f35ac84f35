"""What goods pay over world time: the totals of ``duty``, level by level. Pure.

A quota and a range ("up to 25%") give two figures at once; what is not known is no figure, with the reasons.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.domain import words
from tracker.domain.duty import Duty, Goods, added
from tracker.domain.edition import Level
from tracker.domain.events import HOME, kind_of
from tracker.domain.history import Fact, History, Item, Key, values

LOWEST, HIGHEST = "at_least", "at_most"


class Trade(NamedTuple):
    """Whose goods pay: those of a scope that come from a partner or, ``export``, American ones that go there. With a
    ``measure``: what that one alone charges them."""

    export: bool
    scope: str
    measure: str | None = None


@dataclass(slots=True)
class Paid:
    """What is paid over a span of time: its levels in order; why some are not known; from when on the normal duty is
    in the figures, and not; and the measures and authorities behind it, also those that take a duty away."""

    levels: list[Level] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    normal: list[tuple[datetime, bool]] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)

    def at(self, instant: datetime) -> Level:
        """The level that holds at an instant of the span."""
        return [level for level in self.levels if level.starts <= instant][-1]


class Run(NamedTuple):
    """A stretch of time [start, end) of which something else is said than before."""

    start: datetime
    end: datetime
    before: Level
    after: Level


def paid(seen: History, trade: Trade, first: datetime, last: datetime) -> Paid:
    """What is paid over [first, last), as one history knows it."""
    keys = sorted(key for key in seen.keys if _concerns(key, trade, seen))
    edges = sorted({first, *(edge for key in keys for edge in seen.edges(key) if first < edge < last)})
    found = Paid()
    held: Any = None
    for at in edges:
        items = [item for key in keys if (item := _item(seen, key, at, trade))]
        said = [(item.key, values(item.facts)) for item in items]
        if said != held:
            _go_on(found, at, *_duties(items, trade, seen))
        held = said
    return found


def differing(now: Paid, was: Paid, end: datetime) -> list[Run]:
    """The stretches up to ``end`` over which two tell it differently."""
    edges = sorted({level.starts for level in (*now.levels, *was.levels)})
    runs = (Run(at, until, was.at(at), now.at(at)) for at, until in pairwise([*edges, end]))
    return [run for run in runs if run.before.words != run.after.words]


def _concerns(key: Key, trade: Trade, seen: History) -> bool:
    """Whether an item may have a say: what an instrument says of a measure on these goods or wider ones."""
    return (
        key.aspect == "state"
        and not key.claim
        and kind_of(key.subject) == "measure"
        and key.scope in seen.scopes.up(trade.scope)
    )


def _item(seen: History, key: Key, at: datetime, trade: Trade) -> Item | None:
    """What is said at an instant; how long it holds plays no part here."""
    facts = seen.facts(key, at)
    item = Item(key, facts, at, at, at, at, seen.abouts.get(key.subject, {}))
    actors = (seen.partner, *seen.blocs(at)) if trade.export else (HOME,)
    return item if facts and item.actor in actors else None


def _duties(items: Sequence[Item], trade: Trade, seen: History) -> tuple[Duty, Duty]:
    """The duty with every range at its lowest, and at its highest."""

    def duty(items: Iterable[Item]) -> Duty:
        return added(
            items, Goods(trade.scope), seen.scopes, lambda item: trade.measure in (None, item.key.subject)
        )

    if not any(_ranges(item) for item in items):
        exact = duty(items)
        return exact, exact
    return duty(_at(LOWEST, item) for item in items), duty(_at(HIGHEST, item) for item in items)


def _ranges(item: Item) -> bool:
    quota = item.get("quota", {})
    rates = (item.get("rate"), quota.get("inside"), quota.get("outside"))
    return any(rate and HIGHEST in rate for rate in rates)


def _at(end: str, item: Item) -> Item:
    """An item with every range of its at one end; "at least" alone has no highest, and stays as it is."""
    facts = dict(item.facts)
    for name in ("rate", "quota"):
        if item.get(name):
            facts[name] = Fact(_pinned(end, item.get(name)), *facts[name][1:])
    return replace(item, facts=facts)


def _pinned(end: str, value: Mapping[str, Any]) -> dict[str, Any]:
    if value.get(HIGHEST) is not None:
        kept = {name: said for name, said in value.items() if name not in (LOWEST, HIGHEST)}
        return {**kept, "percent": value.get(end) or 0.0}
    return {
        name: _pinned(end, said) if name in ("inside", "outside") and said else said
        for name, said in value.items()
    }


def _go_on(found: Paid, at: datetime, lowest: Duty, highest: Duty) -> None:
    """Add what holds from an instant on; nothing where it is paid as before."""
    level = _level(at, lowest, highest)
    if not found.levels or found.levels[-1].words != level.words:
        found.levels.append(level)
    if not found.normal or found.normal[-1][1] != highest.includes_normal_duty:
        found.normal.append((at, highest.includes_normal_duty))
    found.unknown += [why for why in highest.unknown if why not in found.unknown]
    for layer in highest.layers:
        found.subjects |= {layer.item.key.subject, layer.item.about.get("authority", layer.item.key.subject)}


def _level(at: datetime, lowest: Duty, highest: Duty) -> Level:
    low, high = lowest.total, highest.total
    if low is None or high is None:
        return Level(starts=at, low=None, high=None, words=words.total(None, lowest.total_in_quota))
    if low != high:
        low = lowest.total if lowest.total_in_quota is None else lowest.total_in_quota
        said = words.rate({"at_most": high} if low == 0 else {"at_least": low, "at_most": high})
        return Level(starts=at, low=low, high=high, words=said)
    within = highest.total_in_quota
    return Level(
        starts=at, low=high if within is None else within, high=high, words=words.total(high, within)
    )
