"""Signed checkpoints (c2sp.org/tlog-checkpoint): what the log was at a size, in the form of a signed note
(c2sp.org/signed-note), with the Ed25519 key of this log.

The key lies in the database: every process of a log signs with the same one, and whoever can write there could rewrite
the log anyway. What protects readers is that they remember checkpoints. The origin is fixed with the key, for good.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import CheckConstraint, Column, Connection, LargeBinary, SmallInteger, String, Table, select

from tracker.schema import Instant, durable
from tracker.store.engine import insert_or_nothing

ED25519 = b"\1"
"""The type of a signature in a signed note."""

log_key = Table(
    "log_key",
    durable,
    Column(
        "id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False
    ),
    Column("origin", String(300), nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    comment="What this log is called, and the secret that it signs its checkpoints with.",
)


@dataclass(frozen=True, slots=True)
class LogKey:
    """The name of a log and its key; ``repr`` does not show the secret."""

    origin: str
    _key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"LogKey({self.public!r})"

    @property
    def public(self) -> str:
        """The key by which anybody verifies: ``name+id+base64``."""
        return f"{self.origin}+{self._id.hex()}+{b64encode(ED25519 + self._raw).decode()}"

    def signed(self, size: int, root: bytes) -> str:
        """The checkpoint of a tree."""
        text = f"{self.origin}\n{size}\n{b64encode(root).decode()}\n"
        signature = self._id + self._key.sign(text.encode())
        return f"{text}\n\N{EM DASH} {self.origin} {b64encode(signature).decode()}\n"

    @property
    def _raw(self) -> bytes:
        key: Ed25519PublicKey = self._key.public_key()
        return key.public_bytes_raw()

    @property
    def _id(self) -> bytes:
        return sha256(self.origin.encode() + b"\n" + ED25519 + self._raw).digest()[:4]


def origin_of(public_url: str) -> str:
    """What a log at this address is called: the address of its tiles without the scheme."""
    return f"{public_url.partition('://')[2]}/log".replace("+", "%2B")


def find_key(connection: Connection) -> LogKey | None:
    """The key of this log; None before it signed anything."""
    row = connection.execute(select(log_key.c.origin, log_key.c.seed)).one_or_none()
    return LogKey(row.origin, Ed25519PrivateKey.from_private_bytes(bytes(row.seed))) if row else None


def make_key(connection: Connection, public_url: str, now: datetime) -> LogKey:
    """The key of this log, made where there is none; of several processes that make one at once, the first does."""
    if (found := find_key(connection)) is not None:
        return found
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    row = {"id": 1, "origin": origin_of(public_url), "seed": seed, "created_at": now}
    connection.execute(insert_or_nothing(connection, log_key).values(row))
    made = find_key(connection)
    assert made is not None, "it was inserted, or another process had done so"
    return made
