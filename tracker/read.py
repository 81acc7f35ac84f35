"""The other half of the flow: what is asked of the record. Everything people see comes from here.

Each question is put at a ``Point`` of both axes; it is answered from the segments by ``History``, the one resolve.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from tracker.domain import words
from tracker.domain.decide import standing
from tracker.domain.duty import counted
from tracker.domain.errors import Problem, Refused, invalid
from tracker.domain.events import HOME, DevelopmentCorrected, DevelopmentWithdrawn, Logged, kind_of
from tracker.domain.fold import Row
from tracker.domain.history import Change, History, Item, Key, difference, restated
from tracker.domain.paint import EVERYONE, announced
from tracker.domain.preview import erased, resumed
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import (
    Ahead,
    Card,
    Cause,
    ChangeView,
    Deal,
    Entry,
    Erasure,
    ItemView,
    Layer,
    Mention,
    PartnerName,
    PartnerState,
    Preview,
    Resumption,
    Story,
    Temporal,
    Version,
    change_view,
    item_view,
    nested,
    title_of,
)
from tracker.domain.when import BEGINNING, FOREVER, asked
from tracker.projections import segments
from tracker.record import Recorded
from tracker.store import log
from tracker.store.log import StoredEvent

ON_CARDS = ("state", "talks", "profile", "deadline", "claim")
"""The aspects that a card of the board is made of."""
LATE = timedelta(days=2)
"""An entry learnt this much later than it was announced was logged late."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point on both axes: what held at ``as_of``, as known at log position ``known`` (reached at ``known_at``)."""

    as_of: datetime
    known: int
    known_at: datetime
    zone: str


def point(
    connection: Connection,
    *,
    now: datetime,
    zone: str,
    as_of: str | None = None,
    known_at: str | None = None,
    known_position: int | None = None,
    names: tuple[str, str, str] = ("as_of", "known_at", "known_position"),
) -> Point:
    """The point a question names; now, as known now, where it names nothing. Refused for a future knowledge."""
    at = _instant(as_of, zone, names[0]) or now
    end = log.position(connection)
    if known_position is not None:
        if known_at is not None:
            raise invalid(names[2], f"give {names[1]} or {names[2]}, not both")
        if not 0 <= known_position <= end:
            raise invalid(
                names[2], f"{names[2]} {known_position} is not in the log: it holds positions 0 to {end}"
            )
        return Point(at, known_position, log.known_since(connection, known_position) or BEGINNING, zone)
    wanted = _instant(known_at, zone, names[1])
    if wanted is None:
        return Point(at, end, now, zone)
    if wanted > now and not _today(wanted, now, zone):
        raise invalid(
            names[1],
            f"{names[1]} {known_at} lies in the future: nobody knows yet what will be known; "
            f"ask for {names[0]} to see what is scheduled",
        )
    return Point(at, log.known_at(connection, wanted), min(wanted, now), zone)


def _instant(text: str | None, zone: str, name: str) -> datetime | None:
    try:
        return None if text is None else asked(text, zone)
    except ValueError as error:
        raise invalid(name, f"{name}: {error}") from None


def _today(at: datetime, now: datetime, zone: str) -> bool:
    return at.astimezone(ZoneInfo(zone)).date() <= now.astimezone(ZoneInfo(zone)).date()


# ---------------------------------------------------------------- partners


def history(connection: Connection, code: str, known: int, party: str | None = None) -> History:
    """Everything that holds for a partner (or a named party) over time, as known at a position."""
    own = segments.known(connection, [code, EVERYONE, *([party] if party else [])], known)
    blocs = {row.lane.aspect.partition(":")[2] for row in own if row.lane.aspect.startswith("membership:")}
    rows = own + (segments.known(connection, blocs, known) if blocs else [])
    return History(code, rows, _abouts(connection, rows, known), party)


def _abouts(connection: Connection, rows: Iterable[Row], known: int) -> dict[str, dict[str, Any]]:
    return segments.abouts(connection, {row.subject for row in rows}, known, scopes=True)


def names(connection: Connection, known: int) -> dict[str, PartnerName]:
    """The partners that are followed, in the order of their rank, blocs last."""
    found: dict[str, PartnerName] = {}
    abouts = segments.abouts(connection, log.subject_keys(connection, "partner"), known)
    for subject, about in abouts.items():
        code = subject.removeprefix("partner:")
        found[code] = PartnerName(
            code=code, name=about["name"], kind=about["kind"], rank=about.get("rank"), blocs=[]
        )
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank or 10_000, pair[1].name)))


def partner(connection: Connection, code: str, known: int) -> PartnerName:
    """A partner by its code; Refused where it is not followed, as known then."""
    found = names(connection, known)
    if code not in found:
        followed = ", ".join(found) or "nobody yet"
        raise Refused(
            "not_found",
            f"{code!r} is not a partner that is followed here, as known then; these are: {followed}",
            Problem("code", "not a partner that is followed"),
        )
    return found[code]


def state(connection: Connection, code: str, at: Point) -> PartnerState:
    """Where things stand with a partner at a point."""
    name = partner(connection, code, at.known)
    seen = history(connection, code, at.known)
    items = counted(seen.items(at.as_of), seen.scopes)
    coming = [change_view(c, seen.abouts.get(c.key.subject, {})) for c in seen.changes(at.as_of, FOREVER)]

    def of(*families: str) -> list[ItemView]:
        return [
            item_view(item)
            for item in items
            if item.key.family in families and kind_of(item.key.subject) == "partner"
        ]

    deals = [deal(items, subject) for subject in _agreements(items)]
    measures = [
        item_view(i) for i in items if i.key.aspect == "state" and kind_of(i.key.subject) == "measure"
    ]
    positions = {p for item in items for p in (fact.position for fact in item.facts.values())}
    positions |= {change.caused_by for change in coming if change.caused_by}
    return PartnerState(
        temporal=temporal(connection, at, _checked(seen)),
        partner=msgspec.structs.replace(name, blocs=seen.blocs(at.as_of)),
        talks=next(iter(of("talks")), None),
        in_writing=_in_writing(items),
        focus=next(iter(of("focus")), None),
        criteria=of("criterion"),
        risks=of("risk"),
        profile=next(iter(of("profile")), None),
        measures=[m for m in measures if m.claim is None],
        agreements=[deal for deal in deals if deal],
        deadlines=of("deadline"),
        claims=[m for m in measures if m.claim] + [item_view(i) for i in items if i.key.aspect == "claim"],
        assessments=of("assessment"),
        coming=coming,
        causes=causes(connection, positions),
    )


def temporal(connection: Connection, at: Point, checked: str | None = None) -> Temporal:
    """The point as answers echo it."""
    covered = None if checked is None else date.fromisoformat(checked)
    asked_day = at.as_of.astimezone(ZoneInfo(at.zone)).date()
    return Temporal(
        as_of=at.as_of, known_at=at.known_at, known_position=at.known, zone=at.zone, checked_through=checked,
        beyond_coverage=covered is None or asked_day > covered,
    )  # fmt: skip


def coverage(connection: Connection, known: int) -> str | None:
    """The day through which all partners that are followed were checked; None where one never was."""
    through: dict[str, str] = {}
    for row in segments.of_aspect(connection, "checked", known):
        through[row.partner] = max(through.get(row.partner, ""), row.segment.state["through"][0].value)
    return min((through.get(code, "") for code in names(connection, known)), default="") or None


def checked(connection: Connection, code: str, known: int) -> str | None:
    """The day through which a partner was checked."""
    found = segments.of_aspect(connection, "checked", known)
    return max((row.segment.state["through"][0].value for row in found if row.partner == code), default=None)


def causes(connection: Connection, positions: Iterable[int]) -> dict[int, Cause]:
    """The events at these positions, named."""
    return {position: cause(event) for position, event in log.at_positions(connection, positions).items()}


def cause(event: StoredEvent) -> Cause:
    told = event.told
    return Cause(
        position=event.position, event=event.id, development=event.development, type=event.type, title=told.title,
        announced=told.announced, learnt_at=event.learnt_at, sources=msgspec.to_builtins(told.sources),
    )  # fmt: skip


def _checked(seen: History) -> str | None:
    found = [row for key in seen.keys if key.aspect == "checked" for row in seen.rows(key)]
    return max(
        (row.segment.state["through"][0].value for row in found if row.partner == seen.partner), default=None
    )


def _agreements(items: Sequence[Item]) -> list[str]:
    return sorted({item.key.subject for item in items if kind_of(item.key.subject) == "agreement"})


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


def _in_writing(items: Sequence[Item]) -> bool | None:
    """Whether a deal with the partner is in writing; None where there is no deal."""
    deals = [
        item for item in items if kind_of(item.key.subject) == "agreement" and item.key.aspect == "state"
    ]
    alive = [item for item in deals if item.get("status") not in ("terminated", "abandoned")]
    return any(item.get("in_writing") for item in alive) if alive else None


# ---------------------------------------------------------------- the board


def board(connection: Connection, at: Point) -> list[Card]:
    """All partners that are followed, at a point, each with what a reader wants to know first."""
    rows = segments.known(connection, None, at.known)
    abouts = _abouts(connection, rows, at.known)
    by_partner: dict[str, list[Row]] = {}
    for row in rows:
        by_partner.setdefault(row.partner, []).append(row)
    last = _last_changes(connection, at)
    cards = []
    for code, name in names(connection, at.known).items():
        own = by_partner.get(code, [])
        blocs = {
            row.lane.aspect.partition(":")[2] for row in own if row.lane.aspect.startswith("membership:")
        }
        whose = [code, EVERYONE, *sorted(blocs)]
        seen = History(code, [row for who in whose for row in by_partner.get(who, [])], abouts)
        mentions = {who: last[who] for who in whose if who in last}
        cards.append(_card(connection, name, seen, at, mentions))
    return cards


def _card(
    connection: Connection, name: PartnerName, seen: History, at: Point, mentions: Mapping[str, Mention]
) -> Card:
    items = seen.items(at.as_of, lambda key: key.family in ON_CARDS and key.scope in ("", ALL_GOODS))
    items = counted(items, seen.scopes)
    checked = _checked(seen)
    deals = [i for i in items if kind_of(i.key.subject) == "agreement" and i.key.aspect == "state"]
    own = {item.key.family: item for item in items if item.key.subject == f"partner:{name.code}"}
    talks = own.get("talks") or next((i for i in items if i.key.family == "talks"), None)
    return Card(
        partner=msgspec.structs.replace(name, blocs=seen.blocs(at.as_of)),
        talks=talks.get("status") if talks else None,
        deal=title_of(deals[-1].key.subject, deals[-1].about) if deals else None,
        in_writing=_in_writing(items),
        layers=[
            Layer(
                subject=i.key.subject, title=title_of(i.key.subject, i.about), via=i.via,
                rate=words.rate(i.get("rate", {"unknown": True})),
            )
            for i in items
            if i.counts and i.key.scope == ALL_GOODS and i.actor == HOME and i.about.get("kind", "tariff") == "tariff"
        ],
        sectors=(own["profile"].get("sectors") or []) if "profile" in own else [],
        last_change=_latest(mentions.values()),
        last_own=_latest(mention for who, mention in mentions.items() if who != EVERYONE),
        next_date=_next(seen, items, at.as_of),
        checked_through=checked,
        beyond_coverage=temporal(connection, at, checked).beyond_coverage,
    )  # fmt: skip


def _latest(mentions: Iterable[Mention]) -> Mention | None:
    return max(mentions, key=lambda mention: mention.announced, default=None)


def _next(seen: History, items: Sequence[Item], at: datetime) -> Ahead | None:
    change = seen.next_change(at)
    ahead = (
        [Ahead(at=change.start, what=_headline(change, seen), subject=change.key.subject)] if change else []
    )
    for item in items:
        title = item.get("title") or title_of(item.key.subject, item.about)
        if item.key.family == "deadline" and item.get("status") == "open" and item.get("due_at"):
            ahead.append(
                Ahead(
                    at=datetime.fromtimestamp(item.get("due_at"), UTC),
                    what=f"deadline: {title}",
                    subject=item.key.subject,
                )
            )
        if (item.get("status") == "threatened" or item.get("outcome") == "open") and item.get("starts_at"):
            ahead.append(
                Ahead(
                    at=datetime.fromtimestamp(item.get("starts_at"), UTC),
                    what=f"threatened: {title}",
                    subject=item.key.subject,
                )
            )
    return min((date for date in ahead if date.at > at), key=lambda a: a.at, default=None)


def _headline(change: Change, seen: History) -> str:
    view = change_view(change, seen.abouts.get(change.key.subject, {}))
    said = ", said, not law" if change.key.claim else ""
    return f"{view.title}{said}: {view.words[0]}" if view.words else view.title


def _last_changes(connection: Connection, at: Point) -> dict[str, Mention]:
    """Per partner (and ``everyone``), the development announced last that still stands."""
    found: dict[str, Mention] = {}
    touched = segments.positions_by_partner(connection, at.known)
    events = log.at_positions(connection, {position for held in touched.values() for position in held})
    for code, positions in touched.items():
        for position in positions:
            event = events[position]
            when = announced(event.told, event.subject).at
            if when <= at.as_of and (code not in found or when >= found[code].announced):
                found[code] = Mention(development=event.development, title=event.told.title, announced=when)
    return found


# ---------------------------------------------------------------- timelines


def timeline(connection: Connection, code: str, at: Point) -> list[Entry]:
    """The developments that touch a partner, announced by ``as_of`` and known at the point, newest first, each with
    what it changed. Withdrawn ones stay, and say so."""
    partner(connection, code, at.known)
    own = segments.ever_known(connection, [code, EVERYONE], at.known)
    blocs = {row.lane.aspect.partition(":")[2] for row in own if row.lane.aspect.startswith("membership:")}
    rows = own + (segments.ever_known(connection, blocs, at.known) if blocs else [])
    rows = [row for row in rows if row.lane.aspect not in ("about",)]
    abouts = _abouts(connection, rows, at.known)
    return _entries(connection, rows, abouts, at, code)


def _entries(
    connection: Connection, rows: Sequence[Row], abouts: Mapping[str, Mapping[str, Any]], at: Point, code: str
) -> list[Entry]:
    touched: dict[int, set[str]] = {}
    for row in rows:
        touched.setdefault(row.known_from, set()).add(row.subject)
        if row.known_until <= at.known:
            touched.setdefault(row.known_until, set()).add(row.subject)
    developments = {event.development for event in log.at_positions(connection, touched).values()}
    story: dict[str, list[StoredEvent]] = {}
    for event in log.of_developments(connection, developments, at.known):
        story.setdefault(event.development, []).append(event)
    by_subject: dict[str, list[Row]] = {}
    for row in rows:
        by_subject.setdefault(row.subject, []).append(row)
    members = [row for row in rows if row.lane.aspect.startswith("membership:")]
    own = {row.known_from for row in rows if row.partner == code}
    entries = []
    for events in story.values():
        entry = entry_of(events)
        if entry.announced_at > at.as_of:
            continue
        if entry.standing == "current":
            changes = _changed_by(code, events, by_subject, members, abouts)
        else:
            changes = _mended_for(connection, code, events, members, abouts)
        concerns = _names(events, code) or any(event.position in own for event in events)
        if changes or concerns or entry.standing != "current":
            entries.append(msgspec.structs.replace(entry, changes=changes))
    return sorted(
        entries, key=lambda e: (e.announced_at, _sequence(story[e.development]), e.position), reverse=True
    )


def _sequence(events: Sequence[StoredEvent]) -> int:
    return events[-1].told.sequence


def _names(events: Sequence[StoredEvent], code: str) -> bool:
    return any(event.subject == f"partner:{code}" for event in events)


def _changed_by(
    code: str,
    events: Sequence[StoredEvent],
    by_subject: Mapping[str, Sequence[Row]],
    members: Sequence[Row],
    abouts: Mapping[str, Mapping[str, Any]],
) -> list[ChangeView]:
    """What the latest version of a development changed, against what was believed just before it."""
    latest = _versions(events)[-1]
    first, last = latest[0].position, latest[-1].position
    subjects = {event.subject for event in events}
    rows = [*(row for subject in subjects for row in by_subject.get(subject, ())), *members]
    before = History(code, [row for row in rows if row.known_from < first <= row.known_until], abouts)
    after = History(code, [row for row in rows if row.known_from <= last < row.known_until], abouts)
    return [
        change_view(change, abouts.get(change.key.subject, {}))
        for change in restated(before, after, BEGINNING, FOREVER)
        if change.key.subject in subjects
    ]


def _mended_for(
    connection: Connection,
    code: str,
    events: Sequence[StoredEvent],
    members: Sequence[Row],
    abouts: Mapping[str, Mapping[str, Any]],
) -> list[ChangeView]:
    """What a corrected development says as a whole, not only what its correction moved."""
    before, after = _around(connection, events)
    now = [row for row in members if row.known_from <= events[-1].position < row.known_until]
    old, new = History(code, [*before, *now], abouts), History(code, [*after, *now], abouts)
    subjects = {event.subject for event in events}
    return _views([c for c in restated(old, new, BEGINNING, FOREVER) if c.key.subject in subjects], abouts)


def _versions(events: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
    """The events of a development by version: each correction or withdrawal is a commit of its own."""
    versions: dict[int, list[StoredEvent]] = {}
    for event in events:
        versions.setdefault(event.commit, []).append(event)
    return list(versions.values())


def entry_of(events: Sequence[StoredEvent]) -> Entry:
    """A development as it stands after these events of it, without its changes."""
    first, last = events[0], events[-1]
    now = standing((event.told, event.event) for event in events)
    told = now.told
    facts = [fact for held in now.events.values() for fact in held]
    repair = last.event if isinstance(last.event, DevelopmentCorrected | DevelopmentWithdrawn) else None
    when = announced(told, first.subject).at
    links: dict[str, list[str]] = {}
    for fact in facts:
        for name, held in msgspec.to_builtins(fact.links).items():
            links.setdefault(name, []).extend(held)
    return Entry(
        development=first.development, event=first.id, position=first.position, title=told.title,
        summary=told.summary, note=told.note, announced=told.announced, announced_at=when,
        learnt_at=first.learnt_at, recorded_at=first.recorded_at, late=first.learnt_at - when >= LATE,
        standing="withdrawn" if now.withdrawn else "corrected" if repair else "current",
        reason=repair.reason if repair else None, versions=len(_versions(events)),
        types=[_type(fact) for fact in facts], subjects=sorted({event.subject for event in events}),
        sources=msgspec.to_builtins(told.sources), links=links, changes=[],
    )  # fmt: skip


def _type(event: Logged) -> str:
    return str(event.__struct_config__.tag)


# ---------------------------------------------------------------- one development


def titles(connection: Connection, subjects: Iterable[str], known: int) -> dict[str, str]:
    """The titles of subjects, those that have one."""
    return {k: title_of(k, about) for k, about in segments.abouts(connection, subjects, known).items()}


def story(connection: Connection, id: str, known: int) -> Story:
    """A development, by its id or that of one of its events, with its versions and what each changed for whom."""
    sound = id.isprintable()  # what is not would be refused by PostgreSQL, in words of its own
    event = log.by_id(connection, id) if sound else None
    named = [event.development if event else id] if sound else []
    events = log.of_developments(connection, named, known)
    if not events:
        raise Refused("not_found", f"there is no event and no development {id!r}, as known then")
    subjects = {event.subject for event in events}
    rows = [row for row in segments.ever_of(connection, subjects, known) if row.lane.aspect != "about"]
    about = segments.abouts(connection, subjects, known)
    versions = [_version(events, commit, rows, about) for commit in _versions(events)]
    return Story(
        entry=entry_of(events),
        versions=versions,
        changes=versions[0].changes if len(versions) == 1 else _as_mended(connection, events, about),
        seen=log.versions(connection, subjects),
    )


def _as_mended(
    connection: Connection, events: Sequence[StoredEvent], about: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[ChangeView]]:
    """What a development says in the last version that stood, for whom, against what lay before it in the order."""
    before, after = _around(connection, events)
    courses: tuple[dict[Any, list[Row]], dict[Any, list[Row]]] = ({}, {})
    for held, rows in zip(courses, (before, after), strict=True):
        for row in rows:
            held.setdefault((row.subject, row.lane), []).append(row)
    old, new = courses
    moved = [
        row
        for lane in {**old, **new}
        if old.get(lane) != new.get(lane)
        for row in (new.get(lane) or old[lane])
    ]
    return _for_whom(before, after, moved, about)


def _for_whom(
    before: Sequence[Row], after: Sequence[Row], moved: Iterable[Row], about: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[ChangeView]]:
    """The difference for each whom rows that moved concern, in what those rows are about: what reaches everybody
    stands once, under ``everyone``."""
    keys: dict[str, set[Key]] = {}
    for row in moved:
        keys.setdefault(row.partner, set()).add(_key(row))
    rows: list[dict[str, list[Row]]] = []
    for held in (before, after):
        by_partner: dict[str, list[Row]] = {}
        for row in held:
            by_partner.setdefault(row.partner, []).append(row)
        rows.append(by_partner)
    found = {}
    for code in sorted(keys):
        whose = {code, EVERYONE}
        old, new = (
            History(code, [r for who in whose for r in held.get(who, []) if _key(r) in keys[code]], about)
            for held in rows
        )
        if changes := restated(old, new, BEGINNING, FOREVER):
            found[code] = _views(changes, about)
    return found


def _key(row: Row) -> Key:
    return Key(row.subject, row.lane.scope, row.lane.basis, row.lane.aspect)


def _around(connection: Connection, events: Sequence[StoredEvent]) -> tuple[list[Row], list[Row]]:
    """The rows of a development's subjects without it and with it, in the last version of it that stood."""
    last = next(c for c in reversed(_versions(events)) if not isinstance(c[0].event, DevelopmentWithdrawn))
    before: list[Row] = []
    after: list[Row] = []
    for subject in {event.subject for event in events}:
        old, new = segments.painted_over(connection, subject, events[0].position, last[-1].position)
        before += old
        after += new
    return before, after


def _version(
    events: Sequence[StoredEvent],
    commit: Sequence[StoredEvent],
    rows: Sequence[Row],
    about: Mapping[str, Mapping[str, Any]],
) -> Version:
    first, last = commit[0].position, commit[-1].position
    now = standing((event.told, event.event) for event in events if event.position <= last)
    repair = commit[0].event
    said = msgspec.to_builtins(now.told)
    said["events"] = [msgspec.to_builtins(fact) for held in now.events.values() for fact in held]
    return Version(
        what="corrected" if isinstance(repair, DevelopmentCorrected)
        else "withdrawn" if isinstance(repair, DevelopmentWithdrawn) else "logged",
        reason=getattr(repair, "reason", None), editorial=getattr(repair, "editorial", False), first=first, last=last,
        recorded_at=commit[0].recorded_at, learnt_at=commit[0].learnt_at, logged_by=commit[0].logged_by,
        hashes={event.position: event.hash.hex() for event in commit}, said=said,
        changes=_changed_for(rows, about, first, last),
    )  # fmt: skip


def _changed_for(
    rows: Sequence[Row], about: Mapping[str, Mapping[str, Any]], first: int, last: int
) -> dict[str, list[ChangeView]]:
    moved = [row for row in rows if first <= row.known_from <= last or first <= row.known_until <= last]
    before = [row for row in rows if row.known_from < first <= row.known_until]
    after = [row for row in rows if row.known_from <= last < row.known_until]
    return _for_whom(before, after, moved, about)


# ---------------------------------------------------------------- differences


def diff(connection: Connection, code: str, first: Point, then: Point) -> list[ChangeView]:
    """What differs for a partner between two points."""
    partner(connection, code, then.known)
    before, after = history(connection, code, first.known), history(connection, code, then.known)
    return [
        change_view(change, after.abouts.get(change.key.subject, {}))
        for change in difference(before, first.as_of, after, then.as_of)
    ]


def preview(connection: Connection, recorded: Recorded) -> Preview:
    """What a recorded (or rehearsed) order changes, what resumes at its ends, and what it erases."""
    rows = [row for row in recorded.changes if row.lane.aspect != "about" and row.partner]
    subjects = {row.subject for row in rows}
    since = announced(recorded.events[0].told, recorded.events[0].subject).at
    seen = Preview(effects={}, resumes={}, erases={})
    for code in sorted({row.partner for row in rows}):
        old = history(connection, code, recorded.first - 1)
        new = history(connection, code, recorded.last)
        abouts = {**old.abouts, **new.abouts}
        changes = [c for c in restated(old, new, BEGINNING, FOREVER) if c.key.subject in subjects]
        seen.effects[code] = _views(changes, abouts)
        if again := resumed(new, rows, recorded.first, recorded.last):
            views = _views([one.change for one in again], abouts)
            seen.resumes[code] = [
                Resumption(change=view, state=nested(one.facts))
                for view, one in zip(views, again, strict=True)
            ]
        if gone := erased(old, new, rows, since):
            views = _views([one.change for one in gone], abouts)
            seen.erases[code] = [
                Erasure(change=view, later=one.later) for view, one in zip(views, gone, strict=True)
            ]
    return seen


def _views(changes: Iterable[Change], abouts: Mapping[str, Mapping[str, Any]]) -> list[ChangeView]:
    return [change_view(change, abouts.get(change.key.subject, {})) for change in changes]
