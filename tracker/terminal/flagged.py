"""A development from the options of ``tracker log``: the simple cases, in one line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from tracker.domain.errors import Problem, Refused, invalid
from tracker.domain.events import Development
from tracker.domain.parse import parse

REQUIRED = ("title", "announced", "type_", "subject")
PLACES = {
    "title": "TITLE", "announced": "--announced", "type": "--type", "subject": "--subject", "target": "--target",
    "except": "--except", "scope": "--scope", "from": "--from", "until": "--until", "about": "--about",
    "summary": "--summary", "note": "--note", "zone": "--zone", "sources": "--source", "rate": "--rate", "set": "--set",
    "effects": "--target", "reason": "--reason",
}  # fmt: skip
"""The option behind a part of the command."""


def development(**flags: Any) -> Development:
    """The command that the options mean; refusals name the options."""
    missing = [PLACES[name.rstrip("_")] for name in REQUIRED if not flags[name]]
    if missing:
        raise invalid(
            "", f"{', '.join(missing)} missing: give {'it' if len(missing) == 1 else 'them'}, or --file"
        )
    return parse(Development, msgspec.json.encode(_told(flags) | {"events": [_event(flags)]}))


@contextmanager
def by_option() -> Iterator[None]:
    """Refusals name the options instead of parts of the command."""
    try:
        yield
    except Refused as refusal:
        detail = refusal.detail
        problems = []
        for problem in refusal.problems:
            option = _option(problem.pointer)
            if problem.pointer:
                detail = detail.replace(problem.pointer, option)
            problems.append(Problem(option, problem.detail.replace(problem.pointer or option, option)))
        raise Refused(refusal.code, detail, *problems) from None


def _option(pointer: str) -> str:
    parts = pointer.split("/")
    known = [i for i, part in enumerate(parts) if part in PLACES]
    if known:
        within = [part for part in parts[known[-1] + 1 :] if not part.isdigit()]
        return " ".join([PLACES[parts[known[-1]]], *within])
    return f"--with {parts[3]}" if parts[1:3] == ["events", "0"] and len(parts) == 4 else pointer


def _told(flags: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: flags[name] for name in ("title", "announced", "summary", "note", "zone") if flags[name]}
    return told | {"sources": [_source(text) for text in flags["source"]]}


def _source(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split("|")]
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise invalid(
            "--source", f"{text!r} is no source: write PUBLISHER|KIND or PUBLISHER|KIND|URL, such as "
            "'The White House|official|https://...'",
        )  # fmt: skip
    return dict(zip(("publisher", "kind", "url"), parts, strict=False))


def _event(flags: Mapping[str, Any]) -> dict[str, Any]:
    state = _pairs("--set", flags["sets"])
    if flags["rate"]:
        state["rate"] = _rate(flags["rate"])
    event = {"type": flags["type_"], "subject": flags["subject"]} | _pairs("--with", flags["fields"])
    if flags["about"]:
        event["about"] = {"title": flags["about"]}
    span = {name: flags[f"{name}_"] if name == "from" else flags[name] for name in ("from", "until", "scope")}
    holds = {name: value for name, value in span.items() if value} | ({"set": state} if state else {})
    kind = flags["type_"].partition(".")[0]
    if kind in ("measure", "investigation", "ruling") or flags["target"]:
        excepted = {"except": [*flags["except_"]]} if flags["except_"] else {}
        targets: Sequence[Mapping[str, Any]] = [{"target": target} for target in flags["target"]] or [{}]
        effects = [{**target, **excepted, **holds} for target in targets]
        return event | ({"effects": effects} if any(effects) else {})
    if kind == "agreement" and holds:
        return event | {"effects": [holds]}
    return event | holds


def _pairs(option: str, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise invalid(option, f"{text!r} has no value: write NAME=VALUE")
        try:
            found[name.strip()] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name.strip()] = value
    return found


def _rate(text: str) -> dict[str, Any]:
    number = r"(\d+(?:\.\d+)?)\s*%?"
    text = text.strip().lower()
    if text in ("ban", "unknown"):
        return {text: True}
    if exact := re.fullmatch(number, text):
        return {"percent": float(exact[1])}
    if most := re.fullmatch(f"up to {number}", text):
        return {"at_most": float(most[1])}
    if between := re.fullmatch(rf"{number}\s*(?:-|to)\s*{number}", text):
        return {"at_least": float(between[1]), "at_most": float(between[2])}
    raise invalid("--rate", f"{text!r} is no rate: write 25, 15-20, 'up to 50', ban or unknown")
