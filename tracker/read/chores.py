"""What an analyst should look at, over all partners or about one: the housekeeping list; and the links that fit what is
about to be logged, so that the list stays short."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from tracker import read
from tracker.domain import words
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, Logged, kind_of
from tracker.domain.housekeeping import KINDS, RATE, WHOM, chores, fitting, unchecked
from tracker.domain.links import linked, speaks_of
from tracker.domain.paint import EVERYONE, announced
from tracker.domain.views import Chore, Fit
from tracker.projections import segments
from tracker.read import Point, subjects
from tracker.record import Recorded


def listed(connection: Connection, at: Point, partner: str | None = None) -> list[Chore]:
    """The chores at a point, by kind, what has lain longest first; one that is the same for several partners stands
    once. About one ``partner``: also what reaches it through a bloc or everyone."""
    alike: dict[tuple[str, str, str, str], list[Chore]] = {}
    for _, seen in subjects.histories(connection, at.known, partner):
        for chore in chores(seen, at.as_of, ZoneInfo(at.zone), own=partner is None):
            key = "" if chore.kind == "returns" else chore.key
            alike.setdefault((chore.kind, chore.subject, key, chore.says), []).append(chore)
    every = [_one(held) for held in alike.values()] + _unchecked(connection, at, partner)
    kinds = [*KINDS]
    return sorted(
        every, key=lambda c: (kinds.index(c.kind), c.since or at.as_of, c.subject, c.key, c.partners)
    )


def _one(alike: list[Chore]) -> Chore:
    """What is the same for several partners, as one."""
    chore = alike[0]
    codes = [*dict.fromkeys(code for one in alike for code in one.partners)]
    said = chore.says.replace(WHOM, _some([words.name_of(code) for code in codes]))
    said = said.replace(RATE, _some([*dict.fromkeys(one.key for one in alike)]))
    log = {**chore.log, "partners": ",".join(codes)} if "partners" in chore.log else chore.log
    key = "" if chore.kind == "returns" else chore.key
    return msgspec.structs.replace(chore, key=key, partners=codes, says=said[:1].upper() + said[1:], log=log)


def _some(names: list[str]) -> str:
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def fits(connection: Connection, recorded: Recorded) -> list[Fit]:
    """The links that would fit what was recorded (or rehearsed) and that it does not have."""
    said = [*_said(recorded)]
    spoken = {key for event in said for key in (*speaks_of(event), *(link for _, link in linked(event)))}
    first = recorded.events[0]
    at = announced(first.told, first.subject).at
    found: dict[tuple[str, str], Fit] = {}
    for event in said:
        if kind_of(event.subject) != "measure":
            continue
        rows = segments.of_subject(connection, event.subject, recorded.last)
        moved = {row.partner for row in recorded.changes if row.subject == event.subject and row.lane.target}
        for code in sorted(
            moved | ({row.partner for row in rows if row.lane.target} if EVERYONE in moved else set())
        ):
            for fit in fitting(event, read.history(connection, code, recorded.first - 1), at):
                if fit.to not in spoken:
                    found.setdefault((fit.link, fit.to), fit)
    return [*found.values()]


def _said(recorded: Recorded) -> Iterator[Logged]:
    for stored in recorded.events:
        match stored.event:
            case DevelopmentCorrected():
                yield from stored.event.now
            case DevelopmentWithdrawn():
                pass
            case event:
                yield event


def _unchecked(connection: Connection, at: Point, partner: str | None) -> list[Chore]:
    through = read.checks(connection, at.known)
    followed = read.names(connection, at.known)
    asked = [one for code, one in followed.items() if partner in (None, code)]
    due = [unchecked(one.code, one.name, through.get(one.code), at.as_of) for one in asked]
    return [chore for chore in due if chore]
