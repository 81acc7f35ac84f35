"""Deliveries: an edition, or a notice of our own, on its way to one recipient, and every attempt at it.

    pending -> sending -> accepted
                       -> deferred  -> sending ...   (try later)
                       -> unknown   -> sending ...   (it may have arrived; tried again under the same id)
                       -> rejected
    held    -> pending                               (its subscription is halted; put on its way by hand)

``accepted`` means that a server took it; nobody knows whether it was delivered. Whoever sends holds a lease. A worker
whose lease ran out has been replaced: its fencing token is old, and it cannot write its result.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal

import msgspec
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
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from tracker.delivery import notices, outward, retry
from tracker.delivery.editions import editions
from tracker.delivery.notices import Notice
from tracker.delivery.subscriptions import ERASED, subscriptions
from tracker.domain.errors import Refused, invalid
from tracker.domain.when import rfc3339
from tracker.schema import Instant, Json, Serial, durable

LEASE = timedelta(minutes=5)
"""How long a worker may take for one attempt; longer than any channel does."""
MOST = 20
"""So often it is tried at most since it was put on its way: more often than any channel does. What takes its worker
down each time is given up then."""
EXCERPT = 16_384
"""As many characters of a server's answer as are kept."""
KEPT = timedelta(days=30)
"""How far back what did not arrive can be sent again."""

State = Literal["pending", "sending", "accepted", "deferred", "rejected", "unknown", "held"]
Result = Literal["accepted", "deferred", "rejected", "unknown"]

deliveries = Table(
    "deliveries",
    durable,
    Column("id", Serial, primary_key=True),
    Column("subscription", String(40), ForeignKey(subscriptions.c.id), nullable=False),
    Column("edition", String(64), ForeignKey(editions.c.id)),
    Column("previous", String(64), ForeignKey(editions.c.id)),
    Column("channel", String(20), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("reference", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("fence", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("notice", Json),
    Column("earlier", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("subscription", "edition", "recipient"),
    Index("ix_deliveries_next_attempt_at_id", "next_attempt_at", "id"),
    Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
    Index("ix_deliveries_edition", "edition"),
    comment="Editions and notices on their way; reference is the same over all attempts; no next_attempt_at: no more "
    "attempts; earlier: attempts before it was put on its way again.",
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
    Column("answer", Text),
    Column("milliseconds", Integer),
    UniqueConstraint("delivery", "number"),
    comment="Every try: when, and what came back.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: how it ended, and what the other side said. ``reached``: false where nobody
    answered, so that others need not try now. ``retry_after``: how long the other side asks us to wait. ``gone``: it
    wants nothing more, ever. ``confirmed``: by its answer it agreed to be told. ``milliseconds``: how long it took.
    ``ours``: the fault is ours, and says nothing about the other side."""

    result: Result
    answer: str
    code: int | None = None
    reached: bool = True
    retry_after: timedelta | None = None
    gone: bool = False
    confirmed: bool = False
    milliseconds: int | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds: of an edition, or of a notice. ``previous``: the edition that the recipient
    got before. ``round``: the number of this attempt since it was put on its way. ``confirmed``: its
    subscription is; ``works``: it has taken an edition, and what it was sent last."""

    id: int
    subscription: str
    edition: str | None
    notice: Notice | None
    previous: str | None
    channel: str
    recipient: str
    reference: str
    created_at: datetime
    attempt: int
    round: int
    fence: int
    confirmed: bool
    works: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try, as it is shown. No outcome: it is under way, or its worker went away."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: Result | None
    code: int | None
    answer: str | None
    milliseconds: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery, as it is shown: of an edition, or of a notice of this kind."""

    id: int
    subscription: str
    edition: str | None
    notice: str | None
    channel: str
    recipient: str
    reference: str
    state: State
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


def reference(edition: str, subscription: str) -> str:
    """What an edition is known by on its way to a subscription's one address: the same over all attempts, different for
    any two. (Two endpoints may be listed alike, and are not the same.)"""
    return hashlib.sha256(f"{edition}\0{subscription}".encode()).hexdigest()[:40]


def queue(
    connection: Connection, *, subscription: str, edition: str, channel: str, recipient: str, now: datetime,
    held: bool = False,
) -> int:  # fmt: skip
    """Put an edition on its way; it is due at once, unless it is held back."""
    before = connection.scalar(
        select(deliveries.c.edition)
        .where(deliveries.c.subscription == subscription, deliveries.c.edition.is_not(None))
        .order_by(deliveries.c.id.desc())
        .limit(1)
    )
    return _queued(
        connection, subscription=subscription, edition=edition, previous=before, channel=channel,
        recipient=recipient, reference=reference(edition, subscription),
        state="held" if held else "pending", next_attempt_at=None if held else now, created_at=now,
    )  # fmt: skip


def notify(
    connection: Connection, *, subscription: str, notice: Notice, channel: str, recipient: str, now: datetime
) -> int:
    """Put a notice on its way."""
    return _queued(
        connection, subscription=subscription, notice=msgspec.to_builtins(notice), channel=channel,
        recipient=recipient, reference=token_hex(20), state="pending", next_attempt_at=now, created_at=now,
    )  # fmt: skip


def _queued(connection: Connection, **values: Any) -> int:
    new = deliveries.insert().values(attempts=0, fence=0, earlier=0, **values)
    return int(connection.execute(new.returning(deliveries.c.id)).scalar_one())


def again(connection: Connection, id: int, now: datetime) -> None:
    """Put one on its way once more, the same bytes under the same reference. Refused while it is under way."""
    done = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == id, deliveries.c.state != "sending", deliveries.c.recipient != ERASED)
        .values(state="pending", next_attempt_at=now, settled_at=None, earlier=deliveries.c.attempts)
    )
    if done.rowcount == 0:
        raise Refused(
            "conflict",
            "it is being sent just now, or its subscription was stopped: look at it again in some minutes",
        )


def recover(connection: Connection, subscription: str, since: datetime, now: datetime) -> int:
    """Put on their way again all editions since an instant, at most 30 days ago, that did not arrive; how many."""
    if now - since > KEPT:
        raise invalid(
            "since", f"since: what was held is kept for {KEPT.days} days: give {rfc3339(now - KEPT)} or later"
        )
    done = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.subscription == subscription, deliveries.c.created_at >= since, deliveries.c.notice.is_(None),
            deliveries.c.recipient != ERASED,
            or_(
                deliveries.c.state.in_(("held", "rejected")),
                and_(deliveries.c.state.in_(("deferred", "unknown")), deliveries.c.next_attempt_at.is_(None)),
            ),
        )
        .values(state="pending", next_attempt_at=now, settled_at=None, earlier=deliveries.c.attempts)
    )  # fmt: skip
    return done.rowcount


def hold(connection: Connection, subscription: str) -> None:
    """Hold back the editions of a subscription that are not under way."""
    waiting = deliveries.c.state.in_(("pending", "deferred", "unknown"))
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.subscription == subscription, waiting, deliveries.c.notice.is_(None),
            deliveries.c.next_attempt_at.is_not(None),
        )
        .values(state="held", next_attempt_at=None)
    )  # fmt: skip


def claim(
    connection: Connection, now: datetime, channels: Collection[str], working: Collection[str] = (),
    but: Collection[int] = (),
) -> Claimed | None:  # fmt: skip
    """Take the delivery that has been due longest, by a lease of five minutes; None where nothing is due. What
    another worker holds is passed over; what one let go of without a word is taken up again. Of the channels in
    ``working``: only for subscriptions that are known to work. ``but``: what the caller is sending already, however
    long it takes."""
    took = deliveries.alias("took")
    works = and_(
        subscriptions.c.active, subscriptions.c.failures == 0,
        exists().where(
            took.c.subscription == subscriptions.c.id, took.c.edition.is_not(None), took.c.state == "accepted"
        ),
    )  # fmt: skip
    wanted = (
        select(deliveries, subscriptions.c.active, works.label("works"))
        .join(subscriptions, subscriptions.c.id == deliveries.c.subscription)
        .where(
            deliveries.c.channel.in_(channels), or_(deliveries.c.channel.not_in(working), works),
            _due(now, but), ~_busy(now),
        )
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )  # fmt: skip
    while (row := connection.execute(wanted).one_or_none()) is not None:
        # On PostgreSQL another worker may have claimed one of the same subscription since that statement began. Now
        # that the subscription is locked, this one sees it.
        if connection.scalar(select(_busy(now)).where(deliveries.c.id == row.id)):
            continue
        if row.attempts - row.earlier < MOST:
            break
        lost = update(deliveries).where(deliveries.c.id == row.id)
        connection.execute(lost.values(state="unknown", next_attempt_at=None, settled_at=now))
    if row is None:
        return None
    held = Claimed(
        row.id, row.subscription, row.edition, row.notice and msgspec.convert(row.notice, Notice), row.previous,
        row.channel, row.recipient, row.reference, row.created_at, row.attempts + 1, row.attempts + 1 - row.earlier,
        row.fence + 1, row.active, bool(row.works),
    )  # fmt: skip
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == held.id)
        .values(state="sending", attempts=held.attempt, next_attempt_at=now + LEASE, fence=held.fence)
    )
    connection.execute(attempts.insert().values(delivery=held.id, number=held.attempt, started_at=now))
    return held


def any_due(
    connection: Connection, now: datetime, channels: Collection[str], but: Collection[int] = ()
) -> bool:
    """Whether a delivery is due; ``but``: beside these."""
    due = (
        select(deliveries.c.id)
        .where(deliveries.c.channel.in_(channels), _due(now, but), ~_busy(now))
        .limit(1)
    )
    return connection.scalar(due) is not None


def _due(now: datetime, but: Collection[int]) -> ColumnElement[bool]:
    """While one is being sent, its next attempt is due when the lease runs out: so an index leads to what is due."""
    return and_(deliveries.c.next_attempt_at <= now, deliveries.c.id.not_in(but))


def _busy(now: datetime) -> ColumnElement[bool]:
    """Whether another message to the same recipient is under way: one that is slow holds up nobody else."""
    other = deliveries.alias("other")
    return exists().where(
        other.c.subscription == deliveries.c.subscription, other.c.id != deliveries.c.id,
        other.c.state == "sending", other.c.next_attempt_at > now,
    )  # fmt: skip


def settle(
    connection: Connection, held: Claimed, outcome: Outcome, delays: Sequence[timedelta], now: datetime
) -> State | None:
    """Write what came of an attempt; the state the delivery is in now. ``delays``: how long its channel waits after the
    first attempt, the second, ... None where the lease was lost: whoever holds the delivery now writes its result."""
    passing = outcome.result in ("deferred", "unknown") and not outcome.gone
    wait = retry.delay(delays, held.round, held.reference, outcome.retry_after) if passing else None
    written = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == held.id, deliveries.c.fence == held.fence, deliveries.c.state == "sending")
        .values(
            state=outcome.result, next_attempt_at=now + wait if wait else None,
            settled_at=None if wait else now,
        )
    )  # fmt: skip
    if written.rowcount == 0:
        return None
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery == held.id, attempts.c.number == held.attempt)
        .values(
            ended_at=now, outcome=outcome.result, code=outcome.code, milliseconds=outcome.milliseconds,
            answer=outward.printable(outcome.answer[:EXCERPT]),
        )
    )  # fmt: skip
    return outcome.result


def refused(connection: Connection, subscription: str, recipient: str, most: int) -> bool:
    """Whether the last so many attempts at a recipient were all refused for good."""
    last = (
        select(attempts.c.outcome)
        .join(deliveries, deliveries.c.id == attempts.c.delivery)
        .where(
            deliveries.c.subscription == subscription, deliveries.c.recipient == recipient,
            attempts.c.outcome.is_not(None),
        )
        .order_by(attempts.c.id.desc())
        .limit(most)
    )  # fmt: skip
    return list(connection.scalars(last)) == ["rejected"] * most


def cancel(connection: Connection, subscription: str) -> None:
    """Nothing more goes out for a subscription, and its address is erased; that it was sent to stays on record."""
    open_ones = select(deliveries.c.id).where(
        deliveries.c.subscription == subscription, deliveries.c.attempts == 0
    )
    connection.execute(delete(deliveries).where(deliveries.c.id.in_(open_ones)))
    its = select(deliveries.c.id).where(deliveries.c.subscription == subscription)
    connection.execute(update(attempts).where(attempts.c.delivery.in_(its)).values(answer=None))
    mine = update(deliveries).where(deliveries.c.subscription == subscription)
    connection.execute(mine.where(deliveries.c.state == "sending").values(state="unknown"))
    connection.execute(
        mine.values(recipient=ERASED, next_attempt_at=None, notice=None, fence=deliveries.c.fence + 1)
    )


def give_up(connection: Connection, subscription: str, notice: notices.Kind, now: datetime) -> None:
    """A kind of notice need not be tried again."""
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.subscription == subscription, _is(notice), deliveries.c.state.in_(("deferred", "unknown")),
            deliveries.c.next_attempt_at.is_not(None),
        )
        .values(next_attempt_at=None, settled_at=now)
    )  # fmt: skip


def _is(notice: str) -> ColumnElement[bool]:
    return type_coerce(deliveries.c.notice, Text).like(f'{{"kind":"{notice}"%')


def remove(connection: Connection, subscription: str) -> None:
    """Forget everything that was sent to who never confirmed."""
    its = select(deliveries.c.id).where(deliveries.c.subscription == subscription)
    connection.execute(delete(attempts).where(attempts.c.delivery.in_(its)))
    connection.execute(delete(deliveries).where(deliveries.c.subscription == subscription))


def listed(
    connection: Connection, *, edition: str | None = None, subscription: str | None = None,
    states: Collection[State] = (), notice: str | None = None, to: str | None = None, before: int | None = None,
    limit: int = 100,
) -> list[Delivery]:  # fmt: skip
    """Deliveries, newest first: of an edition, of a subscription, in certain states, of a kind of ``notice``, to one
    recipient; those ``before`` the one with this id."""
    wanted = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(deliveries.c.id < before)
    if notice is not None:
        wanted = wanted.where(_is(notice))
    if to is not None:
        wanted = wanted.where(deliveries.c.recipient == to)
    if edition is not None:
        wanted = wanted.where(deliveries.c.edition == edition)
    if subscription is not None:
        wanted = wanted.where(deliveries.c.subscription == subscription)
    if states:
        wanted = wanted.where(deliveries.c.state.in_(states))
    return [_delivery(row) for row in connection.execute(wanted)]


def overdue(connection: Connection, now: datetime, limit: int = 100) -> list[Delivery]:
    """What is due now, or was left by a worker that went away; the longest first."""
    wanted = select(deliveries).where(_due(now, ())).order_by(deliveries.c.next_attempt_at, deliveries.c.id)
    return [_delivery(row) for row in connection.execute(wanted.limit(limit))]


def given_up(connection: Connection, since: datetime, limit: int = 100) -> list[Delivery]:
    """What did not arrive and is not tried again, settled since an instant; the last first."""
    lost = deliveries.c.state.in_(("rejected", "deferred", "unknown"))
    wanted = select(deliveries).where(
        lost,
        deliveries.c.next_attempt_at.is_(None),
        deliveries.c.recipient != ERASED,
        deliveries.c.settled_at >= since,
    )
    return [
        _delivery(row)
        for row in connection.execute(wanted.order_by(deliveries.c.settled_at.desc()).limit(limit))
    ]


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries there are in each state."""
    counted = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return {row[0]: row[1] for row in connection.execute(counted)}


def get(connection: Connection, id: int) -> Delivery:
    """A delivery by its id; Refused where there is none."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == id)).one_or_none()
    if row is None:
        raise Refused("not_found", f"there is no delivery {id}: take the id from the list")
    return _delivery(row)


def attempts_of(connection: Connection, delivery: int) -> list[Attempt]:
    """Every try at a delivery, in order."""
    rows = connection.execute(
        select(attempts).where(attempts.c.delivery == delivery).order_by(attempts.c.number)
    )
    return [
        Attempt(row.number, row.started_at, row.ended_at, row.outcome, row.code, row.answer, row.milliseconds)
        for row in rows
    ]


def standing(delivery: Delivery, unready: str | None = None) -> str:
    """Where a delivery stands, in words. ``unready``: why its channel cannot send at all."""
    match delivery.state:
        case "pending":
            return f"pending: {unready}" if unready else "pending"
        case "sending":
            return "being sent"
        case "accepted":
            return "accepted"
        case "held":
            return "held until its subscription goes on"
        case "rejected":
            return "rejected for good"
        case "deferred" | "unknown" if delivery.next_attempt_at is None:
            return f"given up after {_attempts(delivery)}"
        case "deferred":
            return f"put off after {_attempts(delivery)}"
        case "unknown":
            return "may have arrived; tried again under the same id"


def _attempts(delivery: Delivery) -> str:
    return f"{delivery.attempts} attempt{'' if delivery.attempts == 1 else 's'}"


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.subscription, row.edition, row.notice and row.notice["kind"], row.channel, row.recipient,
        row.reference, row.state, row.attempts, None if row.state == "sending" else row.next_attempt_at,
        row.created_at, row.settled_at,
    )  # fmt: skip
