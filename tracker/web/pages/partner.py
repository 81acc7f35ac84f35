"""The page of a partner: where things stand, goals beside results, what is coming, and the timeline; at any point."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeGuard
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.domain import words
from tracker.domain.errors import invalid
from tracker.domain.events import HOME, actor_of
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import Authority, ChangeView, Entry, ItemView, PartnerState, Ruling
from tracker.domain.when import moment, rfc3339, vague, zone_of
from tracker.read import Point, subjects
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.changes import Line, lines
from tracker.web.html import html, local, subjects_in
from tracker.web.point import AXES, takes
from tracker.web.remembered import About, remember

PAGE = 25
"""Entries on a page of the timeline."""

Standing = Literal["in_force", "paused", "announced", "proposed", "not_counting", "ended"]
GROUPS: dict[Standing, str] = {
    "in_force": "In force",
    "paused": "Paused",
    "announced": "Announced, not in force yet",
    "proposed": "Under investigation or proposed",
    "not_counting": "On the books, but not charged",
    "ended": "Ended",
}
TERMS = ("quota", "exemptions", "condition", "review_on", "awaits", "pending", "refund", "text")
FINE = ("combines", "replaces", "transshipped", "in_transit", "yields_to")
"""Terms that are folded away until asked for."""
LABELS = {"yields_to": "gives way to", "text": "", "in_transit": "in transit", "review_on": "to be reviewed"}
PLAIN = {"exempt": "these goods are exempt"}
"""Reasons for not counting that need more words than they come with."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a measure in words, and the position of the event that set it."""

    label: str
    text: str
    set_by: int | None = None


@dataclass(slots=True)
class Row:
    """A measure on a partner, for all scopes in which it is the same."""

    item: ItemView
    stated: bool
    rate: str
    why: str
    terms: list[Term]
    fine: list[Term]
    scopes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Date:
    """A date ahead: what changes then by what is scheduled, the deadlines that fall on it, what is only threatened."""

    at: datetime
    subject: str
    vague: list[str | None] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    deadlines: list[ItemView] = field(default_factory=list)
    threats: list[ItemView] = field(default_factory=list)

    @property
    def stated(self) -> str | None:
        """How the date was stated, where all that falls on it states it alike and less precisely than by the day."""
        return self.vague[0] if len(set(self.vague)) == 1 else None


@get("/partners/{code:str}", opt=takes(*AXES, "page"), sync_to_thread=True, include_in_schema=False)
def partner(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], code: FromPath[str]
) -> Response[str]:
    """A partner at a point; ``?page=`` pages the timeline."""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection, moving=True)
        state = read.state(connection, code.upper(), at)
        entries = read.timeline(connection, code.upper(), at)
        talks = read.negotiation(connection, code.upper(), at)
        promised = subjects.commitments(connection, at, code.upper())
        laws = rulings(connection, state, at)
        behind = {move.position for one in promised for move in one.moves}
        behind |= {one.move.position for _, held in laws for one in held}
        behind |= {now.caused_by for law, _ in laws for now in law.standing}
        causes = {**talks.causes, **read.causes(connection, behind)}
        titles = read.titles(connection, _named(state, entries), at.known)
    ours = [m for m in state.measures if m.actor == HOME]
    theirs = [m for m in state.measures if m.actor != HOME]
    number, pages = _page(request.query_params.get("page") or "1", len(entries))
    shown = entries[(number - 1) * PAGE : number * PAGE]
    context = {
        "bar": bar, "kept": bar.kept, "state": state, "partner": state.partner, "titles": titles, "groups": GROUPS,
        "measures": grouped(ours, state.rates_to_come), "theirs": grouped(theirs, state.rates_to_come),
        "layers": [m for m in ours if m.counts and m.scope == ALL_GOODS and m.kind != "normal"],
        "said_of": said_of(state), "talks": talks, "promised": promised, "laws": laws, "causes": causes,
        "coming": coming(state), "further": further(state),
        "entries": [(entry, lines(entry.changes)) for entry in shown], "count": len(entries),
        "page": number, "pages": pages,
    }  # fmt: skip
    if point.rememberable(bar, at):
        remember(request.scope, About(at))
    return html(request, "partner.html", context, 400 if bar.error else 200)


def _page(asked: str, entries: int) -> tuple[int, int]:
    pages = max(1, -(-entries // PAGE))
    if asked not in map(str, range(1, pages + 1)):
        raise invalid(
            "page", f"page {asked[:40]!r} is no page of this timeline: give a number from 1 to {pages}"
        )
    return int(asked), pages


def _named(state: PartnerState, entries: Sequence[Entry]) -> set[str]:
    """The subjects that the page names: those of measures, and those that words and links speak of."""
    held = [change for entry in entries for change in entry.changes]
    held += [*state.coming, *state.rates_to_come]
    texts = [word for change in held for word in change.words]
    links = [link for entry in entries for found in entry.links.values() for link in found]
    others = [
        key for m in state.measures for name in ("replaces", "yields_to") for key in m.state.get(name, [])
    ]
    provisions = [
        p.state.get("changes", "") for deal in state.agreements for p in [*deal.provisions, *deal.accounts]
    ]
    return subjects_in([*texts, *links, *others, *provisions])


# ---------------------------------------------------------------- measures


def grouped(measures: Iterable[ItemView], rates_to_come: Iterable[ChangeView]) -> dict[Standing, list[Row]]:
    """The measures by how they stand, those that differ by scope alone in one row; on all goods first. What is
    announced has the rate that is to come."""
    ahead = {(change.subject, change.scope): change.after["rate"] for change in rates_to_come}
    found: dict[Standing, dict[tuple[object, ...], Row]] = {name: {} for name in GROUPS}
    for item in measures:
        if item.state.get("status") == "none":
            continue
        first = ahead.get((item.subject, item.scope)) if standing(item) == "announced" else None
        rate = item.state.get("rate", first)
        said = words.rate(rate or {"unknown": True})
        row = Row(item, rate is not None, said, why(item), terms(item), fine(item))
        same = (
            item.subject,
            row.rate,
            row.why,
            item.via,
            *((term.label, term.text) for term in [*row.terms, *row.fine]),
        )
        if standing(item) == "in_force":
            same += (str(item.since), str(item.state.get("rate")))
        found[standing(item)].setdefault(same, row).scopes.append(item.scope)
    return {
        name: sorted(
            rows.values(), key=lambda r: (r.item.kind == "normal", ALL_GOODS not in r.scopes, r.item.title)
        )
        for name, rows in found.items()
        if rows
    }


def standing(item: ItemView) -> Standing:
    """The group that a measure stands in."""
    if item.counts:
        return "in_force"
    match item.state.get("status"):
        case "in_force":
            return "not_counting"
        case "paused":
            return "paused"
        case "announced":
            return "announced"
        case "under_investigation" | "proposed" | "threatened":
            return "proposed"
        case _:
            return "ended"


def why(item: ItemView) -> str:
    """Why a measure does not count, in plain words; '' where it does."""
    if item.counts:
        return ""
    ended = item.state.get("why_ended")
    if item.state.get("status") == "ended" and ended:
        return f"ended: {ended.replace('_', ' ')}"
    return PLAIN.get(item.reason, item.reason)


def terms(item: ItemView) -> list[Term]:
    """What a reader must know to read the rate."""
    ruling = item.causes.get("text") in {item.causes.get(name) for name in ("legal", "stayed", "ruling")} - {
        None
    }
    shown = [name for name in TERMS if not (ruling and name == "text")]
    text = item.state.get("rate", {}).get("text")
    found = [Term("", text)] if text else []
    found += [term for name in shown if name in item.state for term in _term(item, name)]
    lawful = item.state.get("legal", "valid") == "valid"
    return found if lawful else [*found, Term("law", _legal(item.state), item.causes.get("legal"))]


def fine(item: ItemView) -> list[Term]:
    """How it sits beside other measures, and rules for odd cases; that it adds to others goes without saying."""
    shown = [name for name in FINE if name in item.state]
    plain = item.state.get("combines") == "adds" or "replaces" in shown
    return [term for name in shown if not (plain and name == "combines") for term in _term(item, name)]


def _term(item: ItemView, name: str) -> list[Term]:
    value, by = item.state[name], item.causes.get(name)
    if name == "exemptions":
        return [
            Term("spared", words.said(name, entry), item.causes.get(f"{name}.{key}"))
            for key, entry in value.items()
            if not entry.get("ended")
        ]
    if name == "combines":
        return [Term("", words.moved(name, None, value), by)]
    text = words.said(name, value)
    if name == "quota" and value.get("text"):
        text += f". {value['text']}"
    return [Term(LABELS.get(name, words.field(name)), text, by)]


def _legal(state: Mapping[str, Any]) -> str:
    parts = [state["legal"].replace("_", " ")]
    if state.get("stayed"):
        parts.append("but the ruling is stayed")
    if collection := state.get("collection"):
        parts.append(
            {"collected": "still collected", "not_collected": "not collected"}.get(collection, collection)
        )
    return ", ".join(parts) + (f" ({state['ruling']})" if state.get("ruling") else "")


# ---------------------------------------------------------------- deals, claims, goals, dates


def said_of(state: PartnerState) -> dict[str, list[ItemView]]:
    """The claims by the deal they are about; under '' those about anything else."""
    found: dict[str, list[ItemView]] = {"": []}
    deals = {deal.agreement.subject for deal in state.agreements}
    for claim in state.claims:
        found.setdefault(claim.subject if claim.subject in deals else "", []).append(claim)
    return found


def rulings(connection: Connection, state: PartnerState, at: Point) -> list[tuple[Authority, list[Ruling]]]:
    """The authorities of its measures that courts have spoken on, with what they said of these."""
    mine = {measure.subject for measure in state.measures}
    found = []
    for law in read.authorities(connection, at):
        if mine.isdisjoint(law.measures):
            continue
        held = [one for one in read.rulings(connection, law, at) if one.subject in {law.subject, *mine}]
        if any(one.move.before or one.subject != law.subject for one in held):
            found.append((law, held))
    return found


def coming(state: PartnerState) -> list[Date]:
    """The dates ahead of the point, in order, as far as all that falls on them is known here: scheduled changes, open
    deadlines, and what is threatened for a day."""
    dates: dict[datetime, Date] = {}
    zone = ZoneInfo(state.temporal.zone)

    def on(at: datetime, subject: str, stated: str | None) -> Date:
        written = local(at, zone, subject).replace(tzinfo=None)
        date = dates.setdefault(written, Date(at, subject))
        date.vague.append(stated)
        return date

    def ahead(at: datetime | None) -> TypeGuard[datetime]:
        until = state.coming_until
        return at is not None and at > state.temporal.as_of and (until is None or at < until)

    changes: dict[int, tuple[Date, list[ChangeView]]] = {}
    for change in state.coming:
        if change.starts:
            date = on(change.starts, change.subject, change.starts_stated)
            changes.setdefault(id(date), (date, []))[1].append(change)
    for date, held in changes.values():
        date.lines = lines(held)
    for item in state.deadlines:
        at = due(item)
        if ahead(at) and item.state.get("status") == "open":
            on(at, item.subject, vague(item.state["due"])).deadlines.append(item)
    for item in state.claims:
        at = due(item, "starts")
        alive = item.state.get("status") == "threatened" or item.state.get("outcome") == "open"
        if ahead(at) and alive:
            on(at, item.subject, vague(item.state["starts"])).threats.append(item)
    return [dates[at] for at in sorted(dates)]


def further(state: PartnerState) -> str:
    """The point at which the dates that are left out are ahead; '' where none are."""
    return "" if state.coming_until is None else rfc3339(state.coming_until - timedelta(seconds=1))


def due(item: ItemView, name: str = "due") -> datetime | None:
    """The instant that a stated date of an item stands for."""
    try:
        return moment(item.state[name], zone_of(actor_of(item.subject))).at
    except (KeyError, ValueError):
        return None


ROUTES = (partner,)
