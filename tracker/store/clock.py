"""The clock that everything recorded is stamped by: the machine's, plus an offset kept in the database.

The offset is zero but for demonstrations and tests: TRACKER_CLOCK on an empty database stores one, and every
process of that database shares it from then on.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Column, Engine, SmallInteger, Table, select

from tracker.domain.errors import Refused
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
    offset = timedelta(microseconds=stored or 0)
    return lambda: datetime.now(UTC) + offset
