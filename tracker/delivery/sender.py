"""Sends what is due: claim, render, send, write down what came of it. A few at a time, so that one who is slow does
not hold up the others.

Three steps, each on its own: the claim is committed before anything is sent, and the result is written only by whoever
still holds the lease. A worker that dies in between leaves a lease that runs out; the next one sends the same message
under the same id.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine

from tracker.delivery import deliveries, editions, endpoints, health, notices, subscriptions
from tracker.delivery.channels import CHANNELS
from tracker.delivery.channels.channel import Channel, Parcel
from tracker.delivery.deliveries import Claimed, Outcome
from tracker.delivery.sealing import Sealer, sealer
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing

log = structlog.get_logger()

AT_ONCE = 8
"""As many messages as are under way at the same time."""


def send_due(
    engine: Engine,
    settings: Settings,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    channels: Sequence[Channel] = CHANNELS,
    at_once: int = AT_ONCE,
) -> int:
    """Send every delivery that is due; how many were tried. A server of ours that does not answer is left alone until
    the next time."""
    ready = {channel.name: channel for channel in channels if channel.unready(settings) is None}
    if not ready:
        return 0
    with reading(engine) as connection:
        waiting = min(at_once, deliveries.waiting(connection, clock(), list(ready), at_once))
    if not waiting:
        return 0
    sending = _Sending(engine, settings, sealer(settings), clock, stopping, ready)
    if waiting == 1:
        return sending.go_on()
    with ThreadPoolExecutor(waiting, thread_name_prefix="send") as pool:
        return sum(pool.map(lambda _: sending.go_on(), range(waiting)))


def unready(settings: Settings, channels: Sequence[Channel] = CHANNELS) -> dict[str, str]:
    """Why channels cannot send as things are set, by their name; those that can are left out."""
    found = ((channel.name, channel.unready(settings)) for channel in channels)
    return {name: why for name, why in found if why is not None}


@dataclass(frozen=True, slots=True)
class _Sending:
    """One run, of any number of threads. ``silent``: channels whose server does not answer."""

    engine: Engine
    settings: Settings
    sealer: Sealer
    clock: Clock
    stopping: Callable[[], bool]
    channels: Mapping[str, Channel]
    silent: set[str] = field(default_factory=set)

    def go_on(self) -> int:
        """Send one after another until nothing is due; how many were tried."""
        tried = 0
        while (ready := self.channels.keys() - self.silent) and not self.stopping():
            with writing(self.engine) as connection:
                held = deliveries.claim(connection, self.clock(), ready)
            if held is None:
                break
            tried += 1
            self._one(held)
        return tried

    def _one(self, held: Claimed) -> None:
        channel = self.channels[held.channel]
        outcome = _attempt(self, channel, held)
        if channel.shared and not outcome.reached:
            self.silent.add(channel.name)
        with writing(self.engine) as connection:
            state = deliveries.settle(connection, held, outcome, channel.delays, self.clock())
            if state is not None:
                self._heard(connection, channel, held, outcome)
        log.info(
            "sent" if state else "lease_lost", delivery=held.id, attempt=held.attempt, result=outcome.result,
            code=outcome.code,
        )  # fmt: skip

    def _heard(self, connection: Connection, channel: Channel, held: Claimed, outcome: Outcome) -> None:
        """What follows for the subscription."""
        if outcome.confirmed and held.notice is not None and held.notice.kind == "confirm":
            subscriptions.confirm(connection, held.subscription, self.clock())
        health.heard(connection, self.sealer, channel, held, outcome, self.clock())


def _attempt(sending: _Sending, channel: Channel, held: Claimed) -> Outcome:
    try:
        return channel.send(_parcel(sending, held), sending.settings)
    except Exception as error:
        # A fault of ours must not stop the others, nor be tried for ever: it counts as an attempt.
        log.exception("send_failed", delivery=held.id)
        return Outcome("deferred", f"the tracker failed: {type(error).__name__}")


def _parcel(sending: _Sending, held: Claimed) -> Parcel:
    """What is sent, with everything that must not lie in the database in the clear."""
    links = notices.links(sending.settings.public_url, sending.sealer, held.subscription)
    with reading(sending.engine) as connection:
        content = held.notice or editions.get(connection, str(held.edition))
        own = held.recipient == subscriptions.get(connection, held.subscription).address
        endpoint = own and endpoints.get(connection, held.subscription, sending.sealer, sending.clock())
    previous = deliveries.reference(held.previous, held.recipient) if held.previous else None
    if not endpoint:
        return Parcel(content, held.recipient, held.reference, previous, links, held.created_at)
    return Parcel(content, endpoint.url, held.reference, previous, links, held.created_at, endpoint.secrets)
