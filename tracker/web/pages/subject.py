"""The page of a measure, a deal or an authority: what it is, its course over time for whom, and what happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.domain import words
from tracker.domain.errors import Refused
from tracker.domain.events import Kind
from tracker.domain.fold import Row
from tracker.domain.history import Fact
from tracker.domain.paint import EVERYONE
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import Entry, ItemView, Measure, bounded, nested, stated, title_of
from tracker.projections import segments
from tracker.read import Point, subjects
from tracker.read.subjects import Wanted
from tracker.store import log
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.changes import flat, told
from tracker.web.html import html, subjects_in
from tracker.web.point import AXES, takes

ASKED = takes(*AXES)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What holds over [start, end): in words, with its terms, and whether the page's point lies in it."""

    start: datetime | None
    end: datetime | None
    says: str
    terms: str
    here: bool
    start_stated: str | None = None
    end_stated: str | None = None


@dataclass(slots=True)
class Course:
    """How something stands over time, for all targets and goods for which it is the same."""

    family: str
    claim: str | None
    stretches: Sequence[Stretch]
    targets: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


@get("/measures/{key:str}", opt=ASKED, sync_to_thread=True, include_in_schema=False)
def measure(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], key: FromPath[str]
) -> Response[str]:
    """A measure as known at a point."""
    return shown(request, engine, "measure", key)


@get("/agreements/{key:str}", opt=ASKED, sync_to_thread=True, include_in_schema=False)
def agreement(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], key: FromPath[str]
) -> Response[str]:
    """A deal as known at a point."""
    return shown(request, engine, "agreement", key)


@get("/authorities/{key:str}", opt=ASKED, sync_to_thread=True, include_in_schema=False)
def authority(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], key: FromPath[str]
) -> Response[str]:
    """An authority at a point: how it stands, the rulings on it, and what they mean for which measures."""
    subject = f"authority:{key}"
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        found = read.authority(connection, subject, at)
        rulings = read.rulings(connection, found, at)
        under = subjects.measures(connection, at, Wanted(authority=subject))
        behind = {one.move.position for one in rulings} | {one.caused_by for one in found.standing}
        causes = read.causes(connection, behind)
        titles = read.titles(connection, [subject, *found.measures], at.known)
        texts = [word for one in rulings for word in one.move.words]
        titles |= read.titles(connection, subjects_in(texts), at.known)
    context = {
        "bar": bar, "kept": bar.kept, "law": found, "rulings": rulings, "causes": causes, "titles": titles,
        "reach": [(one, reach(one)) for one in under],
        "silent": [key for key in found.measures if key not in {one.subject for one in under}],
    }  # fmt: skip
    return html(request, "authority.html", context, 400 if bar.error else 200)


def reach(measure: Measure) -> list[tuple[str, list[str]]]:
    """How a measure stands, each with for whom: ``25%, charged; on energy 10%, charged``. Goods that it spares are
    left out where it is charged on others."""
    found: dict[str, list[str]] = {}
    for code, items in measure.partners.items():
        held = [item for item in items if item.claim is None and item.state.get("status") != "none"]
        goods: dict[str, list[str]] = {}
        for item in [item for item in held if item.counts] or held:
            goods.setdefault(_stands(item), []).append(item.scope)
        said = [f"{_on(scopes)}{stands}" for stands, scopes in goods.items()]
        if said:
            found.setdefault("; ".join(said), []).append(code)
    return list(found.items())


def _on(scopes: Sequence[str]) -> str:
    return "" if ALL_GOODS in scopes else f"on {', '.join(map(words.scope_of, scopes))}: "


def _stands(item: ItemView) -> str:
    rate = words.rate(item.state["rate"]) if item.state.get("rate") else ""
    return f"{rate or 'rate not stated'}, charged" if item.counts else item.reason


def shown(request: Request[Any, Any, Any], engine: Engine, kind: Kind, key: str) -> Response[str]:
    named = f"{kind}:{key}"
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        about = segments.abouts(connection, [named], at.known).get(named)
        rows = segments.of_subject(connection, named, at.known)
        if about is None and not rows:
            raise Refused("not_found", f"there is no {kind} {key!r}, as known then")
        courses = course(rows, at.as_of, about or {})
        entries = developments(connection, named, at)
        texts = [f"{stretch.says} {stretch.terms}" for one in courses for stretch in one.stretches]
        wanted = subjects_in([*texts, *(str(v) for v in (about or {}).values())])
        titles = read.titles(connection, wanted, at.known)
    context = {
        "bar": bar, "kept": bar.kept, "subject": named, "title": title_of(named, about or {}), "about": about or {},
        "kind": kind, "courses": [c for c in courses if not c.claim], "titles": titles,
        "claims": [c for c in courses if c.claim], "entries": entries,
    }  # fmt: skip
    return html(request, "subject.html", context, 400 if bar.error else 200)


def course(rows: Sequence[Row], at: datetime, about: Mapping[str, Any]) -> list[Course]:
    """The lanes of a subject over time, those with the same course together; the whole before its parts."""
    lanes: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.segment.start):
        if row.lane.aspect != "about":
            lanes.setdefault(tuple(row.lane), []).append(row)
    found: dict[tuple[Any, ...], Course] = {}
    for held in lanes.values():
        lane = held[0].lane
        family, _, name = lane.aspect.partition(":")
        claim = lane.basis.partition(":")[2] or None
        stretches = _stretches(held, at, about)
        same = (family, claim, *((s.start, s.end, s.says, s.terms) for s in stretches))
        one = found.setdefault(same, Course(family, claim, stretches))
        if lane.target not in one.targets:
            one.targets.append(lane.target)
        title = held[-1].segment.state.get("title")
        head = str(title[0].value) if title and title[0].value else words.scope_of(name or lane.scope)
        if head and head not in one.heads:
            one.heads.append(head)
    order = ("state", "legal", "provision", "claim")
    return sorted(
        found.values(),
        key=lambda c: (
            order.index(c.family) if c.family in order else 9, "everyone" not in c.targets, "all goods" not in c.heads
        ),
    )  # fmt: skip


def _stretches(rows: Sequence[Row], at: datetime, about: Mapping[str, Any]) -> list[Stretch]:
    """The course of a lane, neighbours that differ by terms alone as one, with the terms of the later."""
    out: list[Stretch] = []
    for row in rows:
        start, end = row.segment.start, row.segment.end
        says, terms = _said(row)
        here = start <= at < end
        last = out[-1] if out else None
        if last and last.says == says and last.end == start:
            kept = last.terms if last.here else terms
            out[-1] = replace(
                last, end=bounded(end), terms=kept, here=last.here or here, end_stated=stated(about, end)
            )
        else:
            vague = stated(about, start), stated(about, end)
            out.append(Stretch(bounded(start), bounded(end), says, terms, here, *vague))
    return out


def _said(row: Row) -> tuple[str, str]:
    top = {name: Fact(layers[0].value, layers[0].position, "") for name, layers in row.segment.state.items()}
    fields = {name: value for name, value in flat(nested(top)).items() if name != "title"}
    main, terms = told({}, fields)
    left_out = sorted({code for layers in row.segment.state.values() for code in layers[0].excepted})
    if left_out and row.lane.target == EVERYONE:
        terms.append(f"except {', '.join(words.name_of(code) for code in left_out)}")
    return "; ".join(main) or "as before", " · ".join(terms)


def developments(connection: Connection, subject: str, at: Point) -> list[Entry]:
    """The developments about a subject, newest first."""
    touching = {event.development for event in log.of_subject(connection, subject, at.known)}
    stories: dict[str, list[log.StoredEvent]] = {}
    for event in log.of_developments(connection, touching, at.known):
        stories.setdefault(event.development, []).append(event)
    entries: Mapping[str, Entry] = {id: read.entry_of(events) for id, events in stories.items()}
    past = [entry for entry in entries.values() if entry.announced_at <= at.as_of]
    return sorted(past, key=lambda entry: (entry.announced_at, entry.position), reverse=True)


ROUTES = (measure, agreement, authority)
