"""What changes by time alone between two marks, and what comes next. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tracker.domain.edition import Mark
from tracker.domain.events import kind_of
from tracker.domain.history import Change, History, Key, value
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.watched import Watched
from tracker.domain.when import FOREVER, TICK

AHEAD = timedelta(days=14)
"""How far ahead "coming up" looks."""


class Moves(NamedTuple):
    """Changes by time alone, per partner."""

    took_effect: dict[str, list[Change]]
    fell_through: dict[str, list[Change]]
    reached: dict[str, list[Change]]
    coming: dict[str, list[Change]]

    def positions(self) -> set[int]:
        """The events behind them."""
        return {
            cause(change) for part in self for found in part.values() for change in found
        }  # fmt: skip


def moves(watched: Iterable[Watched], since: Mark, until: Mark) -> Moves:
    """What time brings: every transition between two marks as known at the first, parted by whether it still stands
    as known at the second; deadlines that were reached; and what comes next."""
    found = Moves({}, {}, {}, {})
    for who in watched:
        before, after = who.known(since.position), who.known(until.position)
        for change in before.changes(since.as_of, until.as_of):
            stood, fell = _parted(change, after)
            if stood:
                found.took_effect.setdefault(who.code, []).append(stood)
            if fell:
                found.fell_through.setdefault(who.code, []).append(fell)
        ahead = until.as_of + AHEAD
        found.reached[who.code] = _due(after, since.as_of, until.as_of)
        found.coming[who.code] = [
            *(c for c in after.changes(until.as_of, ahead) if not vacuous(c, after, after)),
            *_due(after, until.as_of, ahead),
            *_threatened(after, until.as_of, ahead),
        ]
    return found


def cause(change: Change) -> int:
    """The event that a change by time is due to: of those behind the fields that change, the one recorded last (a
    pause that ends uncovers something older)."""
    return max(fact.position for fact in (*change.before.values(), *change.after.values()))


def _parted(change: Change, later: History) -> tuple[Change | None, Change | None]:
    """A transition, parted into the fields for which it stands in a later state of knowledge, and the others."""
    was, now = later.own(change.key, change.start - TICK), later.own(change.key, change.start)
    stands = {
        name
        for name in {**change.before, **change.after}
        if value(was, name) == value(change.before, name) and value(now, name) == value(change.after, name)
    }
    return _only(change, stands), _only(change, {*change.before, *change.after} - stands)


def _only(change: Change, names: set[str]) -> Change | None:
    if not names:
        return None
    before = {name: fact for name, fact in change.before.items() if name in names}
    after = {name: fact for name, fact in change.after.items() if name in names}
    return Change(change.key, change.start, change.end, before, after)


def _due(seen: History, after: datetime, until: datetime) -> list[Change]:
    """Open deadlines that fall into (after, until], as changes without a change."""
    keys = [key for key in seen.keys if key.family == "deadline"]
    return _dated(seen, keys, ("status", "open"), "due_at", after, until)


def _threatened(seen: History, after: datetime, until: datetime) -> list[Change]:
    """Threats and open claims whose day falls into (after, until], likewise."""
    keys = [key for key in seen.keys if key.claim]
    threats = _dated(seen, keys, ("status", "threatened"), "starts_at", after, until)
    return threats + _dated(seen, keys, ("outcome", "open"), "starts_at", after, until)


def _dated(
    seen: History,
    keys: Iterable[Key],
    standing: tuple[str, str],
    field: str,
    after: datetime,
    until: datetime,
) -> list[Change]:
    found = []
    for key in keys:
        facts = seen.own(key, until)
        stamp = value(facts, field)
        if stamp is not None and value(facts, standing[0]) == standing[1]:
            at = datetime.fromtimestamp(stamp, UTC)
            if after < at <= until:
                said = {name: fact for name, fact in facts.items() if fact.value is not None}
                found.append(Change(key, at, FOREVER, said, said))
    return found


def vacuous(change: Change, before: History, after: History) -> bool:
    """Whether a change is to terms of a measure that has no standing with the partner, before or after."""
    key = change.key
    return (
        kind_of(key.subject) == "measure"
        and key.aspect == "state"
        and "status" not in {**change.before, **change.after}
        and value(before.facts(key, change.start - TICK), "status") is None
        and value(before.facts(key, change.start), "status") is None
        and value(after.facts(key, change.start), "status") is None
    )


def echoed(change: Change, before: History, after: History) -> bool:
    """Whether certain goods are only told apart from now on, or no longer, and all that is said of them holds, or is
    said, of wider goods as well: somebody else's goods were told apart."""
    key = change.key
    if kind_of(key.subject) != "measure" or key.aspect != "state" or key.scope in ("", ALL_GOODS):
        return False
    wider = key._replace(scope=after.scopes.up(key.scope)[1])
    edges = {change.start, *before.edges(key), *after.edges(key)}
    return all(_echoed(change, before, after, wider, at) for at in edges if change.start <= at < change.end)


def _echoed(change: Change, before: History, after: History, wider: Key, at: datetime) -> bool:
    apart = before.own(change.key, at) and after.own(change.key, at)
    if apart and not change.before.keys().isdisjoint(change.after):
        return False
    was, now = before.through(wider, at), after.through(wider, at)
    for name in {**change.before, **change.after}:
        old = value(change.before if name in change.before else was, name)
        new = value(change.after if name in change.after else now, name)
        if old != new and (old, new) != (value(was, name), value(now, name)):
            return False
    return True


def inert(change: Change, seen: History) -> bool:
    """Whether a change by time is to terms of a measure that does not apply when it comes: a rate, while paused."""
    key = change.key
    return (
        kind_of(key.subject) == "measure"
        and key.aspect == "state"
        and "status" not in {**change.before, **change.after}
        and value(seen.facts(key, change.start), "status") != "in_force"
    )
