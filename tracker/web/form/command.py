"""The development that a form stands for, as it would be sent to the API."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
from msgspec import Struct

from tracker.domain.events import AgreementEvent, MeasureEvent, ProvisionChanged, kind_of
from tracker.domain.when import moment
from tracker.web.form.fields import KEYED, LINKS, SOURCE, STANDS, STATED, TOLD, Errors, Form
from tracker.web.form.kinds import TYPES, names, state_names
from tracker.web.form.rates import rate

DATES = ("announced", "published", "from", "until", "due")


def command(form: Form) -> tuple[dict[str, Any], Errors]:
    """The development; and what in the form cannot be one."""
    errors: Errors = {}
    said: dict[str, Any] = {name: form[name] for name in TOLD if form[name]}
    if not form["title"]:
        errors["title"] = "Say in a line what happened."
    if not form["announced"]:
        errors["announced"] = "Give the day the world was told."
    elif form["announced_time"]:
        said["announced"] = f"{form['announced']}T{form['announced_time']}"
    for name in (*DATES, *(f"source-{row}-on" for row in form.used_sources)):
        _check_date(form[name], name, errors)
    if "sequence" in said:
        said["sequence"] = _whole(form["sequence"], "sequence", errors)
    if rows := form.used_sources:
        said["sources"] = [
            {name: form[f"source-{row}-{name}"] for name in SOURCE if form[f"source-{row}-{name}"]}
            for row in rows
        ]
    if form["events"]:
        said["events"] = _json(form["events"], "events", list, "a list of events: [{...}]", errors)
    else:
        said["events"] = [_event(form, errors)]
    return said, errors


def _event(form: Form, errors: Errors) -> dict[str, Any]:
    kind = form["type"]
    if kind not in TYPES:
        unknown = f"{kind!r} is no type of event: choose one of the list."
        errors["type"] = unknown if kind else "Choose what kind of event this is."
        return {"type": kind, "subject": form["subject"]}
    shape = TYPES[kind]
    known = names(shape)
    event: dict[str, Any] = {"type": kind, "subject": subject_of(form, errors)}
    if "about" in known and (about := _about(form, event["subject"], errors)):
        event["about"] = about
    if form["short_key"]:
        _set_key(event, form, known, errors)
    if links := {name: form.all(name) for name in LINKS if form.all(name)}:
        event["links"] = links
    more = _json(form["more"], "more", dict, 'an object: {"field": ...}', errors) if form["more"] else {}
    top = {n: more.pop(n) for n in [*more] if n in known - {"set", "effects", "provisions"}}
    if "effects" in known:
        _effects(event, form, shape, more, errors)
    elif "set" in known:
        if stated := _state(form, shape, more, errors):
            event["set"] = stated
    else:
        event |= {name: form[name] for name in ("by", "text") if name in known and form[name]}
        if more:
            errors["more"] = f"{kind} does not know {', '.join(sorted(more))}."
    event |= {name: form[name] for name in ("from", "bloc", "through") if name in known and form[name]}
    return event | top


def subject_of(form: Form, errors: Errors) -> str:
    """The subject that was named: its key, a partner's code, or a new key made of the title of what is opened."""
    named = form["subject"].partition(" ")[0]
    if re.fullmatch(r"[A-Za-z]{2}", named):
        return f"partner:{named.upper()}"
    if named:
        return named
    if form["new_title"] and form["new_subject_kind"] in ("measure", "agreement", "authority"):
        slug = re.sub(r"[^a-z0-9]+", "-", form["new_title"].lower()).strip("-")[:60].strip("-")
        actor = (form["new_actor"] or "US").lower().replace(" ", "")
        return f"{form['new_subject_kind']}:{actor}-{slug}"
    errors["subject"] = "Choose what this is about, or open something new below."
    return ""


def _about(form: Form, subject: str, errors: Errors) -> dict[str, Any]:
    if not form["new_title"]:
        return {}
    match kind_of(subject):
        case "partner":
            about: dict[str, Any] = {"name": form["new_title"]}
            if form["new_rank"]:
                about["rank"] = _whole(form["new_rank"], "new_rank", errors)
            return about | ({"kind": form["new_kind"]} if form["new_kind"] in ("country", "bloc") else {})
        case "measure":
            given = {name: form[f"new_{name}"] for name in ("kind", "authority", "instrument")}
        case "authority":
            given = {"law": form["new_instrument"]}
        case _:
            given = {}
    return {"title": form["new_title"]} | {name: value for name, value in given.items() if value}


def _set_key(event: dict[str, Any], form: Form, known: set[str], errors: Errors) -> None:
    name = next((name for name in KEYED if name in known), None)
    if name:
        event[name] = form["short_key"]
    elif not issubclass(TYPES[event["type"]], AgreementEvent):
        errors["short_key"] = f"{event['type']} has no short key: leave this empty."


def _effects(
    event: dict[str, Any], form: Form, shape: type[Struct], more: dict[str, Any], errors: Errors
) -> None:
    listed = {name: more.pop(name) for name in ("effects", "provisions") if name in more}
    dates = {name: form[name] for name in ("from", "until") if form[name]}
    stated = _state(form, shape, more, errors)
    body = dates | ({"set": stated} if stated else {})
    if issubclass(shape, AgreementEvent):
        if form["short_key"] and (shape is ProvisionChanged or form["account"] != "yes"):
            event.pop("claim", None)
            event["provisions"] = [{"provision": form["short_key"], "set": {}} | body]
        elif body:
            event["effects"] = [body]
    elif not (listed and not body and not form.all("partners")):
        event["effects"] = [where | body for where in _places(form, shape, errors)]
    for name, entries in listed.items():
        event[name] = [*event.get(name, []), *(entries if isinstance(entries, list) else [entries])]


def _places(form: Form, shape: type[Struct], errors: Errors) -> Iterator[dict[str, Any]]:
    """Target and scope of each effect."""
    scopes: list[str | None] = [*form.all("scope")] if issubclass(shape, MeasureEvent) else []
    excepted = {"except": [code.upper() for code in form.all("except")]} if form["except"] else {}
    for target, scope in product(_targets(form, errors), scopes or [None]):
        yield ({"target": target} if target else {}) | ({"scope": scope} if scope else {}) | excepted


def _targets(form: Form, errors: Errors) -> list[str]:
    codes = [code.upper() for code in form.all("partners")]
    match form["to"]:
        case "everyone" | "each_of":
            if codes:
                errors["partners"] = (
                    "You say that it concerns all of them, and name some as well: choose one."
                )
            return [form["to"]]
        case "party":
            if not form["party"]:
                errors["party"] = "Name the party, such as vos-selections."
            return [f"party:{form['party'].removeprefix('party:')}"]
        case "partners" if not codes:
            errors["partners"] = "Choose at least one partner, or say that it concerns everyone."
    return codes or ([] if form["to"] == "partners" else [""])


def _state(form: Form, shape: type[Struct], more: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """What holds: the fields of the form that this type's state has, and those given as JSON."""
    known = state_names(shape, provision=bool(form["short_key"]) and form["account"] != "yes")
    stated: dict[str, Any] = {}
    if form["rate_kind"] and (said := rate(form, errors)):
        stated["after" if "after" in known else "rate"] = said
    if form["stands"]:
        stated[next((name for name in STANDS if name in known), "status")] = form["stands"]
    stated |= {name: form[name] for name in STATED if form[name]}
    if form["thing_title"]:
        stated["title"] = form["thing_title"]
    if form["text"]:
        stated["evidence" if "evidence" in known else "text"] = form["text"]
    given = more.pop("set", {})
    return stated | more | (given if isinstance(given, dict) else {})


def _whole(text: str, name: str, errors: Errors) -> int:
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return int(text)
    errors[name] = f"{text!r} is not a whole number."
    return 0


def _check_date(text: str, name: str, errors: Errors) -> None:
    try:
        if text:
            moment(text, "UTC")
    except ValueError as error:
        errors[name] = f"{error}."


def _json(text: str, name: str, wanted: type, like: str, errors: Errors) -> Any:
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        errors[name] = f"This is nested too deeply; write {like}."
        return wanted()
    except msgspec.DecodeError as error:
        errors[name] = f"This is not JSON ({error}); write {like}."
        return wanted()
    if not isinstance(value, wanted):
        errors[name] = f"This should be {like}."
        return wanted()
    return value
