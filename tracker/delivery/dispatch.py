"""From due subscriptions to editions, and from editions to deliveries.

The content is worked out without a lock; then, in one short transaction, the subscription is claimed as it was seen,
the edition frozen, the cut and the delivery written, and the subscription moved on. Any number of schedulers may do
this at once: one of them finds the subscription as it was, the others find nothing to do.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog
from sqlalchemy import Connection, Engine, select

from tracker.delivery import deliveries, editions, subscriptions
from tracker.delivery.editions import Frozen, cuts
from tracker.delivery.schedule import Due
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import Edition, Mark
from tracker.domain.moves import AHEAD
from tracker.domain.telling import Frame
from tracker.domain.when import rfc3339
from tracker.store.engine import reading, writing

log = structlog.get_logger()

GRACE = timedelta(minutes=15)
"""An edition that is due this long and not there is missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An edition that should exist and does not."""

    subscription: str
    due_at: datetime


@dataclass(slots=True)
class Made:
    """An edition that was worked out, and as it was frozen once it was."""

    edition: Edition
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was worked out already for others who are cut in the same go: editions by scope, window and memory, and the
    developments that a window repairs, by its positions."""

    made: dict[object, Made] = field(default_factory=dict)
    repaired: dict[tuple[int, int], Collection[str]] = field(default_factory=dict)


class Cut(NamedTuple):
    """Which of a subscription's editions it is: the key by which it is cut once only, when it was due, and when the
    next one is."""

    key: str
    due_at: datetime
    next_at: datetime


def cut_due(engine: Engine, now: datetime, stopping: Callable[[], bool] = lambda: False) -> list[Frozen]:
    """Cut every edition that is due. One that fails is told in the log and tried again the next time."""
    with reading(engine) as connection:
        end = Mark(as_of=now, position=editions.settled_position(connection, now))
        due = subscriptions.due(connection, now)
        behind = subscriptions.behind(connection, end.position, now)
    cut: list[Frozen] = []
    known = Known()
    for subscription in due:
        if stopping():
            return cut
        try:
            if frozen := cut_one(engine, subscription, now, known):
                cut.append(frozen)
        except Exception:
            log.exception("cut_failed", subscription=subscription.id)
    for together in _alike(behind):
        if stopping():
            return cut
        try:
            cut += cut_at_once(engine, together, end)
        except Exception:
            log.exception("cut_failed", subscriptions=[one.id for one in together])
    return cut


def _alike(behind: Iterable[Subscription]) -> Iterable[Sequence[Subscription]]:
    """Those that are told the same: of the same scope, in the same zone, and told up to the same mark."""
    found: dict[object, list[Subscription]] = {}
    for one in behind:
        found.setdefault((msgspec.json.encode(one.scope), one.zone, one.told, one.due_at), []).append(one)
    return found.values()


def cut_one(engine: Engine, seen: Subscription, now: datetime, known: Known | None = None) -> Frozen | None:
    """Cut the edition of a subscription that was due last, up to that hour: after an outage one for all the days.
    None where it was cut before, or somebody else is at it."""
    due = seen.due(now)
    made = None
    if due is not None and due.at > seen.told.as_of:
        with reading(engine) as connection:
            if not _is_cut(connection, seen, due):
                made = _edition(connection, seen, due, known if known is not None else Known())
    with writing(engine) as connection:
        if not subscriptions.claim(connection, seen):
            return None
        if due is None or made is None or _is_cut(connection, seen, due):
            # Its hour was moved to one later on a day that has its edition already.
            subscriptions.advance(connection, seen.id, seen.told, seen.next_due(now).at)
            return None
        going_on = seen.next_due(max(now, due.at)).at
        frozen = _freeze(connection, seen, Cut(due.day.isoformat(), due.at, going_on), made, now)
    made.frozen = frozen
    log.info(
        "cut", subscription=seen.id, due=due.day.isoformat(), edition=frozen.id, headline=frozen.headline
    )
    return frozen


def cut_at_once(engine: Engine, together: Sequence[Subscription], end: Mark) -> list[Frozen]:
    """Cut what subscriptions that are told at once, and are told the same, have not been told yet, up to a mark. Where
    that is nothing there is no edition: how far they were told is kept."""
    seen = together[0]
    day = end.as_of.astimezone(ZoneInfo(seen.zone)).date().isoformat()
    until = Mark(as_of=max(end.as_of, seen.told.as_of), position=max(end.position, seen.told.position))
    frame = Frame(scope=seen.scope, day=day, zone=seen.zone, since=seen.told, until=until)
    with reading(engine) as connection:
        known = Known()
        found = [(one, _worked_out(connection, one, frame, known)) for one in together]
    quiet = [one for one, made in found if made.edition.bare]
    if quiet:
        with writing(engine) as connection:
            subscriptions.pass_over(connection, quiet, until, _next_look(found[0][1].edition))
    told = [(one, made) for one, made in found if not made.edition.bare]
    return [frozen for one, made in told if (frozen := _cut_at_once(engine, one, made, end))]


def _cut_at_once(engine: Engine, seen: Subscription, made: Made, end: Mark) -> Frozen | None:
    until = made.edition.until
    moved = until.position > seen.told.position
    key = str(until.position) if moved else f"{until.position}/{rfc3339(until.as_of)}"
    with writing(engine) as connection:
        if not subscriptions.claim(connection, seen):
            return None
        frozen = _freeze(connection, seen, Cut(key, end.as_of, _next_look(made.edition)), made, end.as_of)
    made.frozen = frozen
    log.info("cut", subscription=seen.id, due=key, edition=frozen.id, headline=frozen.headline)
    return frozen


def _next_look(edition: Edition) -> datetime:
    """When something comes by time that is to be told at once; within the time that what is coming is known for."""
    starts = [line.starts for entry in edition.coming for line in entry.lines if line.starts is not None]
    return min((at for at in starts if at > edition.until.as_of), default=edition.until.as_of + AHEAD)


def _is_cut(connection: Connection, seen: Subscription, due: Due) -> bool:
    return connection.scalar(
        select(cuts.c.id).where(cuts.c.subscription == seen.id, cuts.c.due_key == due.day.isoformat())
    ) is not None  # fmt: skip


def _edition(connection: Connection, seen: Subscription, due: Due, known: Known) -> Made:
    """What is to be told up to the due hour. It depends on the record alone, not on when or by whom it is cut."""
    position = max(seen.told.position, editions.cut_position(connection, due.at))
    frame = Frame(
        scope=seen.scope, day=due.day.isoformat(), zone=seen.zone, since=seen.told,
        until=Mark(as_of=due.at, position=position),
    )  # fmt: skip
    return _worked_out(connection, seen, frame, known)


def _repaired(connection: Connection, frame: Frame, known: Known) -> Collection[str]:
    """The developments that are corrected or withdrawn in a window."""
    window = (frame.since.position, frame.until.position)
    if window not in known.repaired:
        fresh = editions.between(connection, frame.since, frame.until)
        known.repaired[window] = {one.development for one in fresh if one.type in editions.REPAIRS}
    return known.repaired[window]


def _worked_out(connection: Connection, seen: Subscription, frame: Frame, known: Known) -> Made:
    """An edition for a subscription, worked out once for all with the same scope, window and memory."""
    repaired = _repaired(connection, frame, known)
    told_on = editions.told_on(connection, seen.id, repaired) if repaired else {}
    key = (msgspec.json.encode(frame.scope), frame.day, frame.zone, frame.since, frame.until,
           tuple(sorted(told_on.items())))  # fmt: skip
    if key not in known.made:
        known.made[key] = Made(editions.worked_out(connection, frame, told_on))
    return known.made[key]


def _freeze(connection: Connection, seen: Subscription, cut: Cut, made: Made, now: datetime) -> Frozen:
    edition, frozen = made.edition, made.frozen or editions.freeze(connection, made.edition, now)
    connection.execute(
        cuts.insert().values(
            subscription=seen.id, due_key=cut.key, due_at=cut.due_at, edition=frozen.id, cut_at=now
        )
    )
    if not edition.empty or (seen.send_empty and not seen.at_once):
        deliveries.queue(
            connection, subscription=seen.id, edition=frozen.id, channel=seen.channel, recipient=seen.address,
            now=now, held=seen.halted_at is not None,
        )  # fmt: skip
    subscriptions.advance(connection, seen.id, edition.until, cut.next_at)
    return frozen


def missing(connection: Connection, now: datetime) -> list[Missing]:
    """The editions that should have been cut a while ago."""
    then = now - GRACE
    late = subscriptions.behind(connection, editions.settled_position(connection, then), then)
    return [Missing(one.id, one.due_at) for one in [*subscriptions.due(connection, then), *late]]
