"""Changes as lines to read: equal ones together, what matters first, the terms after it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tracker.domain import words
from tracker.domain.views import ChangeView

MAIN = (
    "status", "why_ended", "rate", "quota", "exempt", "legal", "stayed", "collection", "in_writing", "ratified",
    "before", "after", "amount", "due", "standing", "evidence", "by", "says", "outcome", "level", "focus", "sectors",
    "imports", "exports", "member",
)  # fmt: skip
"""What a reader wants to know first; everything else is terms."""
ENTRIES = ("exemptions", "ratified")
SCHEDULE = 5
"""From this many partners on, figures that differ by partner alone are a schedule."""
LABELLED = ("talks", "criterion", "risk", "deadline")
"""Aspects whose lines say what they are about before what became of it."""
SLUGGED = ("provision", "criterion", "risk", "deadline", "assessment", "membership")


@dataclass(slots=True)
class Line:
    """One thing that changes, for as many scopes (or keys) and partners as it changes alike. ``each``: where one act
    gives many partners figures of their own, these, in place of ``main``."""

    subject: str
    title: str
    aspect: str
    claim: str | None
    main: list[str]
    terms: list[str]
    starts: datetime | None
    ends: datetime | None
    starts_stated: str | None = None
    ends_stated: str | None = None
    heads: list[str] = field(default_factory=list)
    partners: list[str] = field(default_factory=list)
    each: list[tuple[list[str], list[str]]] = field(default_factory=list)


def lines(changes: Iterable[ChangeView], partner: str = "") -> list[Line]:
    """The changes for one partner, those that differ by scope or key alone in one line."""
    return _gathered([(partner, change) for change in _told(list(changes))])


def by_partner(changes: Mapping[str, Sequence[ChangeView]]) -> list[Line]:
    """The changes for many partners, equal ones in one line; a schedule of figures is one line as well."""
    return _scheduled(
        _gathered([(code, change) for code, found in changes.items() for change in _told(found)])
    )


def _scheduled(found: Sequence[Line]) -> list[Line]:
    alike: dict[tuple[Any, ...], list[Line]] = {}
    for line in found:
        same = (line.subject, line.aspect, line.claim, *line.heads, "/", *line.terms, line.starts, line.ends)
        alike.setdefault(same, []).append(line)
    out: list[Line] = []
    for held in alike.values():
        if len(held) < SCHEDULE:
            out += held
            continue
        first = held[0]
        each = [(line.partners, line.main) for line in held]
        partners = list(dict.fromkeys(code for line in held for code in line.partners))
        out.append(replace(first, main=[], partners=partners, each=each))
    return out


def _gathered(changes: Iterable[tuple[str, ChangeView]]) -> list[Line]:
    found: dict[tuple[Any, ...], Line] = {}
    for partner, change in changes:
        main, terms = said(change)
        same = (change.subject, change.aspect, change.claim, *main, "/", *terms, change.starts, change.ends)
        line = found.setdefault(
            same,
            Line(
                change.subject,
                change.title,
                change.aspect,
                change.claim,
                main,
                terms,
                change.starts,
                change.ends,
                change.starts_stated,
                change.ends_stated,
            ),
        )
        if (name := head(change)) and name not in line.heads:
            line.heads.append(name)
        if partner and partner not in line.partners:
            line.partners.append(partner)
    return list(found.values())


def _told(changes: Sequence[ChangeView]) -> list[ChangeView]:
    """Without the time of waiting before something starts that is told right after it."""
    starts = {(_place(change), change.starts) for change in changes}
    return [c for c in changes if c.words != ["announced"] or (_place(c), c.ends) not in starts]


def _place(change: ChangeView) -> tuple[str | None, ...]:
    return (change.subject, change.aspect, change.key, change.scope, change.claim)


def head(change: ChangeView) -> str:
    """What, within its subject, a change is about: the goods, or the provision, criterion, deadline by name."""
    if change.aspect in LABELLED:
        return f"{words.ASPECTS[change.aspect]} {change.name and f'“{change.name}”'}".rstrip()
    if change.aspect in SLUGGED:
        return change.name or words.scope_of(change.key)
    return words.scope_of(change.scope) if change.scope else ""


def said(change: ChangeView) -> tuple[list[str], list[str]]:
    """A change in words: what matters first, then its terms."""
    before, after = flat(change.before), flat(change.after)
    for known in ("title", "text") if change.aspect in ("criterion", "risk") else ("title",):
        if before.get(known) is None and change.aspect in SLUGGED:
            after.pop(known, None)
    before, after = words.applying(before, after, change.exempt)
    if change.exempt and not before and not after:
        return [words.STILL_EXEMPT], []
    return told(before, after, change.aspect)


def told(
    before: Mapping[str, Any], after: Mapping[str, Any], family: str = ""
) -> tuple[list[str], list[str]]:
    """Fields before and after in words: what matters first, then terms; of terms alone the short ones matter."""
    first, done = words.happened(family, before, after)
    before, after = _without(before, done), _without(after, done)
    terms = words.change(_only(before, main=False), _only(after, main=False))
    if main := first + words.change(_only(before, main=True), _only(after, main=True)):
        return main, terms
    long = {name for name in {**before, **after} if name.partition(".")[0] in words.PROSE}
    short = words.change(_without(before, long), _without(after, long))
    return (short, [term for term in terms if term not in short]) if short else (terms, [])


def _without(fields: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def flat(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state with entries that live one by one as fields of their own again: ``exemptions.usmca``."""
    fields: dict[str, Any] = {}
    for name, value in state.items():
        if name in ENTRIES and isinstance(value, dict):
            fields |= {f"{name}.{key}": entry for key, entry in value.items()}
        else:
            fields[name] = value
    return fields


def _only(fields: Mapping[str, Any], *, main: bool) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if (name.partition(".")[0] in MAIN) is main}
