"""Who is followed, and where things stand with a partner."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection

from tracker.domain.duty import counted
from tracker.domain.errors import Problem, Refused
from tracker.domain.events import kind_of
from tracker.domain.fold import Row
from tracker.domain.history import (
    PERSONAL,
    Beyond,
    Change,
    History,
    Item,
    awaits_rate,
    blocs_of,
    checked_days,
    joins,
    key_of,
)
from tracker.domain.paint import EVERYONE
from tracker.domain.views import (
    Cause,
    Deal,
    ItemView,
    PartnerName,
    PartnerState,
    bounded,
    change_view,
    item_view,
    title_of,
)
from tracker.projections import segments
from tracker.projections.around import around
from tracker.read.point import Point, temporal
from tracker.store import log
from tracker.store.log import StoredEvent

LISTED = 50
"""How many changes that come are listed; those of one instant are kept together."""


def history(connection: Connection, code: str, known: int, party: str | None = None) -> History:
    """Everything that holds for a partner (or a named party) over time, as known at a position."""
    own = segments.known(connection, [code, EVERYONE, *([party] if party else [])], known)
    blocs = blocs_of(own)
    rows = own + (segments.known(connection, blocs, known) if blocs else [])
    return History(code, rows, abouts_of(connection, rows, known), party)


def standing(connection: Connection, code: str, at: Point, party: str | None = None) -> History:
    """What holds for a partner (or a named party) at a point, and what comes next: its history, of which what lies long
    before is left out, and what comes after its horizon."""
    own = segments.memberships(connection, code, at.known)
    whom = [code, EVERYONE, *([party] if party else []), *blocs_of(own)]
    found = around(connection, whom, at.as_of, at.known)
    rows = own + [row for row in found.rows if row.partner != code or not _whole(row)]
    theirs = [key for key in found.whole_until if key.family in PERSONAL and key.subject != f"partner:{code}"]
    for key in [*map(key_of, own), *theirs]:
        found.whole_since.pop(key, None)
        found.whole_until.pop(key, None)

    def rows_of(subjects: Collection[str]) -> list[Row]:
        return segments.of_subjects(connection, subjects, whom, at.known)

    abouts = abouts_of(connection, rows, at.known)
    return History(code, rows, abouts, party, Beyond(found.whole_since, found.whole_until, rows_of))


def _whole(row: Row) -> bool:
    return joins(row) or row.lane.aspect == "checked"


def abouts_of(connection: Connection, rows: Iterable[Row], known: int) -> dict[str, dict[str, Any]]:
    """What the subjects of rows are, with the vocabulary of goods."""
    return segments.abouts(connection, {row.subject for row in rows}, known, scopes=True)


def names(connection: Connection, known: int) -> dict[str, PartnerName]:
    """The partners that are followed, in the order of their rank, blocs last."""
    found: dict[str, PartnerName] = {}
    for subject, about in segments.partners(connection, known).items():
        if "name" not in about:
            continue
        code = subject.removeprefix("partner:")
        found[code] = PartnerName(
            code=code, name=about["name"], kind=about["kind"], rank=about.get("rank"), blocs=[]
        )
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank or 10_000, pair[1].name)))


def partner(connection: Connection, code: str, known: int, parameter: str = "code") -> PartnerName:
    """A partner by its code; Refused where it is not followed, as known then. ``parameter``: what it was given as."""
    found = names(connection, known)
    if code not in found:
        followed = ", ".join(found) or "nobody yet"
        raise Refused(
            "not_found",
            f"{code!r} is not a partner that is followed here, as known then; these are: {followed}",
            Problem(parameter, "not a partner that is followed"),
        )
    return found[code]


def state(connection: Connection, code: str, at: Point) -> PartnerState:
    """Where things stand with a partner at a point."""
    name = partner(connection, code, at.known)
    seen = standing(connection, code, at)
    items = counted(seen.items(at.as_of), seen.scopes)
    changes, until = coming(seen, at.as_of)
    listed = [change_view(change, seen) for change in changes]
    waiting = [item.key for item in items if awaits_rate(item.key, item.facts)]
    rates = [change_view(change, seen) for key in waiting if (change := seen.rate_to_come(key, at.as_of))]

    def of(*families: str) -> list[ItemView]:
        return [
            item_view(item)
            for item in items
            if item.key.family in families and kind_of(item.key.subject) == "partner"
        ]

    measures = [
        item_view(i) for i in items if i.key.aspect == "state" and kind_of(i.key.subject) == "measure"
    ]
    positions = {p for item in items for p in (fact.position for fact in item.facts.values())}
    positions |= {change.caused_by for change in (*listed, *rates) if change.caused_by}
    return PartnerState(
        temporal=temporal(connection, at, checked_through(seen)),
        partner=msgspec.structs.replace(name, blocs=seen.blocs(at.as_of)),
        talks=next(iter(of("talks")), None),
        in_writing=in_writing(items),
        focus=next(iter(of("focus")), None),
        criteria=of("criterion"),
        risks=of("risk"),
        profile=next(iter(of("profile")), None),
        measures=[m for m in measures if m.claim is None],
        agreements=deals_among(items),
        deadlines=of("deadline"),
        claims=[m for m in measures if m.claim] + [item_view(i) for i in items if i.key.aspect == "claim"],
        assessments=of("assessment"),
        coming=listed,
        coming_until=bounded(until),
        rates_to_come=rates,
        causes=causes(connection, positions),
    )


def coming(seen: History, after: datetime) -> tuple[list[Change], datetime]:
    """The next changes by time alone, and the instant before which these are all there are."""
    ahead = seen.coming(after)
    found = [*islice(ahead, LISTED)]
    for change in ahead:
        if change.start > found[-1].start:
            return found, change.start
        found.append(change)
    return found, seen.horizon


def coverage(connection: Connection, known: int) -> str | None:
    """The day through which all partners that are followed were checked; None where one never was."""
    through = checks(connection, known)
    return min((through.get(code, "") for code in names(connection, known)), default="") or None


def checked(connection: Connection, code: str, known: int) -> str | None:
    """The day through which a partner was checked; None where it never was."""
    return checks(connection, known).get(code)


def checks(connection: Connection, known: int) -> dict[str, str]:
    """The day through which each partner was checked, by its code."""
    return checked_days(segments.of_aspect(connection, "checked", known))


def causes(connection: Connection, positions: Iterable[int]) -> dict[int, Cause]:
    """The events at these positions, named."""
    return {position: cause(event) for position, event in log.at_positions(connection, positions).items()}


def cause(event: StoredEvent) -> Cause:
    """An event, named."""
    told = event.told
    return Cause(
        position=event.position, event=event.id, development=event.development, type=event.type, title=told.title,
        announced=told.announced, learnt_at=event.learnt_at, confidence=told.confidence,
        sources=msgspec.to_builtins(told.sources),
    )  # fmt: skip


def checked_through(seen: History) -> str | None:
    """The day through which the partner of a history was checked; None where it never was."""
    return checked_days(row for key in seen.keys for row in seen.rows(key)).get(seen.partner)


def deals_among(items: Sequence[Item]) -> list[Deal]:
    """The agreements among these items."""
    subjects = sorted({item.key.subject for item in items if kind_of(item.key.subject) == "agreement"})
    return [found for subject in subjects if (found := deal(items, subject))]


def deal(items: Sequence[Item], subject: str) -> Deal | None:
    """An agreement as it stands among these items; None where nothing is said of it."""
    its = [
        item_view(item)
        for item in items
        if item.key.subject == subject and item.key.family in ("state", "provision")
    ]
    whole = [view for view in its if view.aspect == "state" and view.claim is None]
    accounts = [view for view in its if view.claim]
    if not whole and not accounts:
        return None
    return Deal(
        agreement=(whole or accounts)[0],
        provisions=[view for view in its if view.aspect == "provision" and view.claim is None],
        accounts=accounts,
    )


def in_writing(items: Sequence[Item]) -> bool | None:
    """Whether a deal with the partner is in writing; None where there is no deal."""
    deals = [
        item for item in items if kind_of(item.key.subject) == "agreement" and item.key.aspect == "state"
    ]
    alive = [item for item in deals if item.get("status") not in ("terminated", "abandoned")]
    return any(item.get("in_writing") for item in alive) if alive else None


def titles(connection: Connection, subjects: Iterable[str], known: int) -> dict[str, str]:
    """The titles of subjects, those that have one."""
    return {k: title_of(k, about) for k, about in segments.abouts(connection, subjects, known).items()}
