"""Erasing what must go for good: a body and its salt. The envelope, the commitment and the hash stay, so the chain and
the tree still prove every other event, and that this one was there.

Only what no longer stands can go: a version that was corrected, or a development that was withdrawn. So nothing that is
said today ever rests on a body that is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import OperationalError

from tracker.domain.errors import Refused, invalid
from tracker.store import log
from tracker.store.log import StoredEvent

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be erased: of a development, the events whose body is still there. ``gone`` were erased before,
    ``kept`` is what of it must stay."""

    development: str
    events: Sequence[StoredEvent]
    gone: Sequence[StoredEvent]
    kept: Sequence[StoredEvent]

    @property
    def subjects(self) -> set[str]:
        return {event.subject for event in (*self.events, *self.gone)}

    @property
    def first(self) -> int:
        return min(event.position for event in (*self.events, *self.gone))


def planned(connection: Connection, reference: str) -> Plan:
    """What erasing this would take: all of a development that no longer stands, or the version that an event belongs
    to. Refused where there is none, and where it still stands."""
    event = log.by_id(connection, reference) if reference.isprintable() else None
    development = event.development if event else reference
    named = [development] if development.isprintable() else []
    history = log.of_developments(connection, named, log.ENDLESS)
    if not history:
        raise Refused(
            "not_found", f"there is no event and no development {reference!r}: take its id from the log"
        )
    last = history[-1]
    standing = set() if last.type == "development.withdrawn" else {last.commit}
    wanted = {event.commit} if event else {one.commit for one in history} - standing
    if not wanted or wanted & standing:
        raise Refused(
            "conflict",
            "this still stands, and what is said today rests on it: withdraw the development, or correct it, then "
            "erase what that left behind",
        )
    chosen = [one for one in history if one.commit in wanted]
    return Plan(
        development,
        [one for one in chosen if not one.erased],
        [one for one in chosen if one.erased],
        [one for one in history if one.commit not in wanted],
    )


def erase(connection: Connection, reference: str, reason: str, now: datetime) -> Plan:
    """Erase it; what comes of it elsewhere must follow. The hash of the request goes too: a guess at the text could be
    held against it."""
    if not (reason.strip() and len(reason) <= LONGEST_REASON and reason.isprintable()):
        raise invalid(
            "reason", f"give a reason, a line of at most {LONGEST_REASON} characters: it is kept for good"
        )
    log.hold_end(connection)
    plan = planned(connection, reference)
    if plan.events:
        seals = log.seals(connection, plan.events)
        rows = [
            {
                "position": e.position,
                "commitment": seals[e.position].commitment,
                "erased_at": now,
                "reason": reason,
            }
            for e in plan.events
        ]
        connection.execute(log.erasures.insert(), rows)
        connection.execute(_EMPTY, [{"at": event.position} for event in plan.events])
        connection.execute(_FORGET, {"commits": sorted({event.commit for event in plan.events})})
    return plan


_EMPTY = log.events.update().where(log.events.c.position == bindparam("at")).values(body="", salt=b"")
_FORGET = (
    log.requests.update()
    .where(
        log.requests.c.commit.in_(
            select(log.commits.c.id).where(log.commits.c.first.in_(bindparam("commits", expanding=True)))
        )
    )
    .values(hash=b"")
)


def scrub(engine: Engine) -> bool:
    """Make SQLite's files hold nothing but what is in the tables: no old page, no journal. Whether it could be done:
    not while somebody else is in the middle of reading or writing."""
    with engine.connect() as connection:
        connection.detach()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        try:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            return False
        return not busy
