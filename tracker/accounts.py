"""What sources say, beside what our record holds: their statements as of when they made them, and where the two, or two
sources, cannot both be right.

A source speaks in claims' lanes: those of its key, and those whose key begins with it and a hyphen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tracker import read
from tracker.domain import conflicts, words
from tracker.domain.conflicts import APPLIES, AVERAGE, Bounds, Disagreement, Stretch
from tracker.domain.duty import Goods, duty
from tracker.domain.errors import invalid
from tracker.domain.events import HOME, actor_of, concerned, kind_of
from tracker.domain.fold import Contribution, Lane, Lanes, Row, Segment, fold
from tracker.domain.history import Fact, History, Item, Key
from tracker.domain.paint import ANY_BASIS, EVERYONE, INSTRUMENT
from tracker.domain.scopes import ALL_GOODS, Scopes
from tracker.domain.views import Cause, View, bounded, nested, title_of
from tracker.domain.when import FOREVER, asked
from tracker.projections import segments
from tracker.read import Point

RECORD = "record"
"""The key of our own account: what instruments say."""
TIERS = ("official", "party", "document", "press", "analysis", "data")
"""The kinds of sources, the weightiest first."""


class Statement(View, frozen=True):
    """What a source says of something over [starts, ends), in its own words so far: ``source`` is the key of its lane,
    ``by`` and ``tier`` who published it and what kind of source that is, ``said`` when."""

    source: str
    by: str
    tier: str | None
    said: str
    subject: str
    title: str
    partner: str
    target: str
    scope: str
    state: dict[str, Any]
    starts: datetime | None
    ends: datetime | None
    caused_by: int


class Side(View, frozen=True):
    """One side of a conflict: ``source`` is the key of its lane, or ``record``. ``since``: from when on it has this."""

    source: str
    by: str
    tier: str | None
    status: str | None
    rate: dict[str, Any] | None
    since: datetime | None
    said: str | None
    caused_by: int | None


class Conflict(View, frozen=True):
    """Over [starts, ends) two accounts of a measure cannot both be right. ``kind``: ``rate``; ``status`` (in force or
    not); ``dates`` (one step on two days); ``no_instrument`` (never in force by our record); ``bounds`` (an average
    that the rates on record exclude). ``holds``: at the point that is asked about; ``beyond_coverage``: later than our
    record has been kept."""

    kind: conflicts.Kind
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


@dataclass(frozen=True, slots=True)
class Sought:
    """Which accounts are asked for; None asks for any."""

    source: str | None = None
    partner: str | None = None
    subject: str | None = None

    def wants(self, subject: str, lane: Lane, whom: Iterable[str] | None) -> bool:
        key = lane.basis.partition(":")[2]
        return (
            lane.basis.startswith("claim:")
            and self.subject in (None, subject)
            and (self.source is None or key == self.source or key.startswith(f"{self.source}-"))
            and (whom is None or concerned(subject, lane.target) in whom)
        )


def said_by(text: str | None, at: Point, name: str) -> datetime:
    """The instant by which something was said, as asked for; without a text, ever."""
    try:
        return FOREVER if text is None else asked(text, at.zone)
    except ValueError as error:
        raise invalid(name, f"{name}: {error}") from None


def sources(connection: Connection) -> list[str]:
    """The keys of all claims there are."""
    found = {lane.basis.partition(":")[2] for _, lane in segments.places(connection)}
    return sorted(found - {""})


# ---------------------------------------------------------------- what was said


def statements(
    connection: Connection, at: Point, sought: Sought, said_by: datetime
) -> tuple[list[Statement], dict[int, Cause]]:
    """What sources had said by an instant about the world at ``at.as_of``, as known at the point, whenever we came to
    know of it; and the events it comes from."""
    whom = _whom(connection, sought.partner, at)
    found: list[tuple[str, Lane, Segment]] = []
    for subject, lanes in _claimed(connection, sought, whom):
        said = own_words(connection, subject, at.known, said_by)
        found += [
            (subject, lane, segment)
            for lane in sorted(lanes & said.keys())
            for segment in said[lane]
            if segment.start <= at.as_of < segment.end and _facts(segment)
        ]
    causes = read.causes(connection, {_position(segment) for *_, segment in found})
    abouts = segments.abouts(connection, {subject for subject, *_ in found}, at.known)
    return [_statement(*one, abouts, causes) for one in found], causes


def own_words(connection: Connection, subject: str, known: int, said_by: datetime) -> Lanes:
    """The claims about a subject, from what was announced by an instant. What says how law stands is theirs alone: no
    end of the measure on record touches it. A threat, though, is over when its measure is."""
    said = [c for c in segments.contributions(connection, subject, known) if c.order.announced <= said_by]
    alone, ended = (_only(said, INSTRUMENT, ANY_BASIS), _only(said, INSTRUMENT))
    with_ends, folded = fold(ended), fold(alone)
    return {
        lane: folded[lane] if lane in folded and _asserts(folded[lane]) else with_ends[lane]
        for lane in {**folded, **with_ends}
    }


def _only(said: Iterable[Contribution], *left_out: str) -> list[Contribution]:
    return [
        c._replace(paints=[(position, p) for position, p in c.paints if p.basis not in left_out])
        for c in said
    ]


def _asserts(course: Sequence[Segment]) -> bool:
    """Whether a claim says that a measure is, or was, in force; a threat never does."""
    return any(_value(segment, "status") == APPLIES for segment in course)


def _claimed(
    connection: Connection, sought: Sought, whom: set[str] | None
) -> Iterator[tuple[str, set[Lane]]]:
    """The subjects of which something is claimed, each with the claims' lanes that are asked for."""
    found: dict[str, set[Lane]] = {}
    for subject, lane in segments.places(connection):
        if sought.wants(subject, lane, whom):
            found.setdefault(subject, set()).add(lane)
    yield from sorted(found.items())


def _whom(connection: Connection, partner: str | None, at: Point) -> set[str] | None:
    """Whose lanes reach a partner: its own, its blocs', everyone's."""
    if partner is None:
        return None
    read.partner(connection, partner, at.known)
    return {partner, EVERYONE, *read.history(connection, partner, at.known).blocs(at.as_of)}


def _statement(
    subject: str,
    lane: Lane,
    segment: Segment,
    abouts: Mapping[str, Mapping[str, Any]],
    causes: Mapping[int, Cause],
) -> Statement:
    position = _position(segment)
    cause = causes[position]
    state = nested(_facts(segment))
    return Statement(
        source=lane.basis.partition(":")[2], by=state.get("by") or _by(cause), tier=_tier(cause), said=cause.announced,
        subject=subject, title=title_of(subject, abouts.get(subject, {})), partner=concerned(subject, lane.target),
        target=lane.target, scope=lane.scope, state=state, starts=bounded(segment.start), ends=bounded(segment.end),
        caused_by=position,
    )  # fmt: skip


def _facts(segment: Segment) -> dict[str, Fact]:
    return {
        name: Fact(layers[0].value, layers[0].position, "")
        for name, layers in segment.state.items()
        if layers[0].value is not None
    }


def _value(segment: Segment, name: str) -> Any:
    layers = segment.state.get(name)
    return layers[0].value if layers else None


def _position(segment: Segment) -> int:
    return max(layers[0].position for layers in segment.state.values())


def _best(cause: Cause) -> Mapping[str, Any]:
    """The source of an event that weighs most."""
    return min(cause.sources, key=lambda source: TIERS.index(source["kind"]), default={})


def _by(cause: Cause) -> str:
    return str(_best(cause).get("publisher", ""))


def _tier(cause: Cause) -> str | None:
    return _best(cause).get("kind")


# ---------------------------------------------------------------- where they disagree


def disputes(connection: Connection, at: Point, sought: Sought) -> tuple[list[Conflict], dict[int, Cause]]:
    """Where sources and our record, or two sources, cannot both be right about any day until ``at.as_of``, as known at
    the point; by the day from which on."""
    whom = _whom(connection, sought.partner, at)
    world = _World(connection, at)
    found: list[_Dispute] = []
    for subject, lanes in _claimed(connection, sought, whom):
        if kind_of(subject) == "measure":
            found += _of_measure(connection, world, subject, lanes)
    found = [one for one in found if one.what.start <= at.as_of]
    positions = {p for one in found for p in one.positions if p is not None}
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

    def _why(self, theirs: Side, ours: Side, day: Callable[[datetime], str]) -> str:
        whose = theirs.by or theirs.source
        if self.bounds is not None:
            return conflicts.why_bounds(self.what, self.bounds, whose)
        other = "our record" if self.other == RECORD else ours.by or ours.source
        return conflicts.why(self.what, whose, other, day)


def _side(source: str, held: Stretch | None, position: int | None, causes: Mapping[int, Cause]) -> Side:
    cause = causes.get(position) if position is not None else None
    return Side(
        source=source, by=_by(cause) if cause else "", tier=_tier(cause) if cause else None,
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
            own = self._rows.get(partner, [])
            blocs = {r.lane.aspect.partition(":")[2] for r in own if r.lane.aspect.startswith("membership:")}
            whose = {partner, EVERYONE, *blocs}
            rows = [row for who in sorted(whose) for row in self._rows.get(who, [])]
            self._histories[partner] = History(partner, rows, self.abouts)
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
        keys = [key for key in seen.keys if _is_duty(key)]
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

    def _bounds(
        self, seen: History, keys: Iterable[Key], start: datetime, end: datetime, percent: float
    ) -> Bounds | None:
        """From one edge to the next; None where a rate is unknown. Goods other than all are looked at only where an
        average as high as ``percent`` asks for it."""
        facts = {key: seen.facts(key, start) for key in keys}
        items = [
            Item(key, held, start, end, start, end, self.abouts.get(key.subject, {}))
            for key, held in facts.items()
            if "status" in held
        ]
        lowest, highest, position = _charged(items, ALL_GOODS, seen.scopes)
        for scope in sorted({item.key.scope for item in items} - {ALL_GOODS}):
            if percent <= highest:
                break
            _, high, other = _charged(items, scope, seen.scopes)
            highest, position = max(highest, high), max(position, other)
        return None if highest == inf else Bounds(start, end, lowest, highest, position or None)


def _charged(items: Sequence[Item], scope: str, scopes: Scopes) -> tuple[float, float, int]:
    """The least and the most that tariffs take of goods, in percent, and the newest event they are due to (or 0)."""
    tariffs = [
        layer
        for layer in duty(items, Goods(scope), scopes).layers
        if layer.counts and layer.item.about.get("kind", "tariff") == "tariff"
    ]
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


def _of_measure(
    connection: Connection, world: _World, subject: str, lanes: Iterable[Lane]
) -> Iterator[_Dispute]:
    said = own_words(connection, subject, world.at.known, FOREVER)
    claims = {
        lane: course((s.start, s.end, _facts(s)) for s in said[lane] if _value(s, "status") is not None)
        for lane in sorted(lane for lane in said if lane.basis.startswith("claim:"))
        if _asserts(said[lane])
    }
    for lane in sorted(lanes & claims.keys()):
        theirs, whom = claims[lane], concerned(subject, lane.target)
        if subject == AVERAGE:
            limit = min(world.covered, world.at.as_of + timedelta(microseconds=1))
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
