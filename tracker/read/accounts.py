"""What sources say, in their own words, as of when they said it; where they and our record disagree is in disputes.py.

A source speaks in claims' lanes: those of its key, and those whose key begins with it and a hyphen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tracker import read
from tracker.domain.conflicts import APPLIES
from tracker.domain.errors import invalid
from tracker.domain.events import concerned
from tracker.domain.fold import Contribution, Lane, Lanes, Segment, fold
from tracker.domain.history import Fact
from tracker.domain.paint import ANY_BASIS, EVERYONE, INSTRUMENT
from tracker.domain.views import Cause, View, bounded, nested, title_of
from tracker.domain.when import FOREVER, asked
from tracker.projections import segments
from tracker.projections.said import contributions
from tracker.read import Point

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
    whom = reaching(connection, sought.partner, at)
    found: list[tuple[str, Lane, Segment]] = []
    for subject, lanes in claimed(connection, sought, whom):
        said = own_words(connection, subject, at.known, said_by)
        found += [
            (subject, lane, segment)
            for lane in sorted(lanes & said.keys())
            for segment in said[lane]
            if segment.start <= at.as_of < segment.end and facts_of(segment)
        ]
    causes = read.causes(connection, {position_of(segment) for *_, segment in found})
    abouts = segments.abouts(connection, {subject for subject, *_ in found}, at.known)
    return [_statement(*one, abouts, causes) for one in found], causes


def own_words(connection: Connection, subject: str, known: int, said_by: datetime) -> Lanes:
    """The claims about a subject, from what was announced by an instant. What says how law stands is theirs alone: no
    end of the measure on record touches it. A threat, though, is over when its measure is."""
    said = [c for c in contributions(connection, subject, known) if c.place.announced <= said_by]
    alone, ended = (_only(said, INSTRUMENT, ANY_BASIS), _only(said, INSTRUMENT))
    with_ends, folded = fold(ended), fold(alone)
    return {
        lane: folded[lane] if lane in folded and asserts(folded[lane]) else with_ends[lane]
        for lane in {**folded, **with_ends}
    }


def _only(said: Iterable[Contribution], *left_out: str) -> list[Contribution]:
    return [
        c._replace(paints=[(position, p) for position, p in c.paints if p.basis not in left_out])
        for c in said
    ]


def asserts(course: Sequence[Segment]) -> bool:
    """Whether a claim says that a measure is, or was, in force; a threat never does."""
    return any(value_of(segment, "status") == APPLIES for segment in course)


def claimed(connection: Connection, sought: Sought, whom: set[str] | None) -> Iterator[tuple[str, set[Lane]]]:
    """The subjects of which something is claimed, each with the claims' lanes that are asked for."""
    found: dict[str, set[Lane]] = {}
    for subject, lane in segments.places(connection):
        if sought.wants(subject, lane, whom):
            found.setdefault(subject, set()).add(lane)
    yield from sorted(found.items())


def reaching(connection: Connection, partner: str | None, at: Point) -> set[str] | None:
    """Whose lanes reach a partner: its own, its blocs', everyone's."""
    if partner is None:
        return None
    read.partner(connection, partner, at.known, "partner")
    return {partner, EVERYONE, *read.history(connection, partner, at.known).blocs(at.as_of)}


def _statement(
    subject: str,
    lane: Lane,
    segment: Segment,
    abouts: Mapping[str, Mapping[str, Any]],
    causes: Mapping[int, Cause],
) -> Statement:
    position = position_of(segment)
    cause = causes[position]
    state = nested(facts_of(segment))
    return Statement(
        source=lane.basis.partition(":")[2], by=state.get("by") or publisher(cause), tier=tier(cause),
        said=cause.announced, subject=subject, title=title_of(subject, abouts.get(subject, {})),
        partner=concerned(subject, lane.target),
        target=lane.target, scope=lane.scope, state=state, starts=bounded(segment.start), ends=bounded(segment.end),
        caused_by=position,
    )  # fmt: skip


def facts_of(segment: Segment) -> dict[str, Fact]:
    return {
        name: Fact(layers[0].value, layers[0].position, "")
        for name, layers in segment.state.items()
        if layers[0].value is not None
    }


def value_of(segment: Segment, name: str) -> Any:
    layers = segment.state.get(name)
    return layers[0].value if layers else None


def position_of(segment: Segment) -> int:
    return max(layers[0].position for layers in segment.state.values())


def _best(cause: Cause) -> Mapping[str, Any]:
    """The source of an event that weighs most."""
    return min(cause.sources, key=lambda source: TIERS.index(source["kind"]), default={})


def publisher(cause: Cause) -> str:
    return str(_best(cause).get("publisher", ""))


def tier(cause: Cause) -> str | None:
    return _best(cause).get("kind")
