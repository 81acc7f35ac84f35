"""Plain words for states and changes: the same on every page, in every mail and at the prompt."""

import calendar
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.domain.countries import COUNTRIES
from tracker.domain.when import BEGINNING, FOREVER

FIELDS = {
    "status": "status", "why_ended": "ended because", "rate": "rate", "combines": "combines",
    "replaces": "replaces", "yields_to": "yields to", "quota": "quota", "exempt": "exempt",
    "exemptions": "spared", "transshipped": "if transshipped", "in_transit": "goods in transit",
    "refund": "refund", "legal": "legal status", "stayed": "ruling stayed", "collection": "collection",
    "condition": "condition", "review_on": "review on", "awaits": "awaits", "starts": "said to start",
    "ends": "said to end", "pending": "pending", "text": "note", "in_writing": "in writing",
    "ratified": "ratified by", "title": "title", "before": "from", "after": "to", "amount": "amount",
    "so_far": "so far", "due": "due", "changes": "changes", "standing": "standing", "evidence": "evidence",
    "says": "says",
    "by": "by", "outcome": "outcome", "level": "level", "sectors": "sectors", "imports": "imports",
    "exports": "exports", "focus": "focus", "ruling": "ruling", "scope": "scope", "member": "member",
    "through": "checked through",
}  # fmt: skip
ASPECTS = {
    "talks": "Talks", "focus": "Focus", "profile": "Trade profile", "criterion": "Criterion", "risk": "Risk",
    "deadline": "Deadline", "assessment": "Assessment", "provision": "Provision", "membership": "Member of",
    "legal": "Legal status", "claim": "Claim", "state": "", "checked": "Checked",
}  # fmt: skip
HIDDEN = ("due_at", "starts_at")
"""Fields that serve the machine and are said by another field already."""
CODED = ("status", "why_ended", "combines", "refund", "legal", "collection", "standing", "outcome")
"""Fields whose values are codes, said with spaces."""
PROSE = ("text", "condition", "in_transit", "evidence", "focus")
"""Fields that hold sentences: of a new one the old is not said again."""
TITLED = (*PROSE, "exemptions", "level", "ruling", "scope", "sectors", "imports", "exports", "title")
"""Fields whose value stands behind a colon."""
PAYING = ("rate", "quota", "transshipped", "combines", "replaces", "yields_to")
"""Fields that say what goods pay, unless they are exempt."""
STILL_EXEMPT = "still exempt"
COLLECTED = {
    "collected": "duties are collected",
    "not_collected": "duties are not collected",
    "refundable": "duties are refundable",
}
REFUNDED = {
    "due": "a refund is due", "suspended": "refunds are suspended", "paid": "refunds are paid",
    "none": "no refund is due",
}  # fmt: skip
_SIZES = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))
_CURRENCIES = {"USD": "US$", "EUR": "€", "GBP": "£", "CAD": "C$"}


def name_of(code: str) -> str:
    """The name of a partner, bloc or target."""
    names = {"EU": "European Union", "everyone": "all partners", "each_of": "all named"}
    return names.get(code) or COUNTRIES.get(code) or code.removeprefix("party:").replace("-", " ")


def the(name: str) -> str:
    """A partner's name within a sentence: ``the United Kingdom``."""
    return f"the {name}" if name.startswith("United ") or name in ("Netherlands", "European Union") else name


def scope_of(slug: str) -> str:
    """``auto-parts`` as words."""
    return slug.replace("-", " ")


def number(value: float) -> str:
    """A number without trailing zeros, thousands apart."""
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def rate(value: Mapping[str, Any]) -> str:
    """``25%``, ``up to 245%``, ``15 to 20%``, ``US$80 per item``, ``10% and US$1 per kg``, ``banned``,
    ``rate unknown``."""
    low, high = value.get("at_least"), value.get("at_most")
    if value.get("percent") is not None:
        said = f"{number(value['percent'])}%"
        said += f" and {amount(value['amount'])}" if value.get("amount") else ""
    elif low is not None and high is not None:
        said = f"{number(low)} to {number(high)}%"
    elif high is not None:
        said = f"up to {number(high)}%"
    elif low is not None:
        said = f"at least {number(low)}%"
    elif value.get("amount"):
        said = amount(value["amount"])
    else:
        said = "banned" if value.get("ban") else "rate unknown"
    return f"{said} of {value['of']}" if value.get("of") else said


def total(percent: float | None, within: float | None = None) -> str:
    """``27.5%``, ``10% within the quota, 27.5% beyond it``, ``not known``."""
    said = "not known" if percent is None else f"{number(percent)}%"
    return said if within is None else f"{number(within)}% within the quota, {said} beyond it"


def amount(value: Mapping[str, Any]) -> str:
    """``US$10 billion``; ``US$80 per item``; ``25 million tonnes per year``."""
    size, currency = float(value["value"]), value.get("currency", "")
    unit, word = next(((unit, word) for unit, word in _SIZES if size >= unit), (1.0, ""))
    said = f"{_CURRENCIES.get(currency, currency and currency + ' ')}{number(size / unit)}{word}"
    said += f" {value['unit']}" if value.get("unit") else ""
    return said + (f" per {value['per']}" if value.get("per") else "")


def quota(value: Mapping[str, Any]) -> str:
    """``100,000 vehicles a year at 10%, beyond it 25%``."""
    period = {"once": "once"}.get(
        value.get("period", "year"), f"a {value.get('period', 'year').replace('_', ' ')}"
    )
    said = f"{number(value['quantity'])} {value['unit']} {period}"
    if value.get("inside"):
        said += f" at {rate(value['inside'])}"
    return said + (f", beyond it {rate(value['outside'])}" if value.get("outside") else "")


def lawful(legal: str | None, stayed: bool, collection: str | None, refund: str | None) -> str:
    """How a law stands: ``struck down, but the ruling is stayed; duties are collected``."""
    parts = [(legal or "not stated").replace("_", " ") + (", but the ruling is stayed" if stayed else "")]
    if collection:
        parts.append(COLLECTED[collection])
    if refund:
        parts.append(REFUNDED[refund])
    return "; ".join(parts)


def field(name: str) -> str:
    """The label of a field: ``exemptions.usmca`` is ``exemption usmca``."""
    head, _, rest = name.partition(".")
    return f"{FIELDS.get(head, head.replace('_', ' '))} {rest}".strip()


def said(name: str, value: Any) -> str:
    """The value of a field in words."""
    match name.partition(".")[0], value:
        case _, None:
            return "none"
        case (("rate" | "before" | "after" | "transshipped"), dict()):
            return rate(value)
        case "quota", dict():
            return quota(value)
        case (("amount" | "so_far"), dict()):
            return amount(value)
        case "exemptions", dict():
            return str(value["text"]) + (f" ({rate(value['rate'])})" if value.get("rate") else "")
        case (("imports" | "exports"), dict()):
            parts = [amount(value["amount"])] if value.get("amount") else []
            return ", ".join([*parts, *value.get("mainly", [])]) or "unknown"
        case "pending", dict():
            return "; ".join(f"{field(k)} {said(k, v)}" for k, v in value.items() if v is not None)
        case (("due" | "review_on" | "through" | "ratified" | "starts" | "ends"), str()):
            return stated(value)
        case _, bool():
            return "yes" if value else "no"
        case _, list():
            return ", ".join(str(entry) for entry in value) or "none"
        case "status", "none":
            return "does not apply"
        case _, str() as text:
            return text.replace("_", " ") if name in CODED else text
        case _:
            return str(value)


def moved(name: str, before: Any, after: Any) -> str:
    """One field's change: ``rate 25% → 50%``; a field that is new is just said."""
    head = name.partition(".")[0]
    label = {"status": "", "exemptions": FIELDS["exemptions"]}.get(head, field(name))
    label += ": " if head in TITLED else " " if label else ""
    if name in _SAID:
        held = _SAID[name]
        if before is True and not after and name != "in_writing":
            return f"no longer {held[True]}" if name == "exempt" else held[False]
        return held[after] if after is not None else f"no longer {held[before]}"
    if isinstance(before, list) and isinstance(after, list):
        gone, new = [x for x in before if x not in after], [x for x in after if x not in before]
        parts = [f"{label}{said(name, new)} as well"] if new else []
        return "; ".join([*parts, f"no longer {label}{said(name, gone)}"] if gone else parts)
    if head == "exemptions":
        before, after = (entry if entry and not entry.get("ended") else None for entry in (before, after))
    if before is None and after is None:
        return f"{label}none"
    if before is None:
        return "rate unknown" if name == "rate" and after.get("unknown") else f"{label}{said(name, after)}"
    if after is None:
        if head in TITLED:
            return f"no {'longer' if head == 'exemptions' else 'more'} {label}{said(name, before)}"
        return f"{label}{said(name, before)} → none"
    was, now = said(name, before), said(name, after)
    if head in PROSE:
        return f"{field(name)} now: {now}"
    if was == now:
        return f"{label}{now}: {after.get('text') or 'put in other words'}"
    return f"{label}{was} → {now}".replace("→ rate unknown", "→ unknown")


_SAID: dict[str, dict[Any, str]] = {
    "exempt": {True: "exempt", False: "not exempt"},
    "stayed": {True: "the ruling is stayed", False: "the ruling is not stayed"},
    "in_writing": {True: "in writing", False: "not in writing"},
    "combines": {
        "adds": "adds to other duties",
        "all_in": "all-in: includes the normal duty",
        "replaces": "instead of other duties",
    },
}


def happened(family: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], set[str]]:
    """What became of talks, a criterion, a risk, a deadline or a provision, as people say it, and the fields that this
    says: ``moved from 9 July 2025 to 1 August 2025``, ``set back, was open``, ``fulfilled in part: ...``."""
    was, now = (held.get(STANDS.get(family, "")) for held in (before, after))
    usual = {"open", "announced", "none"}
    lines: list[str] = []
    done: set[str] = set()
    if family == "deadline" and after.get("due"):
        done |= {"due"}
        due = stated(after["due"])
        lines.append(
            f"moved from {stated(before['due'])} to {due}" if before.get("due") else f"set for {due}"
        )
    if family == "provision" and after.get("so_far"):
        done |= {"so_far", "amount"}
        whole = after.get("amount") or before.get("amount")
        share = amount(after["so_far"]) + (f" of {amount(whole)}" if whole else "")
        fulfilled = now == "fulfilled" or (whole and whole["value"] <= after["so_far"]["value"])
        lines.append(f"{'fulfilled' if fulfilled else 'fulfilled in part'}: {share}")
    if family == "legal":
        if after.get("legal"):
            law = after["legal"].replace("_", " ")
            lines.append(f"{law}, was {before['legal'].replace('_', ' ')}" if before.get("legal") else law)
            done |= {"legal"}
        for name, codes in (("collection", COLLECTED), ("refund", REFUNDED)):
            if after.get(name):
                lines.append(codes[after[name]])
                done |= {name}
    if now is not None and now != was:
        done |= {STANDS[family]}
        said = _BECOMES.get((family, now), now.replace("_", " "))
        if family == "talks" and now == "under_way" and was in ("paused", "broken_off"):
            said = "resumed"
        elif family == "talks" and now == "under_way" and was:
            said = "held"
        if not (lines and now in ("open", "fulfilled")):
            known = family == "talks" and said == "resumed"
            lines.append(
                said if was is None or was in usual or known else f"{said}, was {was.replace('_', ' ')}"
            )
        elif was is not None and now == "open":
            lines.append(f"open again, was {was}")
    return lines, done


STANDS = {
    "talks": "status", "deadline": "status", "provision": "status", "criterion": "standing", "risk": "standing",
}  # fmt: skip
"""The field that says how an item of these aspects stands."""
_BECOMES = {
    ("talks", "under_way"): "held",
    ("criterion", "open"): "a goal of the talks",
    ("risk", "open"): "a risk of the talks",
    ("deadline", "closed"): "closed, nobody says how",
}


def applying(
    before: Mapping[str, Any], after: Mapping[str, Any], exempt: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields before and after without what goods that are exempt do not pay. ``exempt``: whether they are, where that
    does not change."""
    told = "exempt" in before or "exempt" in after
    was, now = (held.get("exempt") if told else exempt for held in (before, after))
    kept_before = {name: value for name, value in before.items() if not (was or now) or name not in PAYING}
    return kept_before, {name: value for name, value in after.items() if not now or name not in PAYING}


def change(
    before: Mapping[str, Any], after: Mapping[str, Any], family: str = "", exempt: bool = False
) -> list[str]:
    """All moves of a change, the ones that matter first. ``family``: the aspect it is of, where that has words of its
    own for them; ``exempt``: see ``applying``."""
    before, after = applying(before, after, exempt)
    if exempt and not before and not after:
        return [STILL_EXEMPT]
    first, done = happened(family, before, after)
    before, after = ({k: v for k, v in held.items() if k not in done} for held in (before, after))
    return first + _moves(before, after)


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = [name for name in FIELDS if name in {**before, **after}]
    names += [name for name in {**before, **after} if name not in FIELDS and name not in HIDDEN]
    if "status" in after and "why_ended" not in after:
        names = [name for name in names if name != "why_ended"]
    lines = {name: moved(name, before.get(name), after.get(name)) for name in names}
    if not before.keys() & {"before", "after"} and after.keys() >= {"before", "after"}:
        lines["before"] = f"{said('before', after['before'])} → {said('after', after['after'])}"
        del lines["after"]
    if not before.keys() & {"by", "says"} and after.keys() >= {"by", "says"}:
        lines["says"] = f"{after['by']}: “{after['says']}”"
        del lines["by"]
    return list(lines.values())


_STATED = re.compile(
    r"(by )?(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"
)


def stated(text: str) -> str:
    """A date as it was stated, in words and no more precise: ``by 1 April 2025``, ``April 2025``, ``9 April 2025,
    13:18 (UTC-04:00)``."""
    form = _STATED.fullmatch(text.strip())
    if form is None:
        return text
    by, year, month, of_month, clock, offset = form.groups(default="")
    named = f"{calendar.month_name[int(month)]} {year}" if month and 1 <= int(month) <= 12 else year
    shown = f"{by}{int(of_month)} {named}" if of_month else f"{by}{named}"
    return (
        shown
        + (f", {clock}" if clock else "")
        + (f" ({'UTC' if offset == 'Z' else 'UTC' + offset})" if offset else "")
    )


def bound(text: str, word: str) -> str:
    """``from 9 April 2025``; but ``by 3 May 2025``, which says so itself, and ``until 3 May 2025 at the latest``."""
    if "by " not in text:
        return f"{word} {text}"
    return f"until {text.replace('by ', '', 1)} at the latest" if word == "until" else text


def day(at: datetime, zone: ZoneInfo) -> str:
    """``7 August 2025``, with the time where it is not midnight."""
    if at <= BEGINNING:
        return "the beginning"
    if at >= FOREVER:
        return "further notice"
    local = at.astimezone(zone)
    shown = f"{local.day} {local:%B %Y}"
    return shown if (local.hour, local.minute) == (0, 0) else f"{shown}, {local:%H:%M}"
