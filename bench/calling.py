"""A client in a process of its own: `python -m bench.calling PORT PATH SECONDS CONNECTIONS` asks over kept connections,
one request after another on each, and says how many were answered, and in what time, as JSON."""

import asyncio
import json
import sys
from time import perf_counter


class Connection(asyncio.Protocol):
    """Asks again as soon as it is answered. Any answer but 200 with a length ends it."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._got = bytearray()
        self.answered = 0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0 or len(self._got) < head + 4 + self._length(head):
            return
        self._got.clear()
        self.answered += 1
        if perf_counter() < self._until:
            self._transport.write(self._request)
        else:
            self.over.set_result(None)

    def _length(self, head: int) -> int:
        lines = bytes(self._got[:head]).lower().split(b"\r\n")
        if not lines[0].startswith(b"http/1.1 200"):
            self.over.set_exception(RuntimeError(lines[0].decode()))
        return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(error or RuntimeError("the server hung up"))


async def call(port: int, path: str, seconds: float, connections: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    begun = perf_counter()
    opened = [
        await loop.create_connection(lambda: Connection(request, begun + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.over for _, protocol in opened))
    taken = perf_counter() - begun
    for transport, _ in opened:
        transport.close()
    return {"done": sum(protocol.answered for _, protocol in opened), "seconds": taken}


if __name__ == "__main__":
    asked = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    print(json.dumps(asyncio.run(call(*asked))))
