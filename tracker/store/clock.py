"""The clock that everything recorded is stamped by: the machine's, plus an offset kept in the database.

The offset is zero but for demonstrations and tests: TRACKER_CLOCK on an empty database stores one, and every process of
that database shares it from then on. Such a clock can be put forward, which the others notice within a second; it never
goes back.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    SmallInteger,
    Table,
    select,
    update,
)

from tracker.domain.errors import Refused, invalid
from tracker.schema import durable
from tracker.store import log
from tracker.store.engine import insert_or_nothing, reading, writing

clock = Table(
    "clock",
    durable,
    Column(
        "id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False
    ),
    Column("offset_microseconds", BigInteger, nullable=False),
    comment="How far this database's clock is from the machine's; no row: not at all.",
)

Clock = Callable[[], datetime]
LOOKED_AT_SECONDS = 1.0
"""How long a process may take to notice that the clock of a demonstration was put forward."""


def open_clock(engine: Engine, wanted: datetime | None = None) -> Clock:
    """The clock of this database. ``wanted`` sets it while the database is empty; Refused (``invalid``) later,
    unless an offset was stored before."""
    with reading(engine) as connection:
        stored = connection.scalar(select(clock.c.offset_microseconds))
        empty = log.position(connection) == 0
    if wanted is not None and stored is None:
        if not empty:
            raise Refused(
                "invalid",
                "TRACKER_CLOCK sets the clock of an empty database; this one has a history: unset it",
            )
        offset_now = (wanted - datetime.now(UTC)) // timedelta(microseconds=1)
        with writing(engine) as connection:  # of several processes that start at once, the first sets it
            connection.execute(
                insert_or_nothing(connection, clock).values(id=1, offset_microseconds=offset_now)
            )
            stored = connection.scalar(select(clock.c.offset_microseconds))
    return (lambda: datetime.now(UTC)) if stored is None else _Demonstration(engine)


class _Demonstration:
    """A clock that may be put forward while it runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read_at = -LOOKED_AT_SECONDS
        self._offset = timedelta()

    def __call__(self) -> datetime:
        if monotonic() - self._read_at >= LOOKED_AT_SECONDS:
            with reading(self._engine) as connection:
                self._offset = _offset(connection)
            self._read_at = monotonic()
        return datetime.now(UTC) + self._offset


def forward(connection: Connection, by: timedelta) -> datetime:
    """Put the clock of a demonstration forward; what it shows now. Refused (``conflict``) for a database that keeps the
    machine's time, (``invalid``) for a step back."""
    if connection.scalar(select(clock.c.offset_microseconds)) is None:
        raise Refused(
            "conflict",
            "this database keeps the machine's time: a clock that can be put forward is set with TRACKER_CLOCK when "
            "the database is empty",
        )
    if by < timedelta(0):
        raise invalid(
            "forward", "the clock never goes back: give a time to come, or a span such as 1d or 90m"
        )
    moved = clock.c.offset_microseconds + by // timedelta(microseconds=1)
    connection.execute(update(clock).values(offset_microseconds=moved))
    return datetime.now(UTC) + _offset(connection)


def _offset(connection: Connection) -> timedelta:
    return timedelta(microseconds=connection.scalar(select(clock.c.offset_microseconds)) or 0)
