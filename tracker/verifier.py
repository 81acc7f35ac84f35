#!/usr/bin/env python3
"""Checks a tracker's log from outside. One file, Python 3.11 or newer, nothing but its standard library: copy it away
and run it.

    python3 verifier.py https://tracker.example.org --key KEY --remember seen.txt
    python3 verifier.py events.jsonl --checkpoint checkpoint.txt --key KEY

What it does: it takes the signed checkpoint, rebuilds the Merkle tree from every entry, compares each body with what
its entry commits to, and the tree with the checkpoint that was remembered last time. The first thing wrong is named by
its position. Ends with 0 (sound), 1 (the log is not what it was), 2 (it could not be checked).

Forms: https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note, RFC 6962 (the tree),
RFC 9162 2.1.3.2 and 2.1.4.2 (proofs), RFC 8032 (Ed25519). An entry is SHA-256(salt, body) and the header of the event,
a JSON array: position, id, subject, version, type, schema, development, recorded_at and learnt_at in microseconds since
1970, logged_by. ``hash`` of an event is the SHA-256 of its entry.
"""

import argparse
import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

WIDTH = 256
LARGEST = 64 * 2**20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = ("position", "id", "subject", "version", "type", "schema", "development", "recorded_at", "learnt_at",
          "logged_by")  # fmt: skip

KEY_AT, CHECKPOINT_AT = "v1/log", "log/checkpoint"
Fetch = Callable[[str], bytes]
"""The bytes at a path below the address of the service; Wrong where it has none."""


class Wrong(Exception):
    """The log is not what it was, or not what it says; ``position``: where that shows first, where it can be told."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason if position is None else f"position {position}: {reason}")
        self.position = position
        self.reason = reason


class Unreachable(Exception):
    """It could not be checked."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree that was signed."""

    origin: str
    size: int
    root: bytes
    note: str


@dataclass
class Report:
    """What was checked. ``erased``: the positions whose body is gone; ``remembered``: the size of the checkpoint that
    this log was found to continue; ``newer``: events after the checkpoint, held by the chain alone."""

    checkpoint: Checkpoint
    bodies: int = 0
    erased: list[int] = field(default_factory=list)
    remembered: int | None = None
    newer: int = 0

    def __str__(self) -> str:
        said = [
            f"{self.checkpoint.size} events as {self.checkpoint.origin} signed them, {self.bodies} bodies checked"
        ]
        if self.erased:
            said.append(f"{len(self.erased)} bodies erased (positions {spans(self.erased)})")
        if self.newer:
            said.append(f"{self.newer} newer than the checkpoint, chain whole")
        if self.remembered is not None:
            said.append(f"continues the remembered checkpoint of {self.remembered}")
        return "; ".join(said)


def spans(positions: Sequence[int]) -> str:
    """Positions in order, runs drawn together: ``3-5, 9``."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ", ".join(f"{first}-{last}" if first != last else f"{first}" for first, last in runs)


# ---------------------------------------------------------------- Ed25519 (RFC 8032, 5.1)

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _added(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    found: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = _added(found, point)
        point, scalar = _added(point, point), scalar >> 1
    return found


def _point(encoded: bytes) -> _Point | None:
    """The point of 32 bytes; None where they are none, or not in the one way of writing it."""
    y, sign = int.from_bytes(encoded, "little") & (1 << 255) - 1, encoded[31] >> 7
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else _P - x
    return x, y, 1, x * y % _P


def _encoded(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature of the message by that key; of a signature there is one way of writing it."""
    if len(public) != 32 or len(signature) != 64 or _BASE is None:
        return False
    key, scalar = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _ORDER:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    minus = (_P - key[0], key[1], key[2], _P - key[3])
    return _encoded(_added(_times(scalar, _BASE), _times(challenge, minus))) == signature[:32]


# ---------------------------------------------------------------- notes and checkpoints


def canonical64(text: str, what: str) -> bytes:
    """The bytes of base64, written in the one way there is."""
    try:
        raw = b64decode(text.encode(), validate=True)
    except ValueError:
        raise Wrong(f"{what} is not base64") from None
    if b64encode(raw).decode() != text:
        raise Wrong(f"{what} is base64 in a form that is not canonical")
    return raw


def key_of(text: str) -> tuple[str, bytes, bytes]:
    """The name, the id and the Ed25519 public key of ``name+id+base64``."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not parts[0] or not re.fullmatch("[0-9a-f]{8}", parts[1]):
        raise Wrong("the key has not the form name+id+base64")
    raw = canonical64(parts[2], "the key")
    if len(raw) != 33 or raw[0] != 1:
        raise Wrong("the key is none of Ed25519")
    if sha256(parts[0].encode() + b"\n" + raw).digest()[:4].hex() != parts[1]:
        raise Wrong("the id of the key is not its own")
    return parts[0], bytes.fromhex(parts[1]), raw[1:]


def opened(note: bytes, key: str) -> Checkpoint:
    """The checkpoint in a signed note; Wrong where it is not signed by this key, or written in any other way."""
    if len(note) > 100_000:
        raise Wrong("the checkpoint is longer than 100,000 bytes")
    try:
        said = note.decode()
    except UnicodeDecodeError:
        raise Wrong("the checkpoint is not UTF-8") from None
    if re.search("[\x00-\x09\x0b-\x1f]", said) or not said.endswith("\n"):
        raise Wrong("the checkpoint is no signed note")
    text, blank, signatures = said.rpartition("\n\n")
    if not blank:
        raise Wrong("the checkpoint has no signature")
    text += "\n"
    name, id, public = key_of(key)
    _signed_by(name, id, public, text, signatures.removesuffix("\n").split("\n"))
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 3 or not all(lines):
        raise Wrong("a checkpoint has three lines: origin, size, root")
    origin, size, root = lines
    if origin != name:
        raise Wrong(f"the checkpoint is of {origin!r}, and the key of {name!r}")
    if not re.fullmatch("0|[1-9][0-9]{0,15}", size):
        raise Wrong("the size in the checkpoint is no plain number")
    hashed = canonical64(root, "the root in the checkpoint")
    if len(hashed) != 32:
        raise Wrong("the root in the checkpoint is no SHA-256")
    return Checkpoint(origin, int(size), hashed, said)


def _signed_by(name: str, id: bytes, public: bytes, text: str, lines: Sequence[str]) -> None:
    known = 0
    for line in lines:
        form = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if form is None:
            raise Wrong("a signature line has not the form: dash, name, base64")
        signature = canonical64(form[2], "a signature")
        if (form[1], signature[:4]) != (name, id):
            continue  # of a witness, or of another key
        if not ed25519(public, text.encode(), signature[4:]):
            raise Wrong("the signature of the checkpoint does not verify")
        known += 1
    if known != 1:
        raise Wrong(
            "the checkpoint is not signed by this key" if not known else "the checkpoint is signed twice"
        )


# ---------------------------------------------------------------- the tree


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of equal subtrees, of which the last may be smaller."""
    level = list(hashes)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [*map(node_hash, level[::2], level[1::2]), *odd]
    return level[0] if level else sha256().digest()


class Tree:
    """A Merkle tree that grows at its end. ``full(level, index, hashes)`` is told of every tile that is full."""

    def __init__(self, full: Callable[[int, int, list[bytes]], None] = lambda *_: None) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = [[]]
        self._full = full

    def add(self, leaf: bytes) -> None:
        self.size += 1
        self._put(0, leaf)

    def _put(self, level: int, hashed: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(hashed)
        if len(held := self._levels[level]) == WIDTH:
            self._full(level, self.size // WIDTH ** (level + 1) - 1, held)
            self._levels[level] = []
            self._put(level + 1, folded(held))

    @property
    def edge(self) -> list[list[bytes]]:
        """The hashes of the partial tiles, by level."""
        return self._levels

    def root(self) -> bytes:
        carried: list[bytes] = []
        for held in self._levels:
            if hashes := [*held, *carried]:
                carried = [folded(hashes)]
        return folded(carried)


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to; None where it is none (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def consistent(old: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of ``old`` leaves is the beginning of that of ``size`` (RFC 9162,
    2.1.4.2)."""
    if old == size:
        return not path and old_root == root
    if not 0 < old < size or not path:
        return False
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, root)


class Growing:
    """Entries taken in one after another: each at its place, the tree compared with what was signed on the way."""

    def __init__(self, checkpoint: Checkpoint, remembered: Checkpoint | None, tree: Tree) -> None:
        self.tree = tree
        self._signed = sorted(
            [(checkpoint, "the checkpoint"), *([(remembered, "what was remembered")] if remembered else [])],
            key=lambda pair: pair[0].size,
        )
        self._agreed = 0
        self._confirm()

    def take(self, entry: bytes) -> list[Any]:
        """The header of the next entry."""
        position = self.tree.size + 1
        try:
            header = json.loads(entry[32:])
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, list) or len(header) != len(FIELDS):
            raise Wrong("what is there is no entry", position)
        if header[0] != position:
            raise Wrong(f"the entry says that it is at position {header[0]}", position)
        self.tree.add(leaf_hash(entry))
        self._confirm()
        return header

    def _confirm(self) -> None:
        while self._signed and self._signed[0][0].size == self.tree.size:
            signed, what = self._signed.pop(0)
            if self.tree.root() != signed.root:
                raise Wrong(
                    f"the events from here to {signed.size} are not those that {what} signed: history was rewritten",
                    min(self._agreed + 1, max(signed.size, 1)),
                )
            self._agreed = signed.size

    def close(self) -> None:
        if self._signed:
            raise Wrong(
                f"the log ends here, and {self._signed[0][0].size} events were signed: events are missing",
                self.tree.size + 1,
            )


def continues(checkpoint: Checkpoint, remembered: Checkpoint | None) -> None:
    """Refuse a checkpoint that is older than the one that was remembered."""
    if remembered is None:
        return
    if checkpoint.size < remembered.size:
        raise Wrong(
            f"the log shows {checkpoint.size} events, and {remembered.size} were signed before: its end was cut off, "
            "or an old checkpoint is shown again",
            checkpoint.size + 1,
        )
    if checkpoint.size == remembered.size and checkpoint.root != remembered.root:
        raise Wrong(f"two different logs of {checkpoint.size} events were signed: history was rewritten", 1)


# ---------------------------------------------------------------- a log that is served


def tile_path(level: int | str, index: int, width: int) -> str:
    """The path of a tile (c2sp.org/tlog-tiles): groups of three digits, all but the last with an x before."""
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"log/tile/{level}/{path}" + (f".p/{width}" if width < WIDTH else "")


def check_served(
    fetch: Fetch, key: str, remembered: Checkpoint | None = None, *, bodies: bool = True
) -> Report:
    """Check the whole log of a service; Wrong names the first thing that is not as it should be."""
    checkpoint = opened(fetch(CHECKPOINT_AT), key)
    continues(checkpoint, remembered)
    report = Report(checkpoint, remembered=remembered.size if remembered else None)

    def compare(level: int, index: int, hashes: list[bytes]) -> None:
        span = WIDTH**level
        first = index * WIDTH * span + 1
        served = _fetched(fetch, tile_path(level, index, len(hashes)), first)
        if len(served) != 32 * len(hashes):
            raise Wrong(f"the tile of level {level} that begins here has {len(served)} bytes", first)
        for at, hashed in enumerate(hashes):
            if served[32 * at : 32 * at + 32] != hashed:
                raise Wrong(f"the event is not the one in the tile of level {level}", first + at * span)

    growing = Growing(checkpoint, remembered, Tree(compare))
    items = served_bodies(fetch, checkpoint.size) if bodies else None
    for entry in _entries(fetch, checkpoint.size):
        if items is not None:
            _compare_body(growing.tree.size + 1, entry, next(items, None), report)
        growing.take(entry)
    growing.close()
    for level, hashes in enumerate(growing.tree.edge):
        if hashes:
            compare(level, growing.tree.size // WIDTH ** (level + 1), hashes)
    return report


def _fetched(fetch: Fetch, path: str, position: int) -> bytes:
    try:
        return fetch(path)
    except Wrong as wrong:
        raise Wrong(f"the part of the log that begins here is not shown: {wrong.reason}", position) from None


def _entries(fetch: Fetch, size: int) -> Iterator[bytes]:
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        first = index * WIDTH + 1
        bundle, at = _fetched(fetch, tile_path("entries", index, width), first), 0
        for number in range(width):
            end = at + 2 + int.from_bytes(bundle[at : at + 2])
            if len(bundle) < end or end == at + 2:
                raise Wrong("the bundle of entries ends before this one", first + number)
            yield bundle[at + 2 : end]
            at = end
        if at != len(bundle):
            raise Wrong("the bundle of entries holds more than it should", first + width - 1)


def served_bodies(fetch: Fetch, size: int) -> Iterator[dict[str, str]]:
    """The events as the API shows them, each member as the exact text it is written in."""
    reached = 0
    while reached < size:
        path = f"v1/events?after_position={reached}&limit=200"
        page = _fetched(fetch, path, reached + 1)
        try:
            text = page.decode()
            start = next(start for name, start, _ in members(text, 0) if name == "items")
            items = [written(text, at) for at in elements(text, start)]
        except (ValueError, StopIteration, IndexError, RecursionError):
            raise Wrong("the page of events that begins here is not understood", reached + 1) from None
        if not items:
            raise Wrong("the event is missing among those that are shown", reached + 1)
        yield from items
        reached += len(items)


def _compare_body(position: int, entry: bytes, item: dict[str, str] | None, report: Report) -> None:
    try:
        said = {name: json.loads(text) for name, text in (item or {}).items() if name != "body"}
        header = json.loads(entry[32:])
        shown = [microseconds(said[n]) if n.endswith("_at") else said[n] for n in FIELDS]
        hashed, salt, body = bytes.fromhex(said["hash"]), said["salt"], (item or {})["body"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Wrong("what is shown of the event is not understood", position) from None
    if shown != header:
        raise Wrong("the event is shown with another envelope than its entry has", position)
    if sha256(entry).digest() != hashed:
        raise Wrong("the event does not match its hash", position)
    check_body(position, entry[:32], salt, body, report)


def check_body(position: int, committed: bytes, salt: Any, body: str, report: Report) -> None:
    """Compare a body, its exact text, with what the entry commits to; ``null`` with no salt is an erased one."""
    if body == "null" and not salt:
        report.erased.append(position)
        return
    try:
        found = sha256(bytes.fromhex(salt) + body.encode()).digest()
    except (ValueError, TypeError):
        raise Wrong("the salt of the event is not understood", position) from None
    if found != committed:
        raise Wrong("the body of the event is not the one it was recorded with", position)
    report.bodies += 1


def microseconds(text: str) -> int:
    """An instant in microseconds since 1970."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


_scan = json.JSONDecoder().raw_decode


def members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """The members of the JSON object that begins there, written without spaces: name, and where its value stands."""
    seen: set[str] = set()
    if text[at] != "{":
        raise ValueError("no object")
    while text[at] != "}":
        name, at = _scan(text, at + 1)
        if text[at] != ":" or not isinstance(name, str) or name in seen:
            raise ValueError("no member, or one that stands twice")
        seen.add(name)
        start, (_, at) = at + 1, _scan(text, at + 1)
        yield name, start, at
        if text[at] not in ",}":
            raise ValueError("no object")


def elements(text: str, at: int) -> Iterator[int]:
    """Where the elements of the JSON array begin that begins there."""
    if text[at : at + 2] == "[]":
        return
    while text[at] != "]":
        yield at + 1
        _, at = _scan(text, at + 1)
        if text[at] not in ",]":
            raise ValueError("no array")


def written(text: str, at: int = 0) -> dict[str, str]:
    """The members of an object, each as the exact text of its value."""
    return {name: text[start:end] for name, start, end in members(text, at)}


def check_some(fetch: Fetch, key: str, positions: Sequence[int], remembered: Checkpoint | None) -> Report:
    """Check single events by their inclusion proofs, and that the log continues what was remembered."""
    checkpoint = opened(fetch(CHECKPOINT_AT), key)
    continues(checkpoint, remembered)
    if (last := max(positions, default=0)) > checkpoint.size:
        raise Unreachable(
            f"--position: {last} is not signed yet, only the first {checkpoint.size} events are"
        )
    report = Report(checkpoint, remembered=remembered.size if remembered else None)
    if remembered is not None and 0 < remembered.size < checkpoint.size:
        said = _json(fetch, f"v1/log/consistency?from={remembered.size}&to={checkpoint.size}", 1)
        path = _hashes(said, 1)
        if not consistent(remembered.size, checkpoint.size, remembered.root, checkpoint.root, path):
            raise Wrong("the log does not continue what was remembered: history was rewritten", 1)
    for position in positions:
        said = _json(fetch, f"v1/log/inclusion?position={position}&size={checkpoint.size}", position)
        try:
            entry = bytes.fromhex(said["commitment"]) + said["header"].encode()
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Wrong("the proof is not understood", position) from None
        root = included(leaf_hash(entry), position - 1, checkpoint.size, _hashes(said, position))
        if root != checkpoint.root:
            raise Wrong("the event is not in the tree that was signed", position)
        items = written_from(fetch, position)
        _compare_body(position, entry, items, report)
    return report


def written_from(fetch: Fetch, position: int) -> dict[str, str] | None:
    """The event at a position as the API shows it."""
    text = _fetched(fetch, f"v1/events?after_position={position - 1}&limit=1", position).decode()
    start = next(start for name, start, _ in members(text, 0) if name == "items")
    return next((written(text, at) for at in elements(text, start)), None)


def _json(fetch: Fetch, path: str, position: int) -> dict[str, Any]:
    try:
        said = json.loads(_fetched(fetch, path, position))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Wrong("the proof is not understood", position)
    return said


def _hashes(said: dict[str, Any], position: int) -> list[bytes]:
    try:
        return [bytes.fromhex(step) for step in said["path"]]
    except (ValueError, KeyError, TypeError):
        raise Wrong("the proof is not understood", position) from None


# ---------------------------------------------------------------- a log that was exported


def check_exported(
    lines: Iterable[bytes], note: bytes, key: str, remembered: Checkpoint | None = None
) -> Report:
    """Check an export (``tracker export --as events``) against a checkpoint; what is newer by the chain alone."""
    checkpoint = opened(note, key)
    continues(checkpoint, remembered)
    report = Report(checkpoint, remembered=remembered.size if remembered else None)
    growing = Growing(checkpoint, remembered, Tree())
    chain, commit, last, hashes = bytes(32), "", bytes(32), list[bytes]()
    for position, line in enumerate(lines, 1):
        try:
            item = written(line.decode().rstrip("\n"))
            said = {name: json.loads(text) for name, text in item.items() if name != "body"}
            values = [microseconds(said[n]) if n.endswith("_at") else said[n] for n in FIELDS]
            header = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
            gone = item["body"] == "null"
            committed = (
                bytes.fromhex(said["commitment"])
                if gone
                else sha256(bytes.fromhex(said["salt"]) + item["body"].encode()).digest()
            )
            hashed, linked = bytes.fromhex(said["hash"]), bytes.fromhex(said["chain"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            raise Wrong("the line is not understood", position) from None
        entry = committed + header
        if values[0] != position:
            raise Wrong(f"the line says that it is at position {values[0]}", position)
        if sha256(entry).digest() != hashed:
            raise Wrong("the event does not match its hash: its body or envelope was changed", position)
        if said["commit"] != commit and hashes:
            if sha256(chain + b"".join(hashes)).digest() != last:
                raise Wrong("the chain breaks here: history was rewritten", position - len(hashes))
            chain, hashes = last, []
        commit, last = said["commit"], linked
        hashes.append(hashed)
        growing.take(entry)
        check_body(position, committed, said["salt"], item["body"], report)
    if hashes and sha256(chain + b"".join(hashes)).digest() != last:
        raise Wrong("the chain breaks here: history was rewritten", growing.tree.size - len(hashes) + 1)
    growing.close()
    report.newer = growing.tree.size - checkpoint.size
    return report


# ---------------------------------------------------------------- the command


def fetcher(base: str, headers: dict[str, str]) -> Fetch:
    """How a service is asked."""
    if urlsplit(base).scheme not in ("http", "https"):
        raise Unreachable(f"{base} is no address: give http://... or https://...")

    def fetch(path: str) -> bytes:
        request = Request(f"{base.rstrip('/')}/{path}", headers=headers)  # noqa: S310
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310
                return bytes(answer.read(LARGEST))
        except HTTPError as error:
            if error.code in (401, 403):
                raise Unreachable(
                    f"{path}: reading needs a key: give --header 'Authorization: Bearer ...'"
                ) from None
            if path in (KEY_AT, CHECKPOINT_AT):
                raise Unreachable(f"{base} shows no log: {path} is answered with {error.code}") from None
            raise Wrong(f"{path} is answered with {error.code}") from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"{base}: {error}") from None

    return fetch


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="verifier", description="Check a tracker's log: 0 sound, 1 not what it was, 2 not checked."
    )
    parser.add_argument("log", help="the address of the service, or the file of an export --as events")
    parser.add_argument(
        "--key", help="the log's public key, name+id+base64, got by another way than from the log"
    )
    parser.add_argument(
        "--remember", type=Path, help="file of the checkpoint seen last; the new one is put there"
    )
    parser.add_argument("--checkpoint", type=Path, help="with a file: the checkpoint to check it against")
    parser.add_argument(
        "--position", type=int, action="append", default=[], help="only this event, by its proof"
    )
    parser.add_argument("--no-bodies", action="store_true", help="do not fetch the bodies")
    parser.add_argument(
        "--header", action="append", default=[], help="a header to send: 'Authorization: Bearer ...'"
    )
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(f"{_checked(options)}\n")
    except Wrong as wrong:
        sys.stderr.write(f"verifier: {wrong}\n")
        return 1
    except (Unreachable, OSError) as error:
        sys.stderr.write(f"verifier: {error}\n")
        return 2
    return 0


def _remembered(seen: Path, key: str) -> Checkpoint:
    """The checkpoint seen last. A file that holds none is no matter of the log."""
    note = seen.read_bytes()
    if "\n\n\u2014 ".encode() not in note:
        raise Unreachable(f"{seen} holds no checkpoint: name the file that --remember has made, or a new one")
    return opened(note, key)


def _checked(options: Any) -> Report:
    served = "://" in options.log
    pairs = [header.partition(":") for header in options.header]
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    fetch = fetcher(options.log, headers) if served else None
    key, seen = options.key, options.remember
    if key is None:
        if fetch is None:
            raise Unreachable("give the log's public key with --key: 'tracker log-key' prints it")
        key = str(_json(fetch, KEY_AT, 1).get("key"))
        sys.stderr.write(f"verifier: the key comes from the log itself; next time give --key {key}\n")
    try:
        key_of(key)
    except Wrong as wrong:
        raise Unreachable(f"--key: {wrong.reason}") from None
    if any(position < 1 for position in options.position):
        raise Unreachable("--position: positions count from 1")
    remembered = _remembered(seen, key) if seen and seen.exists() else None
    if fetch is None:
        if options.checkpoint is None:
            raise Unreachable("give the checkpoint to check the file against with --checkpoint")
        with Path(options.log).open("rb") as lines:
            report = check_exported(lines, options.checkpoint.read_bytes(), key, remembered)
    elif options.position:
        report = check_some(fetch, key, options.position, remembered)
    else:
        report = check_served(fetch, key, remembered, bodies=not options.no_bodies)
    if seen:
        seen.write_text(report.checkpoint.note, encoding="utf-8")
    return report


if __name__ == "__main__":
    sys.exit(main())
