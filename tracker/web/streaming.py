"""The log as it grows, as server-sent events (WHATWG HTML, 9.2): one message an event, ``id`` its position.

All streams of a process share one look at the end of the log, and those that stand at the same place share what is
read and written of it. A stream holds no thread while it waits, and asks for more only when its reader has taken what
it was sent: who reads slowly falls behind alone, and finds the rest in the log.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from random import uniform
from threading import Lock
from time import monotonic
from typing import NamedTuple

import msgspec
import structlog
from litestar.concurrency import sync_to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.store.following import Following

log = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
MOST = 1000
"""Streams at once in a process. Each holds a connection, and up to a page that its reader has not taken yet."""
BEGINS_SECONDS = 5
"""How long room is kept for a stream that was admitted and has not begun."""
KEPT = 32
"""Pages that are kept for those who come to the same place."""
HEARTBEAT = b":\n"
"""A comment, without an empty line: some readers would take that for a message."""


class Wanted(NamedTuple):
    """Which events a stream is of; None: all."""

    partner: str | None
    type: str | None


class Page(NamedTuple):
    """What a stretch of the log holds for a stream, as it is sent; it was read up to ``reached``."""

    text: bytes
    reached: int


Read = Callable[[int, int], Page]
"""Reads the log after a position, up to another."""


class Streams:
    """The open streams of this process."""

    def __init__(self, engine: Engine, life_seconds: float = 600, heartbeat_seconds: float = 15) -> None:
        self.life_seconds = life_seconds
        self.heartbeat_seconds = heartbeat_seconds
        self.open = 0
        self._engine = engine
        self._following: Following | None = None
        self._end = 0
        self._closed = False
        self._admitted: deque[float] = deque()
        self._admitting = Lock()
        self._moved = asyncio.Event()
        self._pages: dict[tuple[Wanted, int, int], asyncio.Future[Page]] = {}

    def admits(self) -> bool:
        """Whether there is room for one more; it is kept free until that is open, some seconds at most."""
        with self._admitting:
            while self._admitted and self._admitted[0] < monotonic() - BEGINS_SECONDS:
                self._admitted.popleft()
            if self.open + len(self._admitted) >= MOST:
                return False
            self._admitted.append(monotonic())
            return True

    def close(self) -> None:
        """End all streams, for good; on the thread of the event loop."""
        self._closed = True
        self._wake(self._end)

    async def follow(self, wanted: Wanted, after: int, end: int, read: Read) -> AsyncIterator[bytes]:
        """What is sent to one who has all up to ``after``, while the log ends at ``end``. It ends after some minutes,
        not with all others, and says when to come back."""
        again = b"retry: %d\n\n" % uniform(1000, 4000)  # noqa: S311  # so that not all come back at once
        over = monotonic() + self.life_seconds * uniform(0.8, 1.2)  # noqa: S311
        heartbeat = monotonic() + self.heartbeat_seconds
        yield again
        with self._joined(end), suppress(_Ended):
            while not self._closed and (now := monotonic()) < over:
                if after < self._end:
                    page = await self._page(wanted, after, self._end, read)
                    after = page.reached
                    if page.text:
                        yield page.text
                        heartbeat = monotonic() + self.heartbeat_seconds
                elif now >= heartbeat:
                    yield HEARTBEAT
                    heartbeat = monotonic() + self.heartbeat_seconds
                else:
                    await self._more(min(heartbeat, over) - now)
        yield again

    @contextmanager
    def _joined(self, end: int) -> Iterator[None]:
        """Count as open; the first begins to follow the log, and the last ends it."""
        self._end = max(self._end, end)
        with self._admitting:
            self.open += 1
            if self._admitted:
                self._admitted.popleft()
        if self._following is None:
            wake = partial(_from_outside, asyncio.get_running_loop(), self._wake)
            self._following = Following(self._engine, wake)
        try:
            yield
        finally:
            self.open -= 1
            if not self.open and self._following is not None:
                self._following.stop()
                self._following = None

    def _wake(self, end: int) -> None:
        self._end = end
        self._moved.set()
        self._moved = asyncio.Event()

    async def _more(self, seconds: float) -> None:
        """Wait until the end of the log has moved, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()

    async def _page(self, wanted: Wanted, after: int, end: int, read: Read) -> Page:
        place = wanted, after, end
        if place not in self._pages:
            reading = asyncio.ensure_future(sync_to_thread(read, after, end))
            reading.add_done_callback(partial(self._forget_failed, place))
            self._pages[place] = reading
            if len(self._pages) > KEPT:
                del self._pages[next(iter(self._pages))]
        try:
            return await asyncio.shield(self._pages[place])
        except SQLAlchemyError:
            raise _Ended from None

    def _forget_failed(self, place: tuple[Wanted, int, int], reading: asyncio.Future[Page]) -> None:
        if not reading.cancelled() and (error := reading.exception()):
            self._pages.pop(place, None)
            log.warning("stream_broken_off", error=type(error).__name__)


class _Ended(Exception):
    """The database cannot be asked: the stream ends, and its reader comes back."""


def message(position: int, data: object) -> bytes:
    """An event of the stream. JSON holds no line break of its own."""
    return b"id: %d\ndata: %b\n\n" % (position, msgspec.json.encode(data))


def _from_outside(loop: asyncio.AbstractEventLoop, wake: Callable[[int], None], end: int) -> None:
    with suppress(RuntimeError):  # the loop has come to its end
        loop.call_soon_threadsafe(wake, end)
