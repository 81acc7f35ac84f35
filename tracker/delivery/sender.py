"""Sends what is due, one after another: claim, render, send, write down what came of it.

Three steps, each on its own: the claim is committed before anything is sent, and the result is written only by whoever
still holds the lease. A worker that dies in between leaves a lease that runs out; the next one sends the same message
under the same id.
"""

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Engine

from tracker.delivery import deliveries, editions
from tracker.delivery.channels import CHANNELS
from tracker.delivery.channels.channel import Channel, Parcel
from tracker.delivery.deliveries import Claimed, Outcome
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing

log = structlog.get_logger()


def send_due(
    engine: Engine,
    settings: Settings,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    channels: Sequence[Channel] = CHANNELS,
) -> int:
    """Send every delivery that is due; how many were tried. A channel whose server does not answer is left alone
    until the next time."""
    ready = {channel.name: channel for channel in channels if channel.unready(settings) is None}
    tried = 0
    while ready and not stopping():
        with writing(engine) as connection:
            held = deliveries.claim(connection, clock(), list(ready))
        if held is None:
            break
        tried += 1
        outcome = _attempt(engine, settings, ready[held.channel], held)
        with writing(engine) as connection:
            state = deliveries.settle(connection, held, outcome, clock())
        log.info(
            "sent" if state else "lease_lost", delivery=held.id, attempt=held.attempt, result=outcome.result,
            code=outcome.code,
        )  # fmt: skip
        if not outcome.reached:
            del ready[held.channel]
    return tried


def unready(settings: Settings, channels: Sequence[Channel] = CHANNELS) -> dict[str, str]:
    """Why channels cannot send as things are set, by their name; those that can are left out."""
    found = ((channel.name, channel.unready(settings)) for channel in channels)
    return {name: why for name, why in found if why is not None}


def _attempt(engine: Engine, settings: Settings, channel: Channel, held: Claimed) -> Outcome:
    try:
        with reading(engine) as connection:
            edition = editions.get(connection, held.edition)
        previous = deliveries.reference(held.previous, held.recipient) if held.previous else None
        return channel.send(Parcel(edition, held.recipient, held.reference, previous), settings)
    except Exception as error:
        # A fault of ours must not stop the others, nor be tried for ever: it counts as an attempt.
        log.exception("send_failed", delivery=held.id)
        return Outcome("deferred", f"the tracker failed: {type(error).__name__}")
