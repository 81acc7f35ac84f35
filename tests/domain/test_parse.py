"""What is wrong in JSON is said with its place, its value and what to write instead."""

from typing import Any

import msgspec
import pytest

from tracker.domain.errors import Refused
from tracker.domain.events import Development
from tracker.domain.parse import parse

EVENT = {"type": "measure.paused", "subject": "measure:us-x", "effects": [{"target": "MX"}]}
COMMAND = {"title": "A pause", "announced": "2025-09-02", "events": [EVENT]}


def event(**fields: Any) -> dict[str, Any]:
    return COMMAND | {"events": [EVENT | fields]}


def effect(**fields: Any) -> dict[str, Any]:
    return event(effects=[fields])


def problem(raw: object) -> tuple[str, str]:
    text = raw if isinstance(raw, bytes) else msgspec.json.encode(raw)
    with pytest.raises(Refused) as raised:
        parse(Development, text)
    (found,) = raised.value.problems
    return found.pointer, found.detail


def test_a_command_that_is_right_is_read() -> None:
    assert parse(Development, msgspec.json.encode(COMMAND)).title == "A pause"


@pytest.mark.parametrize(
    ("given", "pointer", "said"),
    [
        (COMMAND | {"title": 3}, "/title", "3 does not fit: give text"),
        (COMMAND | {"title": ""}, "/title", '"" is too short: give at least 1 characters'),
        (COMMAND | {"announced": "x"}, "/announced", '"x" is too short: give a date as stated: 2025, 2025-04, 2025-04'),
        (COMMAND | {"sources": [{"publisher": "P", "kind": "press", "url": "javascript:alert(1)"}]}, "/sources/0/url",
         '"javascript:alert(1)" does not fit: give an address that begins with http:// or https://'),
        (COMMAND | {"sequence": -1}, "/sequence", "-1 is out of bounds: give at least 0"),
        (COMMAND | {"anounced": "2025"}, "/anounced", "is not known here: did you mean announced?"),
        ({"title": "t"}, "/announced", "is missing: give a date as stated: 2025"),
        (COMMAND | {"events": []}, "/events", "[] is too short: give at least 1 entries"),
        (COMMAND | {"events": {}}, "/events", "{} does not fit: give a list [...]"),
        (COMMAND | {"events": [7]}, "/events/0", "7 does not fit: give an object {...}"),
        (event(type="measure.pause"), "/events/0/type", "not known here: did you mean measure.paused?"),
        (event(type=None), "/events/0/type", "null does not fit: give text"),
        (COMMAND | {"events": [{}]}, "/events/0/type", "is missing: give what it is, such as"),
        (event(subject="Mexico"), "/events/0/subject", '"Mexico" does not fit: what an event is about'),
        (effect(target="MEX"), "/events/0/effects/0/target", '"MEX" does not fit: a partner or bloc'),
        (effect(set={"status": "pause"}), "/events/0/effects/0/set/status", "did you mean paused?"),
        (effect(set={"rate": 25}), "/events/0/effects/0/set/rate", "25 does not fit: give an object {...} or null"),
        (effect(set={"exemptions": {"A B": None}}), "/events/0/effects/0/set/exemptions", '"A B" does not fit'),
        (b'{"title":1e999}', "/title", "too large"),
    ],
)  # fmt: skip
def test_it_names_the_field_the_value_and_the_remedy(given: object, pointer: str, said: str) -> None:
    where, what = problem(given)
    assert where == pointer
    assert said in what


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "there is nothing in it"),
        (b'{"title":', "ends too early"),
        (b'{"title": x}', "column 11, at 'x}'"),
        (b'{\n "title": x}', "line 2, column 11"),
        (b'{"title":"\xff"}', "not UTF-8 text: byte 0xff"),
        (b'{"title": NaN}', "something else is expected"),
        (b"[1,2", "ends too early (a bracket or a quote is not closed)"),
        (b'{"title": 3, "announced": }', "column 27, at '}'"),
        (b'["\xff"]', "not UTF-8 text: byte 0xff"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"title":' * 100_000, "nested too deeply"),
        (b"\x00\x01", "something else is expected"),
    ],
)
def test_what_is_no_json_is_said_so(raw: bytes, said: str) -> None:
    assert said in problem(raw)[1]


def test_a_name_that_stands_twice_is_not_the_last_of_its_values() -> None:
    for name, value in (("title", "A pause"), ("target", "MX")):
        said = f'"{name}":"{value}"'
        raw = msgspec.json.encode(COMMAND).replace(said.encode(), f"{said},{said}".encode())
        assert problem(raw) == ("", f"'{name}' stands more than once in one object: give it once")
