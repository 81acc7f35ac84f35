"""Deliveries: an edition on its way to one recipient, and every attempt at it.

    pending -> sending -> accepted
                       -> deferred  -> sending ...   (try later)
                       -> unknown   -> sending ...   (it may have arrived; tried again under the same id)
                       -> rejected

``accepted`` means that a server took it; nobody knows whether it was delivered. Whoever sends holds a lease. A worker
whose lease ran out has been replaced: its fencing token is old, and it cannot write its result.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from tracker.delivery import retry
from tracker.delivery.editions import editions
from tracker.delivery.subscriptions import ERASED, subscriptions
from tracker.schema import Instant, Serial, durable

LEASE = timedelta(minutes=5)
"""How long a worker may take for one attempt; longer than any channel does."""
EXCERPT = 500
"""As much of a server's answer as is kept."""

State = Literal["pending", "sending", "accepted", "deferred", "rejected", "unknown"]
Result = Literal["accepted", "deferred", "rejected", "unknown"]

deliveries = Table(
    "deliveries",
    durable,
    Column("id", Serial, primary_key=True),
    Column("subscription", String(40), ForeignKey(subscriptions.c.id), nullable=False),
    Column("edition", String(64), ForeignKey(editions.c.id), nullable=False),
    Column("previous", String(64), ForeignKey(editions.c.id)),
    Column("channel", String(20), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("reference", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("lease_until", Instant),
    Column("fence", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("subscription", "edition", "recipient"),
    Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
    Index("ix_deliveries_edition", "edition"),
    comment="Editions on their way; reference is the same over all attempts; no next_attempt_at: no more attempts.",
)
attempts = Table(
    "attempts",
    durable,
    Column("id", Serial, primary_key=True),
    Column("delivery", Serial, ForeignKey(deliveries.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(10)),
    Column("code", Integer),
    Column("answer", String(EXCERPT)),
    UniqueConstraint("delivery", "number"),
    comment="Every try: when, and what came back.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: how it ended, and what the other side said. ``reached``: false where nobody
    answered, so that others need not try now."""

    result: Result
    answer: str
    code: int | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds. ``previous``: the edition the recipient got before."""

    id: int
    edition: str
    previous: str | None
    channel: str
    recipient: str
    reference: str
    attempt: int
    fence: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try, as it is shown. No outcome: it is under way, or its worker went away."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: Result | None
    code: int | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery, as it is shown."""

    id: int
    subscription: str
    edition: str
    channel: str
    recipient: str
    state: State
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


def reference(edition: str, recipient: str) -> str:
    """What an edition is known by on its way to a recipient: the same over all attempts, different for any two."""
    return hashlib.sha256(f"{edition}\0{recipient}".encode()).hexdigest()[:40]


def queue(
    connection: Connection, *, subscription: str, edition: str, channel: str, recipient: str, now: datetime
) -> int:
    """Put an edition on its way; it is due at once."""
    before = connection.scalar(
        select(deliveries.c.edition)
        .where(deliveries.c.subscription == subscription)
        .order_by(deliveries.c.id.desc())
        .limit(1)
    )
    new = deliveries.insert().values(
        subscription=subscription, edition=edition, previous=before, channel=channel, recipient=recipient,
        reference=reference(edition, recipient), state="pending", attempts=0, next_attempt_at=now, fence=0,
        created_at=now,
    )  # fmt: skip
    return int(connection.execute(new.returning(deliveries.c.id)).scalar_one())


def claim(connection: Connection, now: datetime, channels: Collection[str]) -> Claimed | None:
    """Take the delivery that has been due longest, by a lease of five minutes; None where nothing is due. What
    another worker holds is passed over; what one let go of without a word is taken up again."""
    row = connection.execute(
        select(deliveries)
        .where(deliveries.c.channel.in_(channels), _due(now))
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    held = Claimed(
        row.id, row.edition, row.previous, row.channel, row.recipient, row.reference, row.attempts + 1,
        row.fence + 1,
    )  # fmt: skip
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == held.id)
        .values(state="sending", attempts=held.attempt, lease_until=now + LEASE, fence=held.fence)
    )
    connection.execute(attempts.insert().values(delivery=held.id, number=held.attempt, started_at=now))
    return held


def _due(now: datetime) -> ColumnElement[bool]:
    waiting = deliveries.c.state.in_(("pending", "deferred", "unknown"))
    return or_(
        and_(waiting, deliveries.c.next_attempt_at <= now),
        and_(deliveries.c.state == "sending", deliveries.c.lease_until <= now),
    )


def settle(connection: Connection, held: Claimed, outcome: Outcome, now: datetime) -> State | None:
    """Write what came of an attempt; the state the delivery is in now. None where the lease was lost: whoever holds
    the delivery now writes its result."""
    wait = retry.delay(held.attempt, held.reference) if outcome.result in ("deferred", "unknown") else None
    written = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == held.id, deliveries.c.fence == held.fence, deliveries.c.state == "sending")
        .values(
            state=outcome.result, lease_until=None, next_attempt_at=now + wait if wait else None,
            settled_at=None if wait else now,
        )
    )  # fmt: skip
    if written.rowcount == 0:
        return None
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery == held.id, attempts.c.number == held.attempt)
        .values(ended_at=now, outcome=outcome.result, code=outcome.code, answer=outcome.answer[:EXCERPT])
    )
    return outcome.result


def cancel(connection: Connection, subscription: str) -> None:
    """Nothing more goes out for a subscription, and its address is erased; that it was sent to stays on record."""
    open_ones = select(deliveries.c.id).where(
        deliveries.c.subscription == subscription, deliveries.c.attempts == 0
    )
    connection.execute(delete(deliveries).where(deliveries.c.id.in_(open_ones)))
    its = select(deliveries.c.id).where(deliveries.c.subscription == subscription)
    connection.execute(update(attempts).where(attempts.c.delivery.in_(its)).values(answer=None))
    mine = update(deliveries).where(deliveries.c.subscription == subscription)
    connection.execute(mine.where(deliveries.c.state == "sending").values(state="unknown", lease_until=None))
    connection.execute(mine.values(recipient=ERASED, next_attempt_at=None, fence=deliveries.c.fence + 1))


def listed(
    connection: Connection, *, edition: str | None = None, subscription: str | None = None,
    states: Collection[State] = (), limit: int = 100,
) -> list[Delivery]:  # fmt: skip
    """Deliveries, newest first: of an edition, of a subscription, or in certain states."""
    wanted = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if edition is not None:
        wanted = wanted.where(deliveries.c.edition == edition)
    if subscription is not None:
        wanted = wanted.where(deliveries.c.subscription == subscription)
    if states:
        wanted = wanted.where(deliveries.c.state.in_(states))
    return [_delivery(row) for row in connection.execute(wanted)]


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries there are in each state."""
    counted = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return {row[0]: row[1] for row in connection.execute(counted)}


def attempts_of(connection: Connection, delivery: int) -> list[Attempt]:
    """Every try at a delivery, in order."""
    rows = connection.execute(
        select(attempts).where(attempts.c.delivery == delivery).order_by(attempts.c.number)
    )
    return [
        Attempt(row.number, row.started_at, row.ended_at, row.outcome, row.code, row.answer) for row in rows
    ]


def standing(delivery: Delivery, unready: str | None = None) -> str:
    """Where a delivery stands, in words. ``unready``: why its channel cannot send at all."""
    match delivery.state:
        case "pending":
            return f"pending: {unready}" if unready else "pending"
        case "sending":
            return "being sent"
        case "accepted":
            return "accepted by the mail server"
        case "rejected":
            return "rejected for good"
        case "deferred" | "unknown" if delivery.next_attempt_at is None:
            return f"given up after {delivery.attempts} attempts"
        case "deferred":
            return f"put off after {delivery.attempts} attempts"
        case "unknown":
            return "may have arrived; tried again under the same id"


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.subscription, row.edition, row.channel, row.recipient, row.state, row.attempts,
        row.next_attempt_at, row.created_at, row.settled_at,
    )  # fmt: skip
