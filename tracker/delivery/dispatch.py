"""From due subscriptions to editions, and from editions to deliveries.

The content is worked out without a lock; then, in one short transaction, the subscription is claimed as it was seen,
the edition frozen, the cut and the delivery written, and the subscription moved on. Any number of schedulers may do
this at once: one of them finds the subscription as it was, the others find nothing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, select

from tracker.delivery import deliveries, editions, subscriptions
from tracker.delivery.editions import Frozen, cuts
from tracker.delivery.schedule import Due
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import Edition, Mark
from tracker.domain.errors import Refused
from tracker.domain.telling import Frame
from tracker.store.engine import reading, writing

log = structlog.get_logger()

GRACE = timedelta(minutes=15)
"""An edition that is due this long and not there is missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An edition that should exist and does not."""

    subscription: str
    due_at: datetime


def cut_due(engine: Engine, now: datetime, stopping: Callable[[], bool] = lambda: False) -> list[Frozen]:
    """Cut every edition that is due. One that fails is told in the log and tried again the next time."""
    with reading(engine) as connection:
        seen = subscriptions.due(connection, now)
    cut: list[Frozen] = []
    known: dict[object, Edition] = {}
    for subscription in seen:
        if stopping():
            break
        try:
            if frozen := cut_one(engine, subscription, now, known):
                cut.append(frozen)
        except Exception:
            log.exception("cut_failed", subscription=subscription.id)
    return cut


def cut_one(
    engine: Engine, seen: Subscription, now: datetime, known: dict[object, Edition] | None = None
) -> Frozen | None:
    """Cut the edition of a subscription that was due last, up to that hour: after an outage one for all the days.
    None where it was cut before, or somebody else is at it. ``known`` keeps what was worked out, for others with
    the same scope and window."""
    due = seen.due(now)
    edition = None
    if due is not None and due.at > seen.told.as_of:
        with reading(engine) as connection:
            if not _is_cut(connection, seen, due):
                edition = _edition(connection, seen, due, known if known is not None else {})
    with writing(engine) as connection:
        if not subscriptions.claim(connection, seen):
            return None
        if due is None or edition is None or _is_cut(connection, seen, due):
            # Its hour was moved to one later on a day that has its edition already.
            subscriptions.advance(connection, seen.id, seen.told, seen.next_due(now).at)
            return None
        frozen = _freeze(connection, seen, due, edition, now)
    log.info(
        "cut", subscription=seen.id, due=due.day.isoformat(), edition=frozen.id, headline=frozen.headline
    )
    return frozen


def _is_cut(connection: Connection, seen: Subscription, due: Due) -> bool:
    return connection.scalar(
        select(cuts.c.id).where(cuts.c.subscription == seen.id, cuts.c.due_key == due.day.isoformat())
    ) is not None  # fmt: skip


def _edition(connection: Connection, seen: Subscription, due: Due, known: dict[object, Edition]) -> Edition:
    """What is to be told up to the due hour. It depends on the record alone, not on when or by whom it is cut."""
    position = max(seen.told.position, editions.cut_position(connection, due.at))
    frame = Frame(
        scope=seen.scope, day=due.day.isoformat(), zone=seen.zone, since=seen.told,
        until=Mark(as_of=due.at, position=position),
    )  # fmt: skip
    fresh = editions.between(connection, frame.since, frame.until)
    repaired = {event.development for event in fresh if event.type in editions.REPAIRS}
    told_on = editions.told_on(connection, seen.id, repaired) if repaired else {}
    key = (tuple(seen.scope.partners), tuple(seen.scope.sectors), frame.day, frame.zone, frame.since, frame.until,
           tuple(sorted(told_on.items())))  # fmt: skip
    if key not in known:
        known[key] = editions.worked_out(connection, frame, told_on)
    return known[key]


def _freeze(connection: Connection, seen: Subscription, due: Due, edition: Edition, now: datetime) -> Frozen:
    frozen = editions.freeze(connection, edition, now)
    connection.execute(
        cuts.insert().values(
            subscription=seen.id, due_key=due.day.isoformat(), due_at=due.at, edition=frozen.id, cut_at=now
        )
    )
    if not edition.empty or seen.send_empty:
        deliveries.queue(
            connection, subscription=seen.id, edition=frozen.id, channel=seen.channel, recipient=seen.address,
            now=now,
        )  # fmt: skip
    subscriptions.advance(connection, seen.id, edition.until, seen.next_due(max(now, due.at)).at)
    return frozen


def missing(connection: Connection, now: datetime) -> list[Missing]:
    """The editions that should have been cut a while ago."""
    return [Missing(one.id, one.due_at) for one in subscriptions.due(connection, now - GRACE)]


def unsubscribe(connection: Connection, id: str) -> Subscription:
    """Stop a subscription: nothing more goes out, and its address is erased wherever it stands."""
    seen = subscriptions.get(connection, id)
    if not seen.active:
        raise Refused("conflict", f"subscription {id} is stopped already: nothing was changed")
    deliveries.cancel(connection, id)
    return subscriptions.stop(connection, id)
