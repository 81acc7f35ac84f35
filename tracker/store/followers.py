"""Checkpoints: up to where each follower of the log has dealt with it."""

from sqlalchemy import BigInteger, Column, Connection, String, Table, select

from tracker.schema import durable
from tracker.store.engine import INSERTS

followers = Table(
    "followers",
    durable,
    Column("name", String(120), primary_key=True),
    Column("position", BigInteger, nullable=False),
    comment="Up to which position of the log each follower has dealt with it.",
)


def reached(connection: Connection, name: str) -> int:
    """The position that this follower has come to; 0 for one who has not begun."""
    return connection.scalar(select(followers.c.position).where(followers.c.name == name)) or 0


def all_reached(connection: Connection) -> dict[str, int]:
    """The positions of all followers that have begun, by their names."""
    rows = connection.execute(select(followers.c.name, followers.c.position).order_by(followers.c.name))
    return {row.name: row.position for row in rows}


def keep(connection: Connection, name: str, position: int) -> None:
    """Note that this follower has come to a position."""
    row = INSERTS[connection.dialect.name](followers).values(name=name, position=position)
    connection.execute(
        row.on_conflict_do_update(index_elements=[followers.c.name], set_={"position": row.excluded.position})
    )
