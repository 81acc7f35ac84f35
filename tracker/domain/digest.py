"""A digest: the difference between two states of knowledge, told once.

Let S(d, k) be the state at world time d as known at position k; the last edition stands at (d1, k1), this at (d2, k2).

    by time         every transition in (d1, d2] as known at k1: took effect (or fell through, as known at k2)
    by knowledge    what the events after k1 changed, over all of world time: new, or added late
    the past        what repairs of our own record changed: corrected, withdrawn
    restated

plus what is coming up. Knowledge grows commit by commit, and what a commit changed is the difference of the two
states around it; so whoever follows the lines of all editions arrives at the state of today. Each development with
news in the window stands in one entry. Everything here is pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.domain.decide import standing
from tracker.domain.edition import Kind, Mark
from tracker.domain.events import (
    HOME,
    AnyEvent,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    PartnerChecked,
    Told,
    actor_of,
    kind_of,
)
from tracker.domain.fold import Row
from tracker.domain.history import (
    PERSONAL,
    SILENT,
    About,
    Change,
    Fact,
    History,
    Key,
    changed,
    key_of,
    restated,
    same,
    value,
)
from tracker.domain.paint import ANY_BASIS, EACH_OF, EVERYONE, Paint, announced, paints
from tracker.domain.when import BEGINNING, FOREVER

AHEAD = timedelta(days=14)
"""How far ahead "coming up" looks."""
MOMENT = timedelta(microseconds=1)
_LASTS = {
    "minute": timedelta(),
    "day": timedelta(days=1),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}


@dataclass(frozen=True, slots=True)
class Said:
    """An event as the log holds it."""

    position: int
    commit: int
    id: str
    subject: str
    development: str
    learnt_at: datetime
    recorded_at: datetime
    told: Told
    event: AnyEvent


Story = Sequence[Said]
"""All events of one development up to the end of the window, in order."""


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
        self._joined = [row for row in rows if row.partner == code and _joins(row)]
        self._memberships = {
            (row.lane.aspect.partition(":")[2], row.segment.start, row.segment.end)
            for row in self._joined
            if row.segment.state["member"][0].value
        }

    def known(self, position: int) -> History:
        """Everything, as known at a position."""
        if position not in self._seen:
            self._seen[position] = self._history(position, self.rows)
        return self._seen[position]

    def step(self, before: int, after: int) -> list[Change]:
        """What the events after one position and up to another changed, over all of world time."""
        return self.changed(self.touched(before, after), before, after)

    def touched(self, before: int, after: int) -> Sequence[Row]:
        """The rows that tell what changed between two positions; none where nothing did."""
        moved = [row for at in range(before + 1, after + 1) for row in self._moved.get(at, ())]
        if any(row.partner == self.code and _joins(row) for row in moved):
            return self.rows  # joining a bloc brings with it everything that holds for the bloc
        return [*self._joined, *self._around(moved)] if moved else []

    def changed(self, rows: Sequence[Row], before: int, after: int) -> list[Change]:
        """What these rows tell of it."""
        if not rows:
            return []
        return restated(self._history(before, rows), self._history(after, rows), BEGINNING, FOREVER)

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

    def _history(self, position: int, rows: Iterable[Row]) -> History:
        known = [row for row in rows if row.known_from <= position < row.known_until]
        return History(self.code, known, self.abouts)


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


def _joins(row: Row) -> bool:
    return row.lane.aspect.startswith("membership:")


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
    was, now = later.own(change.key, change.start - MOMENT), later.own(change.key, change.start)
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
        and value(before.facts(key, change.start - MOMENT), "status") is None
        and value(before.facts(key, change.start), "status") is None
        and value(after.facts(key, change.start), "status") is None
    )


# ---------------------------------------------------------------- knowledge, development by development


class Patch(NamedTuple):
    """A change by knowledge, and the event after which it was believed: patches laid in this order over what was known
    before give what is known now."""

    change: Change
    position: int


@dataclass(frozen=True, slots=True)
class News:
    """What a development did in the window: what its events there changed per partner, in how many steps, and whose
    business it is. ``quiet``: nobody's; it only changes terms that have no standing with any partner here."""

    story: Story
    fresh: Story
    changes: Mapping[str, Sequence[Patch]]
    steps: Mapping[str, int]
    partners: Sequence[str]
    quiet: bool

    @property
    def first(self) -> Said:
        return self.story[0]

    @property
    def logged_now(self) -> bool:
        """Whether it was logged in the window, and not only repaired."""
        return self.first.position == self.fresh[0].position

    @property
    def told(self) -> Told:
        """What the world was told, in the latest version."""
        return standing((said.told, said.event) for said in self.story).told

    @property
    def times(self) -> int:
        """How often it moved anything, for the partner for whom that was most often."""
        return max(self.steps.values(), default=0)

    def kind(self, since: Mark) -> Kind:
        """The part it stands in."""
        gone = isinstance(self.story[-1].event, DevelopmentWithdrawn)
        if self.logged_now:
            return "withdrawn" if gone else "late" if self._over() <= since.as_of else "new"
        before = self.story[len(self.story) - len(self.fresh) - 1]
        return "withdrawn" if gone and not isinstance(before.event, DevelopmentWithdrawn) else "corrected"

    def _over(self) -> datetime:
        """When the time at which it was announced was over, as precisely as that is known."""
        told = announced(self.told, self.first.subject)
        return told.at + _LASTS[told.precision]


def news(
    watched: Sequence[Watched], stories: Iterable[Story], since: int, until: int, everybody: bool
) -> list[News]:
    """The developments with news in (since, until] that change something here or are somebody's business, in the
    order of their last event."""
    found = []
    for story in stories:
        fresh = [said for said in story if said.position > since]
        if not fresh or unsaid(story, fresh):
            continue
        changes: dict[str, Sequence[Patch]] = {}
        times: dict[str, int] = {}
        commits = [(last, steps(watched, first - 1, last)) for first, last in _commits(fresh)]
        for who in watched:
            taken = [(last, step) for last, by_code in commits if (step := by_code[who.code])]
            changes[who.code], times[who.code] = joined(composed(taken)), len(taken)
        said = _effects(story, since)
        concerned = [
            who.code
            for who in watched
            if any(
                not vacuous(patch.change, who.known(since), who.known(until)) for patch in changes[who.code]
            )
            or (
                not changes[who.code]
                and (times[who.code] or any(who.reached(subject, painted) for subject, painted in said))
            )
        ]
        if concerned or everybody or any(changes.values()):
            found.append(News(story, fresh, changes, times, concerned, not concerned and not everybody))
    return sorted(found, key=lambda one: one.fresh[-1].position)


def unsaid(story: Story, fresh: Story) -> bool:
    """Whether nothing of it is for readers: editorial corrections, or word that somebody looked for news."""
    if fresh[0].position == story[0].position:
        return all(isinstance(fact, PartnerChecked) for fact in _facts(story))
    return all(isinstance(said.event, DevelopmentCorrected) and said.event.editorial for said in fresh)


def _facts(story: Story) -> list[Logged]:
    """What a development says in its latest version, also where that was withdrawn."""
    now = standing((said.told, said.event) for said in story)
    return [fact for held in now.events.values() for fact in held]


def _effects(story: Story, since: int) -> list[tuple[str, list[Paint]]]:
    """What a development says, as it was told before and as it is now: its subjects, each with the effects."""
    versions = [story, [said for said in story if said.position <= since]]
    return [(fact.subject, paints(v[-1].told, fact)) for v in versions if v for fact in _facts(v)]


def _commits(fresh: Story) -> list[tuple[int, int]]:
    spans: dict[int, list[int]] = {}
    for said in fresh:
        spans.setdefault(said.commit, []).append(said.position)
    return [(min(positions), max(positions)) for positions in spans.values()]


def composed(steps: Sequence[tuple[int, Sequence[Change]]]) -> list[Patch]:
    """The steps of one development, each up to its position, as one: over each interval a field goes from what the
    first step found to what the last left. Where another development moved it in between, the steps stay apart."""
    if len(steps) == 1:
        return [Patch(change, steps[0][0]) for change in steps[0][1]]
    found: list[Patch] = []
    for key in sorted({change.key for _, step in steps for change in step}):
        its = [(position, change) for position, step in steps for change in step if change.key == key]
        edges = sorted({edge for _, change in its for edge in (change.start, change.end)})
        for start, end in pairwise(edges):
            here = [one for one in its if one[1].start <= start < one[1].end]
            for patch in _netted(key, start, end, here):
                last = next((p for p in reversed(found) if p.position == patch.position), patch)
                if (last.change.key, last.change.end) == (key, start) and alike(last.change, patch.change):
                    found[found.index(last)] = Patch(replace(last.change, end=end), patch.position)
                else:
                    found.append(patch)
    return found


def _netted(key: Key, start: datetime, end: datetime, its: Sequence[tuple[int, Change]]) -> Iterator[Patch]:
    """The changes of one interval, field by field, chained where each begins with what the one before it left."""
    chains: dict[str, list[tuple[int, Fact | None, Fact | None]]] = {}
    for position, change in its:
        for name in {**change.before, **change.after}:
            chain = chains.setdefault(name, [])
            old, new = change.before.get(name), change.after.get(name)
            if chain and _value(chain[-1][2]) == _value(old):
                old = chain.pop()[1]
            chain.append((position, old, new))
    for position in dict.fromkeys(position for position, _ in its):
        links = {name: link for name, chain in chains.items() for link in chain if link[0] == position}
        before = {name: old for name, (_, old, _) in links.items() if old is not None}
        after = {name: new for name, (_, _, new) in links.items() if new is not None}
        net = changed(key, start, end, before, after)
        if net.before or net.after:
            yield Patch(net, position)


def _value(fact: Fact | None) -> Any:
    return None if fact is None else fact.value


def inert(change: Change, seen: History) -> bool:
    """Whether a change by time is to terms of a measure that does not apply when it comes: a rate, while paused."""
    key = change.key
    return (
        kind_of(key.subject) == "measure"
        and key.aspect == "state"
        and "status" not in {**change.before, **change.after}
        and value(seen.facts(key, change.start), "status") != "in_force"
    )


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


def returned(
    watched: Iterable[Watched], found: Sequence[News], since: int, until: int
) -> set[tuple[str, Key]]:
    """What moved in the window and moved back: (partner, item) that several developments changed and that is in the
    end, over all of world time, as it was."""
    back: set[tuple[str, Key]] = set()
    for who in watched:
        times: dict[Key, int] = {}
        for one in found:
            for key in {patch.change.key for patch in one.changes[who.code]}:
                times[key] = times.get(key, 0) + 1
        several = {key for key, n in times.items() if n > 1}
        if several:
            net = {change.key for change in who.step(since, until)}
            back |= {(who.code, key) for key in several - net}
    return back


def grouped(found: Sequence[News], back: set[tuple[str, Key]]) -> list[list[News]]:
    """Developments that did nothing but move the same things there and back, together; each other one alone."""
    groups: list[tuple[set[tuple[str, Key]], list[News]]] = []
    for one in found:
        touched = {(code, patch.change.key) for code, its in one.changes.items() for patch in its}
        held = [one]
        if touched and touched <= back:
            met = [group for group in groups if group[0] & touched]
            for group in met:
                touched |= group[0]
                held = [*group[1], *held]
                groups.remove(group)
            groups.append((touched, held))
        else:
            groups.append((set(), held))
    return [held for _, held in groups]
