"""A process that follows the log by itself, and says at the end what it saw:

python follower.py log URL | stream KEY PORT... | naive URL

``log`` reads on where it is when it is woken, ``stream`` reads the web servers in turn and breaks off now and then.
``naive`` does what the log must not: it follows a table by the column that counts up. A number on stdin is the position
to come to before it ends.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from queue import Empty, Queue
from random import Random

from sqlalchemy import text

from tracker.store import log
from tracker.store.engine import open_engine, reading
from tracker.store.following import Following


class Seen:
    """What was seen: each event must be the one after the last."""

    def __init__(self) -> None:
        self.last = self.count = self.out_of_order = 0
        self.ids = sha256()

    def add(self, position: int, id: str) -> None:
        self.out_of_order += position != self.last + 1
        self.last, self.count = position, self.count + 1
        self.ids.update(id.encode())


seen = Seen()
target: list[int] = []


def done() -> bool:
    return bool(target) and seen.last >= target[0]


def follow_log(url: str) -> None:
    engine, woken = open_engine(url, 2), Queue[int]()
    following = Following(engine, woken.put)
    while not done():
        try:
            end = woken.get(timeout=1)
        except Empty:
            continue
        while seen.last < end:
            with reading(engine) as connection:
                for event in log.after(connection, seen.last, until=end, limit=7):
                    seen.add(event.position, event.id)
    following.stop()


def follow_streams(key: str, *ports: str) -> None:
    random = Random()
    turn = 0
    while not done():
        turn += 1
        connection = http.client.HTTPConnection("127.0.0.1", int(ports[turn % len(ports)]), timeout=60)
        headers = {"Last-Event-ID": str(seen.last), "Authorization": f"Bearer {key}"}
        try:
            connection.request("GET", "/v1/stream", headers=headers)
        except ConnectionRefusedError:  # it is not up yet
            time.sleep(0.1)
            continue
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        enough = seen.count + random.randint(1, 60)
        assert connection.sock is not None
        connection.sock.settimeout(1)  # quiet for so long: it breaks off, too
        with suppress(TimeoutError):
            while seen.count < enough and not done() and (line := answer.readline()):
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    seen.add(event["position"], event["id"])
        connection.close()


def follow_naively(url: str) -> None:
    engine, last, over = open_engine(url, 2), 0, False
    rows = text("SELECT id FROM naive WHERE id > :last ORDER BY id")
    while not over:
        over = bool(target)  # nobody writes any more: one more look sees the rest
        with reading(engine) as connection:
            for row in connection.execute(rows, {"last": last}):
                last, seen.count = row.id, seen.count + 1
        time.sleep(0.002)


def listen() -> None:
    target.append(int(sys.stdin.readline()))


if __name__ == "__main__":
    kind, *where = sys.argv[1:]
    threading.Thread(target=listen, daemon=True).start()
    follow: dict[str, Callable[..., None]] = {
        "log": follow_log,
        "stream": follow_streams,
        "naive": follow_naively,
    }
    print("following", flush=True)  # noqa: T201
    follow[kind](*where)
    said = {
        "kind": kind,
        "events": seen.count,
        "out_of_order": seen.out_of_order,
        "ids": seen.ids.hexdigest(),
    }
    print(json.dumps(said), flush=True)  # noqa: T201
