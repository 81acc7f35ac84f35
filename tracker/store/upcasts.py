"""Reading old events: each type has a current schema version; a body of an older one is upcast step by step.

A new meaning is a new version: raise it in VERSIONS and register the step that turns the older data into it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from tracker.domain.events import Record

VERSIONS: dict[str, int] = {}
"""Types whose current version is not 1."""

UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""(type, version) -> what turns its data into the next version's."""

_record = msgspec.json.Decoder(Record)


def version_of(type: str) -> int:
    """The schema version that events of this type are written with today."""
    return VERSIONS.get(type, 1)


@lru_cache(maxsize=4096)
def decode(type: str, schema: int, body: str) -> Record:
    """The record that a stored body holds, in today's shape."""
    if schema == version_of(type):
        return _record.decode(body)
    data = msgspec.json.decode(body)
    for version in range(schema, version_of(type)):
        data["event"] = UPCASTS[type, version](data["event"])
    return msgspec.convert(data, Record)
