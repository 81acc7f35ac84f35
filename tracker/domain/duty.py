"""Rates are explained, never asserted: which measures make up a duty, why each counts or not, and the total.

A *layer* is one measure's say on some goods. The narrowest scope in which the measure speaks of them is taken; then
its own standing (in force, exempt, paused, struck down, ...) and then what gives way to what. All rates are in percent
of the customs value. A rate that nobody has stated makes the total unknown, with the reason; none is ever supposed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tracker.domain import words
from tracker.domain.events import HOME, kind_of
from tracker.domain.history import Item
from tracker.domain.scopes import ALL_GOODS, Scopes

NORMAL = "normal"
DUTIES = ("tariff", NORMAL, "ban", "postal", "de_minimis", "quota", "fee")
"""The kinds of measure that bear on what goods pay at the border."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What is known of the goods that are asked about, beside where they come from. ``qualifies``: the exemptions that
    they meet (``usmca``, ``us-85``, ``in-transit``); ``content``: shares of their value, 0 to 1 (``{"us": 0.85}``)."""

    scope: str = ALL_GOODS
    qualifies: frozenset[str] = frozenset()
    content: Mapping[str, float] = field(default_factory=dict)
    transshipped: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One measure's say. ``rate`` is what it charges these goods (outside a quota), ``inside`` what within its quota;
    ``adds`` and ``adds_inside`` are the percentage points it puts on the total: None where it does not count, or where
    that is unknown. ``of``: the part of the value that it is stated for ("copper content"), where not the whole."""

    item: Item
    counts: bool
    reason: str
    rate: Mapping[str, Any] | None
    inside: Mapping[str, Any] | None = None
    adds: float | None = None
    adds_inside: float | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """The layers on some goods and their total in percent. ``total`` is None where it is unknown, and ``unknown`` says
    why; ``total_in_quota`` is None also where no quota applies. ``parts``: what stands only for a part
    of these goods, or may."""

    layers: Sequence[Layer]
    total: float | None
    total_in_quota: float | None
    includes_normal_duty: bool
    unknown: Sequence[str]
    parts: Sequence[Item] = ()


def duty(
    items: Iterable[Item],
    goods: Goods,
    scopes: Scopes,
    actors: Iterable[str] = (HOME,),
    wanted: Callable[[Item], bool] = lambda item: True,
) -> Duty:
    """What the measures of these actors among ``items`` (everything that holds for a partner at an instant) make of
    some goods: all of them, or the ``wanted`` ones."""
    theirs = [item for item in items if speaks(item) and item.actor in actors]
    parts = [
        item
        for item in counted(theirs, scopes)
        if _in_part(item.key.scope, goods.scope, scopes) and wanted(item) and (item.counts or _waits(item))
    ]
    return replace(added(theirs, goods, scopes, wanted), parts=parts)


def added(
    items: Iterable[Item], goods: Goods, scopes: Scopes, wanted: Callable[[Item], bool] = lambda item: True
) -> Duty:
    """The layers and the total alone, of measures of the same actors: without a look at parts of these goods."""
    picked = _narrowest([item for item in items if speaks(item)], goods.scope, scopes)
    layers = _ordered([_layer(item, goods) for item in picked], goods)
    return _summed([layer for layer in layers if wanted(layer.item)])


def counted(items: Sequence[Item], scopes: Scopes) -> list[Item]:
    """The items, each measure with whether it counts as a duty on the goods of its own scope, and why not."""
    speaking = [item for item in items if speaks(item)]
    judged: dict[str, dict[Any, Layer]] = {}
    for scope in {item.key.scope for item in speaking}:
        goods, picked = Goods(scope), _narrowest(speaking, scope, scopes)
        judged[scope] = {x.item.key: x for x in _ordered([_layer(item, goods) for item in picked], goods)}
    out = []
    for item in items:
        layer = judged.get(item.key.scope, {}).get(item.key)
        counts, reason = (layer.counts, layer.reason) if layer else _standing(item)
        out.append(replace(item, counts=counts, reason=reason))
    return out


# ---------------------------------------------------------------- one measure


def speaks(item: Item) -> bool:
    """Whether it is what an instrument says of a measure that bears on duties."""
    return (
        kind_of(item.key.subject) == "measure"
        and item.key.aspect == "state"
        and not item.key.claim
        and item.about.get("kind", "tariff") in DUTIES
    )


def _waits(item: Item) -> bool:
    """Whether it is to count later: announced or paused, and these goods are not spared."""
    return item.get("status") in ("announced", "paused") and not item.get("exempt")


def _in_part(scope: str, asked: str, scopes: Scopes) -> bool:
    """Whether a scope holds some of the goods asked about and not all of them, or may."""
    return scope not in scopes.up(asked) and (asked in scopes.up(scope) or scopes.lists(scope))


def _narrowest(items: Iterable[Item], scope: str, scopes: Scopes) -> list[Item]:
    """Per measure, the item in the narrowest scope that holds these goods."""
    path = {wider: place for place, wider in enumerate(scopes.up(scope))}
    best: dict[str, Item] = {}
    for item in items:
        place = path.get(item.key.scope)
        held = best.get(item.key.subject)
        if place is not None and (held is None or place < path[held.key.scope]):
            best[item.key.subject] = item
    return [best[subject] for subject in sorted(best)]


def _layer(item: Item, goods: Goods) -> Layer:
    quota = item.get("quota", {})
    rate, inside = quota.get("outside") or item.get("rate"), quota.get("inside")
    if item.get("combines") == "all_in":
        rate, inside = (part and {**part, "all_in": True} for part in (rate, inside))
    if goods.transshipped and item.get("transshipped"):
        rate, inside = item.get("transshipped"), None
    counts, reason = _standing(item)
    if counts and (met := _exemption(item, goods)):
        key, exemption = met
        if exemption.get("rate") is None:
            return Layer(item, False, f"exempt: {exemption['text']}", rate, inside)
        rate, inside, reason = exemption["rate"], None, f"{key}: {exemption['text']}"
    elif counts and inside is not None:
        reason = f"in force; within the quota {words.rate(inside)}"
    of = (rate or {}).get("of", "") if _part(rate) else ""
    return Layer(item, counts, reason, _of_content(rate, goods), _of_content(inside, goods), of=of)


def _exemption(item: Item, goods: Goods) -> tuple[str, Mapping[str, Any]] | None:
    """The exemption that the goods meet: one that spares them before one that charges less."""
    stated = {
        name.partition(".")[2]: fact.value
        for name, fact in item.facts.items()
        if name.startswith("exemptions.") and fact.value and not fact.value.get("ended")
    }
    if item.get("in_transit"):
        stated.setdefault("in-transit", {"text": item.get("in_transit")})
    met = [(key, value) for key, value in stated.items() if key in goods.qualifies or _holds(key, goods)]
    return min(met, key=lambda pair: (pair[1].get("rate") is not None, pair[0]), default=None)


def _holds(key: str, goods: Goods) -> bool:
    """Whether the goods hold as much of something as the key of an exemption asks for: ``us-20``, a fifth or more."""
    form = re.fullmatch(r"(?:content-)?(.+)-(\d{1,3})", key)
    return form is not None and goods.content.get(form[1].replace("-", " "), -1) >= int(form[2]) / 100


_CONTENT = re.compile(r"(non[- ])?(.+?)[- ]content(?: value)?")


def _part(rate: Mapping[str, Any] | None) -> re.Match[str] | None:
    """The part of the value that a rate is charged on: ``copper`` of "copper content", with ``non-`` before it."""
    of = (rate or {}).get("of")
    return _CONTENT.fullmatch(str(of).lower().removeprefix("the ").strip()) if of else None


def _share(of: str, goods: Goods) -> float | None:
    """How much of the value a part is, 0 to 1; None where that is not known."""
    form = _part({"of": of})
    share = goods.content.get(form[2].replace("-", " ")) if form else None
    return 1 - share if form and form[1] and share is not None else share


def _of_content(rate: Mapping[str, Any] | None, goods: Goods) -> Mapping[str, Any] | None:
    """A rate on a part of the value ("copper content", "non-US content") as one on the whole, where the share of that
    part is known."""
    share = _share((rate or {}).get("of", ""), goods)
    return rate if rate is None or share is None else _scaled(rate, share)


def _on_the_rest(
    rate: Mapping[str, Any] | None, parts: Sequence[str], goods: Goods
) -> Mapping[str, Any] | None:
    """A rate on what of the value is left beside the parts that others, which it gives way to, are charged on."""
    shares = [_share(of, goods) for of in parts]
    if rate is None:
        return None
    if None in shares:
        return {**rate, "of": f"what is not {' or '.join(parts)}"}
    return _scaled(rate, max(1 - sum(share for share in shares if share is not None), 0.0))


def _scaled(rate: Mapping[str, Any], share: float) -> Mapping[str, Any]:
    whole = {name: value for name, value in rate.items() if name != "of"}
    if rate.get("percent") is None:
        return rate
    return whole | {"percent": round(rate["percent"] * share, 6)}


def _standing(item: Item) -> tuple[bool, str]:
    """Whether a measure itself applies, and why not."""
    if kind_of(item.key.subject) != "measure" or item.key.aspect != "state":
        return False, ""
    if item.key.claim:
        return False, "only a claim: no instrument"
    if item.get("exempt"):
        return False, "exempt, refund due" if item.get("refund") == "due" else "exempt"
    status = item.get("status")
    if status != "in_force":
        return False, str(status or "no status").replace("_", " ")
    if (collection := item.get("collection")) in ("not_collected", "refundable"):
        return False, str(collection).replace("_", " ")
    legal = item.get("legal")
    if legal in ("struck_down", "enjoined") and not item.get("stayed"):
        collected = item.get("collection") == "collected"
        return collected, f"{legal.replace('_', ' ')}, still collected" if collected else legal.replace(
            "_", " "
        )
    return True, "in force"


# ---------------------------------------------------------------- what gives way to what


def _ordered(layers: Sequence[Layer], goods: Goods) -> list[Layer]:
    """The layers after precedence: one that counts and gives way to another that counts does not; where that other is
    charged on a part of the value alone, the rest is left to it."""
    counting = {layer.item.key.subject: layer for layer in layers if layer.counts}
    beaten = {subject: _beaten_by(layer, counting.values()) for subject, layer in counting.items()}
    whole = {
        subject: [pair for pair in pairs if not _leaves_some(counting[pair[0]], counting[subject])]
        for subject, pairs in beaten.items()
    }
    lost = _lost(counting, whole)
    return [_placed(layer, beaten, counting, lost, goods) if layer.counts else layer for layer in layers]


def _lost(
    counting: Mapping[str, Layer], rivals: Mapping[str, Sequence[tuple[str, str]]]
) -> Mapping[str, str | None]:
    """Why each gives way, or None. Who gives way itself pushes nobody aside; where several give way to one another in
    a ring, the one whose terms are the oldest does."""
    lost: dict[str, str | None] = {}
    left = sorted(counting, key=lambda subject: (counting[subject].item.position, subject))
    while left:
        for subject in left:
            against = [reason for other, reason in rivals[subject] if lost.get(other, "") is None]
            if against or all(other in lost for other, _ in rivals[subject]):
                lost[subject] = against[0] if against else None
                break
        else:
            lost[left[0]] = next(reason for other, reason in rivals[left[0]] if other not in lost)
        left = [subject for subject in left if subject not in lost]
    return lost


def _placed(
    layer: Layer,
    beaten: Mapping[str, Sequence[tuple[str, str]]],
    counting: Mapping[str, Layer],
    lost: Mapping[str, str | None],
    goods: Goods,
) -> Layer:
    subject = layer.item.key.subject
    if reason := lost[subject]:
        return replace(layer, counts=False, reason=reason)
    before = [(counting[other].of, reason) for other, reason in beaten[subject] if lost[other] is None]
    if not before:
        return layer
    parts = list(dict.fromkeys(of for of, _ in before))
    rate, inside = (_on_the_rest(part, parts, goods) for part in (layer.rate, layer.inside))
    reason = "; ".join(f"{reason} on the {of}" for of, reason in before)
    return replace(layer, reason=reason, rate=rate, inside=inside)


def _leaves_some(winner: Layer, layer: Layer) -> bool:
    """Whether a layer that gives way keeps the part of the value that the winner is not charged on."""
    return bool(winner.of) and not layer.of


def _beaten_by(layer: Layer, others: Iterable[Layer]) -> list[tuple[str, str]]:
    """The measures that this one gives way to where they count, each with the words for it."""
    mine, found = layer.item, []
    for other in others:
        subject = other.item.key.subject
        if subject == mine.key.subject:
            continue
        title = other.item.about.get("title", subject)
        replaces = other.item.get("replaces") or []
        if not _names(other.item).isdisjoint(mine.get("yields_to") or []):
            found.append((subject, f"yields to {title}"))
        elif not _names(mine).isdisjoint(replaces) or (
            not replaces and other.item.get("combines") == "replaces" and not (_normal(layer) or _bans(layer))
        ):
            found.append((subject, f"replaced by {title}"))
    return found


def _names(item: Item) -> set[Any]:
    """What a rule of precedence may call a measure: itself, or its authority."""
    return {item.key.subject, item.about.get("authority")}


# ---------------------------------------------------------------- the total


def _summed(layers: Sequence[Layer]) -> Duty:
    unknown: list[str] = []
    counting = [layer for layer in layers if layer.counts]
    normal = _normal_duty(counting, lambda layer: layer.rate, unknown)
    outside = _adds(counting, lambda layer: layer.rate, normal, unknown)
    quotas = any(layer.inside is not None for layer in counting)
    within: list[str] = []
    inside = _adds(counting, _within, normal, within) if quotas else {}
    told = [
        replace(
            layer,
            adds=outside.get(layer.item.key.subject),
            adds_inside=inside.get(layer.item.key.subject) if quotas else None,
        )
        if layer.counts
        else layer
        for layer in layers
    ]
    ceilings = any(_all_in(layer.rate) for layer in counting)
    return Duty(
        layers=told,
        total=_total(outside) if not unknown else None,
        total_in_quota=_total(inside) if quotas else None,
        includes_normal_duty=normal is not None or ceilings,
        unknown=list(dict.fromkeys([*unknown, *within])),
    )


def _within(layer: Layer) -> Mapping[str, Any] | None:
    return layer.rate if layer.inside is None else layer.inside


def _total(adds: Mapping[str, float | None]) -> float | None:
    known = [value for value in adds.values() if value is not None]
    return round(sum(known), 6) if len(known) == len(adds) else None


def _normal(layer: Layer) -> bool:
    return bool(layer.item.about.get("kind") == NORMAL)


def _bans(layer: Layer) -> bool:
    return layer.item.about.get("kind") == "ban" or bool((layer.rate or {}).get("ban"))


def _all_in(rate: Mapping[str, Any] | None) -> bool:
    return bool((rate or {}).get("all_in"))


def _normal_duty(
    layers: Iterable[Layer], rate: Callable[[Layer], Mapping[str, Any] | None], unknown: list[str]
) -> float | None:
    """The normal duty on these goods; None where none is recorded."""
    stated = [_percent(layer, rate(layer), unknown) for layer in layers if _normal(layer)]
    return sum(part for part in stated if part is not None) if stated and None not in stated else None


def _adds(
    layers: Sequence[Layer],
    rate: Callable[[Layer], Mapping[str, Any] | None],
    normal: float | None,
    unknown: list[str],
) -> dict[str, float | None]:
    """The percentage points of each layer, by measure. A ceiling that includes the normal duty adds what that leaves
    of it; where the normal duty is not recorded, a single ceiling is taken for both."""
    ceilings = [layer for layer in layers if _all_in(rate(layer))]
    adds: dict[str, float | None] = {}
    for layer in layers:
        percent = _percent(layer, rate(layer), [] if _normal(layer) else unknown)
        if percent is not None and layer in ceilings:
            if normal is not None:
                percent = max(percent - normal, 0.0)
            elif len(ceilings) > 1:
                unknown.append(
                    f"{_title(layer)} includes the normal duty, as another does, and that is not on record"
                )
                percent = None
        adds[layer.item.key.subject] = percent if percent is None else round(percent, 6)
    return adds


def _percent(layer: Layer, rate: Mapping[str, Any] | None, unknown: list[str]) -> float | None:
    """A rate as percent of the value; None, with the reason, where it is not one."""
    title = _title(layer)
    if rate is None and layer.item.about.get("kind") == "quota":
        return 0.0
    if _bans(layer):
        unknown.append(f"{title} bans these goods")
    elif rate is None or rate.get("unknown"):
        told = (rate or {}).get("text")
        unknown.append(f"the rate of {title} is not on record" + (f": {told}" if told else ""))
    elif rate.get("of"):
        unknown.append(f"{title} charges {words.rate(rate)}, and the share of that is not given")
    elif rate.get("percent") is None or rate.get("amount"):
        unknown.append(f"{title} charges {words.rate(rate)}, which is no single percentage")
    else:
        return float(rate["percent"])
    return None


def _title(layer: Layer) -> str:
    return str(layer.item.about.get("title", layer.item.key.subject))
