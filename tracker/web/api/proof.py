"""Proof that history was not rewritten: the signed checkpoint and the tiles of the Merkle tree as static files
(c2sp.org/tlog-tiles), and proofs of single events for programs. docs/proof.md says how to check."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import field
from sqlalchemy import Connection, Engine

from tracker.domain.errors import Problem, Refused
from tracker.domain.views import View
from tracker.store import log, merkle, signing, tree
from tracker.store.engine import reading
from tracker.store.merkle import WIDTH
from tracker.store.tree import Checkpoint
from tracker.web.conditional import Answer, answer, etag, matches, whose
from tracker.web.errors import Failed

TAGS = ["proof"]
ADDRESS = re.compile(
    r"/(entries|0|[1-9][0-9]?)/((?:x(?!000)[0-9]{3}/(?:x[0-9]{3}/){0,3})?[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
"""Of a tile, below /log/tile: the level, the index in groups of three digits, the width of a partial one."""
LENGTH_BYTES = 2

AtPosition = Annotated[int, QueryParameter(ge=1, le=2**53, description="The position of the event.")]
OfSize = Annotated[
    int | None,
    QueryParameter(ge=1, le=2**53, description="The tree: its size. Default: that of the checkpoint."),
]
FromSize = Annotated[
    int, QueryParameter(name="from", ge=1, le=2**53, description="The size of the older tree.")
]
ToSize = Annotated[
    int | None,
    QueryParameter(name="to", ge=1, le=2**53, description="That of the newer. Default: the checkpoint's."),
]


class LogView(View, frozen=True):
    """The log as it was signed last. ``key``: its public key, to be kept apart from it; ``root``: of the Merkle tree
    over its first ``size`` events, in hexadecimal; ``checkpoint``: the signed note that says so."""

    origin: str
    key: str
    size: int
    root: str
    checkpoint: str


class Inclusion(View, frozen=True):
    """That an event is in the tree of ``size`` events with this root. The leaf is the SHA-256 of a zero byte, the
    ``commitment`` and the ``header``, its exact text; ``path`` leads from it to the root (RFC 6962, 2.1.1)."""

    position: int
    size: int
    root: str
    commitment: str
    header: str
    path: list[str]


class Consistency(View, frozen=True, kw_only=True):
    """That the tree of ``to`` events continues that of ``from``: nothing before was changed (RFC 6962, 2.1.2)."""

    from_: int = field(name="from")
    to: int
    from_root: str
    to_root: str
    path: list[str]


@get("/log", summary="The log as it was signed last", tags=TAGS, sync_to_thread=True)
def signed_log(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Answer[LogView]:
    """The newest checkpoint and the key that it is signed with. Take the key from somewhere else, too: whoever could
    forge the log could show another key with it."""
    with reading(engine) as connection:
        newest, key = checkpoint(connection), signing.find_key(connection)
    assert key is not None, "a checkpoint was signed with it"
    content = LogView(
        origin=key.origin, key=key.public, size=newest.size, root=newest.root.hex(), checkpoint=newest.note
    )
    return answer(request, content)


@get("/log/inclusion", summary="That an event is in the log", tags=TAGS, sync_to_thread=True)
def inclusion(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    position: AtPosition,
    size: OfSize = None,
) -> Answer[Inclusion]:
    """The proof that an event is in a tree that was signed, or any smaller one."""
    with reading(engine) as connection:
        within = signed(connection, size, "size")
        if position > within:
            raise outside("position", position, f"the tree has {within} events")
        held = tree.nodes(connection)
        (entry,) = log.entries(connection, position - 1, 1)
        content = Inclusion(
            position=position, size=within, root=merkle.root(within, held).hex(), commitment=entry[:32].hex(),
            header=entry[32:].decode(), path=[step.hex() for step in merkle.inclusion(position - 1, within, held)],
        )  # fmt: skip
    return answer(request, content, {"size": within}, size is not None)


@get("/log/consistency", summary="That a log continues another", tags=TAGS, sync_to_thread=True)
def consistency(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], from_: FromSize, to: ToSize = None
) -> Answer[Consistency]:
    """The proof that the tree of a checkpoint seen before is the beginning of a newer one."""
    with reading(engine) as connection:
        within = signed(connection, to, "to")
        if from_ > within:
            raise outside("from", from_, f"the newer tree has {within} events")
        held = tree.nodes(connection)
        content = Consistency(
            from_=from_, to=within, from_root=merkle.root(from_, held).hex(), to_root=merkle.root(within, held).hex(),
            path=[step.hex() for step in merkle.consistency(from_, within, held)],
        )  # fmt: skip
    return answer(request, content, {"to": within}, to is not None)


def checkpoint(connection: Connection) -> Checkpoint:
    """The newest; Refused where nothing was signed yet."""
    newest = tree.latest(connection)
    if newest is None:
        raise Refused(
            "not_found",
            "nothing was signed yet: a checkpoint is, soon after the first event, by whoever runs the jobs",
        )
    return newest


def signed(connection: Connection, size: int | None, name: str) -> int:
    """The size of a tree that lies within what was signed; default all of it."""
    newest = checkpoint(connection).size
    if size is not None and size > newest:
        raise outside(name, size, f"{newest} events are signed")
    return size or newest


def outside(name: str, given: int, there: str) -> Refused:
    detail = f"{name} {given} lies beyond the log: {there}"
    return Refused("not_found", detail, Problem(name, detail))


# ---------------------------------------------------------------- static files


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: ``level`` None is a bundle of entries."""

    level: int | None
    index: int
    width: int

    @property
    def leaves(self) -> int:
        """How many leaves a tree has that holds all of this tile."""
        return (self.index * WIDTH + self.width) << merkle.HEIGHT * (self.level or 0)


def addressed(address: str) -> Tile:
    """The tile at an address below /log/tile; Failed (400) for one that no tile has."""
    form = ADDRESS.fullmatch(address)
    level = int(form[1]) if form and form[1] != "entries" else None
    width = int(form[3] or WIDTH) if form else 0
    if form is None or (level or 0) > 63 or (form[3] and width >= WIDTH):
        raise Failed(
            400,
            "invalid",
            "no tile has this address: it is /log/tile/LEVEL/INDEX or /log/tile/entries/INDEX, with .p/WIDTH for a "
            "partial one: a level from 0 to 63, an index such as 067 or x001/x234/067, a width from 1 to 255",
        )
    return Tile(level, int(form[2].replace("x", "").replace("/", "")), width)


@get("/log/checkpoint", sync_to_thread=True, include_in_schema=False)
def newest_checkpoint(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """The newest checkpoint, a signed note."""
    with reading(engine) as connection:
        note = checkpoint(connection).note
    headers = {"Cache-Control": f"{whose(request)}, max-age=5"}
    return Response(note, media_type="text/plain", headers=headers)


@get("/log/tile/{address:path}", sync_to_thread=True, include_in_schema=False)
def tile(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], address: FromPath[str]
) -> Response[bytes]:
    """A tile of hashes, or a bundle of entries; it never changes."""
    wanted = addressed(address)
    with reading(engine) as connection:
        if wanted.leaves > (there := checkpoint(connection).size):
            raise Refused("not_found", f"this tile lies beyond what was signed, {there} events")
        content = _content(connection, wanted)
    return _kept(request, content)


def _content(connection: Connection, wanted: Tile) -> bytes:
    first = wanted.index * WIDTH
    if wanted.level is not None:
        return b"".join(tree.nodes(connection)(wanted.level, first, wanted.width))
    entries = log.entries(connection, first, wanted.width)
    return b"".join(len(entry).to_bytes(LENGTH_BYTES) + entry for entry in entries)


def _kept(request: Request[Any, Any, Any], content: bytes) -> Response[bytes]:
    headers = {"ETag": etag(content, []), "Cache-Control": f"{whose(request)}, max-age=31536000, immutable"}
    if matches(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)


ROUTES = (signed_log, inclusion, consistency)
FILES = (newest_checkpoint, tile)
