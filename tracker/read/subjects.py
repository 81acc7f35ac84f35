"""What is asked of the record by measure or agreement, beside what is asked by partner."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from sqlalchemy import Connection

from tracker import read
from tracker.domain import words
from tracker.domain.duty import counted
from tracker.domain.errors import Refused, invalid
from tracker.domain.events import Kind, actor_of, kind_of, parties_of
from tracker.domain.history import History, Item, Key, by_partner, rows_of
from tracker.domain.paint import EVERYONE
from tracker.domain.scopes import Scopes
from tracker.domain.values import MeasureStatus
from tracker.domain.views import (
    ChangeView,
    Commitment,
    Deal,
    ItemView,
    Measure,
    Move,
    change_view,
    item_view,
    title_of,
)
from tracker.domain.when import FOREVER, moment, over, zone_of
from tracker.projections import segments
from tracker.read import Point
from tracker.store import log


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which measures are asked for; None asks for any."""

    partner: str | None = None
    authority: str | None = None
    status: str | None = None
    scope: str | None = None
    subject: str | None = None

    def holds(self, item: Item) -> bool:
        key = item.key
        return (
            self.subject in (None, key.subject)
            and self.authority in (None, item.about.get("authority"))
            and self.status in (None, item.get("status"))
            and self.scope in (None, key.scope)
        )


def measures(connection: Connection, at: Point, wanted: Wanted) -> list[Measure]:
    """The measures that say something at a point, in the order of their keys; Refused where a filter names what there
    is not."""
    _known(connection, wanted, at.known)
    found: dict[str, dict[str, list[ItemView]]] = {}
    abouts: dict[str, Mapping[str, Any]] = {}
    for code, seen in histories(connection, at.known, wanted.partner, wanted.subject):
        for item in counted(seen.items(at.as_of, of_measures), seen.scopes):
            named = wanted.partner or any(fact.via == code for fact in item.facts.values())
            if named and wanted.holds(item):
                found.setdefault(item.key.subject, {}).setdefault(code, []).append(item_view(item))
                abouts[item.key.subject] = item.about
    return [_measure(subject, abouts[subject], partners) for subject, partners in sorted(found.items())]


def _known(connection: Connection, wanted: Wanted, known: int) -> None:
    statuses = get_args(MeasureStatus)
    if wanted.status is not None and wanted.status not in statuses:
        raise invalid(
            "status", f"status: {wanted.status!r} is none of a measure; these are: {', '.join(statuses)}"
        )
    if wanted.scope is not None:
        goods(connection, wanted.scope, vocabulary(connection, known))


def vocabulary(connection: Connection, known: int) -> Scopes:
    """The scopes that are defined, as known at a position."""
    return Scopes(segments.abouts(connection, (), known, scopes=True))


def goods(connection: Connection, scope: str, scopes: Scopes) -> str:
    """A scope that is defined, or of which something was said; Refused where it is neither."""
    if scope not in scopes and scope not in segments.scopes_in_use(connection):
        near = get_close_matches(scope, [*scopes], n=3, cutoff=0.6)
        meant = f"did you mean {' or '.join(near)}?" if near else "/v1/scopes lists those that are"
        raise invalid("scope", f"scope: {scope!r} is not defined here; {meant}")
    return scope


def measure(connection: Connection, subject: str, at: Point) -> Measure:
    """A measure at a point, also where nothing holds."""
    what = about(connection, subject, at.known)
    found = measures(connection, at, Wanted(subject=subject))
    return found[0] if found else _measure(subject, what, {})


def of_measures(key: Key) -> bool:
    """Whether it is what a measure is said to be."""
    return key.family == "state" and kind_of(key.subject) == "measure"


def _measure(subject: str, about: Mapping[str, Any], partners: dict[str, list[ItemView]]) -> Measure:
    return Measure(
        subject=subject, title=title_of(subject, about), kind=about.get("kind", "tariff"), actor=actor_of(subject),
        authority=about.get("authority"), instrument=about.get("instrument"), partners=partners,
    )  # fmt: skip


def deals(connection: Connection, at: Point, partner: str | None = None) -> list[Deal]:
    """The agreements that stand at a point (with a partner, or with a bloc of it), in the order of their keys."""
    found: dict[str, Deal] = {}
    for code, seen in histories(connection, at.known, partner):
        items = seen.items(at.as_of, lambda key: kind_of(key.subject) == "agreement")
        for subject in sorted({item.key.subject for item in items}):
            mine = partner or code in parties_of(subject)
            if mine and subject not in found and (deal := read.deal(items, subject)):
                found[subject] = deal
    return [found[subject] for subject in sorted(found)]


def deal(connection: Connection, subject: str, at: Point) -> Deal | None:
    """An agreement at a point; None where it is on record and nothing is said of it then."""
    about(connection, subject, at.known)
    party = parties_of(subject)[0]
    return next((d for d in deals(connection, at, party) if d.agreement.subject == subject), None)


def commitments(connection: Connection, at: Point, partner: str | None = None) -> list[Commitment]:
    """What agreements promise with an amount or by a date (to a partner, or to a bloc of it), by date."""
    found: dict[tuple[str, str, str], Commitment] = {}
    courses = read.Courses(connection, at)
    for code, seen in histories(connection, at.known, partner):
        for item in seen.items(at.as_of, lambda key: key.family == "provision"):
            key = item.key
            promises = item.get("amount") or item.get("due")
            mine = partner or code in parties_of(key.subject)
            if promises and mine and (key.subject, key.aspect, key.basis) not in found:
                found[key.subject, key.aspect, key.basis] = _commitment(item, courses.of_item(item), at)
    return sorted(
        found.values(), key=lambda one: (one.due_at is None, one.due_at or at.as_of, one.agreement, one.key)
    )


def _commitment(item: Item, moved: list[Move], at: Point) -> Commitment:
    key, due = item.key, item.get("due")
    due_at = moment(due, zone_of(actor_of(key.subject))).at if due else None
    waits = item.get("status") in (None, "announced", "in_force")
    passed = waits and due is not None and over(due, zone_of(actor_of(key.subject))) <= at.as_of
    return Commitment(
        agreement=key.subject, title=title_of(key.subject, item.about), partners=parties_of(key.subject), key=key.name,
        promise=str(item.get("title") or words.scope_of(key.name)), by=item.get("by"), amount=item.get("amount"),
        so_far=item.get("so_far"), due=due, due_at=due_at, status=item.get("status"),
        passed=passed, claim=key.claim, text=item.get("text"),
        caused_by=item.position, moves=moved,
    )  # fmt: skip


def coming(connection: Connection, subject: str, at: Point) -> dict[str, list[ChangeView]]:
    """What is scheduled for a subject after a point, per partner that it names."""
    own = segments.of_subject(connection, subject, at.known)
    abouts = segments.abouts(connection, [subject], at.known)
    found = {}
    for code in sorted({row.partner for row in own if row.lane.target}):
        seen = History(code, [row for row in own if row.partner in (code, EVERYONE)], abouts)
        changes = seen.changes(at.as_of, FOREVER)
        found[code] = [change_view(change, seen) for change in changes]
    return {code: changes for code, changes in found.items() if changes}


def sectors(connection: Connection, named: Iterable[str], known: int, parameter: str) -> list[str]:
    """Sectors as profiles write them, whatever the case; Refused where none of them names one. ``parameter``: what
    they were given as."""
    rows = segments.of_aspect(connection, "profile", known)
    layers = [layer for row in rows for layer in row.segment.state.get("sectors", ())]
    followed = {sector.casefold(): sector for layer in layers for sector in layer.value or ()}
    asked = list(dict.fromkeys(named))
    for name in asked:
        if name.casefold() not in followed:
            those = (
                f"these do: {', '.join(sorted(followed.values()))}" if followed else "there is no profile yet"
            )
            raise invalid(parameter, f"{name[:80]!r} is a sector that no partner's profile names; {those}")
    return [followed[name.casefold()] for name in asked]


def version(connection: Connection, subject: str, known: int) -> int:
    """How many events a subject has: what an ``If-Match`` names."""
    return log.version_at(connection, subject, known)


def key_of(kind: Kind, given: str) -> str:
    """The key of a subject, given with its kind or without."""
    return given if given.startswith(f"{kind}:") else f"{kind}:{given}"


def about(connection: Connection, subject: str, known: int) -> Mapping[str, Any]:
    """What a subject is; Refused where it is not on record."""
    found = segments.abouts(connection, [subject], known)
    if subject not in found:
        kind, _, key = subject.partition(":")
        several = {"authority": "authorities"}.get(kind, f"{kind}s")
        raise Refused("not_found", f"there is no {kind} {key!r}, as known then: /v1/{several} lists them")
    return found[subject]


def histories(
    connection: Connection, known: int, partner: str | None = None, subject: str | None = None
) -> Iterator[tuple[str, History]]:
    """The histories of a partner, or of everyone whom a lane (of a subject) concerns."""
    if partner is not None:
        read.partner(connection, partner, known, "partner")
        yield partner, read.history(connection, partner, known)
        return
    rows = segments.known(connection, None, known)
    abouts = segments.abouts(connection, {row.subject for row in rows}, known, scopes=True)
    held = by_partner(rows)
    for code, own in sorted(held.items()):
        if subject is None or any(row.subject == subject for row in own):
            yield code, History(code, rows_of(code, held), abouts)
