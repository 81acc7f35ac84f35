"""What is wrong with a development, by the fields of the form that said it."""

import re
from collections.abc import Sequence

from tracker.domain.errors import Refused
from tracker.web.form.fields import KEYED, LINKS, PLAIN, SOURCE, STANDS, STATED, TOLD, Errors, Form

SAME_NAME = {*PLAIN, *STATED, *LINKS, "until", "except", "scope", "subject", "type"}
"""Parts of an event whose field in the form goes by their own name."""
ABOUT = {
    "title": "new_title", "name": "new_title", "kind": "new_kind", "authority": "new_authority",
    "instrument": "new_instrument", "law": "new_instrument", "rank": "new_rank",
}  # fmt: skip
"""The fields of what a subject is."""


def told(form: Form, refusal: Refused) -> Errors:
    """A refusal's problems by the field they belong to; under '' what belongs to none."""
    errors: Errors = {}
    for problem in refusal.problems:
        detail = problem.detail.removeprefix(f"{problem.pointer} ")
        first = detail.partition(" ")[0]
        detail = detail[:1].upper() + detail[1:] if first.isalpha() else detail
        name = field_of(form, problem.pointer)
        errors[name] = f"{errors[name]} {detail}" if name in errors and detail not in errors[name] else detail
    return errors or {"": refusal.detail}


def field_of(form: Form, pointer: str) -> str:
    """The field of the form that a JSON Pointer into the command leads to."""
    match [part for part in pointer.removeprefix("/development").split("/") if part]:
        case ["sources", row, *rest]:
            rows = form.used_sources
            number = rows[int(row)] if row.isdigit() and int(row) < len(rows) else 0
            return f"source-{number}-{rest[0] if rest and rest[0] in SOURCE else 'publisher'}"
        case ["events", *_] if form["events"]:
            return "events"
        case ["events", _, *inside]:
            return _inside(form, [part for part in inside if not part.isdigit()])
        case [name, *_] if name in (*TOLD, "reason"):
            return name
    return ""


def _inside(form: Form, names: Sequence[str]) -> str:
    more = re.findall(r'"([a-z_]+)"\s*:', form["more"])
    for name in reversed(names):
        if name in more:
            return "more"
        if name in SAME_NAME:
            return name
        if name in ("rate", "percent", "at_most", "at_least", "after") and form["rate_kind"]:
            return "rate"
        if name == "target":
            return "party" if form["to"] == "party" else "partners"
        if name in KEYED:
            return "short_key"
        if name in STANDS:
            return "stands"
        if name == "evidence":
            return "text"
        if name == "title" and "about" not in names:
            return "thing_title"
        if name in (*ABOUT, "about"):
            return ABOUT.get(name, "new_title")
    return "" if names else "type"
