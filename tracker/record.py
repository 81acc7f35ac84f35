"""The flow: a command becomes events, the events are appended, the read models follow, all in one transaction.

    command -> decide -> append -> project

Nothing else appends to the log. Telling others happens later and elsewhere; recording never waits for it.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from threading import Event, Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from uuid_utils import uuid7

from tracker.domain import decide
from tracker.domain.errors import Problem, Refused, invalid
from tracker.domain.events import (
    HOME,
    Correction,
    Development,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    PartnerChecked,
    Record,
    Withdrawal,
)
from tracker.domain.fold import Row
from tracker.domain.paint import announced
from tracker.domain.when import moment, rfc3339, zone_of
from tracker.projections.painting import Painting
from tracker.projections.segments import changed
from tracker.store import log
from tracker.store.driver import COPY_FROM, in_one_go
from tracker.store.engine import writing
from tracker.store.log import AlreadyDone, Commit, NewEvent, StoredEvent
from tracker.store.upcasts import type_of, version_of, versions_within

Seen = TypeVar("Seen")
GATHERING_SECONDS = 0.001
"""So long those who were answered together are waited for: they are about to come again."""
MOST = 64
"""So many orders are committed together at most."""


@dataclass(frozen=True, slots=True)
class Correct:
    """Order to correct a development."""

    development: str
    command: Correction


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Order to withdraw a development."""

    development: str
    command: Withdrawal


Order = Development | Correct | Withdraw


@dataclass(frozen=True, slots=True)
class By:
    """Who records, when, and how the request is told from another: an opaque id, the clock's instant, a key.

    ``learnt_at`` is when this record can claim to have known (default: now). ``expected`` maps subjects to the
    version that the writer has seen.
    """

    who: str
    now: datetime
    key: str | None = None
    learnt_at: datetime | None = None
    expected: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of it: the development's id, the events, the segments closed and opened. ``repeated``: it had been
    recorded before with this key, and nothing was written now."""

    development: str
    events: Sequence[StoredEvent]
    changes: Sequence[Row]
    repeated: bool = False

    @property
    def first(self) -> int:
        return self.events[0].position

    @property
    def last(self) -> int:
        return self.events[-1].position


def record(engine: Engine, order: Order, by: By) -> Recorded:
    """Record one order; Refused leaves nothing behind. What several threads record at the same time is committed
    together."""
    return _groups.setdefault(engine, _Group()).record(engine, order, by)


def rehearse(engine: Engine, order: Order, by: By, look: Callable[[Connection, Recorded], Seen]) -> Seen:
    """Do the real thing, look at what came of it, and take it all back."""
    with writing(engine) as connection:
        with connection.begin_nested() as attempt:
            seen = look(connection, record_in(connection, order, by))
            attempt.rollback()
        return seen


def record_in(connection: Connection, order: Order, by: By) -> Recorded:
    """Record one order inside the caller's write transaction."""
    recording = Recording(connection)
    outcome = recording.outcome(order, by)
    recording.write()
    return outcome


class Recording:
    """Orders recorded one after another in one write transaction, by the only writer there is until it is over. What
    comes of them is held in memory, where the next one sees it, until ``write``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._log = log.Appending(connection)
        self._painting = Painting(connection, self._log.write)

    def foresee(self, coming: Iterable[tuple[str | None, Order | None]]) -> None:
        """Look up at once what will be asked for when these orders are recorded, each with its idempotency key. What
        cannot be on record is not looked up: it is refused when its turn comes."""
        keys, named, since = list[str](), set[str](), dict[str, datetime]()
        for key, order in coming:
            if key is not None:
                keys.append(key)
            if isinstance(order, Development):
                named |= decide.named(order)
                for subject, at in decide.speaks(order):
                    since[subject] = min(at, since.get(subject, at))
        keys = [key for key in keys if key.isprintable()]
        named = {key for key in named if key.isprintable()}
        since = {key: at for key, at in since.items() if key.isprintable()}
        with in_one_go(self._connection):
            looking = [self._log.foresee(keys, named), self._painting.foresee(since)]
            for one in looking:
                next(one, None)
            for one in looking:
                next(one, None)

    def outcome(self, order: Order, by: By) -> Recorded:
        """Carry out one order, and say what came of it, also where that was before."""
        try:
            stored = self.carry_out(order, by)
        except AlreadyDone as done:
            self.write()
            return _before(self._connection, done.commit)
        return Recorded(stored[0].development, stored, self._painting.changed(stored[0].position))

    def carry_out(self, order: Order, by: By) -> list[StoredEvent]:
        """Record one order; AlreadyDone where this has been recorded with its key, Refused leaves nothing behind."""
        request = _read(order, by)
        if request is not None:
            self._unused(order, *request)
        development, new = self._decide(order)
        _expect(by.expected, self._log.versions({one.event.subject for one in new}))
        if not isinstance(order, Withdraw):
            _told(order, new, by.now)
        if by.learnt_at is not None:
            _learnt(by.learnt_at, self._log.clocks()[1], by.now)
        commit = Commit(str(uuid7()), development, by.now, by.learnt_at or by.now, by.who)
        stored = self._log.append(commit, [_new(one) for one in new], request)
        for event, one in zip(stored, new, strict=True):
            self._painting.apply(event, one)
        return stored

    def learnt_at(self) -> datetime:
        """When the last of what is recorded was learnt."""
        return self._log.clocks()[1]

    def write(self) -> None:
        """Put into the database what was recorded since the last time."""
        with in_one_go(self._connection) if self._log.waiting < COPY_FROM else nullcontext():
            self._log.write()
            self._painting.write()

    def _unused(self, order: Order, key: str, request: bytes) -> None:
        try:
            self._log.unused(key, request)
        except AlreadyDone as done:
            self._log.write()
            # An earlier release may have known the request in another shape, and hashed it so.
            if not (done.same or same(order, log.of_commit(self._connection, done.commit))):
                raise Refused(
                    "key_reused",
                    f"the idempotency key {key!r} was used for another request: send a new key with a new request",
                ) from None
            raise

    def _history(self, development: str) -> list[StoredEvent]:
        self._log.write()
        if history := log.of_developments(self._connection, [development], log.ENDLESS):
            return history
        raise _not_there(development)

    def _decide(self, order: Order) -> tuple[str, list[decide.Decided]]:
        if isinstance(order, Development):
            return str(uuid7()), decide.log(order, self._known(order))
        history = self._history(order.development)
        standing = decide.standing((event.told, event.event) for event in history)
        match order:
            case Correct(id, command):
                return id, decide.correct(id, command, standing, self._known(command.development))
            case Withdraw(id, command):
                return id, decide.withdraw(id, command, standing)

    def _known(self, command: Development) -> decide.Known:
        versions = self._log.versions(decide.named(command))
        opened = {key for key, version in versions.items() if version}
        return decide.Known(opened, self._all_subjects, self._painting.believed)

    def _all_subjects(self) -> list[str]:
        self._log.write()
        return log.subject_keys(self._connection)


class Stopped(Exception):
    """This process was told to stop before the order was recorded."""


class _Waiting:
    """An order that waits until something has come of it, or until its turn has come to record for all who wait."""

    def __init__(self, order: Order, by: By) -> None:
        self.order = order
        self.by = by
        self.outcome: Recorded | Exception | None = None
        self.woken = Event()


class _Group:
    """Those who record at the same time. One of them records for all who wait, in one transaction, and hands over to
    one who came meanwhile. Each order is decided by itself: one that is refused refuses no other."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[_Waiting] = deque()
        self._recording = False
        self._crowded = False  # several were answered together just now

    def record(self, engine: Engine, order: Order, by: By) -> Recorded:
        mine = _Waiting(order, by)
        with self._lock:
            self._waiting.append(mine)
            waits, self._recording = self._recording, True
        if waits:
            mine.woken.wait()
        if mine.outcome is None:
            self._record_for_all(engine)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        assert mine.outcome is not None
        return mine.outcome

    def _record_for_all(self, engine: Engine) -> None:
        if self._crowded:
            time.sleep(GATHERING_SECONDS)
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        try:
            _together(engine, group)
        finally:
            with self._lock:
                self._recording, self._crowded = bool(self._waiting), len(group) > 1
                following = self._waiting[0] if self._waiting else None
            for waiting in (*group, following):
                if waiting is not None:
                    waiting.woken.set()


def _together(engine: Engine, group: Sequence[_Waiting]) -> None:
    """Record the orders of a group in one transaction; where that fails for a fault of one of them, one by one."""
    outcomes: Sequence[Recorded | Exception] = [Stopped("recording was stopped")] * len(group)
    try:
        outcomes = _all_recorded(engine, group)
    except Exception as error:  # noqa: BLE001 - each of them is told, or tried alone
        of_all = isinstance(error, SQLAlchemyError) and not isinstance(error, DataError | IntegrityError)
        if len(group) > 1 and not of_all:
            outcomes = [_alone(engine, waiting) for waiting in group]
        else:
            outcomes = [error] * len(group)
    finally:
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome


def _alone(engine: Engine, waiting: _Waiting) -> Recorded | Exception:
    _together(engine, [waiting])
    assert waiting.outcome is not None
    return waiting.outcome


def _all_recorded(engine: Engine, group: Sequence[_Waiting]) -> Sequence[Recorded | Exception]:
    with writing(engine) as connection:
        recording = Recording(connection)
        recording.foresee((waiting.by.key, waiting.order) for waiting in group)
        outcomes = [_outcome(recording, waiting) for waiting in group]
        recording.write()
    return outcomes


def _outcome(recording: Recording, waiting: _Waiting) -> Recorded | Refused:
    try:
        return recording.outcome(waiting.order, waiting.by)
    except Refused as refusal:
        return refusal


_groups: WeakKeyDictionary[Engine, _Group] = WeakKeyDictionary()


def same(order: Order, stored: Sequence[StoredEvent]) -> bool:
    """Whether these events of one commit are what came of this order, whatever the order of its subjects was."""
    if any(event.erased for event in stored):
        return True  # nobody can tell any more; it was recorded with this key, and is not put back
    first = stored[0].event
    match order:
        case Development():
            kept = [event.event for event in stored]
            return decide.told_of(order) == stored[0].told and decide.begins(kept, order.events)
        case Correct(id, command):
            now: dict[str, list[Logged]] = {}
            for event in command.development.events:
                now.setdefault(event.subject, []).append(event)
            repairs = [event.event for event in stored if isinstance(event.event, DevelopmentCorrected)]
            held = {repair.subject: repair.now for repair in repairs if repair.now}
            return (
                isinstance(first, DevelopmentCorrected)
                and (id, command.reason, command.editorial)
                == (first.development, first.reason, first.editorial)
                and decide.told_of(command.development) == stored[0].told
                and all(decide.begins(held.get(key, []), now.get(key, [])) for key in {*held, *now})
            )
        case Withdraw(id, command):
            return isinstance(first, DevelopmentWithdrawn) and (id, command.reason) == (
                first.development,
                first.reason,
            )


def _read(order: Order, by: By) -> tuple[str, bytes] | None:
    """The idempotency key and the hash of the request, where it has a key; Refused for what could not be kept."""
    command = order if isinstance(order, Development) else order.command
    text = decide.sound(command)
    if not isinstance(order, Development) and not order.development.isprintable():
        raise _not_there(order.development)  # it would be refused by PostgreSQL, in words of its own
    if by.key is None:
        return None
    if not (by.key.isprintable() and 1 <= len(by.key) <= log.LONGEST_KEY):
        raise invalid(
            "key", f"an idempotency key has 1 to {log.LONGEST_KEY} printable characters: send such a one"
        )
    about = b"" if isinstance(order, Development) else order.development.encode()
    return by.key, hashlib.sha256(type(order).__name__.encode() + about + text).digest()


def _told(order: Development | Correct, records: Sequence[decide.Decided], now: datetime) -> None:
    """Refused where something is said to have been told, or looked through, later than now."""
    command, within = (
        (order, "") if isinstance(order, Development) else (order.command.development, "/development")
    )
    for record in records:
        at = announced(record.told, record.event.subject).at
        if at > now:  # no answer about today would show it
            raise invalid(
                f"{within}/announced",
                f"announced {record.told.announced} is {rfc3339(at)}, in the future (it is {rfc3339(now)}): give the "
                "day on which the world was told; when something is to apply goes into an effect's 'from'",
            )
    for i, event in enumerate(command.events):
        if isinstance(event, PartnerChecked) and moment(event.through, zone_of(HOME)).at > now:
            raise invalid(
                f"{within}/events/{i}/through",
                f"through {event.through} lies in the future: give a day whose news can have been looked at",
            )


def _learnt(at: datetime, last: datetime, now: datetime) -> None:
    if at < last:
        raise invalid(
            "learnt_at",
            f"learnt_at {at.isoformat()} lies before what the log learnt last ({last.isoformat()}): "
            "history is imported in the order in which it was learnt",
        )
    if at > now:  # everything recorded later would be unknown until then, as this clock never goes back
        raise invalid("learnt_at", f"learnt_at {at.isoformat()} lies in the future: nobody has learnt it yet")


def _expect(expected: Mapping[str, int] | None, held: Mapping[str, int]) -> None:
    for subject, seen in (expected or {}).items():
        if subject not in held:
            touched = ", ".join(sorted(held))
            raise invalid("expected", f"{subject} is not touched by this: name a version of {touched}")
        if (now := held[subject]) != seen:
            detail = (
                f"{subject} has moved on: you saw version {seen}, it now has {now}; look at what changed, then send "
                "it again"
            )
            raise Refused("stale", detail, Problem("expected", f"{subject} has version {now}"))


def _new(one: decide.Decided) -> NewEvent:
    type = type_of(one.event)
    body = log.canonical(Record(told=one.told, event=one.event, schemas=versions_within(one.event)))
    return NewEvent(str(uuid7()), one.event.subject, type, version_of(type), body, token_bytes(16))


def _not_there(development: str) -> Refused:
    return Refused("not_found", f"there is no development {development!r}: take its id from the event")


def _before(connection: Connection, commit: str) -> Recorded:
    """What came of an order that was recorded before."""
    stored = log.of_commit(connection, commit)
    changes = changed(connection, stored[0].position, stored[-1].position)
    return Recorded(stored[0].development, stored, changes, repeated=True)
