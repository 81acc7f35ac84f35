"""The legal authorities: how each stands for whom, the rulings on it in order, and the measures under it."""

from sqlalchemy import Connection

from tracker.domain.errors import Refused
from tracker.domain.events import AnyEvent, DevelopmentCorrected, RulingIssued, actor_of
from tracker.domain.fold import Row
from tracker.domain.paint import EVERYONE, INSTRUMENT, Paint
from tracker.domain.views import Authority, Ruled, Ruling, bounded, title_of
from tracker.projections import segments
from tracker.read.negotiation import Courses, moves
from tracker.read.point import Point
from tracker.store import log

LEGAL = ("legal", "stayed", "collection", "refund", "ruling")


def authorities(connection: Connection, at: Point) -> list[Authority]:
    """All authorities on record, in the order of their keys."""
    under: dict[str, list[str]] = {}
    for subject, about in segments.abouts(
        connection, log.subject_keys(connection, "measure"), at.known
    ).items():
        under.setdefault(about.get("authority", ""), []).append(subject)
    abouts = segments.abouts(connection, log.subject_keys(connection, "authority"), at.known)
    return [
        Authority(
            subject=subject, title=title_of(subject, about), actor=actor_of(subject), law=about.get("law"),
            standing=_standing(segments.of_subject(connection, subject, at.known), at),
            measures=sorted(under.get(subject, ())),
        )
        for subject, about in sorted(abouts.items())
    ]  # fmt: skip


def authority(connection: Connection, subject: str, at: Point) -> Authority:
    """An authority at a point; Refused where it is not on record then."""
    found = next((one for one in authorities(connection, at) if one.subject == subject), None)
    if found is None:
        key = subject.partition(":")[2]
        raise Refused(
            "not_found", f"there is no authority {key!r}, as known then: /v1/authorities lists them"
        )
    return found


def _standing(rows: list[Row], at: Point) -> list[Ruled]:
    """How it stands for everyone, and then for each named party: field by field, what is not said of a party holds as
    for everyone."""
    held = {
        row.lane.target: row
        for row in rows
        if row.lane.aspect == "legal" and row.segment.start <= at.as_of < row.segment.end
    }
    common = held.get(EVERYONE)
    found = []
    for target, row in sorted(held.items(), key=lambda pair: (pair[0] != EVERYONE, pair[0])):
        state = {**(common.segment.state if common else {}), **row.segment.state}
        layers = {name: layers[0] for name, layers in state.items()}
        said = {name: layer.value for name, layer in layers.items()}
        main = [layers[name] for name in LEGAL if name in layers] or [*layers.values()]
        found.append(
            Ruled(
                target=target, legal=said.get("legal"), stayed=bool(said.get("stayed")),
                collection=said.get("collection"), refund=said.get("refund"), ruling=said.get("ruling"),
                text=said.get("text"), since=bounded(max(layer.since for layer in main)),
                caused_by=max(layer.position for layer in main),
            )
        )  # fmt: skip
    return found


def rulings(connection: Connection, found: Authority, at: Point) -> list[Ruling]:
    """What was ruled on an authority and on single measures under it, in the order in which it was told."""
    courses = Courses(connection, at)
    said: list[Ruling] = []
    for subject in (found.subject, *found.measures):
        aspect = "legal" if subject == found.subject else "state"
        for target in sorted(_targets(segments.of_subject(connection, subject, at.known), aspect)):

            def wanted(paint: Paint, aspect: str = aspect, target: str = target) -> bool:
                ruled = paint.basis == INSTRUMENT and {*paint.fields} <= {*LEGAL, "text"}
                return paint.aspect == aspect and paint.target == target and ruled

            steps = courses.steps(subject, wanted)
            said += [Ruling(subject=subject, target=target, move=move) for move in moves(steps, "legal")]
    events = log.at_positions(connection, {one.move.position for one in said})
    ruled = [one for one in said if one.subject == found.subject or _rules(events[one.move.position].event)]
    return sorted(ruled, key=lambda one: (one.move.told_at, one.move.position))


def _rules(event: AnyEvent) -> bool:
    facts = event.now if isinstance(event, DevelopmentCorrected) else [event]
    return any(isinstance(fact, RulingIssued) for fact in facts)


def _targets(rows: list[Row], aspect: str) -> set[str]:
    return {row.lane.target for row in rows if row.lane.aspect == aspect}
