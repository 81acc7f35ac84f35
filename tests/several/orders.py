"""What the writers record: measures of one world, several in a development and in any order."""

from random import Random
from typing import Any

import msgspec

from tracker.domain.events import Development

MEASURES = [f"measure:us-several-{n}" for n in range(6)]
CONTESTED = [f"measure:us-contested-{n}" for n in range(3)]
"""Those that are only recorded about with ``If-Match``."""


def command(title: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "announced": "2025-08-01", "events": [*events]}


def announced(subject: str) -> dict[str, Any]:
    return {
        "type": "measure.announced",
        "subject": subject,
        "about": {"title": "A tariff"},
        "effects": [rated(1)],
    }


def amended(subject: str, percent: int) -> dict[str, Any]:
    return {"type": "measure.amended", "subject": subject, "effects": [rated(percent)]}


def rated(percent: int) -> dict[str, Any]:
    return {"target": "MX", "set": {"rate": {"percent": percent}}}


def crossing(random: Random) -> list[dict[str, Any]]:
    """Events about one to four measures, in any order: who locks them as they come waits in a circle."""
    return [
        amended(subject, random.randint(1, 99)) for subject in random.sample(MEASURES, random.randint(1, 4))
    ]


def several_subjects(random: Random) -> Development:
    return msgspec.convert(command("Several at once", *crossing(random)), Development)


BEGINNING = [command("They begin", *map(announced, [*MEASURES, *CONTESTED]))]
