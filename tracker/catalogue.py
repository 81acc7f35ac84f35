"""The published catalogue of events, events/: written from the event classes, readable without our code.

A folder per type holds, per version, a JSON Schema and an example. What is released stands in checksums.txt and is
never written again: where a class has come to mean something else, its type needs a new version.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from tracker.domain.errors import Refused
from tracker.domain.events import AnyEvent, DevelopmentCorrected, Told
from tracker.store.upcasts import TOLD, decode, lift, version_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CHECKSUMS = "checksums.txt"
INDEX = "index.json"
WRITTEN_BY_HAND = ("README.md", "body.example.json", "command.example.json", CHECKSUMS)
ANY = {
    "description": "An event as it stands in a body of its own, of any type that can be logged.",
    "type": "object", "properties": {"type": {"type": "string"}}, "required": ["type", "subject"],
}  # fmt: skip
"""An event within a correction: a schema that listed the types would have a new version with each of them."""
COMMENTS = ("description", "examples")
"""What a schema says to people alone: it may be said better without a new version."""


def types() -> dict[str, type[Any]]:
    """Every type of event that the log can hold, by name."""
    return {str(msgspec.inspect.type_info(cls).tag): cls for cls in get_args(AnyEvent)}  # type: ignore[attr-defined]


def write(folder: Path) -> list[str]:
    """Write the schemas and the index; the names of what changed. Refused where a released schema would change."""
    generated = schemas()
    problems = [*_changed(folder, generated)]
    if problems:
        raise Refused("conflict", "; ".join(problems))
    released = checksums(folder)
    wanted = {name: text for name, text in generated.items() if name not in released}
    wanted[INDEX] = _json(index(folder))
    written = [name for name, text in wanted.items() if _read(folder / name) != text]
    for name in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(wanted[name])
    return written


def release(folder: Path) -> list[str]:
    """Freeze every schema and example that is not frozen yet; their names."""
    held = checksums(folder)
    new = [name for name in _versioned(folder) if name not in held]
    sums = held | {name: _sum(folder / name) for name in new}
    lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")
    (folder / INDEX).write_bytes(_json(index(folder)))
    return new


def check(folder: Path) -> Iterator[str]:
    """What is not as it should be, a sentence each."""
    generated = schemas()
    released = checksums(folder)
    yield from _changed(folder, generated)
    for name, sum in released.items():
        if not (folder / name).is_file():
            yield f"{name} is released, and missing: bring it back"
        elif _sum(folder / name) != sum:
            yield f"{name} is released, and was changed: bring it back, and make a new version"
    for name, text in generated.items():
        if name not in released and _read(folder / name) != text:
            yield f"{name} is not what its class says: run 'tracker catalogue'"
        if not (folder / _example(name)).is_file():
            yield f"{_example(name)} is missing: write an example"
    if _read(folder / INDEX) != _json(index(folder)):
        yield f"{INDEX} is not up to date: run 'tracker catalogue'"
    for name in _versioned(folder):
        if name.endswith(".example.json"):
            yield from _decodes(folder, name)
    for name in sorted({*_files(folder)} - {*_versioned(folder), INDEX, *WRITTEN_BY_HAND}):
        yield f"{name} belongs to no type of event: remove it"


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each released file, by its name."""
    text = (_read(folder / CHECKSUMS) or b"").decode()
    return {name: sum for sum, name in (line.split("  ", 1) for line in text.splitlines())}


# ---------------------------------------------------------------- what is written


def schemas() -> dict[str, bytes]:
    """The schema of the current version of every type, by file name."""
    named = {f"{name}/v{version_of(name)}.schema.json": (name, cls) for name, cls in types().items()}
    named[f"{TOLD}/v{version_of(TOLD)}.schema.json"] = (TOLD, Told)
    return {file: _json(schema(name, cls)) for file, (name, cls) in named.items()}


def schema(name: str, cls: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a class, whole in itself. ``x-implies`` and ``x-leads`` say what the type means beyond
    its fields."""
    made = _described(msgspec.json.schema(cls))
    definitions: dict[str, Any] = made["$defs"]
    own = definitions.pop(cls.__name__)
    if cls is DevelopmentCorrected:
        own["properties"]["now"]["items"] = ANY
    whole = {
        "$schema": DIALECT,
        "$id": f"urn:negotiation-tracker:events:{name}:v{version_of(name)}",
        **own,
        "title": name,
    }
    if implied := msgspec.to_builtins(getattr(cls, "implies", None)):
        whole["x-implies"] = implied
    if getattr(cls, "leads", False):
        whole["x-leads"] = {"status": "announced"}
    needed = _needed(own, definitions)
    return whole | ({"$defs": {name: definitions[name] for name in sorted(needed)}} if needed else {})


def _needed(node: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The definitions that a schema refers to, through others as well."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        text = msgspec.json.encode(waiting.pop()).decode()
        names = {*re.findall(r'"#/\$defs/(\w+)"', text)} - found
        found |= names
        waiting += [definitions[name] for name in names]
    return found


def index(folder: Path) -> dict[str, Any]:
    """All types with what they mean and where their versions lie."""
    released, names = checksums(folder), {*_versioned(folder), *schemas()}
    return {
        "dialect": DIALECT,
        "told": _versions(TOLD, names, released),
        "types": [
            {"type": name, "meaning": _prose(cls.__doc__ or ""), "versions": _versions(name, names, released)}
            for name, cls in types().items()
        ],
    }


def _versions(name: str, names: set[str], released: Mapping[str, str]) -> list[dict[str, Any]]:
    found = sorted(
        int(m[1]) for file in names if (m := re.fullmatch(rf"{re.escape(name)}/v(\d+)\.schema\.json", file))
    )
    return [
        {
            "version": version,
            "schema": f"{name}/v{version}.schema.json",
            "example": f"{name}/v{version}.example.json",
            "released": f"{name}/v{version}.schema.json" in released,
        }
        for version in found
    ]


def _described(node: Any) -> Any:
    """A schema whose descriptions are plain prose on one line."""
    if isinstance(node, list):
        return [_described(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _prose(entry) if name == "description" and isinstance(entry, str) else _described(entry)
        for name, entry in node.items()
    }


def _prose(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


# ---------------------------------------------------------------- what is compared


def _changed(folder: Path, generated: Mapping[str, bytes]) -> Iterator[str]:
    """Released schemas that no longer say what their classes say."""
    for name in checksums(folder):
        held, now = _read(folder / name), generated.get(name)
        if (
            held is not None
            and now is not None
            and _meaning(msgspec.json.decode(held)) != _meaning(msgspec.json.decode(now))
        ):
            type = name.partition("/")[0]
            yield (
                f"{name} is released, and its class says something else now: undo that, or make a new version (raise "
                f"{type} in tracker/store/upcasts.py, write the step from the old one, and run 'tracker catalogue')"
            )


def _meaning(node: Any) -> Any:
    """A schema without what it says to people alone."""
    if isinstance(node, list):
        return [_meaning(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _meaning(entry)
        for name, entry in node.items()
        if name not in COMMENTS or isinstance(entry, dict)
    }


def _decodes(folder: Path, name: str) -> Iterator[str]:
    type, _, file = name.partition("/")
    version = int(file.removeprefix("v").partition(".")[0])
    try:
        read_example(type, version, (folder / name).read_bytes())
    except (msgspec.DecodeError, Refused, ValueError) as error:
        yield f"{name} is not such an event: {error}"


def read_example(type: str, version: int, text: bytes) -> Any:
    """An example as its class, brought to today's version."""
    if type == TOLD:
        return msgspec.convert(lift(TOLD, version, msgspec.json.decode(text)), Told)
    told = {"title": "An example", "announced": "2025-01-01"}
    event = msgspec.json.decode(text)
    if event.get("type") != type:
        raise ValueError(f"its type is {event.get('type')!r}")
    body = {"told": told, "event": event, "schemas": {TOLD: version_of(TOLD)}}
    return decode(type, version, msgspec.json.encode(body).decode()).event


def _example(schema: str) -> str:
    return schema.replace(".schema.json", ".example.json")


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _versioned(folder: Path) -> list[str]:
    """The schemas and examples there are of types there are."""
    known = {*types(), TOLD}
    form = re.compile(r"([a-z_.]+)/v\d+\.(schema|example)\.json")
    return [name for name in _files(folder) if (m := form.fullmatch(name)) and m[1] in known]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
