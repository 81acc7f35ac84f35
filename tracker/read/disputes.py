"""Where what sources say and our record, or two sources, cannot both be right; and what they tell differently."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import combinations, pairwise
from math import inf
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from tracker import read
from tracker.domain import conflicts, words
from tracker.domain.conflicts import AVERAGE, Bounds, Disagreement, Stretch
from tracker.domain.duty import Goods, duty
from tracker.domain.events import HOME, actor_of, concerned, kind_of
from tracker.domain.fold import Lane, Lanes, Row, Segment
from tracker.domain.history import Fact, History, Item, Key, rows_of
from tracker.domain.paint import INSTRUMENT
from tracker.domain.scopes import ALL_GOODS, Scopes
from tracker.domain.views import Cause, View, bounded, title_of
from tracker.domain.when import BEGINNING, FOREVER, TICK, asked, moment, zone_of
from tracker.projections import segments
from tracker.read import Point
from tracker.read.accounts import (
    Sought,
    asserts,
    claimed,
    facts_of,
    own_words,
    position_of,
    publisher,
    reaching,
    tier,
    value_of,
)
from tracker.store import log
from tracker.store.log import StoredEvent

RECORD = "record"
"""The key of our own account: what instruments say."""


class Side(View, frozen=True):
    """One side of a conflict: ``source`` is the key of its lane, or ``record``. ``since``: from when on it has this;
    ``says``: its words, where it has no figures."""

    source: str
    by: str
    tier: str | None
    status: str | None
    rate: dict[str, Any] | None
    since: datetime | None
    said: str | None
    caused_by: int | None
    says: str | None = None


class Conflict(View, frozen=True):
    """Over [starts, ends) two accounts cannot both be right, or differ. ``kind``: ``rate``; ``status`` (in force or
    not); ``dates`` (one step on two days); ``no_instrument`` (never in force by our record); ``bounds`` (an average
    that the rates on record exclude); ``contradicted`` (a statement that an analyst has found to be wrong);
    ``accounts`` (the sides of a deal tell it differently). ``holds``: at the point that is asked about;
    ``beyond_coverage``: later than our record has been kept."""

    kind: Literal["rate", "dates", "status", "no_instrument", "bounds", "contradicted", "accounts"]
    why: str
    subject: str
    title: str
    partner: str
    scope: str
    starts: datetime | None
    ends: datetime | None
    holds: bool
    beyond_coverage: bool
    theirs: Side
    ours: Side


def disputes(connection: Connection, at: Point, sought: Sought) -> tuple[list[Conflict], dict[int, Cause]]:
    """Where sources and our record, or two sources, cannot both be right about any day until ``at.as_of``, as known at
    the point; by the day from which on."""
    whom = reaching(connection, sought.partner, at)
    world = _World(connection, at)
    found: list[_Dispute | _Told] = []
    for subject, lanes in claimed(connection, sought, whom):
        said = own_words(connection, subject, at.known, FOREVER)
        found += _contradicted(subject, lanes, said)
        if kind_of(subject) == "measure":
            found += _of_measure(world, subject, lanes, said)
        if kind_of(subject) == "agreement":
            found += _accounts(at, subject, lanes, said)
    found = [one for one in found if one.start <= at.as_of]
    positions = {p for one in found for p in one.positions if p is not None}
    stored = log.at_positions(connection, positions)
    found = [one for one in found if not (isinstance(one, _Dispute) and one.vague(stored))]
    causes = read.causes(connection, positions)
    conflicts_ = [one.view(world, causes) for one in found]
    order = sorted(
        conflicts_, key=lambda c: (c.starts is not None, c.starts, c.subject, c.partner, c.theirs.source)
    )
    return order, causes


@dataclass(frozen=True, slots=True)
class _Dispute:
    """A disagreement with its place; ``other``: the key of the other source, or our record; ``bounds``: what our record
    makes of an average."""

    subject: str
    lane: Lane
    what: Disagreement
    other: str
    bounds: Bounds | None = None

    @property
    def start(self) -> datetime:
        return self.what.start

    @property
    def positions(self) -> list[int | None]:
        ours = self.bounds.position if self.bounds else self.what.held.position if self.what.held else None
        return [self.what.said.position, ours]

    def view(self, world: "_World", causes: Mapping[int, Cause]) -> Conflict:
        source = self.lane.basis.partition(":")[2]
        theirs = _side(source, self.what.said, self.positions[0], causes)
        held = self.what.held
        if self.bounds is not None:
            held = Stretch(self.bounds.start, self.bounds.end, None, {"at_most": self.bounds.highest}, 0)
        ours = _side(self.other, held, self.positions[1], causes)
        about = world.abouts.get(self.subject, {})
        return Conflict(
            kind=self.what.kind, why=self._why(theirs, ours, world.day), subject=self.subject,
            title=title_of(self.subject, about), partner=concerned(self.subject, self.lane.target),
            scope=self.lane.scope, starts=bounded(self.what.start), ends=bounded(self.what.end),
            holds=self.what.start <= world.at.as_of < self.what.end, theirs=theirs, ours=ours,
            beyond_coverage=self.other == RECORD and self.what.start >= world.covered,
        )  # fmt: skip

    def vague(self, stored: Mapping[int, StoredEvent]) -> bool:
        """Whether it is one step that an account puts no more precisely than the other allows ("by 3 May", "July")."""
        held = self.what.held
        if self.what.kind != "dates" or held is None:
            return False
        one, other = (_told_to_start(stored[step.position], step.start) for step in (self.what.said, held))
        return one[0] < other[1] and other[0] < one[1]

    def _why(self, theirs: Side, ours: Side, day: Callable[[datetime], str]) -> str:
        whose = theirs.by or theirs.source
        if self.bounds is not None:
            return conflicts.why_bounds(self.what, self.bounds, whose)
        other = "our record" if self.other == RECORD else ours.by or ours.source
        return conflicts.why(self.what, whose, other, day)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told differently in words: ``other`` is the account beside it; None where an analyst has found a
    statement to be contradicted, by the event at ``found``."""

    kind: Literal["contradicted", "accounts"]
    subject: str
    lane: Lane
    said: Sequence[Segment]
    other: tuple[Lane, Sequence[Segment]] | None = None
    found: int | None = None

    @property
    def start(self) -> datetime:
        return max(segment.start for segment in (*self.said, *(self.other[1] if self.other else ())))

    @property
    def positions(self) -> list[int | None]:
        return [_spoken(self.said[0]), _spoken(self.other[1][0]) if self.other else self.found]

    def view(self, world: "_World", causes: Mapping[int, Cause]) -> Conflict:
        end = min(segment.end for segment in (*self.said, *(self.other[1] if self.other else ())))
        theirs = _words(self.lane, self.said, causes, self.positions[0])
        ours = (
            _words(*self.other, causes, self.positions[1])
            if self.other
            else _side(RECORD, None, self.found, causes)
        )
        whose = theirs.by or theirs.source
        why = f"{whose}: “{theirs.says}” {ours.by or ours.source}: “{ours.says}”"
        if self.other is None:
            note = facts_of(self.said[0]).get("text")
            why = f"{whose}: “{theirs.says}” Our record contradicts it{f': {note.value}' if note else '.'}"
        about = world.abouts.get(self.subject, {})
        return Conflict(
            kind=self.kind, why=why, subject=self.subject, title=title_of(self.subject, about),
            partner=concerned(self.subject, self.lane.target), scope=self.lane.scope, starts=bounded(self.start),
            ends=bounded(end), holds=self.start <= world.at.as_of < end, beyond_coverage=False, theirs=theirs,
            ours=ours,
        )  # fmt: skip


def _words(lane: Lane, said: Sequence[Segment], causes: Mapping[int, Cause], position: int | None) -> Side:
    """A side that speaks in words: the text of what it says, and the titles of the parts it names."""
    facts = facts_of(said[0])
    texts = [facts[name].value for name in ("says", "text") if name in facts][:1]
    texts += [_part(part) for part in said[1:]]
    held = Stretch(said[0].start, said[0].end, None, facts["rate"].value if "rate" in facts else None, 0)
    made = _side(lane.basis.partition(":")[2], held, position, causes)
    side = made.source.removesuffix("-account").upper()
    account = f"{words.name_of(side)}, by its own account" if made.source.endswith("-account") else made.by
    by = str(facts["by"].value) if "by" in facts else account
    return msgspec.structs.replace(made, by=by, says=" ".join(texts) or "no words of its own")


def _spoken(segment: Segment) -> int:
    """The event that holds the words of a claim, whatever was noted on it later."""
    names = [name for name in ("says", "text", "rate") if value_of(segment, name) is not None]
    return segment.state[names[0]][0].position if names else position_of(segment)


def _part(part: Segment) -> str:
    facts = facts_of(part)
    said = words.change(
        {}, {name: fact.value for name, fact in facts.items() if name not in ("title", "changes")}
    )
    return f"{facts['title'].value if 'title' in facts else 'A part'}: {'; '.join(said)}."


def _contradicted(subject: str, lanes: Iterable[Lane], said: Lanes) -> Iterator[_Told]:
    """The statements that an analyst has found to be wrong."""
    for lane in sorted(lane for lane in lanes if lane.aspect == "claim" and lane in said):
        for segment in said[lane]:
            if value_of(segment, "outcome") == "contradicted":
                closed = segment.state["outcome"][0].position
                found = None if closed == _spoken(segment) else closed
                yield _Told("contradicted", subject, lane, [segment], found=found)


def _accounts(at: Point, subject: str, lanes: Iterable[Lane], said: Lanes) -> Iterator[_Told]:
    """The accounts that the sides of a deal give of it, two by two: each the whole, and the parts it names."""
    told: dict[tuple[str, str], list[Segment]] = {}
    for lane in sorted(lanes, key=lambda lane: (lane.aspect != "state", lane)):
        here = [s for s in said.get(lane, ()) if s.start <= at.as_of < s.end and facts_of(s)]
        if here and (lane.aspect == "state" or (lane.target, lane.basis) in told):
            told.setdefault((lane.target, lane.basis), []).append(here[0])
    places = [Lane(target, "", basis, "state") for target, basis in told]
    for one, other in combinations(places, 2):
        if one.target == other.target:
            held = told[other.target, other.basis]
            yield _Told("accounts", subject, one, told[one.target, one.basis], (other, held))


def _told_to_start(event: StoredEvent, at: datetime) -> tuple[datetime, datetime]:
    """Between which instants a step may lie that an event puts at this one, by the words it has for the date."""
    zone = event.told.zone or zone_of(actor_of(event.subject))
    facts = getattr(event.event, "now", None) or [event.event]
    for effect in (effect for fact in facts for effect in getattr(fact, "effects", ())):
        if effect.from_ is None or (told := moment(effect.from_, zone)).at != at:
            continue
        if told.latest:
            return BEGINNING, at + timedelta(days=1)
        return at, at + {"year": timedelta(days=365), "month": timedelta(days=28)}.get(
            told.precision, timedelta()
        )
    return at, at


def _side(source: str, held: Stretch | None, position: int | None, causes: Mapping[int, Cause]) -> Side:
    cause = causes.get(position) if position is not None else None
    return Side(
        source=source, by=publisher(cause) if cause else "", tier=tier(cause) if cause else None,
        status=held.status if held else None, rate=dict(held.rate) if held and held.rate else None,
        since=bounded(held.start) if held else None, said=cause.announced if cause else None, caused_by=position,
    )  # fmt: skip


class _World:
    """Our record as known at a point: read once, and asked for each partner that a source speaks of."""

    def __init__(self, connection: Connection, at: Point) -> None:
        self.at = at
        self._rows: dict[str, list[Row]] = {}
        rows = segments.known(connection, None, at.known)
        for row in rows:
            self._rows.setdefault(row.partner, []).append(row)
        self.abouts = segments.abouts(connection, {row.subject for row in rows}, at.known, scopes=True)
        self._histories: dict[str, History] = {}
        through, zone = read.coverage(connection, at.known), ZoneInfo(at.zone)
        self.covered = asked(through, at.zone) if through else FOREVER
        self._zone = zone

    def day(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        return words.day(local.replace(hour=0, minute=0) if local.time() < time(1) else local, self._zone)

    def of(self, partner: str) -> History:
        if partner not in self._histories:
            self._histories[partner] = History(partner, rows_of(partner, self._rows), self.abouts)
        return self._histories[partner]

    def held(self, subject: str, partner: str, scope: str) -> list[Stretch]:
        """The course of a measure for a partner by its instruments, in this scope, or else on all goods."""
        seen = self.of(partner)
        for one in dict.fromkeys((scope, ALL_GOODS)):
            key = Key(subject, one, INSTRUMENT, "state")
            runs = [
                (start, end, facts) for start, end, facts in seen.runs(key) if facts.get("status") is not None
            ]
            if runs:
                return course((start, end, facts) for start, end, facts in runs)
        return []

    def bounds(self, partner: str, said: Stretch, end: datetime) -> list[Bounds]:
        """Between which rates an average over all goods can lie while a source says so, by the tariffs that count."""
        seen = self.of(partner)
        keys = [key for key in seen.keys if _is_duty(key) and self._is_tariff(key.subject)]
        edges = {e for key in keys for e in seen.edges(key) if said.start < e < min(said.end, end)}
        found: list[Bounds] = []
        for first, then in pairwise([said.start, *sorted(edges), min(said.end, end)]):
            one = self._bounds(seen, keys, first, then, conflicts.range_of(said.rate)[0])
            last = found[-1] if found else None
            if one and last and (last.lowest, last.highest) == (one.lowest, one.highest):
                found[-1] = last._replace(end=then)
            elif one:
                found.append(one)
        return found

    def _is_tariff(self, subject: str) -> bool:
        return bool(self.abouts.get(subject, {}).get("kind", "tariff") == "tariff")

    def _bounds(
        self, seen: History, keys: Iterable[Key], start: datetime, end: datetime, percent: float
    ) -> Bounds | None:
        """From one edge to the next; None where a rate is unknown. Goods other than all are looked at only where an
        average as high as ``percent`` asks for it, and lists without headings never: with them any average is right."""
        facts = {key: seen.facts(key, start) for key in keys}
        items = [
            Item(key, held, start, end, start, end, self.abouts.get(key.subject, {}))
            for key, held in facts.items()
            if "status" in held
        ]
        lowest, highest, position = _charged(items, ALL_GOODS, seen.scopes)
        scopes = {item.key.scope for item in items if not seen.scopes.lists(item.key.scope)}
        for scope in sorted(scopes - {ALL_GOODS}):
            if percent <= highest:
                break
            _, high, other = _charged(items, scope, seen.scopes)
            highest, position = max(highest, high), max(position, other)
        return None if highest == inf else Bounds(start, end, lowest, highest, position or None)


def _charged(items: Sequence[Item], scope: str, scopes: Scopes) -> tuple[float, float, int]:
    """The least and the most that tariffs take of goods, in percent, and the newest event they are due to (or 0)."""
    tariffs = [layer for layer in duty(items, Goods(scope), scopes).layers if layer.counts]
    ranges = [conflicts.range_of(layer.rate) for layer in tariffs]
    firm = [
        low
        for (low, _), layer in zip(ranges, tariffs, strict=True)
        if not (layer.rate or {}).keys() & {"of", "all_in"} and layer.item.get("combines") != "all_in"
    ]
    newest = max((layer.item.position for layer in tariffs), default=0)
    return sum(firm), sum(high for _, high in ranges), newest


def _is_duty(key: Key) -> bool:
    return (
        key.family == "state"
        and key.claim is None
        and kind_of(key.subject) == "measure"
        and actor_of(key.subject) == HOME
    )


def course(runs: Iterable[tuple[datetime, datetime, Mapping[str, Fact]]]) -> list[Stretch]:
    """Status and rate over time, neighbours that say the same as one."""
    out: list[Stretch] = []
    for start, end, facts in runs:
        status, rate = (facts[name].value if name in facts else None for name in ("status", "rate"))
        if facts.get("exempt") is not None and facts["exempt"].value:
            status = "exempt"
        position = max(facts[name].position for name in ("status", "rate") if name in facts)
        last = out[-1] if out else None
        if last and last.end == start and (last.status, last.rate) == (status, rate):
            out[-1] = last._replace(end=end)
        else:
            out.append(Stretch(start, end, status, rate, position))
    return out


def _of_measure(world: _World, subject: str, lanes: Iterable[Lane], said: Lanes) -> Iterator[_Dispute]:
    claims = {
        lane: course((s.start, s.end, facts_of(s)) for s in said[lane] if value_of(s, "status") is not None)
        for lane in sorted(lane for lane in said if lane.basis.startswith("claim:"))
        if asserts(said[lane])
    }
    for lane in sorted(lanes & claims.keys()):
        theirs, whom = claims[lane], concerned(subject, lane.target)
        if subject == AVERAGE:
            limit = min(world.covered, world.at.as_of + TICK)
            for one in theirs:
                if one.applies and one.start < limit:
                    found = conflicts.out_of_bounds([one], world.bounds(whom, one, limit))
                    yield from (_Dispute(subject, lane, what, RECORD, bounds) for what, bounds in found)
        else:
            held = world.held(subject, whom, lane.scope)
            for what in conflicts.disagreements(theirs, held):
                yield _Dispute(subject, lane, what, RECORD)
        for other in claims:
            if (other.target, other.scope) == (lane.target, lane.scope) and lane.basis < other.basis:
                for what in conflicts.rivals(theirs, claims[other]):
                    yield _Dispute(subject, lane, what, other.basis.partition(":")[2])
