"""A real server, and readers of its stream: as many as are wanted, in one loop."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar

from tracker.app import Server, bound

PATIENCE_SECONDS = 60
"""After which a test that waits has failed."""


@dataclass
class Reader:
    """One who reads a stream: what arrived so far."""

    status: int = 0
    ids: list[int] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    retry: list[int] = field(default_factory=list)
    comments: int = 0
    ended: bool = False


@contextmanager
def served(app: Litestar) -> Iterator[int]:
    """The application on a port of its own, as ``tracker serve`` runs it."""
    listener = bound("127.0.0.1", 0)
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=10))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def free_port() -> int:
    with bound("127.0.0.1", 0) as taken:
        port: int = taken.getsockname()[1]
    return port


@asynccontextmanager
async def reading(
    port: int, path: str = "/v1/stream", *, keep: bool = True, **headers: str
) -> AsyncIterator[Reader]:
    """A reader of a stream; it goes on until this is left. ``keep``: the data too, not the ids alone."""
    reader = Reader()
    taking = asyncio.create_task(_take(reader, port, path, headers, keep))
    try:
        yield reader
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


async def until(arrived: Callable[[], bool]) -> None:
    """Wait for what is to arrive."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not arrived():  # noqa: ASYNC110  # it is looked at from outside
            await asyncio.sleep(0.01)


async def opened(port: int, path: str, headers: dict[str, str], buffer: int = 0) -> Any:
    """A connection on which a GET was sent: (reader, writer). ``buffer``: so few bytes wait at this end unread."""
    end = socket.socket()
    if buffer:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", port))
    connection = await asyncio.open_connection(sock=end, limit=buffer or 1 << 16)
    sent = {"Host": "tracker", "Accept": "text/event-stream", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in sent.items())]
    connection[1].write("\r\n".join([*lines, "", ""]).encode())
    return connection


async def _take(reader: Reader, port: int, path: str, headers: dict[str, str], keep: bool) -> None:
    source, sink = await opened(port, path, headers)
    try:
        head = await source.readuntil(b"\r\n\r\n")
        reader.status = int(head.split()[1])
        if reader.status == 200:
            async for line in _lines(source):
                _understand(reader, line, keep)
        reader.ended = True
    finally:
        sink.transport.abort()


async def _lines(source: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a chunked body, to its proper end; IncompleteReadError where it breaks off."""
    rest = b""
    while size := int(await source.readline() or b"0", 16):
        *lines, rest = (rest + await source.readexactly(size)).split(b"\n")
        await source.readexactly(2)
        for line in lines:
            yield line
    await source.readexactly(2)


def _understand(reader: Reader, line: bytes, keep: bool) -> None:
    name, _, value = line.partition(b": ")
    match name:
        case b"id":
            reader.ids.append(int(value))
        case b"data" if keep:
            reader.data.append(msgspec.json.decode(value))
        case b"retry":
            reader.retry.append(int(value))
        case b":":
            reader.comments += 1
        case _:
            assert name in (b"", b"data"), line
