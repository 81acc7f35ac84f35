"""From JSON to the shapes of the domain, or a refusal that names the field, the value and what to write instead.

msgspec says what is wrong in the words of Python; here it is said in the words of the one who typed it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from tracker.domain.errors import Problem, Refused

Shape = TypeVar("Shape")

KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list [...]",
    "object": "an object {...}", "null": "null",
}  # fmt: skip


def parse(shape: type[Shape], raw: bytes) -> Shape:
    """The value that JSON text holds; Refused (``invalid``) with a JSON Pointer to what is wrong in it."""
    decoder: msgspec.json.Decoder[Shape] = _decoder(shape)  # type: ignore[arg-type]
    try:
        found = decoder.decode(raw)
    except msgspec.ValidationError as error:
        said = str(error)
    except UNREADABLE as error:
        raise _unreadable(raw, error) from None
    else:
        if not _surely_once(raw):
            json.loads(raw, object_pairs_hook=_once, parse_int=str, parse_float=str)
        return found
    try:
        data = msgspec.json.decode(raw)
    except UNREADABLE as error:
        if "out of range" not in said:  # the shape was wrong before the end of the text was
            raise _unreadable(raw, error) from None
        data = None
    raise _explained(shape, data, said)


def _surely_once(raw: bytes) -> bool:
    """Whether no name stands twice, told quickly: read and written again, the text has as many names. Escapes and
    blanks before a colon could hide one, so of a text that may have such nothing is sure."""
    names = raw.count(b'":')
    if b"\\u" in raw or _SPACED.search(raw):
        return False
    return msgspec.json.encode(msgspec.json.decode(raw)).count(b'":') == names


_SPACED = re.compile(rb'"\s+:')


def _once(pairs: list[tuple[str, Any]]) -> None:
    """A name that stands twice would silently mean the last of its values."""
    if len({name for name, _ in pairs}) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise invalid("", f"{name!r} stands more than once in one object: give it once")


@lru_cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def invalid(pointer: str, detail: str) -> Refused:
    """A refusal whose sentence names the place as well."""
    return Refused("invalid", f"{pointer}: {detail}" if pointer else detail, Problem(pointer, detail))


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _unreadable(raw: bytes, error: Exception) -> Refused:
    """Text that is no JSON at all."""
    if isinstance(error, RecursionError):
        return invalid("", "this is nested too deeply to be a command")
    if isinstance(error, UnicodeDecodeError):
        return invalid("", f"this is not UTF-8 text: byte {error.object[error.start]:#04x} is none")
    return invalid("", f"this is not JSON: {_place(raw, str(error))}")


def _place(raw: bytes, said: str) -> str:
    if not raw.strip():
        return "there is nothing in it"
    if "truncated" in said:
        return "it ends too early (a bracket or a quote is not closed)"
    byte = re.search(r"\(byte (\d+)\)", said)
    if byte is None:
        return said
    before = raw[: int(byte[1])].decode("utf-8", "replace")
    near = raw[int(byte[1]) : int(byte[1]) + 20].decode("utf-8", "replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    at = f"line {line}, column {column}" if b"\n" in raw.strip() else f"column {column}"
    return f"{at}, at {near!r}, something else is expected"


# ---------------------------------------------------------------- what msgspec says, explained

Path = list[str | int]


def _explained(shape: Any, data: Any, said: str) -> Refused:
    what, _, where = said.partition(" - at ")
    of_key = where.startswith("`key`")
    path = _path(where)
    value, types = _follow(data, [inspect.type_info(shape)], path)
    if of_key:
        value = (
            next((key for key in value if not _fits(types, key)), None) if isinstance(value, dict) else None
        )
        types = [t.key_type for t in types if isinstance(t, inspect.DictType)]
    pointer = "".join(f"/{part}" for part in path)
    if missing := re.match(r"Object missing required field `(.*)`", what):
        return invalid(f"{pointer}/{missing[1]}", f"is missing: give {_wanted(types, missing[1])}")
    if unknown := re.match(r"Object contains unknown field `(.*)`", what):
        return invalid(f"{pointer}/{unknown[1]}", f"is not known here: {_nearest(unknown[1], _names(types))}")
    if "out of range" in what:
        return invalid(pointer, "holds a number that is too large to be kept")
    if "Invalid value" in what:
        tags = _tags(_follow(data, [inspect.type_info(shape)], path[:-1])[1])
        return invalid(pointer, f"{_shown(value)} is not known here: {_nearest(str(value), tags)}")
    return invalid(pointer, f"{_shown(value)} {_remedy(what, value, types)}")


def _path(where: str) -> Path:
    """``$.events[0].set.criteria[...]`` as its parts."""
    parts = re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", where.rpartition("$")[2])
    return [name or (int(index) if index.isdigit() else index) for name, index in parts]


def _follow(value: Any, types: list[inspect.Type], path: Path) -> tuple[Any, list[inspect.Type]]:
    """The value at a path, and the types it may have there."""
    for part in path:
        types = _choices(types, value)
        found = [t for t in (_below(t, part) for t in types) if t is not None]
        match value, part:
            case dict(), str() if part in value:
                value = value[part]
            case list(), int() if part < len(value):
                value = value[part]
            case _:
                value = None
        types = found
    return value, _choices(types, value)


def _below(type: inspect.Type, part: str | int) -> inspect.Type | None:
    if isinstance(type, inspect.StructType):
        return next((f.type for f in type.fields if f.encode_name == part), None)
    if isinstance(type, inspect.ListType):
        return type.item_type
    return type.value_type if isinstance(type, inspect.DictType) else None


def _choices(types: Iterable[inspect.Type], value: Any) -> list[inspect.Type]:
    """The members of unions; of tagged ones the one that the value says it is, where it says so."""
    flat: list[inspect.Type] = []
    for type in types:
        bare = (
            type.type
            if isinstance(type, inspect.Metadata) and isinstance(type.type, inspect.UnionType)
            else type
        )
        flat += _choices(bare.types, value) if isinstance(bare, inspect.UnionType) else [bare]
    if not isinstance(value, dict):
        return flat
    return [
        t for t in flat if isinstance(t, inspect.StructType) and value.get(t.tag_field) == t.tag and t.tag
    ] or flat


def _bare(type: inspect.Type) -> inspect.Type:
    return _bare(type.type) if isinstance(type, inspect.Metadata) else type


def _fits(types: Iterable[inspect.Type], key: str) -> bool:
    patterns = [t.key_type for t in types if isinstance(t, inspect.DictType)]
    return all(re.search(str(getattr(_bare(t), "pattern", None) or ""), key) for t in patterns)


def _tags(types: Iterable[inspect.Type]) -> list[str]:
    return [str(t.tag) for t in types if isinstance(t, inspect.StructType) and t.tag_field]


def _names(types: Iterable[inspect.Type]) -> list[str]:
    return [f.encode_name for t in types if isinstance(t, inspect.StructType) for f in t.fields]


def _wanted(types: Iterable[inspect.Type], name: str) -> str:
    if any(isinstance(t, inspect.StructType) and t.tag_field == name for t in types):
        tags = _tags(types)
        return f"what it is, such as {tags[0]} or {tags[-1]}"
    below = [b for b in (_below(t, name) for t in types) if b is not None]
    return _described(below) or "it"


def _described(types: Iterable[inspect.Type]) -> str:
    """What belongs there, in words."""
    types = [*types]
    for type in types:
        schema = (type.extra_json_schema or {}) if isinstance(type, inspect.Metadata) else {}
        if text := schema.get("description"):
            examples = [str(e) for e in schema.get("examples", ())]
            return (
                str(text[0]).lower()
                + str(text[1:])
                + (f" For example {' or '.join(examples)}." if examples else "")
            )
    kinds = [KINDS[k] for t in types if (k := _kind(_bare(t))) is not None]
    return " or ".join(dict.fromkeys(kinds))


def _is_described(types: Iterable[inspect.Type]) -> bool:
    return any("description" in (t.extra_json_schema or {}) for t in types if isinstance(t, inspect.Metadata))


def _kind(type: inspect.Type) -> str | None:
    match type:
        case inspect.StrType() | inspect.LiteralType():
            return "str"
        case inspect.IntType():
            return "int"
        case inspect.FloatType():
            return "float"
        case inspect.BoolType():
            return "bool"
        case inspect.ListType():
            return "array"
        case inspect.StructType() | inspect.DictType():
            return "object"
        case _:
            return None


def _remedy(what: str, value: Any, types: list[inspect.Type]) -> str:
    if "Invalid enum value" in what:
        literals = [str(v) for t in types if isinstance(t, inspect.LiteralType) for v in t.values]
        return f"is not one of those allowed: {_nearest(str(value), literals)}"
    if form := re.search(r"matching regex '(.*)'$", what):
        pattern = form[1].replace("\\\\", "\\")  # msgspec writes it as Python would
        return f"does not fit: {PATTERNS.get(pattern) or _described(types)}"
    if size := re.search(r"`(\w+)` of length (>=|<=) (\d+)", what):
        unit = "characters" if size[1] == "str" else "entries"
        wanted = _described(types) if _is_described(types) else f"{_at(size[2])} {size[3]} {unit}"
        return f"is too {'short' if size[2] == '>=' else 'long'}: give {wanted}"
    if bound := re.search(r"([<>]=?) (-?[\d.]+)", what):
        return f"is out of bounds: give {_at(bound[1])} {bound[2].removesuffix('.0')}"
    if "RFC3339" in what or "timezone component" in what:
        return "is not understood: give a time with its offset: 2025-08-20T08:00:00-04:00"
    kinds = re.match(r"Expected `([^`]*)`", what)
    return (
        f"does not fit: give {' or '.join(KINDS.get(k, k) for k in kinds[1].split(' | '))}" if kinds else what
    )


PATTERNS = {
    r"^[a-z0-9][a-z0-9-]{0,63}$": "a short key is lower-case letters, digits and hyphens, at most 64: auto-parts",
    r"^[A-Z]{3}$": "give the three letters of ISO 4217: USD",
    r"^https?://[^\s]+$": "give an address that begins with http:// or https://",
    r"^measure:[a-z]{2}-[a-z0-9-]{1,80}$": "give the key of a measure: measure:us-ieepa-border-mx",
    r"^authority:[a-z]{2}-[a-z0-9-]{1,80}$": "give the key of an authority: authority:us-ieepa",
}
"""Forms whose own description does not say what to write."""


def _at(sign: str) -> str:
    return "at least" if ">" in sign else "at most"


def _nearest(word: str, known: Iterable[str]) -> str:
    known = [*known]
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"these are: {', '.join(known)}"


def _shown(value: Any, longest: int = 60) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= longest else f"{text[:longest]}..."
