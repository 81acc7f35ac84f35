"""The bitemporal table: the state of every lane over world time, as known over log positions; and what goes with it.

``painting`` writes it; ``segments`` and ``around`` ask it.
"""

from functools import lru_cache

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tracker.domain.fold import Layer, State
from tracker.schema import Instant, Serial, derived

BELIEVED = 2**62
"""``known_until`` of what is believed now."""


def node(known_from: int, known_until: int) -> int:
    """Where [known_from, known_until) hangs in a binary tree over all positions: the one in it that a power of two
    divides highest.

    So [5, 9) hangs at 8, [5, 7) at 6, [5, 6) at 5. What was known at a position hangs at one of its ancestors, of
    which there are as many as the log's length has bits. Segments of one lane at one node were all known at that
    position, so they follow one another in world time: an index on (lane, node, valid_until) leads to at most one that
    can hold at an instant, however often the lane was rewritten.
    (Kriegel, Pötke, Seidl: Managing Intervals Efficiently in Object-Relational Databases, VLDB 2000.)
    """
    last = known_until - 1
    shared = ((known_from - 1) ^ last).bit_length() - 1
    return last >> shared << shared


TOP = node(1, BELIEVED)
"""The node of all that is believed now."""


def nodes(known: int, end: int) -> list[int]:
    """The nodes at which everything hangs that was known at a position of a log that ends at ``end``."""
    if known >= end:
        return [TOP]
    return [TOP, *(known >> bit + 1 << bit + 1 | 1 << bit for bit in range(end.bit_length()))]


lanes = Table(
    "lanes",
    derived,
    Column("id", Serial, primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("partner", String(80), nullable=False),
    Column("target", String(80), nullable=False),
    Column("scope", String(80), nullable=False),
    Column("basis", String(80), nullable=False),
    Column("aspect", String(80), nullable=False),
    UniqueConstraint("subject", "target", "scope", "basis", "aspect"),
    Index("ix_lanes_partner", "partner"),
    Index("ix_lanes_aspect", "aspect"),
    comment="What segments speak of; partner is whom the lane concerns.",
)
CLOSED = text(f"known_until < {BELIEVED}")
"""The rows that the index of ``known_until`` holds; a query that is to find it says so, too."""
segments = Table(
    "segments",
    derived,
    Column("lane", BigInteger, nullable=False),
    Column("node", BigInteger, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("known_from", BigInteger, nullable=False),
    Column("known_until", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("lane", "node", "valid_until", "known_from"),
    Index("ix_segments_known_from", "known_from"),
    Index("ix_segments_known_until", "known_until", sqlite_where=CLOSED, postgresql_where=CLOSED),
    comment="The state of a lane over [valid_from, valid_until), as known over positions [known_from, known_until).",
)
turns = Table(
    "turns",
    derived,
    Column("subject", String(120), nullable=False),
    Column("announced", Instant, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "announced", "sequence", "position"),
    comment="In which order the developments of a subject are painted: what comes after the last is painted on top.",
    sqlite_with_rowid=False,
)
parked = Table(
    "parked",
    derived,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    comment="Events that this release cannot read: nothing is worked out from them until it can.",
)


_state_encoder = msgspec.json.Encoder(order="deterministic")
_state_decoder = msgspec.json.Decoder(dict[str, tuple[Layer, ...]])
STATES_IN_MIND = 4096


def dumped(state: State) -> str:
    """A state as it is kept: field -> layers, each [value, position, since, excepted]."""
    return _state_encoder.encode(state).decode()


@lru_cache(maxsize=STATES_IN_MIND)
def loaded(text: str) -> State:
    """The state that was kept. Nobody changes a state: one reading of a text serves all who ask."""
    return _state_decoder.decode(text)
