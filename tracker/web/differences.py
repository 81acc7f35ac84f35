"""Where two versions of what was logged differ, field by field."""

from collections.abc import Iterator
from typing import Any

import msgspec


def differences(older: Any, newer: Any) -> list[tuple[str, str, str]]:
    """(field, was, is) of each field that differs; '' where there is none. Lists are compared place by place."""
    was, now = dict(_leaves(older)), dict(_leaves(newer))
    return [
        (name, was.get(name, ""), now.get(name, ""))
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from _leaves(entry, f"{path} › {key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value, 1):
            yield from _leaves(entry, f"{path} {number}")
    else:
        yield path, value if isinstance(value, str) else msgspec.json.encode(value).decode()
