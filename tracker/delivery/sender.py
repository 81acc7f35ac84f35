"""Sends what is due: claim, render, send, write down what came of it. A few at a time, so that one who is slow does
not hold up the others; and while some are slow, what comes due is sent meanwhile.

Three steps, each on its own: the claim is committed before anything is sent, and the result is written only by whoever
still holds the lease. A worker that dies in between leaves a lease that runs out; the next one sends the same message
under the same id.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import Connection, Engine

from tracker.delivery import deliveries, editions, endpoints, health, notices, subscriptions
from tracker.delivery.channels import CHANNELS
from tracker.delivery.channels.channel import Channel, Parcel
from tracker.delivery.deliveries import Claimed, Outcome
from tracker.delivery.sealing import Sealer, sealer
from tracker.domain.errors import Refused
from tracker.settings import Settings, SettingsError
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing

log = structlog.get_logger()

AT_ONCE = 8
"""As many messages as are under way at the same time; half of them at most to endpoints that are not known to work."""
LOOK_SECONDS = 1.0
"""How often it is looked what has come due while others are under way."""


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
    with reading(engine) as connection:
        if not deliveries.any_due(connection, clock(), ready):
            return 0
    sending = _Sending(engine, settings, sealer(settings), clock, stopping, ready, at_once)
    with ThreadPoolExecutor(at_once, thread_name_prefix="send") as pool:
        return sending.all_due(pool)


def unready(settings: Settings, channels: Sequence[Channel] = CHANNELS) -> dict[str, str]:
    """Why channels cannot send as things are set, by their name; those that can are left out."""
    found = ((channel.name, channel.unready(settings)) for channel in channels)
    return {name: why for name, why in found if why is not None}


@dataclass(frozen=True, slots=True)
class _Sending:
    """One run. ``silent``: channels whose server does not answer; ``mine``: what is under way, and
    whether it goes to an endpoint that is not known to work."""

    engine: Engine
    settings: Settings
    sealer: Sealer
    clock: Clock
    stopping: Callable[[], bool]
    channels: Mapping[str, Channel]
    at_once: int
    silent: set[str] = field(default_factory=set)
    mine: dict[int, bool] = field(default_factory=dict)

    def all_due(self, pool: Executor) -> int:
        """Send until nothing is due and nothing under way; how many were tried."""
        tried, under_way = 0, set[Future[None]]()
        while True:
            while len(under_way) < self.at_once and (held := self._next()) is not None:
                under_way.add(pool.submit(self._one, held))
                tried += 1
            if not under_way:
                return tried
            under_way = self._waited(under_way)

    def _waited(self, under_way: set[Future[None]]) -> set[Future[None]]:
        """Until one has come to its end, or something has come due; those that are left."""
        while True:
            ended, left = wait(under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if ended:
                return left
            with reading(self.engine) as connection:
                if deliveries.any_due(connection, self.clock(), self.channels, tuple(self.mine)):
                    return left

    def _next(self) -> Claimed | None:
        """What has been due longest. Endpoints that do not work, or that nobody knows yet, take their time to say so:
        they leave room for the others."""
        ready = self.channels.keys() - self.silent
        if not ready or self.stopping():
            return None
        full = sum(tuple(self.mine.values())) >= max(1, self.at_once // 2)
        with writing(self.engine) as connection:
            held = deliveries.claim(
                connection, self.clock(), ready, self._own(ready) if full else (), tuple(self.mine)
            )
        if held is not None:
            self.mine[held.id] = not held.works and held.channel in self._own(ready)
        return held

    def _own(self, channels: Collection[str]) -> Collection[str]:
        """The channels whose recipients have servers of their own."""
        return [name for name in channels if not self.channels[name].shared]

    def _one(self, held: Claimed) -> None:
        """Whatever goes wrong with one, the others are sent."""
        try:
            self._tried(held)
        except Exception:
            log.exception("not_settled", delivery=held.id, attempt=held.attempt)
        finally:
            del self.mine[held.id]

    def _tried(self, held: Claimed) -> None:
        channel = self.channels[held.channel]
        outcome = _attempt(self, channel, held)
        if channel.shared and not outcome.reached:
            self.silent.add(channel.name)
        with writing(self.engine) as connection:
            state = deliveries.settle(connection, held, outcome, _delays(channel, held), self.clock())
            if state is not None:
                self._heard(connection, channel, held, outcome)
        log.info(
            "sent" if state else "lease_lost", delivery=held.id, attempt=held.attempt, result=outcome.result,
            code=outcome.code,
        )  # fmt: skip

    def _heard(self, connection: Connection, channel: Channel, held: Claimed, outcome: Outcome) -> None:
        """What follows for the subscription."""
        if outcome.confirmed and held.notice is not None and held.notice.kind == "confirm":
            try:
                subscriptions.confirm(connection, held.subscription, self.clock())
            except Refused as refused:
                log.info("confirmed_too_late", subscription=held.subscription, because=refused.detail)
        health.heard(connection, channel, held, outcome, self.clock())


def _delays(channel: Channel, held: Claimed) -> Sequence[timedelta]:
    """A test of an endpoint is tried once: whoever asked for it looks what came of it, and asks again. So is a
    challenge where its owner has confirmed meanwhile."""
    kind = held.notice.kind if held.notice and not channel.shared else None
    return () if kind == "test" or (kind == "confirm" and held.confirmed) else channel.delays


def _attempt(sending: _Sending, channel: Channel, held: Claimed) -> Outcome:
    try:
        return channel.send(_parcel(sending, held), sending.settings)
    except SettingsError as error:
        log.error("send_failed", delivery=held.id, detail=str(error))
        return Outcome("deferred", "the tracker cannot send this as it is set up", ours=True)
    except Exception as error:
        # A fault of ours must not stop the others, nor be tried for ever: it counts as an attempt.
        log.exception("send_failed", delivery=held.id)
        return Outcome("deferred", f"the tracker failed: {type(error).__name__}", ours=True)


def _parcel(sending: _Sending, held: Claimed) -> Parcel:
    """What is sent, with everything that must not lie in the database in the clear."""
    links = notices.links(sending.settings.public_url, sending.sealer, held.subscription, held.recipient)
    with reading(sending.engine) as connection:
        content = held.notice or editions.get(connection, str(held.edition))
        own = held.recipient == subscriptions.get(connection, held.subscription).address
        endpoint = own and endpoints.get(connection, held.subscription, sending.sealer, sending.clock())
    previous = held.previous and deliveries.reference(held.previous, held.subscription)
    if not endpoint:
        return Parcel(content, held.recipient, held.reference, previous, links, held.created_at)
    return Parcel(content, endpoint.url, held.reference, previous, links, held.created_at, endpoint.secrets)
