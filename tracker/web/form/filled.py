"""The form that stands for a development: to correct what was said, from what was said."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tracker.web.form import rates
from tracker.web.form.command import command
from tracker.web.form.fields import KEYED, PLAIN, SOURCE, STANDS, STATED, TOLD, Fields, Form
from tracker.web.form.pointing import ABOUT

SINGLE = {"type", "subject", "about", "links", "set", "effects", "provisions", *PLAIN, *KEYED}
"""Parts of an event that the single fields of the form can say."""


def filled(said: Mapping[str, Any]) -> Form:
    """In single fields where it has one event that they can say, and otherwise with its events as JSON."""
    fields: Fields = {name: [str(said[name])] for name in TOLD if said.get(name) not in (None, 0)}
    for row, source in enumerate(said.get("sources", [])):
        fields |= {f"source-{row}-{name}": [source[name]] for name in SOURCE if source.get(name)}
    if len(said["events"]) == 1:
        single = Form(fields | _single(said["events"][0]))
        again, errors = command(single)
        if not errors and again["events"] == said["events"]:
            return single
    return Form(fields | {"events": [_pretty(said["events"])]})


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _single(event: Mapping[str, Any]) -> Fields:
    """The fields of one event; a guess that ``filled`` checks."""
    fields: Fields = {"type": [event["type"]], "subject": [event["subject"]]}
    fields |= {ABOUT[name]: [str(value)] for name, value in event.get("about", {}).items() if name in ABOUT}
    if key := next((event[name] for name in KEYED if event.get(name)), None):
        fields["short_key"] = [key]
    fields |= {name: [", ".join(held)] for name, held in event.get("links", {}).items()}
    fields |= {name: [str(event[name])] for name in PLAIN if event.get(name)}
    if event.get("claim") and event["type"].startswith(("agreement.", "provision.")):
        fields["account"] = ["yes"]
    rest = {name: value for name, value in event.items() if name not in SINGLE}
    effects: list[dict[str, Any]] = event.get("effects", [])
    provisions: list[dict[str, Any]] = event.get("provisions", [])
    if len(provisions) == 1 and not effects:
        fields["short_key"] = [provisions[0]["provision"]]
        effects = provisions
    elif provisions:
        rest["provisions"] = provisions
    fields |= _effects(effects)
    rest |= _state(effects[0].get("set", {}) if effects else event.get("set", {}), fields)
    return fields | ({"more": [_pretty(rest)]} if rest else {})


def _effects(effects: Sequence[Mapping[str, Any]]) -> Fields:
    if not effects:
        return {}
    fields: Fields = {name: [effects[0][name]] for name in ("from", "until") if effects[0].get(name)}
    if effects[0].get("except"):
        fields["except"] = [", ".join(effects[0]["except"])]
    if scopes := list(dict.fromkeys(effect["scope"] for effect in effects if effect.get("scope"))):
        fields["scope"] = [", ".join(scopes)]
    targets = list(dict.fromkeys(effect["target"] for effect in effects if effect.get("target")))
    match targets:
        case ["everyone"] | ["each_of"]:
            fields["to"] = targets
        case [str(party)] if party.startswith("party:"):
            fields |= {"to": ["party"], "party": [party.removeprefix("party:")]}
        case [_, *_]:
            fields |= {"to": ["partners"], "partners": targets}
        case _:
            pass
    return fields


def _state(stated: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Puts what single fields can say into them; gives back the rest."""
    rest = dict(stated)
    for name in ("rate", "after"):
        if isinstance(rest.get(name), dict) and (said := rates.fields(rest[name])):
            fields |= said
            del rest[name]
            break
    named = [
        *((name, "stands") for name in STANDS),
        ("title", "thing_title"),
        ("evidence", "text"),
        ("text", "text"),
    ]
    for name, field in (*named, *((name, name) for name in STATED)):
        if isinstance(rest.get(name), str) and field not in fields:
            fields[field] = [rest.pop(name)]
    return rest
