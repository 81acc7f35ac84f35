"""Reading old events: what is stored says which version of its shape it was written in, and is lifted step by step to
today's.

A new meaning is a new version: raise it in VERSIONS and register the step that turns the older data into it. The
version of an event stands in its envelope; ``schemas`` in the body has those of what lies within (``told``, and the
events of a correction), where they are not 1.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from tracker.domain.errors import Refused
from tracker.domain.events import DevelopmentCorrected, Logged, Record

Data = dict[str, Any]
TOLD = "told"
"""The name of what stands beside the event in a body; versioned like a type."""

VERSIONS: dict[str, int] = {"deadline.closed": 2}
"""Types whose current version is not 1."""


def _a_closing_says_how(event: Data) -> Data:
    """Version 1 could leave it out, and the deadline stood open for ever; or say that it is open."""
    said = event["set"]
    return event | {"set": said | {"status": "closed"}} if said.get("status") in (None, "open") else event


UPCASTS: dict[tuple[str, int], Callable[[Data], Data]] = {("deadline.closed", 1): _a_closing_says_how}
"""(type, version) -> what turns its data into the next version's."""


class _Named(Struct):
    type: str


class _Event(Struct):
    now: list[_Named] = []


class _Within(Struct):
    """What of a body has a version of its own."""

    event: _Event
    schemas: dict[str, int] = {}


_record = msgspec.json.Decoder(Record)
_within = msgspec.json.Decoder(_Within)


def version_of(type: str) -> int:
    """The schema version that events of this type, or ``told``, are written with today."""
    return VERSIONS.get(type, 1)


def type_of(event: Struct) -> str:
    """The type of an event."""
    return str(event.__struct_config__.tag)


def versions_within(event: Struct) -> dict[str, int]:
    """The versions other than 1 of what is written within the body of this event today."""
    now: Iterable[Logged] = event.now if isinstance(event, DevelopmentCorrected) else ()
    names = {TOLD, *map(type_of, now)}
    return {name: VERSIONS[name] for name in sorted(names) if VERSIONS.get(name, 1) != 1}


def lift(type: str, version: int, data: Data) -> Data:
    """Data of this version in today's shape; Refused where it comes from a release that is newer than this one."""
    if version < 1:
        raise Refused("invalid", f"{type} has no version {version}: versions count from 1")
    if version > version_of(type):
        raise Refused(
            "conflict",
            f"{type} is there in version {version}, and this release knows version {version_of(type)}: it was written "
            "by a newer one, so run that",
        )
    for step in range(version, version_of(type)):
        data = UPCASTS[type, step](data)
    return data


def lift_logged(events: Iterable[Data], versions: Mapping[str, int]) -> list[Data]:
    """The events of a development, each in the version that its type is mapped to (or 1), in today's shape."""
    return [lift(str(event["type"]), versions.get(str(event["type"]), 1), event) for event in events]


@lru_cache(maxsize=4096)
def decode(type: str, schema: int, body: str) -> Record:
    """The record that a stored body holds, in today's shape."""
    within = _within.decode(body)
    names = {TOLD, *(event.type for event in within.event.now)}
    if schema == version_of(type) and all(within.schemas.get(name, 1) == version_of(name) for name in names):
        return _record.decode(body)
    data = msgspec.json.decode(body)
    told = lift(TOLD, within.schemas.get(TOLD, 1), data["told"])
    event = lift(type, schema, data["event"])
    if "now" in event:
        event |= {"now": lift_logged(event["now"], within.schemas)}
    return msgspec.convert({"told": told, "event": event}, Record)
