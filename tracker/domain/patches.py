"""Changes by knowledge, step after step: how those of one development become one. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.domain.history import Change, Fact, Key, changed, same


class Patch(NamedTuple):
    """A change by knowledge, and the event after which it was believed: patches laid in this order over what was known
    before give what is known now."""

    change: Change
    position: int


def composed(
    steps: Sequence[tuple[int, Sequence[Change]]], others: Sequence[tuple[int, Change]] = ()
) -> list[Patch]:
    """The steps of one development, each up to its position, as one: over each interval a field goes from what the
    first step found to what the last left. Where another development moved it in between (``others``: the steps of all
    others), the steps stay apart, be it back to where it was."""
    if len(steps) == 1:
        return [Patch(change, steps[0][0]) for change in steps[0][1]]
    found: list[Patch] = []
    for key in sorted({change.key for _, step in steps for change in step}):
        its = [(position, change) for position, step in steps for change in step if change.key == key]
        theirs = [one for one in others if one[1].key == key]
        edges = sorted({edge for _, change in its for edge in (change.start, change.end)})
        for start, end in pairwise(edges):
            here = [one for one in its if one[1].start <= start < one[1].end]
            between = [one for one in theirs if one[1].start < end and start < one[1].end]
            for patch in _netted(key, start, end, here, between):
                last = next((p for p in reversed(found) if p.position == patch.position), patch)
                if (last.change.key, last.change.end) == (key, start) and alike(last.change, patch.change):
                    found[found.index(last)] = Patch(replace(last.change, end=end), patch.position)
                else:
                    found.append(patch)
    return found


def _netted(
    key: Key,
    start: datetime,
    end: datetime,
    its: Sequence[tuple[int, Change]],
    others: Sequence[tuple[int, Change]],
) -> Iterator[Patch]:
    """The changes of one interval, field by field, chained where each begins with what the one before it left, and
    nobody else moved it meanwhile."""
    chains: dict[str, list[tuple[int, Fact | None, Fact | None]]] = {}
    for position, change in its:
        for name in {**change.before, **change.after}:
            chain = chains.setdefault(name, [])
            old, new = change.before.get(name), change.after.get(name)
            if (
                chain
                and _value(chain[-1][2]) == _value(old)
                and not _moved(name, chain[-1][0], position, others)
            ):
                old = chain.pop()[1]
            chain.append((position, old, new))
    for position in dict.fromkeys(position for position, _ in its):
        links = {name: link for name, chain in chains.items() for link in chain if link[0] == position}
        before = {name: old for name, (_, old, _) in links.items() if old is not None}
        after = {name: new for name, (_, _, new) in links.items() if new is not None}
        net = changed(key, start, end, before, after)
        if net.before or net.after:
            yield Patch(net, position)


def _moved(name: str, since: int, until: int, others: Sequence[tuple[int, Change]]) -> bool:
    """Whether one of these moved a field between two positions."""
    return any(
        since < at < until and (name in change.before or name in change.after) for at, change in others
    )


def _value(fact: Fact | None) -> Any:
    return None if fact is None else fact.value


def joined(patches: Sequence[Patch]) -> list[Patch]:
    """Patches of neighbouring intervals that leave the same behind, as one that tells what the first of them found."""
    found: list[Patch] = []
    for change, position in sorted(patches, key=lambda p: (p.change.key, p.position, p.change.start)):
        last, before = found[-1] if found else (change, 0)
        if (last.key, last.end, before) == (change.key, change.start, position) and _leave_alike(
            last, change
        ):
            found[-1] = Patch(replace(last, end=change.end), position)
        else:
            found.append(Patch(change, position))
    return found


def _leave_alike(a: Change, b: Change) -> bool:
    """Whether two changes leave the same fields with the same values, whatever they found."""
    return {*a.before, *a.after} == {*b.before, *b.after} and same(a.after, b.after)


def alike(a: Change, b: Change) -> bool:
    """Whether two changes say the same, of whatever time."""
    return same(a.before, b.before) and same(a.after, b.after)
