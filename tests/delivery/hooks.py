"""Endpoints that are told over HTTP, in the world of these tests: allowed, sent to, and asked what came of it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from delivery.post import SEALER, Server, World
from delivery.receiver import Receiver, Request
from standardwebhooks import Webhook as Verifier

from tracker.delivery import deliveries, dispatch, notices, sender, subscriptions
from tracker.delivery.channels.channel import Channel
from tracker.delivery.channels.email import Email
from tracker.delivery.channels.slack import Slack
from tracker.delivery.channels.webhook import Webhook
from tracker.delivery.deliveries import Attempt, Delivery
from tracker.delivery.outward import Limits
from tracker.delivery.subscriptions import Subscription
from tracker.settings import MailServer
from tracker.store.engine import reading

LIMITS = Limits(exchange_seconds=1)
CALM: tuple[Channel, ...] = (Email(), Webhook(), Slack())
HURRIED: tuple[Channel, ...] = (Email(), Webhook(LIMITS), Slack(LIMITS))
"""Less patient than in service: for who is to be found too slow."""


def allow(world: World, *receivers: Receiver, mail: Server | None = None) -> None:
    """Let these be sent to."""
    named = {host for one in receivers for host in one.settings.private_hosts}
    hosts = world.settings.private_hosts | named
    smtp = MailServer("127.0.0.1", mail.port, tls=False) if mail else world.settings.smtp_url
    world.settings = replace(world.settings, private_hosts=hosts, plain_http="allowed", smtp_url=smtp)


def hook(
    world: World, here: Receiver, over: str = "webhook", *, path: str = "", confirmed: bool = True, **wanted: Any
) -> tuple[Subscription, str]:  # fmt: skip
    """A subscription of this receiver, told at once unless said otherwise; with its secret ("" of a chat)."""
    allow(world, here)
    made = world.enrol(here.url + path, over, confirmed=confirmed, **{"at_once": True, **wanted})
    assert made is not None
    return made.subscription, made.secret or ""


def news(world: World, *percents: float) -> None:
    """Something to tell, cut."""
    for percent in percents or (30,):
        world.rate(percent)
        world.clock.forward(minutes=10)
        dispatch.cut_due(world.engine, world.clock())


def send(world: World, channels: tuple[Channel, ...] = CALM) -> int:
    return sender.send_due(world.engine, world.settings, world.clock, channels=channels)


def sent(world: World, subscription: Subscription | None = None) -> list[Delivery]:
    """What was put on its way, oldest first."""
    with reading(world.engine) as connection:
        found = deliveries.listed(connection, subscription=subscription and subscription.id, limit=1000)
    return found[::-1]


def tries(world: World, number: int = -1) -> list[Attempt]:
    """The attempts at a delivery, of all that there are in order."""
    with reading(world.engine) as connection:
        return deliveries.attempts_of(connection, sent(world)[number].id)


def now(world: World, one: Subscription) -> Subscription:
    with reading(world.engine) as connection:
        return subscriptions.get(connection, one.id)


def waits(world: World, number: int = -1) -> timedelta:
    """How long from now until the next attempt."""
    again = sent(world)[number].next_attempt_at
    assert again is not None
    return again - world.clock.now


def token(one: Subscription) -> str:
    return SEALER.token(notices.CONFIRM, one.id)


def event(request: Request, secret: str) -> dict[str, Any]:
    """The message that a receiver got, verified by the library that it would use."""
    verified: dict[str, Any] = Verifier(secret).verify(request.body, request.headers)
    assert json.loads(request.body) == verified
    return verified
