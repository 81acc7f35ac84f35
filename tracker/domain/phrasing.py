"""A change as a digest says it: what holds now, what held before, and the terms. Pure.

The words of single values are those of every page; here they become a sentence: ``15%, was 10%``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tracker.domain import words

Values = Mapping[str, Any]

STANDING = ("status", "why_ended", "rate", "starts", "ends")
"""The fields that together say how something stands."""
MAIN = (
    "quota", "exempt", "legal", "stayed", "collection", "refund", "in_writing", "ratified", "before", "after",
    "amount", "so_far", "due", "standing", "says", "outcome", "by", "starts", "ends", "focus", "sectors", "imports",
    "exports", "member", "awaits", "exemptions",
)  # fmt: skip
"""What else a reader wants to know first, in this order; everything that is in neither is terms."""
BARE = ("legal", "standing", "outcome", "focus", "level", "text")
"""Fields whose values need no label."""
USUAL = {"legal": "valid", "standing": "open", "outcome": "open"}
"""What goes without saying as that which was before."""
_CODES: dict[str, dict[Any, str]] = {
    "collection": words.COLLECTED,
    "refund": {**words.REFUNDED, None: "no refund is due"},
    "member": {True: "a member", None: "no longer a member"},
}


class Sentence(NamedTuple):
    """``words``: what matters first; ``was``: how it stood before, '' where that goes without saying."""

    words: list[str]
    was: str
    terms: list[str]


def sentence(before: Values, after: Values, family: str = "", exempt: bool = False) -> Sentence:
    """The sentence of a change, fields going from ``before`` to ``after``, of an item of this aspect. ``exempt``: of
    goods that are so before and after, and pay nothing of what is said of them."""
    before, after = words.applying(before, after, exempt)
    if exempt and ((not before and not after) or after.get("status") == "in_force"):
        return Sentence(["exempt" if after else words.STILL_EXEMPT], "", [])
    main, done = words.happened(family, before, after)
    names = {*before, *after} - {*words.HIDDEN} - done
    was = ""
    if names & {"status", "rate"}:
        names -= {*STANDING}
        now, was = standing(after), _before(before, after)
        if now == was:
            now = was = ""
        if now == "in force" and (after.get("exempt") or after.get("quota")):
            now = ""
        main += [now] if now else ["does not apply" if "status" in before else "no rate"] if was else []
    terms: list[str] = []
    if {"by", "says"} <= after.keys():
        main, terms = [], main
        main.insert(0, f"{after['by']}: “{after['says']}”")
        names -= {"by", "says"} | ({"outcome"} if after.get("outcome") == "open" else set())
    if {"before", "after"} <= after.keys() and not names & before.keys() & {"before", "after"}:
        main.append(f"from {words.said('before', after['before'])} to {words.said('after', after['after'])}")
        names -= {"before", "after"}
    for name in sorted(names, key=_place):
        said = _moved(name, before.get(name), after.get(name)).rstrip(".")
        (main if name.partition(".")[0] in MAIN else terms).append(said)
    if not main:
        main, terms = terms[:1], terms[1:]
    return Sentence(main or ["put in other words"], was, terms)


def standing(values: Values) -> str:
    """How something stands: ``25%``, ``paused at 10%``, ``ended, revoked``, ``threatened: 50% from 1 June 2025``."""
    status = values.get("status")
    rate = words.rate(values["rate"]) if values.get("rate") else ""
    why = words.said("why_ended", values["why_ended"]) if values.get("why_ended") else ""
    match status:
        case "in_force":
            found = rate or "in force"
        case "ended":
            found = f"ended, {why}" if why else "ended"
        case None | "open":
            found = rate
        case _ if rate in ("", "banned", "rate unknown"):
            found = ", ".join(part for part in (words.said("status", status), rate) if part)
        case _:
            found = f"{words.said('status', status)} at {rate}"
    dates = {"from": values.get("starts"), "until": values.get("ends")}
    return " ".join(
        [*([found] if found else []), *(f"{word} {words.stated(at)}" for word, at in dates.items() if at)]
    )


def _before(before: Values, after: Values) -> str:
    """How it stood, as far as that is worth a word."""
    held = {name: value for name, value in before.items() if name in STANDING}
    if held.get("status") == "announced" and after.get("status") not in (None, "paused", "ended"):
        del held["status"]
    return standing(held)


def _moved(name: str, before: Any, after: Any) -> str:
    """One field's change, before what it is about is named."""
    if name in _CODES:
        return _CODES[name].get(after) or f"no longer: {_CODES[name][before]}"
    now = words.said(name, after) if after is not None else ""
    was = words.said(name, before) if before is not None else ""
    if name == "text" and not now:
        return "remark withdrawn"
    if name == "says" and now:
        return f"now: “{now}”"
    if name in BARE:
        known = not was or before == USUAL.get(name) or name in words.TITLED
        return f"no longer {was}" if not now else now if known else f"{now}, was {was}"
    said = words.moved(name, before, after)
    if " → " not in said:
        return said
    label = words.field(name)
    if name in words.TITLED:
        return f"{label}: {now}"
    return f"{label} {now}, was {was}" if now else f"no longer {label} {was}"


def _place(name: str) -> tuple[int, str]:
    head = name.partition(".")[0]
    for order in (MAIN, tuple(words.FIELDS)):
        if head in order:
            return (order.index(head) + (0 if order is MAIN else len(MAIN)), name)
    return (len(MAIN) + len(words.FIELDS), name)
