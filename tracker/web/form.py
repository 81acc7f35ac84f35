"""The analyst's form and the command it stands for: fields of text in, a development as JSON out, and back.

Whatever is wrong is told field by field, all of it at once; nothing that was typed is lost.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from tracker.domain import events as catalogue
from tracker.domain.errors import Refused
from tracker.domain.events import (
    AgreementEvent,
    AssessmentPublished,
    ClaimEvent,
    CriterionAssessed,
    DeadlineEvent,
    Logged,
    MeasureEvent,
    RiskAssessed,
    RulingIssued,
    kind_of,
)
from tracker.domain.values import (
    AgreementState,
    ClaimState,
    CriterionState,
    DeadlineState,
    LegalState,
    MeasureState,
    ProvisionState,
    RiskState,
    TalksState,
)
from tracker.domain.when import moment

TYPES: dict[str, type[Struct]] = {str(event.__struct_config__.tag): event for event in Logged.__args__}
"""The types of events that can be logged, by name."""
MEANING = {tag: " ".join((event.__doc__ or "").replace("``", "").split()) for tag, event in TYPES.items()}
"""What each type says, in the words of the catalogue."""
GROUPS: dict[str, tuple[type[Struct], ...]] = {
    "Measures": (MeasureEvent,),
    "Rulings": (RulingIssued,),
    "Deals": (AgreementEvent,),
    "Talks and deadlines": (catalogue.TalksEvent, DeadlineEvent),
    "Goals, risks and analysis": (
        catalogue.ObjectivesSet,
        CriterionAssessed,
        RiskAssessed,
        AssessmentPublished,
    ),
    "What somebody said": (ClaimEvent,),
    "Partners": (),
}
TOLD = ("title", "announced", "summary", "sequence", "zone", "published", "note")
DATES = ("announced", "published", "from", "until", "due")
LINKS = ("answers", "settles", "carries_out", "voids")
SOURCE = ("publisher", "kind", "title", "url", "on")
ABOUT = ("title", "kind", "authority", "instrument", "name", "rank", "law")
KEYED = ("claim", "provision", "criterion", "risk", "deadline", "assessment")
"""The short key of an event goes by one of these names."""
STATES: tuple[tuple[type[Struct], type[Struct]], ...] = (
    (MeasureEvent, MeasureState), (RulingIssued, LegalState), (ClaimEvent, ClaimState),
    (AgreementEvent, AgreementState),
)  # fmt: skip
"""What the effects of an event set."""
STANDS = ("status", "standing", "outcome")
"""How a thing stands goes by one of these names."""
SAME_NAME = (
    "from", "until", "except", "scope", "subject", "type", "why_ended", "due", "level", "legal", "collection", "by",
    "says", "text", "bloc", "through", *LINKS,
)  # fmt: skip
"""Parts of an event whose field in the form goes by their own name."""
ROWS = 2
"""Rows for sources, to begin with."""

IN_FIELDS = (
    "type", "subject", "about", "links", "from", "bloc", "through", "by", "text", "set", "effects", "provisions",
)  # fmt: skip
"""Parts of an event that the single fields of the form can say."""

Fields = dict[str, list[str]]
Errors = dict[str, str]


class Form:
    """What was typed, by the names of the fields."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields: Fields = {name: [*values] for name, values in fields.items()}

    @classmethod
    def posted(cls, body: bytes) -> "Form":
        """The form in the body of a request."""
        fields: Fields = {}
        text = body.decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=2000)
        except ValueError:
            raise Refused("invalid", "this form has more fields than any form here") from None
        for name, value in pairs:
            fields.setdefault(name, []).append(value.replace("\r\n", "\n").replace("\x00", ""))
        return cls(fields)

    def __getitem__(self, name: str) -> str:
        """The text of a field; '' where there is none."""
        return next((value.strip() for value in self.fields.get(name, []) if value.strip()), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field that was chosen more than once, or typed with commas between."""
        return [
            part.strip() for value in self.fields.get(name, []) for part in value.split(",") if part.strip()
        ]

    @property
    def sources(self) -> int:
        """How many rows for sources there are."""
        numbers = [int(n[1]) for name in self.fields if (n := re.fullmatch(r"source-(\d{1,3})-[a-z]+", name))]
        return min(max([*numbers, ROWS - 1]) + 1, 300)

    def more_sources(self) -> None:
        self.fields[f"source-{self.sources}-publisher"] = [""]


# ---------------------------------------------------------------- out


def command(form: Form) -> tuple[dict[str, Any], Errors]:
    """The development that a form stands for, as it would be sent to the API; and what cannot be one."""
    errors: Errors = {}
    said: dict[str, Any] = {name: form[name] for name in TOLD if form[name]}
    for name, what in (
        ("title", "say in a line what happened"),
        ("announced", "give the day the world was told"),
    ):
        if not form[name]:
            errors[name] = f"{what[0].upper()}{what[1:]}."
    if form["announced"] and form["announced_time"]:
        said["announced"] = f"{form['announced']}T{form['announced_time']}"
    for name in DATES:
        _date(form[name], name, errors)
    for row in used_rows(form):
        _date(form[f"source-{row}-on"], f"source-{row}-on", errors)
    if "sequence" in said:
        said["sequence"] = _whole(form["sequence"], "sequence", errors)
    if sources := [_source(form, row) for row in used_rows(form)]:
        said["sources"] = sources
    if form["events"]:
        said["events"] = _json(form["events"], "events", list, "a list of events: [{...}]", errors)
    else:
        said["events"] = [_event(form, errors)]
    return said, errors


def used_rows(form: Form) -> list[int]:
    """The rows of sources in which something is written."""
    return [
        row
        for row in range(form.sources)
        if any(form[f"source-{row}-{name}"] for name in SOURCE if name != "kind")
    ]


def _source(form: Form, row: int) -> dict[str, str]:
    return {name: form[f"source-{row}-{name}"] for name in SOURCE if form[f"source-{row}-{name}"]}


def _event(form: Form, errors: Errors) -> dict[str, Any]:
    kind = form["type"]
    if kind not in TYPES:
        errors["type"] = (
            "Choose what kind of event this is."
            if not kind
            else f"{kind!r} is no type of event: choose one of the list."
        )
        return {"type": kind, "subject": form["subject"]}
    shape = TYPES[kind]
    names = _names(shape)
    event: dict[str, Any] = {"type": kind, "subject": subject_of(form, errors)}
    if "about" in names and (about := _about(form, event["subject"], errors)):
        event["about"] = about
    if form["short_key"]:
        _set_key(event, form, names, errors)
    if links := {name: form.all(name) for name in LINKS if form.all(name)}:
        event["links"] = links
    more = _json(form["more"], "more", dict, 'an object: {"field": ...}', errors) if form["more"] else {}
    top = {
        name: more.pop(name)
        for name in list(more)
        if name in names and name not in ("set", "effects", "provisions")
    }
    if "effects" in names:
        _effects(event, form, shape, more, errors)
    elif "set" in names:
        if stated := _state(form, shape, more, errors):
            event["set"] = stated
    else:
        _plain(event, form, names, more, errors)
    if "from" in names and form["from"]:
        event["from"] = form["from"]
    for name in ("bloc", "through"):
        if name in names and form[name]:
            event[name] = form[name]
    return event | top


def _names(shape: type[Struct]) -> set[str]:
    return set(shape.__struct_encode_fields__)


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
            if form["new_kind"] in ("country", "bloc"):
                about["kind"] = form["new_kind"]
            return about
        case "measure":
            given = {
                "kind": form["new_kind"],
                "authority": form["new_authority"],
                "instrument": form["new_instrument"],
            }
        case "authority":
            given = {"law": form["new_instrument"]}
        case _:
            given = {}
    return {"title": form["new_title"]} | {name: value for name, value in given.items() if value}


def _set_key(event: dict[str, Any], form: Form, names: set[str], errors: Errors) -> None:
    for name in KEYED:
        if name in names:
            event[name] = form["short_key"]
            return
    if not issubclass(TYPES[event["type"]], AgreementEvent):
        errors["short_key"] = f"{event['type']} has no short key: leave this empty."


def _effects(
    event: dict[str, Any], form: Form, shape: type[Struct], more: dict[str, Any], errors: Errors
) -> None:
    listed = {name: more.pop(name) for name in ("effects", "provisions") if name in more}
    dates = {name: form[name] for name in ("from", "until") if form[name]}
    stated = _state(form, shape, more, errors)
    body = dates | ({"set": stated} if stated else {})
    if issubclass(shape, AgreementEvent):
        provision = (
            form["short_key"] if shape is catalogue.ProvisionChanged or form["account"] != "yes" else ""
        )
        if provision:
            event.pop("claim", None)
            event["provisions"] = [{"provision": provision, "set": {}} | body]
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
            return codes
        case _:
            return codes or [""]


def _state(form: Form, shape: type[Struct], more: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """What holds: the fields of the form that this type's state has, and those given as JSON."""
    names = _state_names(shape, form)
    stated: dict[str, Any] = {}
    if form["rate_kind"] and (rate := _rate(form, errors)):
        stated["after" if "after" in names else "rate"] = rate
    if form["stands"]:
        name = next((name for name in STANDS if name in names), "status")
        stated[name] = form["stands"]
    for name in ("why_ended", "due", "level", "legal", "collection", "by", "says"):
        if form[name]:
            stated[name] = form[name]
    if form["thing_title"]:
        stated["title"] = form["thing_title"]
    if form["text"]:
        stated["evidence" if "evidence" in names else "text"] = form["text"]
    given = more.get("set")
    return stated | {k: v for k, v in more.items() if k != "set"} | (given if isinstance(given, dict) else {})


def _state_names(shape: type[Struct], form: Form) -> set[str]:
    hints = _hints(shape)
    if issubclass(shape, AgreementEvent) and form["short_key"] and form["account"] != "yes":
        return _names(ProvisionState)
    if "set" in hints:
        return _names(hints["set"])
    return next((_names(state) for base, state in STATES if issubclass(shape, base)), set())


def _hints(shape: type[Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(shape)}


def _plain(event: dict[str, Any], form: Form, names: set[str], more: dict[str, Any], errors: Errors) -> None:
    """Fields of an event that has no state of its own kind."""
    event |= {name: form[name] for name in ("by", "text") if name in names and form[name]}
    if more:
        errors["more"] = f"{event['type']} does not know {', '.join(sorted(more))}."


def _rate(form: Form, errors: Errors) -> dict[str, Any] | None:
    kind, text = form["rate_kind"], form["rate"].removesuffix("%").strip()
    extra = {name: form[f"rate_{name}"] for name in ("of", "text") if form[f"rate_{name}"]}
    if kind in ("unknown", "ban"):
        return {kind: True} | extra
    numbers = [_number(part) for part in re.split(r"\s*(?:–|to|-)\s*", text)] if text else []
    if kind == "range" and len(numbers) == 2 and None not in numbers:
        return {"at_least": numbers[0], "at_most": numbers[1]} | extra
    if kind in ("percent", "up_to") and len(numbers) == 1 and numbers[0] is not None:
        return {"percent" if kind == "percent" else "at_most": numbers[0]} | extra
    errors["rate"] = (
        "Write two numbers, such as 15 to 20." if kind == "range" else "Write a number, such as 25 or 7.5."
    )
    return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else None


def _whole(text: str, name: str, errors: Errors) -> int:
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return int(text)
    errors[name] = f"{text!r} is not a whole number."
    return 0


def _date(text: str, name: str, errors: Errors) -> None:
    try:
        if text:
            moment(text, "UTC")
    except ValueError as error:
        errors[name] = f"{error}."


def _json(text: str, name: str, wanted: type, like: str, errors: Errors) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        errors[name] = f"This is not JSON ({error}); write {like}."
        return wanted()
    if not isinstance(value, wanted):
        errors[name] = f"This should be {like}."
        return wanted()
    return value


# ---------------------------------------------------------------- errors


def told(form: Form, refusal: Refused) -> Errors:
    """A refusal's problems by the field they belong to; under '' what belongs to none."""
    errors: Errors = {}
    for problem in refusal.problems:
        first = problem.detail.partition(" ")[0]
        detail = problem.detail[:1].upper() + problem.detail[1:] if first.isalpha() else problem.detail
        name = field_of(form, problem.pointer)
        errors[name] = f"{errors[name]} {detail}" if name in errors and detail not in errors[name] else detail
    return errors or {"": refusal.detail}


def field_of(form: Form, pointer: str) -> str:
    """The field of the form that a JSON Pointer into the command leads to."""
    parts = [part for part in pointer.removeprefix("/development").split("/") if part]
    if not parts:
        return ""
    match parts:
        case ["sources", row, *rest]:
            rows = used_rows(form)
            number = rows[int(row)] if row.isdigit() and int(row) < len(rows) else 0
            return f"source-{number}-{rest[0] if rest and rest[0] in SOURCE else 'publisher'}"
        case ["events", *_] if form["events"]:
            return "events"
        case ["events", _, *inside]:
            return _inside(form, inside)
        case [name, *_] if name in (*TOLD, "reason"):
            return name
        case _:
            return ""


def _inside(form: Form, parts: Sequence[str]) -> str:
    names = [part for part in parts if not part.isdigit()]
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
        if name in ABOUT:
            return f"new_{'title' if name == 'name' else 'instrument' if name == 'law' else name}"
        if name == "about":
            return "new_title"
    return "" if names else "type"


# ---------------------------------------------------------------- back


def filled(said: Mapping[str, Any]) -> Form:
    """The form that stands for a development: in single fields where it has one event that they can say, and
    otherwise with its events as JSON."""
    fields: Fields = {name: [str(said[name])] for name in TOLD if said.get(name) not in (None, 0)}
    for row, source in enumerate(said.get("sources", [])):
        fields |= {f"source-{row}-{name}": [source[name]] for name in SOURCE if source.get(name)}
    single = Form(fields | _single(said["events"][0])) if len(said["events"]) == 1 else None
    if single is not None:
        again, errors = command(single)
        if not errors and again["events"] == said["events"]:
            return single
    return Form(
        fields | {"events": [msgspec.json.format(msgspec.json.encode(said["events"]), indent=2).decode()]}
    )


def _single(event: Mapping[str, Any]) -> Fields:
    """The fields of one event; a guess that ``filled`` checks."""
    fields: Fields = {"type": [event["type"]], "subject": [event["subject"]]}
    about = event.get("about", {})
    for name in ABOUT:
        if name in about:
            fields[{"name": "new_title", "law": "new_instrument"}.get(name, f"new_{name}")] = [
                str(about[name])
            ]
    if key := next((event[name] for name in KEYED if event.get(name)), None):
        fields["short_key"] = [key]
    fields |= {name: [", ".join(held)] for name, held in event.get("links", {}).items()}
    fields |= {
        name: [str(event[name])] for name in ("from", "bloc", "through", "by", "text") if event.get(name)
    }
    if event.get("claim") and event["type"].startswith(("agreement.", "provision.")):
        fields["account"] = ["yes"]
    rest = {name: value for name, value in event.items() if name not in (*IN_FIELDS, *KEYED)}
    effects: list[dict[str, Any]] = event.get("effects", [])
    provisions: list[dict[str, Any]] = event.get("provisions", [])
    if len(provisions) == 1 and not effects:
        fields["short_key"] = [provisions[0]["provision"]]
        effects = provisions
    elif provisions:
        rest["provisions"] = provisions
    fields |= _effect_fields(effects)
    stated = effects[0].get("set", {}) if effects else event.get("set", {})
    rest |= _state_fields(stated, fields)
    if rest:
        fields["more"] = [msgspec.json.format(msgspec.json.encode(rest), indent=2).decode()]
    return fields


def _effect_fields(effects: Sequence[Mapping[str, Any]]) -> Fields:
    fields: Fields = {}
    if not effects:
        return fields
    first = effects[0]
    fields |= {name: [first[name]] for name in ("from", "until") if first.get(name)}
    if first.get("except"):
        fields["except"] = [", ".join(first["except"])]
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


def _state_fields(stated: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Puts what single fields can say into them; gives back the rest."""
    rest = dict(stated)
    for name in ("rate", "after"):
        if isinstance(rest.get(name), dict) and (said := _rate_fields(rest[name])):
            fields |= said
            del rest[name]
            break
    for name in STANDS:
        if isinstance(rest.get(name), str):
            fields["stands"] = [rest.pop(name)]
    for name, field in (("title", "thing_title"), ("evidence", "text"), ("text", "text")):
        if isinstance(rest.get(name), str) and field not in fields:
            fields[field] = [rest.pop(name)]
    for name in ("why_ended", "due", "level", "legal", "collection", "by", "says"):
        if isinstance(rest.get(name), str):
            fields[name] = [rest.pop(name)]
    return rest


def _rate_fields(rate: Mapping[str, Any]) -> Fields:
    extra = {f"rate_{name}": [rate[name]] for name in ("of", "text") if rate.get(name)}
    match {name: value for name, value in rate.items() if name not in ("of", "text")}:
        case {"percent": number, **others} if not others:
            return {"rate_kind": ["percent"], "rate": [f"{number:g}"]} | extra
        case {"at_most": high, "at_least": low, **others} if not others:
            return {"rate_kind": ["range"], "rate": [f"{low:g} to {high:g}"]} | extra
        case {"at_most": high, **others} if not others:
            return {"rate_kind": ["up_to"], "rate": [f"{high:g}"]} | extra
        case {"unknown": True, **others} if not others:
            return {"rate_kind": ["unknown"]} | extra
        case {"ban": True, **others} if not others:
            return {"rate_kind": ["ban"]} | extra
    return {}


# ---------------------------------------------------------------- what the form offers


def grouped_types() -> dict[str, list[str]]:
    """The types of events by group, in the order of the catalogue."""
    found: dict[str, list[str]] = {name: [] for name in GROUPS}
    for tag, shape in TYPES.items():
        group = next(
            (name for name, bases in GROUPS.items() if bases and issubclass(shape, bases)), "Partners"
        )
        found[group].append(tag)
    return found


def choices(*states: type[Struct]) -> list[str]:
    """The words that the fields of how a thing stands may hold."""
    names = ("status", "standing", "outcome")
    found = (
        word
        for state in states
        for field in msgspec.structs.fields(state)
        if field.name in names
        for word in _words(field.type)
    )
    return list(dict.fromkeys(found))


def _words(hint: Any) -> Iterable[str]:
    for part in getattr(hint, "__args__", ()):
        if isinstance(part, str):
            yield part
        else:
            yield from _words(part)


HOW_IT_STANDS = {
    "Measure": choices(MeasureState), "Deal": choices(AgreementState), "Provision": choices(ProvisionState),
    "Claim": choices(ClaimState), "Talks": choices(TalksState), "Deadline": choices(DeadlineState),
    "Criterion": choices(CriterionState), "Risk": choices(RiskState),
}  # fmt: skip
"""The words for how each kind of thing may stand."""
