"""The founding history: the commands in fixtures/, one a file, replayed through the import in the order in which the
world learnt of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.domain.parse import parse
from tracker.importing import Given, Imported, Line, Rejected, Terms, learnt, load
from tracker.settings import shipped

WHO = "founding"
"""Who logged the founding history, in the envelope of its events."""


def seed(engine: Engine, now: datetime, after: Callable[[Given], None] = lambda _: None) -> Imported:
    """Replay the founding history, as far as it lies in the past of this clock, into an empty log; into one that has
    it already, nothing."""
    past = [given for at, given in founding() if at <= now]
    return load(engine, past, Terms(WHO, now, as_learnt=True, after=after))


def founding(folder: Path | None = None) -> list[tuple[datetime, Given]]:
    """The commands of the folder (default: fixtures/) with when they were learnt, by that, sequence within the day,
    and key."""
    folder = folder or shipped("fixtures")
    found = [
        _placed(Given(str(path.relative_to(folder.parent)), path.read_bytes()))
        for path in folder.rglob("*.json")
    ]
    return [(place[0], given) for place, given in sorted(found, key=lambda pair: pair[0])]


def _placed(given: Given) -> tuple[tuple[datetime, int, str], Given]:
    try:
        line = parse(Line, given.text)
        if line.development is None:
            raise Refused("invalid", "a file of the founding history logs a development")
        at = learnt(line.development)
    except Refused as refusal:
        raise Rejected([f"{given.where}: {refusal.detail}"], 0, 0) from None
    return (at, line.development.sequence, line.key), given
