"""The fold: paint effects in order, and have each lane's state over world time.

A *lane* is one subject's state for one target, one scope, one basis and one aspect. Its *segments* are disjoint
intervals ``[start, end)`` in ascending order; where nothing is painted there is no segment. A field of a state
holds its *layers*: the newest value first, each with the position of the event that set it, and below it older
ones only as far as the newer ones except somebody. So "everyone except GB" leaves GB what it had.

Order of painting: announced, then the sequence within that day, then the position of the original. Not the
effective date: a pause announced on the 3rd of a tariff announced on the 1st paints over it, whenever either
takes effect. Everything here is pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from tracker.domain.paint import ANY_BASIS, EACH_OF, EVERYONE, INSTRUMENT, Paint
from tracker.domain.scopes import ALL_GOODS


class Lane(NamedTuple):
    """What a run of segments speaks of, within its subject. ``scope`` is '' where products play no part."""

    target: str
    scope: str
    basis: str
    aspect: str


class Layer(NamedTuple):
    """A value of a field, who set it, from when on that effect holds, and whom it leaves out."""

    value: Any
    position: int
    since: datetime
    excepted: tuple[str, ...] = ()


State = Mapping[str, tuple[Layer, ...]]


class Segment(NamedTuple):
    """A state over [start, end)."""

    start: datetime
    end: datetime
    state: State


class Row(NamedTuple):
    """A segment of a subject as the record holds it: whom it concerns, and over which positions it was believed."""

    subject: str
    partner: str
    lane: Lane
    segment: Segment
    known_from: int
    known_until: int


class Place(NamedTuple):
    """The place of a development in the painting; a correction keeps its original's."""

    announced: datetime
    sequence: int
    position: int


class Contribution(NamedTuple):
    """What one development says of a subject: its paints, each with the position of the event it comes from."""

    place: Place
    paints: Sequence[tuple[int, Paint]]


Lanes = dict[Lane, list[Segment]]


def fold(contributions: Iterable[Contribution], below: Lanes | None = None) -> Lanes:
    """All lanes of a subject, from everything that is said of it; or from what comes after all that is painted
    ``below``."""
    lanes: Lanes = {lane: [*held] for lane, held in (below or {}).items()}
    for contribution in sorted(contributions, key=lambda c: c.place):
        for position, paint in contribution.paints:
            for lane in selected(paint, lanes):
                held = lanes.setdefault(lane, [])
                span = touched(held, paint.start, paint.end)
                held[span] = painted(held[span], paint, position)
    return lanes


def touched(segments: Sequence[Segment], start: datetime, end: datetime) -> slice:
    """The segments that a paint over [start, end) can change, or grow together with."""
    return slice(bisect_right(segments, start, key=_end), bisect_left(segments, end, key=_start))


_start, _end = itemgetter(0), itemgetter(1)


def selected(paint: Paint, lanes: Iterable[Lane]) -> list[Lane]:
    """The lanes that a paint lands on, given those that exist: new ones where it names a target of its own; where it
    says ``each_of``, those of all who are named, in this scope or else in all goods."""
    kin = [lane for lane in lanes if lane.aspect == paint.aspect and paint.basis in (lane.basis, ANY_BASIS)]
    if paint.target == EACH_OF:
        named = [lane for lane in kin if lane.target not in paint.excepted]
        here = [lane for lane in named if paint.scope in (None, lane.scope)]
        if paint.scope is None or paint.there:
            return here
        wider = (lane._replace(scope=paint.scope) for lane in named if lane.scope == ALL_GOODS)
        return [*here, *(lane for lane in wider if lane not in here)]
    if paint.there and not kin:
        return []
    scopes = [paint.scope] if paint.scope is not None else sorted({lane.scope for lane in kin}) or [ALL_GOODS]
    found = [(scope, paint.basis or INSTRUMENT) for scope in scopes]
    if (
        paint.basis == ANY_BASIS
    ):  # what is said of the target or of everyone: no claim that nobody made is ended
        reached = [lane for lane in kin if lane.target in (paint.target, EVERYONE) and lane.scope in scopes]
        found = sorted({(lane.scope, lane.basis) for lane in reached}) or found
    return [Lane(paint.target, scope, basis, paint.aspect) for scope, basis in found]


def painted(segments: Sequence[Segment], paint: Paint, position: int) -> list[Segment]:
    """The segments of a lane after a paint on top. Those outside [start, end) come back as they were."""
    new = {name: Layer(value, position, paint.start, paint.excepted) for name, value in paint.fields.items()}
    if not new:
        return list(segments)
    before: list[Segment] = []
    inside: list[Segment] = []
    after: list[Segment] = []
    at = paint.start
    for segment in segments:
        if segment.start < paint.start:
            before.append(segment._replace(end=min(segment.end, paint.start)))
        if segment.end > paint.end:
            after.append(segment._replace(start=max(segment.start, paint.end)))
        start, end = max(segment.start, paint.start), min(segment.end, paint.end)
        if start < end:
            if at < start:
                inside.append(Segment(at, start, _over({}, new)))
            kept = paint.weak and _applies(segment.state)
            inside.append(Segment(start, end, segment.state if kept else _over(segment.state, new)))
            at = end
    if at < paint.end:
        inside.append(Segment(at, paint.end, _over({}, new)))
    return joined(chain(before, inside, after))


def _applies(state: State) -> bool:
    """Whether a measure is in force, or paused, by its newest word on that."""
    return bool(state.get("status")) and state["status"][0].value in ("in_force", "paused")


def _over(state: State, new: Mapping[str, Layer]) -> State:
    """Layers on top of a state. What lies under a layer is kept only where that layer excepts somebody whom the lower
    one does not: repeated, "everyone except China" would otherwise pile up."""
    over = dict(state)
    for name, layer in new.items():
        spared = set(layer.excepted)
        over[name] = (layer, *(low for low in state.get(name, ()) if not spared <= {*low.excepted}))
    return over


def joined(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours that say the same become one, so that equal knowledge has one form."""
    out: list[Segment] = []
    for segment in segments:
        if out and out[-1].end == segment.start and out[-1].state == segment.state:
            out[-1] = out[-1]._replace(end=segment.end)
        else:
            out.append(segment)
    return out
