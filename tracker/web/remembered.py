"""Answers kept in memory: what was asked before is not worked out again while it cannot have changed.

An answer is a function of its address, of the log (the position of its end) and of the tables it was read into, less
what was erased; one about now also of the instant, but only until the next at which something it is made of
begins, ends or is due (see ``read.moving``). This instant itself, which it echoes, is put in fresh. Who signs in is
answered afresh. What is asked once is only noted; what is asked again is kept.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

from litestar.types import Scope
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from tracker.read import Point
from tracker.read.moving import Moving, plain
from tracker.rebuilding import builds
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import check_file
from tracker.store.together import AskedTogether

LARGEST = 2_000_000
"""Bytes of one answer; a larger one is not kept."""
ROOM = 64_000_000
"""Bytes of all answers that are kept; those that were not asked for longest go first."""
NOTED = 10_000
"""Addresses, whether their answer is kept or only noted."""

Headers = Sequence[tuple[bytes, bytes]]
Hole = tuple[bytes, Callable[[datetime], bytes]]
"""What an answer says of its instant, and how it says it of another."""
_STAMP = select(
    log.head.c.position,
    select(builds.c.generation).where(builds.c.state == "live").scalar_subquery(),
    select(func.count()).select_from(log.erasures).scalar_subquery(),
)
_AT, _STAMPED = "remembered_at", "remembered_stamp"


class Stamp(NamedTuple):
    """What an answer was made of: the end of the log, the tables in use, and how many events were erased."""

    position: int
    generation: int | None
    erased: int


@dataclass(frozen=True, slots=True)
class About:
    """What a handler says of its answer: the point it is about, what in its body and in its headers speaks of this
    instant; ``pinned``: later positions change nothing."""

    at: Point
    holes: Sequence[Hole] = ()
    header_holes: Sequence[Hole] = ()
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and as long as it holds."""

    headers: Headers
    body: bytes
    about: About
    stamp: Stamp

    def holds(self, stamp: Stamp, now: datetime) -> bool:
        at = self.about.at
        moving = (one for one in (at.as_of, at.known_at) if isinstance(one, Moving))
        if not all(plain(one) <= now < one.until for one in moving):
            return False
        return stamp == self.stamp or (self.about.pinned and stamp[1:] == self.stamp[1:])

    def told(self, now: datetime) -> tuple[Headers, bytes]:
        """Headers and body, as of now."""
        headers, body = self.headers, self.body
        for old, said in self.about.holes:
            body = body.replace(old, said(now), 1)
        for old, said in self.about.header_holes:
            new = said(now)
            headers = [(name, value.replace(old, new, 1)) for name, value in headers]
        length = str(len(body)).encode()
        return [(name, length if name == b"content-length" else value) for name, value in headers], body


class Remembered:
    """The answers that this process keeps."""

    def __init__(self, engine: Engine, clock: Clock, room: int = ROOM) -> None:
        self._engine, self._clock, self._room = engine, clock, room
        self._kept: OrderedDict[bytes, Kept | None] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self.at_once = engine.dialect.name == "sqlite"
        self._statement = str(_STAMP.compile(engine, compile_kwargs={"literal_binds": True}))
        self._own: Any = None
        self._asked = AskedTogether(engine, self._statement)
        self._making: dict[tuple[int, bytes], asyncio.Event] = {}

    def asked_before(self, scope: Scope) -> bool:
        """Whether an answer can be looked for: somebody asked for this address before, and it may be anybody."""
        return _address(scope) in self._kept and _anybody(scope)

    async def found(self, scope: Scope) -> tuple[Headers, bytes] | None:
        """The answer, where it is kept and holds; where somebody is working it out, when they are done. Reads the
        database; where that fails, the handler will say so."""
        if (found := await self._held(scope)) is None and (
            made := self._making.get(_making(scope))
        ) is not None:
            await made.wait()
            found = await self._held(scope)
        return found

    @contextmanager
    def making(self, scope: Scope) -> Iterator[None]:
        """While an answer is worked out: who asks for the same waits for it."""
        key, made = _making(scope), asyncio.Event()
        first = self._making.setdefault(key, made) is made
        try:
            yield
        finally:
            if first:
                del self._making[key]
            made.set()

    async def _held(self, scope: Scope) -> tuple[Headers, bytes] | None:
        try:
            stamp = self._stamp() if self.at_once else Stamp(*await self._asked.row())
            now = self._clock()
        except (self._engine.dialect.loaded_dbapi.Error, SQLAlchemyError, TimeoutError):
            self._own = None
            return None
        address = _address(scope)
        scope[_STAMPED] = stamp  # type: ignore[literal-required]
        with self._lock:
            kept = self._kept.get(address)
            if kept is not None:
                self._kept.move_to_end(address)
        return kept.told(now) if kept is not None and kept.holds(stamp, now) else None

    def _stamp(self) -> Stamp:
        """``at_once``: from the file, which is read in microseconds and waits for nobody, so not even a thread is
        worth it; on a connection of its own, without a transaction."""
        check_file(self._engine)
        if self._own is None:
            opened = self._engine.raw_connection()
            opened.detach()
            self._own = opened.dbapi_connection
        return Stamp(*self._own.execute(self._statement).fetchone())

    def keep(self, scope: Scope, headers: Headers, body: bytes) -> None:
        """Keep an answer for which its handler called ``remember``; note its address where nobody asked before."""
        about: About | None = scope.get(_AT)  # type: ignore[assignment]
        if about is None or not _anybody(scope):
            return
        stamp: Stamp | None = scope.get(_STAMPED)  # type: ignore[assignment]
        fits = stamp is not None and len(body) <= LARGEST
        with self._lock:
            self._put(_address(scope), Kept(headers, body, about, stamp) if stamp and fits else None)

    def forget(self) -> None:
        """Keep nothing of what was kept."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _put(self, address: bytes, kept: Kept | None) -> None:
        before = self._kept.pop(address, None)
        self._size += len(kept.body if kept else b"") - len(before.body if before else b"")
        self._kept[address] = kept
        while self._size > self._room or len(self._kept) > NOTED:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone.body if gone else b"")


def remember(scope: Scope, about: About) -> None:
    """Say that the answer being made may be kept."""
    scope[_AT] = about  # type: ignore[literal-required]


def _making(scope: Scope) -> tuple[int, bytes]:
    return id(asyncio.get_running_loop()), _address(scope)


def _address(scope: Scope) -> bytes:
    return scope["raw_path"] + b"?" + scope["query_string"]


def _anybody(scope: Scope) -> bool:
    return not any(name in (b"cookie", b"authorization") for name, _ in scope["headers"])
