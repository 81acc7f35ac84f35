"""What people and programs see: plain, immutable shapes, and how an item or a change becomes one.

Instants are UTC. ``state`` holds an item's fields as their event type documents them (rates in percent);
``causes`` names, per field, the position of the event that set it; of status and rate the one that made them so
``since``, not one that only said them again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from tracker.domain import words
from tracker.domain.duty import Layer as Say
from tracker.domain.history import MAIN, Change, Fact, History, Item, value
from tracker.domain.when import BEGINNING, FOREVER, stated_at


class View(Struct, frozen=True, kw_only=True):
    """The common shape: immutable."""


class Temporal(View, frozen=True):
    """The point that an answer is about, on both axes; ``beyond_coverage``: later than the record has been kept."""

    as_of: datetime
    known_at: datetime
    known_position: int
    zone: str
    checked_through: str | None = None
    beyond_coverage: bool = False


class Cause(View, frozen=True):
    """The event behind a value."""

    position: int
    event: str
    development: str
    type: str
    title: str
    announced: str
    learnt_at: datetime
    confidence: str | None
    sources: list[dict[str, Any]] = []


class ItemView(View, frozen=True):
    """One item: a measure in one scope, a provision, a criterion, a claim, ... as it stands at a point.
    ``since_stated`` and ``until_stated``: how these instants were stated where that was less precisely than by the
    day (``by 2025-05-03``, ``2025-10``), here as elsewhere; else null."""

    subject: str
    title: str
    kind: str
    actor: str
    via: str
    aspect: str
    key: str
    scope: str
    claim: str | None
    state: dict[str, Any]
    counts: bool
    reason: str
    since: datetime | None
    until: datetime | None
    since_stated: str | None
    until_stated: str | None
    caused_by: int
    causes: dict[str, int]

    @property
    def set_by(self) -> int:
        """The event that made it stand as it does ``since``: the last of those behind its status and its rate."""
        return max((self.causes[name] for name in MAIN if name in self.causes), default=self.caused_by)


class ChangeView(View, frozen=True):
    """One item's change: over [from_, until) fields go from ``before`` to ``after``; ``words`` says it. ``name``: what
    a provision, criterion, risk or deadline is called in full, '' for anything else. ``exempt``: of goods that are
    exempt before and after, so that they do not pay what is said of them."""

    subject: str
    title: str
    aspect: str
    key: str
    name: str
    scope: str
    claim: str | None
    starts: datetime | None
    ends: datetime | None
    starts_stated: str | None
    ends_stated: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    words: list[str]
    caused_by: int | None
    exempt: bool = False


class LayerView(View, frozen=True):
    """One measure's say on some goods. ``rate`` in percent: what it charges (outside a quota), ``rate_in_quota`` within
    one, null where that is no single percentage (``words`` says it); ``adds``: the percentage points it puts on the
    total. ``counts`` and ``reason``: whether it is part of the total, and why or why not. ``partner``: for whom;
    ``via``: whom it was said of; ``except_``: whom that leaves out. [from, until): over which it stands like this, as
    known; null: since ever, or until further notice. ``caused_by``: the position of the event that made it so."""

    measure: str
    title: str
    kind: str
    authority: str | None
    actor: str
    scope: str
    partner: str
    via: str
    except_: list[str] = field(name="except")
    rate: float | None
    rate_in_quota: float | None
    words: str
    adds: float | None
    adds_in_quota: float | None
    counts: bool
    reason: str
    from_: datetime | None = field(name="from")
    until: datetime | None
    from_stated: str | None
    until_stated: str | None
    caused_by: int
    causes: dict[str, int]
    state: dict[str, Any]


class DutyView(View, frozen=True):
    """What some goods pay at a point: layers, and their total in percent of the customs value. ``total`` is null where
    it is unknown, and ``unknown`` says why; ``total_in_quota`` is null where no quota applies. ``parts``: what
    stands only for a part of these goods, or may (a list without headings); ``claims``: what somebody says of them
    that no instrument does."""

    temporal: Temporal
    partner: str | None
    direction: str
    scope: str
    title: str
    hs: str | None
    total: float | None
    total_in_quota: float | None
    includes_normal_duty: bool
    unknown: list[str]
    layers: list[LayerView]
    parts: list[ItemView]
    claims: list[ItemView]
    causes: dict[int, Cause]


class ScopeView(View, frozen=True):
    """Goods with a name: what they are a part of, the narrowest first, and their headings in the Harmonized System."""

    scope: str
    title: str
    within: list[str]
    hs: list[str]


class Deal(View, frozen=True):
    """An agreement with its provisions, and the accounts that its sides give of it."""

    agreement: ItemView
    provisions: list[ItemView]
    accounts: list[ItemView]


class Measure(View, frozen=True):
    """A measure: what it is, and how it stands, scope by scope, for each ``partner`` that it names (``everyone``: who
    is not named); where one partner is asked for, also what reaches it ``via`` a bloc or everyone."""

    subject: str
    title: str
    kind: str
    actor: str
    authority: str | None
    instrument: str | None
    partners: dict[str, list[ItemView]]


class Chore(View, frozen=True):
    """What an analyst should look at. ``kind``: ``open_claim``, ``promise``, ``returns``, ``deadline``, ``review`` or
    ``unchecked``; ``says`` it in a sentence; ``since`` when it is so, ``caused_by`` which position, and ``because`` of
    which later one it may be out of date. ``log``: what may be logged, as fields of the form at /log."""

    kind: str
    subject: str
    title: str
    key: str
    partners: list[str]
    says: str
    since: datetime | None
    log: dict[str, str]
    caused_by: int | None = None
    because: int | None = None


class Fit(View, frozen=True):
    """A link that may belong to what is logged: ``link`` is its name (``settles``, ``carries_out``, ``answers``),
    ``to`` what it leads to, and ``says`` that in words."""

    link: str
    to: str
    says: str


class PartnerName(View, frozen=True):
    """Who a partner is."""

    code: str
    name: str
    kind: str
    rank: int | None
    blocs: list[str]


class PartnerState(View, frozen=True):
    """Where things stand with a partner at a point: goals beside results. ``coming``: what changes next by what is
    scheduled; it is complete up to ``coming_until``, which is left out; null where nothing was. ``rates_to_come``: of
    measures that are announced without a rate, the change that brings it, however late it is."""

    temporal: Temporal
    partner: PartnerName
    talks: ItemView | None
    in_writing: bool | None
    focus: ItemView | None
    criteria: list[ItemView]
    risks: list[ItemView]
    profile: ItemView | None
    measures: list[ItemView]
    agreements: list[Deal]
    deadlines: list[ItemView]
    claims: list[ItemView]
    assessments: list[ItemView]
    coming: list[ChangeView]
    coming_until: datetime | None
    rates_to_come: list[ChangeView]
    causes: dict[int, Cause]


class Move(View, frozen=True):
    """What an event said of something: ``told_at`` the world was told, over [from, until) it holds, fields going from
    ``before`` to ``after``; ``words`` says it."""

    told_at: datetime
    from_: datetime | None = field(name="from")
    until: datetime | None
    position: int
    before: dict[str, Any]
    after: dict[str, Any]
    words: list[str]


class Talks(View, frozen=True):
    """Where talks stand; ``via``: whose talks they are, the partner's or those of a bloc it is in."""

    via: str
    status: str | None
    level: str | None
    text: str | None
    since: datetime | None
    caused_by: int
    moves: list[Move]


class Goal(View, frozen=True):
    """A criterion of the win, or a risk: where it stands, on what evidence, and what moved it."""

    key: str
    text: str
    standing: str
    evidence: str | None
    since: datetime | None
    caused_by: int
    moves: list[Move]


class Deadline(View, frozen=True):
    """A date that somebody has set: ``due`` as it was stated, ``due_at`` the instant that it begins. ``passed``: it is
    still open although its date has come. ``earlier``: where it stood before, first to last."""

    partner: str
    subject: str
    key: str
    title: str
    due: str | None
    due_at: datetime | None
    status: str
    passed: bool
    text: str | None
    earlier: list[str]
    caused_by: int
    moves: list[Move]


class Commitment(View, frozen=True):
    """A promise of an agreement with an amount or a date: ``by`` whom, how much of it has come ``so_far``. ``claim``:
    whose account of the deal it is from, null where both sides' own. ``passed``: its date has come, and nothing
    says how it went."""

    agreement: str
    title: str
    partners: list[str]
    key: str
    promise: str
    by: str | None
    amount: dict[str, Any] | None
    so_far: dict[str, Any] | None
    due: str | None
    due_at: datetime | None
    status: str | None
    passed: bool
    claim: str | None
    text: str | None
    caused_by: int
    moves: list[Move]


class Ruled(View, frozen=True):
    """What holds of an authority for ``target`` (everyone, or a named party): its legal status, whether duties under
    it are collected and refunded, by which ruling."""

    target: str
    legal: str | None
    stayed: bool
    collection: str | None
    refund: str | None
    ruling: str | None
    text: str | None
    since: datetime | None
    caused_by: int


class Ruling(View, frozen=True):
    """What a ruling (or what opened the record) said of an authority, or of one measure under it, for ``target``."""

    subject: str
    target: str
    move: Move


class Authority(View, frozen=True):
    """A legal authority: how it stands for everyone and for named parties, and the measures under it."""

    subject: str
    title: str
    actor: str
    law: str | None
    standing: list[Ruled]
    measures: list[str]


class Negotiation(View, frozen=True):
    """The talks with a partner, and what they have brought: each part with what moved it, the oldest first. ``causes``
    names the events behind it all."""

    temporal: Temporal
    partner: PartnerName
    focus: ItemView | None
    talks: Talks | None
    criteria: list[Goal]
    risks: list[Goal]
    deadlines: list[Deadline]
    deals: list[Deal]
    causes: dict[int, Cause]


class Layer(View, frozen=True):
    """A layer on all goods that counts, for the board."""

    subject: str
    title: str
    rate: str
    via: str


class Card(View, frozen=True):
    """A partner on the board. ``last_own``: the last change that is not one for everybody."""

    partner: PartnerName
    talks: str | None
    deal: str | None
    in_writing: bool | None
    layers: list[Layer]
    sectors: list[str]
    last_change: "Mention | None"
    last_own: "Mention | None"
    next_date: "Ahead | None"
    checked_through: str | None
    beyond_coverage: bool


class Mention(View, frozen=True):
    """A development, named."""

    development: str
    title: str
    announced: datetime


class Ahead(View, frozen=True):
    """A date that lies ahead, and what happens then."""

    at: datetime
    what: str
    subject: str = ""
    stated: str | None = None


class Entry(View, frozen=True):
    """A development on a timeline, in the version known at the point, with what it changed for this partner."""

    development: str
    event: str
    position: int
    title: str
    summary: str | None
    note: str | None
    confidence: str | None
    announced: str
    announced_at: datetime
    learnt_at: datetime
    recorded_at: datetime
    late: bool
    standing: str
    reason: str | None
    versions: int
    types: list[str]
    subjects: list[str]
    sources: list[dict[str, Any]]
    links: dict[str, list[str]]
    changes: list[ChangeView]


class Version(View, frozen=True, kw_only=True):
    """A development as one commit left it, and what that commit changed, for whom. ``what``: ``logged``, ``corrected``
    or ``withdrawn``; ``said``: the development as it was logged, fields as in a command. ``erased``: what it said is
    gone for good."""

    what: str
    erased: bool
    reason: str | None
    editorial: bool
    first: int
    last: int
    recorded_at: datetime
    learnt_at: datetime
    logged_by: str
    hashes: dict[int, str]
    said: dict[str, Any]
    changes: dict[str, list[ChangeView]]


class Story(View, frozen=True, kw_only=True):
    """A development with all its versions, oldest first. ``changes``: what it says as it stands (or stood before it was
    withdrawn), for whom, against what lay before it. ``seen``: the version of each of its subjects now."""

    entry: Entry
    versions: list[Version]
    changes: dict[str, list[ChangeView]]
    seen: dict[str, int]


class Resumption(View, frozen=True):
    """What holds again where an effect ends; ``state``: the whole item from then on, empty where nothing is said."""

    change: ChangeView
    state: dict[str, Any]


class Erasure(View, frozen=True):
    """A change that was scheduled and no longer happens then; ``later``: when its state comes instead, if ever."""

    change: ChangeView
    later: datetime | None


class Preview(View, frozen=True):
    """What an order changes, per partner (``everyone``: who is named nowhere): before -> after over time; what holds
    again where its effects end; and the scheduled changes that no longer happen on their day."""

    effects: dict[str, list[ChangeView]]
    resumes: dict[str, list[Resumption]]
    erases: dict[str, list[Erasure]]


def nested(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Fields as plain values: entries that live one by one (``exemptions.usmca``) stand under their field again."""
    state: dict[str, Any] = {}
    for name, fact in facts.items():
        if fact.value is None or name in words.HIDDEN:
            continue
        head, _, entry = name.partition(".")
        if entry:
            state.setdefault(head, {})[entry] = fact.value
        else:
            state[name] = fact.value
    return state


def bounded(at: datetime) -> datetime | None:
    """An instant; None for the beginning and the end of time."""
    return None if at <= BEGINNING or at >= FOREVER else at


def stated(about: Mapping[str, Any], at: datetime) -> str | None:
    """How an instant was stated where that was less precisely than by the day: ``by 2025-05-03``, ``2025-10``."""
    return about.get(stated_at(at))


def title_of(subject: str, about: Mapping[str, Any]) -> str:
    """The title of a subject, or what its key says."""
    kind, _, key = subject.partition(":")
    return str(about.get("title") or about.get("name") or (words.name_of(key) if kind == "partner" else key))


def item_view(item: Item) -> ItemView:
    key = item.key
    return ItemView(
        subject=key.subject, title=title_of(key.subject, item.about), kind=str(item.about.get("kind", "")),
        actor=item.actor, via=item.via, aspect=key.family, key=key.name, scope=key.scope, claim=key.claim,
        state=nested(item.facts), counts=item.counts, reason=item.reason, since=bounded(item.since),
        until=bounded(item.till), since_stated=stated(item.about, item.since),
        until_stated=stated(item.about, item.till), caused_by=item.position,
        causes={name: fact.position for name, fact in item.facts.items() if fact.value is not None},
    )  # fmt: skip


def layer_view(layer: Say, partner: str, spared: Sequence[str] = ()) -> LayerView:
    item, view, about = layer.item, item_view(layer.item), layer.item.about
    said = words.rate(layer.rate) if layer.rate else ""
    if layer.inside is not None:
        said = f"{words.rate(layer.inside)} within the quota, beyond it {said or 'not stated'}"
    return LayerView(
        measure=view.subject, title=view.title, kind=view.kind or "tariff", authority=about.get("authority"),
        actor=view.actor, scope=view.scope, partner=partner, via=view.via,
        except_=[*spared], rate=percent(layer.rate), rate_in_quota=percent(layer.inside), words=said, adds=layer.adds,
        adds_in_quota=layer.adds_inside, counts=layer.counts, reason=layer.reason, from_=bounded(item.since),
        until=bounded(item.till), from_stated=view.since_stated, until_stated=stated(about, item.till),
        caused_by=view.set_by, causes=view.causes, state=view.state,
    )  # fmt: skip


def percent(rate: Mapping[str, Any] | None) -> float | None:
    """A rate as a number; None where it is not one."""
    return None if rate is None or rate.get("of") or rate.get("percent") is None else float(rate["percent"])


NAMING = {"provision": "title", "deadline": "title", "criterion": "text", "risk": "text"}
"""The field that an item of these aspects is known by."""


def name_of(change: Change, seen: History) -> str:
    """What the item of a change is called, as known in a history; '' where it has no name of its own."""
    field = NAMING.get(change.key.family)
    if field is None:
        return ""
    held = (change.after, seen.own(change.key, change.start), change.before)
    return next(
        (str(found) for facts in held if (found := value(facts, field))), words.scope_of(change.key.name)
    )


def change_view(change: Change, seen: History) -> ChangeView:
    """A change as it is seen beside what else is known of its item."""
    key = change.key
    about = seen.abouts.get(key.subject, {})
    before = {name: value(change.before, name) for name in change.before}
    after = {name: value(change.after, name) for name in change.after}
    exempt = seen.exempts(key, change.start) and "exempt" not in {**before, **after}
    positions = [fact.position for fact in change.after.values()] or [
        f.position for f in change.before.values()
    ]
    return ChangeView(
        subject=key.subject, title=title_of(key.subject, about), aspect=key.family, key=key.name,
        name=name_of(change, seen), scope=key.scope, claim=key.claim, starts=bounded(change.start),
        ends=bounded(change.end), starts_stated=stated(about, change.start), ends_stated=stated(about, change.end),
        before=nested(change.before), after=nested(change.after), exempt=exempt,
        words=words.change(before, after, key.family, exempt),
        caused_by=max(positions) if positions else None,
    )  # fmt: skip
