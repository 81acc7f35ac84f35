"""The Merkle tree over the log: leaf n is the entry of the event at position n + 1.

It follows the log, and no append waits for it: ``grow`` keeps full tiles, ``sign`` a checkpoint now and then. What is
newer than the last checkpoint is held by the chain of the commits alone. Full tiles are kept apart from the events, so
that they bear witness; partial ones are worked out from what is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    bindparam,
    func,
    select,
)

from tracker.domain.errors import Refused
from tracker.schema import Instant, Serial, durable
from tracker.store import log, merkle, signing
from tracker.store.engine import insert_or_nothing, reading, writing
from tracker.store.merkle import WIDTH
from tracker.store.proof import Broken

AT_ONCE = 64
"""Tiles that are worked out and written together."""
HASH = 32

tiles = Table(
    "tiles",
    durable,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    comment="The full tiles of the Merkle tree, as they are served, and the root over each.",
)
checkpoints = Table(
    "checkpoints",
    durable,
    Column("size", Serial, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", Instant, nullable=False),
    comment="Every checkpoint that was signed, as it was handed out.",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree that was signed: its size, its root, and the signed note."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


class Rewritten(Exception):
    """The log is not what it was when this checkpoint was signed: nothing more is signed."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(
            f"the first {checkpoint.size} events are not those that were signed: run 'tracker verify'"
        )


# ---------------------------------------------------------------- reading


def latest(connection: Connection) -> Checkpoint | None:
    """The newest checkpoint; None where nothing was signed yet."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).one_or_none()
    return Checkpoint(row.size, bytes(row.root), row.note, row.signed_at) if row else None


def nodes(connection: Connection) -> merkle.Nodes:
    """The hashes of the tree: those of kept tiles, and on its right edge the leaves of the events that lie there.

    Ask within a signed size. Refused (``busy``) where tiles are missing that should be there."""

    def found(level: int, start: int, count: int) -> list[bytes]:
        if level:
            wanted = {"level": level - 1, "first": start, "last": start + count - 1}
            roots = [bytes(root) for root in connection.scalars(_ROOTS, wanted)]
            if len(roots) != count:
                raise Refused("busy", "tiles of the Merkle tree are missing and will be made anew: try again")
            return roots
        tile, within = divmod(start, WIDTH)
        if kept := connection.scalar(_HASHES, {"level": 0, "index": tile}):
            return split(bytes(kept))[within : within + count]
        return [merkle.leaf(entry) for entry in log.entries(connection, start, count)]

    return found


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]


_HASHES = select(tiles.c.hashes).where(
    tiles.c.level == bindparam("level"), tiles.c.index == bindparam("index")
)
_ROOTS = (
    select(tiles.c.root)
    .where(tiles.c.level == bindparam("level"), tiles.c.index.between(bindparam("first"), bindparam("last")))
    .order_by(tiles.c.index)
)


# ---------------------------------------------------------------- growing and signing


def grow(engine: Engine, size: int) -> None:
    """Keep every full tile of the first ``size`` events. Any number of processes may do so at once."""
    while True:
        with reading(engine) as connection:
            first = connection.scalar(select(func.max(tiles.c.index) + 1).where(tiles.c.level == 0)) or 0
            new = range(first, min(size // WIDTH, first + AT_ONCE))
            leaves = [
                merkle.leaf(entry) for entry in log.entries(connection, first * WIDTH, len(new) * WIDTH)
            ]
        if not new:
            return
        with writing(engine) as connection:
            for at, index in enumerate(new):
                _keep(connection, 0, index, leaves[at * WIDTH : (at + 1) * WIDTH])


def _keep(connection: Connection, level: int, index: int, hashes: Sequence[bytes]) -> None:
    row = {"level": level, "index": index, "hashes": b"".join(hashes), "root": merkle.folded(hashes)}
    connection.execute(insert_or_nothing(connection, tiles).values(row))
    above, within = divmod(index, WIDTH)
    if within == WIDTH - 1:
        _keep(connection, level + 1, above, nodes(connection)(level + 1, above * WIDTH, WIDTH))


def sign(engine: Engine, public_url: str, now: datetime) -> Checkpoint | None:
    """Sign the log as it is, where it has grown; None where it has not. ``public_url`` names a log that has no key
    yet. Rewritten where it is not what was signed before: no two checkpoints may contradict each other."""
    with reading(engine) as connection:
        size, last = log.position(connection), latest(connection)
    grow(engine, size)  # also where it has not grown: somebody may have emptied the table
    if size <= (last.size if last else 0):
        return None
    with writing(engine) as connection:
        if (last := latest(connection)) is not None and last.size >= size:
            return None  # another process has just done so
        held = nodes(connection)
        if last is not None and merkle.root(last.size, held) != last.root:
            raise Rewritten(last)
        root = merkle.root(size, held)
        note = signing.make_key(connection, public_url, now).signed(size, root)
        row = {"size": size, "root": root, "note": note, "signed_at": now}
        connection.execute(insert_or_nothing(connection, checkpoints).values(row))
    return Checkpoint(size, root, note, now)


# ---------------------------------------------------------------- verifying


def verify(connection: Connection) -> Iterator[int]:
    """Check the log as ``log.verify`` does, that it is what every tile and every checkpoint says, and what is kept
    beside its events. Yields the position reached; raises proof.Broken naming the first bad position."""
    witness = Witness(connection)
    try:
        yield from log.verify(connection, witness.see)
    except Broken:
        witness.compare()  # what it says of events before comes first
        raise
    witness.close()
    log.verify_beside(connection)


class Witness:
    """Builds the tree anew beside the scan of the log, and compares it with what was kept of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._key = signing.find_key(connection)
        self._signed = connection.execute(select(checkpoints).order_by(checkpoints.c.size)).all()
        self._next = 0
        self._agreed = 0
        self._leaves: list[bytes] = []
        self._roots: list[list[bytes]] = []
        self._size = 0

    def see(self, entry: bytes) -> None:
        """The entry of the next event."""
        self._leaves.append(merkle.leaf(entry))
        self._size += 1
        if len(self._leaves) == WIDTH:
            self.compare()
            self._complete(0, self._leaves)
            self._leaves = []
        if self._next < len(self._signed) and self._signed[self._next].size <= self._size:
            self._confirm()

    def compare(self) -> None:
        """Compare the leaves since the last full tile with the tile that is kept."""
        first = self._size - len(self._leaves)
        kept = self._connection.scalar(_HASHES, {"level": 0, "index": first // WIDTH})
        if kept is None:
            return
        if not isinstance(kept, bytes | memoryview) or len(kept) != WIDTH * HASH:
            raise Broken(first + 1, "the tile of the Merkle tree that begins here is damaged")
        for at, (leaf, witnessed) in enumerate(zip(self._leaves, split(bytes(kept)), strict=False)):
            if leaf != witnessed:
                raise Broken(first + at + 1, "the event is not the one in the Merkle tree: one was changed")

    def _complete(self, level: int, hashes: list[bytes]) -> None:
        """A tile is full: its root is the next hash of the level above."""
        if level == len(self._roots):
            self._roots.append([])
        above = self._roots[level]
        above.append(merkle.folded(hashes))
        span = WIDTH ** (level + 1)
        index = self._size // span - 1
        row = self._connection.execute(
            select(tiles.c.hashes, tiles.c.root).where(tiles.c.level == level, tiles.c.index == index)
        ).one_or_none()
        if row is None and self._signed and self._signed[-1].size >= self._size:
            raise Broken(index * span + 1, f"the tile of level {level} that begins here is missing")
        if row is not None and (row.hashes, row.root) != (b"".join(hashes), above[-1]):
            raise Broken(index * span + 1, f"the tile of level {level} that begins here was changed")
        if len(above) == WIDTH:
            self._roots[level] = []
            self._complete(level + 1, above)

    def _root(self) -> bytes:
        carried = [merkle.folded(self._leaves)] if self._leaves else []
        for held in self._roots:
            if hashes := [*held, *carried]:
                carried = [merkle.folded(hashes)]
        return merkle.folded(carried)

    def _confirm(self) -> None:
        signed = self._signed[self._next]
        if signed.size != self._size or signed.root != self._root():
            self.compare()
            raise Broken(
                self._agreed + 1,
                f"the events from here to {self._size} are not those that the checkpoint of {signed.size} signed",
            )
        if self._key is None or signed.note != self._key.signed(signed.size, bytes(signed.root)):
            raise Broken(signed.size, f"the checkpoint of {signed.size} does not have our signature")
        self._agreed, self._next = self._size, self._next + 1

    def close(self) -> None:
        """The log is at its end: nothing that was kept goes beyond it."""
        self.compare()
        if self._next < len(self._signed):
            signed = self._signed[self._next].size
            raise Broken(
                self._size + 1, f"the log ends here, and {signed} events were signed: events are missing"
            )
        beyond = select(func.min(tiles.c.index)).where(
            tiles.c.level == 0, (tiles.c.index + 1) * WIDTH > self._size
        )
        if (stray := self._connection.scalar(beyond)) is not None:
            raise Broken(self._size + 1, f"a tile of the Merkle tree lies beyond the log: tile {stray}")
