"""What makes tampering visible: the hash of an event, and the chain over commits.

The hash of an event is H(header, H(salt, body)): a function of its own row, so that a body that must be erased can
go with its salt while the history stays provable. Each commit's chain value is H(previous, hashes of its events).
"""

from collections.abc import Sequence
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


def event_hash(header: bytes, salt: bytes, body: bytes) -> bytes:
    """H(header, H(salt, body)); the inner hash has a fixed length, so the two parts cannot run together."""
    return sha256(sha256(salt + body).digest() + header).digest()


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
    """Walks the log row by row and refuses the first that is not as it was written."""

    def __init__(self) -> None:
        self.position = 0
        self._chain = GENESIS
        self._hashes: list[bytes] = []

    def check(self, row: Sequence[Any]) -> None:
        """The next event with its commit, as ``store.log`` reads it; Broken where it is not what was written."""
        try:
            self._check(row)
        except (TypeError, ValueError):  # a text that is none, a number where bytes should be
            raise Broken(self.position + 1, "what is stored is no event: a column was changed") from None

    def _check(self, row: Sequence[Any]) -> None:
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
        if event_hash(expected, _bytes(salt), _text(body).encode()) != _bytes(hash):
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

    def close(self, position: int, chain: bytes) -> None:
        if position != self.position:
            raise Broken(
                self.position + 1, f"the log ends here, its head says {position}: events are missing"
            )
        if self._hashes:
            raise Broken(position - len(self._hashes) + 1, "the commit of the event was changed")
        if chain != self._chain:
            raise Broken(max(position, 1), "the chain does not end where the head says")
