"""What makes tampering visible: the hash of an event, and the chain over commits.

The *entry* of an event is its commitment H(salt, body) and its header: all that is recorded of it, and still the same
when the body must be erased with its salt. The hash of an event is the SHA-256 of its entry; each commit's chain value
is H(previous, hashes of its events); the leaves of the Merkle tree (``tree``) are the same entries.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

GENESIS = bytes(32)


class Broken(Exception):
    """The log is not what was written; ``position`` is the first place where it shows."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"position {position}: {reason}")
        self.position = position
        self.reason = reason


def header(
    position: int, id: str, subject: str, version: int, type: str, schema: int,
    development: str, recorded_at: int, learnt_at: int, logged_by: str,
) -> bytes:  # fmt: skip
    """Everything about an event but its body, as one JSON array; instants in microseconds since 1970."""
    return msgspec.json.encode(
        [position, id, subject, version, type, schema, development, recorded_at, learnt_at, logged_by]
    )


def commitment(salt: bytes, body: bytes) -> bytes:
    """What an event says of its body without giving it away: 32 bytes."""
    return sha256(salt + body).digest()


def entry(header: bytes, commitment: bytes) -> bytes:
    """What is proven of an event; the commitment has a fixed length, so the two parts cannot run together."""
    return commitment + header


def event_hash(header: bytes, salt: bytes, body: bytes) -> bytes:
    """The SHA-256 of the entry of an event."""
    return sha256(entry(header, commitment(salt, body))).digest()


def link(previous: bytes, hashes: Sequence[bytes]) -> bytes:
    """The chain after a commit."""
    return sha256(previous + b"".join(hashes)).digest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _bytes(value).decode()


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | memoryview):
        raise TypeError(f"not bytes: {value!r}")
    return bytes(value)


class Checker:
    """Walks the log row by row and refuses the first that is not as it was written. ``erased``: the commitments of
    bodies that were erased, by position."""

    def __init__(self, erased: Mapping[int, bytes]) -> None:
        self.position = 0
        self._erased = erased
        self._chain = GENESIS
        self._hashes: list[bytes] = []

    def check(self, row: Sequence[Any]) -> bytes:
        """The entry of the next event, read with its commit as ``store.log`` does; Broken where it is not what was
        written."""
        try:
            return self._check(row)
        except (TypeError, ValueError):  # a text that is none, a number where bytes should be
            raise Broken(self.position + 1, "what is stored is no event: a column was changed") from None

    def _check(self, row: Sequence[Any]) -> bytes:
        (position, id, subject, version, type, schema, development, recorded_at, learnt_at, logged_by,
         salt, hash, body, chain, first, last, of_commit) = row  # fmt: skip
        if position != self.position + 1:
            raise Broken(self.position + 1, "the event is missing")
        if subject is None or chain is None:
            raise Broken(position, "the subject or the commit of the event is missing")
        expected = header(
            position, _text(id), _text(subject), version, _text(type), schema, _text(development),
            recorded_at, learnt_at, _text(logged_by),
        )  # fmt: skip
        written = entry(expected, self._committed(position, _bytes(salt), _text(body).encode()))
        if sha256(written).digest() != _bytes(hash):
            raise Broken(position, "the event does not match its hash: its body or envelope was changed")
        begun = position - len(self._hashes)
        if (begun, development) != (first, of_commit):
            raise Broken(begun, "the commit of the event was changed")
        self._hashes.append(bytes(hash))
        if position == last:
            if link(self._chain, self._hashes) != _bytes(chain):
                raise Broken(first, "the chain breaks here: history was rewritten")
            self._chain, self._hashes = bytes(chain), []
        self.position = position
        return written

    def _committed(self, position: int, salt: bytes, body: bytes) -> bytes:
        kept = self._erased.get(position)
        if body and kept is None:
            return commitment(salt, body)
        if body or salt:
            raise Broken(position, "the body was erased, and something stands in its place: erase it again")
        if kept is None:
            raise Broken(position, "the body is missing, and no erasure says why")
        return kept

    def close(self, position: int, chain: bytes) -> None:
        if position != self.position:
            raise Broken(
                self.position + 1, f"the log ends here, its head says {position}: events are missing"
            )
        if self._hashes:
            raise Broken(position - len(self._hashes) + 1, "the commit of the event was changed")
        if chain != self._chain:
            raise Broken(max(position, 1), "the chain does not end where the head says")
