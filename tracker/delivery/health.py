"""What attempts say of an address: whether it works, is failing, or is to be left alone."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from tracker.delivery import deliveries, endpoints, enrolment, notices, subscriptions
from tracker.delivery.channels.channel import Channel
from tracker.delivery.deliveries import Claimed, Outcome
from tracker.delivery.refusals import nobody_there
from tracker.delivery.subscriptions import Subscription
from tracker.store import log as kept

log = structlog.get_logger()

TOLD_AFTER = 4
"""So many failures in a row, and who looks after an endpoint is told."""
REFUSED_AFTER = 3
"""So many failures in a row, the last because nobody is at the address, and nothing more is sent."""
HALTED_AFTER = timedelta(days=5)
"""So long a time of nothing but failures, and nothing more is sent."""


def heard(connection: Connection, channel: Channel, held: Claimed, outcome: Outcome, now: datetime) -> None:
    """Take note of what came of an attempt at a subscription's own address."""
    seen = subscriptions.get(connection, held.subscription)
    if not seen.active or held.recipient != seen.address:
        return
    if outcome.ours or (channel.shared and not outcome.reached):
        return
    if outcome.result == "accepted":
        if seen.failures:
            subscriptions.failed(connection, seen.id, 0, None)
        return
    since, failures = seen.failing_since or now, seen.failures + 1
    subscriptions.failed(connection, seen.id, failures, since)
    if seen.halted_at is not None:
        return
    refused = failures >= REFUSED_AFTER and deliveries.refused(
        connection, seen.id, seen.address, REFUSED_AFTER
    )
    if because := _enough(outcome, failures, refused, now - since):
        subscriptions.halt(connection, seen.id, because, now)
        deliveries.hold(connection, seen.id)
        _tell(connection, "halted", seen, outcome, now)
        log.warning("halted", subscription=seen.id, because=because)
    elif failures == TOLD_AFTER:
        _tell(connection, "failing", seen, outcome, now)


def _enough(outcome: Outcome, failures: int, refused: bool, lasting: timedelta) -> str | None:
    """Why nothing more is to be sent."""
    if outcome.gone:
        return "it answered that it is gone for good (410)"
    if refused and nobody_there(outcome.code, outcome.answer):
        return (
            f"nobody is there: {REFUSED_AFTER} messages in a row were refused, the last with {outcome.code}"
        )
    if lasting >= HALTED_AFTER:
        return f"it has failed for {lasting.days} days, {failures} times in a row"
    return None


def _tell(
    connection: Connection, kind: notices.Kind, seen: Subscription, outcome: Outcome, now: datetime
) -> None:
    """Tell who looks after it, where somebody agreed to."""
    contact = endpoints.agreed_contact(connection, seen.id)
    if contact is None:
        return
    said = outcome.answer.partition("\n")[0][:200]
    code = "" if outcome.code is None else f"{outcome.code} "
    facts = [f"It is {seen.address}. At the last attempt it said: {code}{said.strip()}".rstrip()]
    notice = notices.notice(kind, seen, enrolment.names(connection), kept.position(connection), *facts)
    deliveries.notify(
        connection,
        subscription=seen.id,
        notice=notice,
        channel=enrolment.MAIL,
        recipient=contact,
        now=now,
    )
