"""What goods pay: the duty on what a partner sells (or buys) at a point, and whom a measure or an authority reaches."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tracker import read
from tracker.domain.countries import COUNTRIES
from tracker.domain.duty import Duty, Goods, Layer, duty
from tracker.domain.errors import invalid
from tracker.domain.events import HOME, kind_of
from tracker.domain.history import History, Item
from tracker.domain.scopes import ALL_GOODS, Scopes
from tracker.domain.views import DutyView, ItemView, LayerView, ScopeView, item_view, layer_view
from tracker.projections import segments
from tracker.read import Point, subjects
from tracker.store import log

OVER = ("settled", "carried_out", "withdrawn", "lapsed")
"""Outcomes after which a claim is not made any more; one that is contradicted, or was corrected, is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of a partner's goods (or, ``export``, of American goods there), of a measure, or of an authority.
    ``scope`` or ``hs`` names the goods, and ``qualifies``, ``content``, ``transshipped`` what is known of them
    (``domain.duty.Goods``). ``party`` is a named importer."""

    partner: str | None = None
    scope: str | None = None
    hs: str | None = None
    export: bool = False
    measure: str | None = None
    authority: str | None = None
    qualifies: frozenset[str] = frozenset()
    content: str | None = None
    transshipped: bool = False
    party: str | None = None


def question(
    *,
    partner: str | None = None,
    measure: str | None = None,
    authority: str | None = None,
    direction: str = "import",
    usmca: bool = False,
    qualifies: str | None = None,
    **others: Any,
) -> Question:
    """A question in the words it is put in: keys with or without their kind, exemptions with commas."""
    met = {key.strip() for key in (qualifies or "").split(",") if key.strip()}
    return Question(
        partner=partner and partner.upper(), export=direction == "export",
        measure=measure and subjects.key_of("measure", measure),
        authority=authority and subjects.key_of("authority", authority),
        qualifies=frozenset(met | {"usmca"} if usmca else met), **others,
    )  # fmt: skip


def asked(connection: Connection, question: Question, at: Point) -> DutyView:
    """The answer: layers with reasons and a total; without a partner, the layers of a measure or of an authority for
    each whom it names."""
    if question.scope and question.hs:
        raise invalid("hs", "give scope or hs, not both")
    scopes = subjects.vocabulary(connection, at.known)
    goods = _goods(connection, question, scopes)
    _known(connection, question, at.known)
    if question.partner is None:
        if not (question.measure or question.authority):
            raise invalid("partner", "of whose goods? Give partner, or ask by measure or by authority")
        layers = [
            layer_view(layer, code, seen.spared(layer.item.key, at.as_of))
            for code, seen, layer in _reach(connection, question, goods, at)
        ]
        return _view(connection, question, goods, at, scopes, read.coverage(connection, at.known), layers)
    code = _whose(connection, question.partner, at.known)
    party = question.party and f"party:{question.party.removeprefix('party:')}"
    seen = read.history(connection, code, at.known, party)
    items = seen.items(at.as_of)
    actors = (code, *seen.blocs(at.as_of)) if question.export else (HOME,)
    found = duty(items, goods, scopes, actors, lambda item: _wanted(item, question))
    claims = [
        item_view(item)
        for item in items
        if _claims(item, question.export, actors) and _of_these(item, goods.scope, scopes)
    ]
    layers = [layer_view(layer, code) for layer in found.layers]
    through = read.checked(connection, code, at.known)
    return _view(connection, question, goods, at, scopes, through, layers, found, claims)


def scopes(connection: Connection, known: int) -> list[ScopeView]:
    """The vocabulary, in the order of the slugs."""
    defined = subjects.vocabulary(connection, known)
    return [
        ScopeView(scope=scope, title=defined.title(scope), within=defined.up(scope)[1:], hs=defined.hs(scope))
        for scope in defined
    ]


def _view(
    connection: Connection,
    question: Question,
    goods: Goods,
    at: Point,
    scopes: Scopes,
    through: str | None,
    layers: Sequence[LayerView],
    found: Duty | None = None,
    claims: Sequence[ItemView] = (),
) -> DutyView:
    return DutyView(
        temporal=read.temporal(connection, at, through),
        partner=question.partner, direction="export" if question.export else "import",
        scope=goods.scope, title=scopes.title(goods.scope), hs=question.hs,
        total=found.total if found else None, total_in_quota=found.total_in_quota if found else None,
        includes_normal_duty=found.includes_normal_duty if found else False,
        unknown=[*found.unknown] if found else ["a total is of one partner's goods: name a partner"],
        layers=[*layers], parts=[item_view(item) for item in found.parts] if found else [], claims=[*claims],
        causes=read.causes(connection, {p for layer in layers for p in (layer.caused_by, *layer.causes.values())}),
    )  # fmt: skip


def _goods(connection: Connection, question: Question, scopes: Scopes) -> Goods:
    scope = question.scope or ALL_GOODS
    if question.hs:
        code = question.hs.replace(".", "").replace(" ", "")
        if re.fullmatch(r"\d{2,10}", code) is None:
            raise invalid(
                "hs", f"hs: {question.hs!r} is no heading: write 2 to 10 digits, as 8703 or 8703.23"
            )
        if not "01" <= code[:2] <= "97" or code[:2] == "77":
            raise invalid(
                "hs", f"hs: there is no chapter {code[:2]} of the Harmonized System: they are 01 to 97"
            )
        scope = scopes.of_hs(code)
    else:
        subjects.goods(connection, scope, scopes)
    content = {}
    for part in filter(None, (question.content or "").split(",")):
        form = re.fullmatch(r"([a-z-]+?)-(\d{1,3}(?:\.\d+)?)", part.strip())
        if form is None or float(form[2]) > 100:
            raise invalid("content", f"content: {part!r} is not understood: write us-85, copper-40 (percent)")
        content[form[1].replace("-", " ")] = float(form[2]) / 100
    return Goods(scope, question.qualifies, content, question.transshipped)


def _whose(connection: Connection, code: str, known: int) -> str:
    """The partner asked about. A country that is not followed may be asked about too: what is said of everyone, of its
    blocs, or of it by name in a list, is on record; nobody keeps the rest, and the answer is beyond coverage."""
    return (
        code if code in COUNTRIES and code != HOME else read.partner(connection, code, known, "partner").code
    )


def _known(connection: Connection, question: Question, known: int) -> None:
    """Refused where the measure or the authority is not on record; an authority is where a measure names it."""
    if question.measure:
        subjects.about(connection, question.measure, known)
    if question.authority:
        measures = segments.abouts(connection, log.subject_keys(connection, "measure"), known)
        if all(about.get("authority") != question.authority for about in measures.values()):
            subjects.about(connection, question.authority, known)


def _wanted(item: Item, question: Question) -> bool:
    return question.measure in (None, item.key.subject) and question.authority in (
        None,
        item.about.get("authority"),
    )


def _reach(
    connection: Connection, question: Question, goods: Goods, at: Point
) -> Iterator[tuple[str, History, Layer]]:
    """The layers of a measure or an authority, for each whom it names; of each scope where none is asked for."""
    whole = question.scope is None and question.hs is None
    for code, seen in subjects.histories(connection, at.known, subject=question.measure):
        items = seen.items(at.as_of, subjects.of_measures)
        mine = [
            item
            for item in items
            if not item.key.claim and _wanted(item, question)
            and any(fact.via == code for fact in item.facts.values())
        ]  # fmt: skip
        for scope in sorted({item.key.scope for item in mine}) if whole else [goods.scope]:
            asked = Goods(scope, goods.qualifies, goods.content, goods.transshipped)
            actors = {item.actor for item in mine}
            for layer in duty(items, asked, seen.scopes, actors).layers:
                if layer.item.key in {item.key for item in mine} and (
                    not whole or layer.item.key.scope == scope
                ):
                    yield code, seen, layer


def _of_these(item: Item, scope: str, scopes: Scopes) -> bool:
    """Whether a claim is not one on other goods."""
    said = item.key.scope or item.get("scope", "")
    return said not in scopes or said in scopes.up(scope)


def _claims(item: Item, export: bool, actors: Sequence[str]) -> bool:
    """Whether somebody says something of what these goods pay, and it is not over."""
    if item.key.claim is None or item.get("status") == "ended" or item.get("outcome") in OVER:
        return False
    if kind_of(item.key.subject) == "measure":
        return item.actor in actors
    return bool(item.get("rate")) and kind_of(item.key.subject) in ("authority", "partner") and not export
