"""Commands as a program would send them, for tests to begin with."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from tracker.domain.events import Correction, Development, Withdrawal

NOW = datetime(2025, 9, 1, tzinfo=UTC)


def development(*events: dict[str, Any], announced: str = "2025-02-01", **told: Any) -> Development:
    told = {"title": "What happened", "announced": announced, **told}
    return msgspec.convert({**told, "events": list(events)}, Development)


def correction(*events: dict[str, Any], announced: str = "2025-02-01", **told: Any) -> Correction:
    return Correction(reason="We had it wrong", development=development(*events, announced=announced, **told))


WITHDRAWAL = Withdrawal(reason="It never happened")


def event(type: str, subject: str, *effects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": type, "subject": subject, **({"effects": list(effects)} if effects else {}), **fields}


def opened(subject: str, *effects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """``measure.announced`` with what the measure is."""
    return event("measure.announced", subject, *effects, about={"title": "A tariff"}, **fields)


def amended(subject: str, *effects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return event("measure.amended", subject, *effects, **fields)


def paused(subject: str, *effects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return event("measure.paused", subject, *effects, **fields)


def ended(subject: str, *effects: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return event("measure.ended", subject, *effects, **fields)


def at(percent: float, target: str = "everyone", **fields: Any) -> dict[str, Any]:
    """An effect that sets a rate; ``from_`` and ``except_`` for what Python does not let us write."""
    named = {name.removesuffix("_"): value for name, value in fields.items()}
    return {"target": target, "set": {"rate": {"percent": percent}}, **named}
