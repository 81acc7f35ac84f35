"""People at work on a running service: writers who send again with the same key until they are answered, and readers.
What must never be answered is kept as a complaint."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from litestar.testing import TestClient

from tests.web.world import development

Body = dict[str, Any]
LOG = "/v1/developments"
READS = ("/v1/partners/MX/state", "/v1/partners", "/v1/events?limit=20", "/readyz", "/", "/partners/MX")
PATIENCE_SECONDS = 60
"""How long a service may be away before a writer gives up."""


@dataclass
class Sent:
    """A request under a key, and where its answer said that it lies."""

    key: str
    path: str
    body: Body
    size: int
    first: int = 0
    development: str = ""


@dataclass
class Load:
    """All that was acknowledged and all that was wrong, over all writers and readers. ``unkeyed``: what was sent once
    and without a key, by its title, and how often it is on record: 1 (answered 201), 0 (answered that it is not), or
    None where nobody knows."""

    bases: Sequence[str]
    secret: str
    done: list[Sent] = field(default_factory=list)
    pending: list[Sent] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    unkeyed: dict[str, int | None] = field(default_factory=dict)
    enough: threading.Event = field(default_factory=threading.Event)
    abandoned: threading.Event = field(default_factory=threading.Event)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def writer(self, name: str) -> None:
        """Sends one request after another, each until it is answered."""
        chance, number = Random(name), 0
        last: Sent | None = None
        with httpx.Client(headers=self.headers, timeout=30) as client:
            while not self.enough.is_set():
                sent = request(chance, f"{name}-{number}", last)
                if not self._answered(client, sent, chance):
                    self.pending.append(sent)
                    return
                self.done.append(sent)
                last, number = sent, number + 1

    def _answered(self, client: httpx.Client, sent: Sent, chance: Random) -> bool:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self.abandoned.is_set():
            base = chance.choice(self.bases)
            with suppress(httpx.TransportError):
                answer = client.post(base + sent.path, json=sent.body, headers={"Idempotency-Key": sent.key})
                if self.taken(sent, answer):
                    return True
                self.judge("write", answer, (503,))
            if time.monotonic() > give_up:
                self.complaints.append(f"{sent.key} was not answered for {PATIENCE_SECONDS} seconds")
                return False
            time.sleep(0.05)
        return False

    def writer_without_key(self, name: str) -> None:
        """Sends one request after another, each once: its answer says whether it was recorded, or that nobody knows."""
        number = 0
        with httpx.Client(headers=self.headers, timeout=30) as client:
            while not self.enough.is_set():
                title, number = f"{name}-{number}", number + 1
                body = development(title, "2025-08-01", event(f"measure:us-{title}", 5))
                self.unkeyed[title] = None
                with suppress(httpx.TransportError):
                    answer = client.post(self.bases[number % len(self.bases)] + LOG, json=body)
                    self.unkeyed[title] = self._told(answer)
                time.sleep(0.02)

    def _told(self, answer: Any) -> int | None:
        """How often a request is on record, as its answer says."""
        if answer.status_code == 201:
            self.statuses["without a key: recorded"] += 1
            return 1
        self.judge("write", answer, (503,))
        code = answer.json()["code"]
        self.statuses[f"without a key: {code}"] += 1
        return None if code == "outcome_unknown" else 0

    def taken(self, sent: Sent, answer: Any) -> bool:
        """Whether a request was acknowledged."""
        if answer.status_code not in (200, 201):
            return False
        made = answer.json()
        sent.first, sent.development = made["first_position"], made["development"]
        if made["last_position"] - sent.first + 1 != sent.size:
            self.complaints.append(f"{sent.key} is of {sent.size} events, and the answer is {made}")
        self.statuses["repeated" if made["repeated"] else "recorded"] += 1
        return True

    def reader(self) -> None:
        chance = Random("reader")
        with httpx.Client(timeout=30) as client:
            while not self.enough.is_set():
                path = chance.choice(READS)
                accept = "application/json" if path.startswith("/v1") else "text/html"
                with suppress(httpx.TransportError):
                    answer = client.get(chance.choice(self.bases) + path, headers={"Accept": accept})
                    self.judge("read", answer, (200, 503))
                time.sleep(0.02)

    def judge(self, what: str, answer: Any, allowed: tuple[int, ...]) -> None:
        """An answer that may be given; 503 says when to come back, to programs as problem+json."""
        self.statuses[f"{what} answered {answer.status_code}"] += 1
        wrong = answer.status_code not in allowed
        if answer.status_code == 503:
            kind = answer.headers["content-type"]
            wrong = "retry-after" not in answer.headers or not (
                kind == "application/problem+json" or (kind.startswith("text/html") and what == "read")
            )
        if wrong:
            self.complaints.append(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")

    def settle(self, client: "TestClient[Any]") -> None:
        """Send what was not answered once more: it must be taken."""
        for sent in self.pending:
            answer = client.post(
                sent.path, json=sent.body, headers={**self.headers, "Idempotency-Key": sent.key}
            )
            assert self.taken(sent, answer), answer.text
            self.done.append(sent)
        self.pending = []


def request(chance: Random, key: str, last: Sent | None) -> Sent:
    """A development of one event or of several, or a correction or the withdrawal of the last."""
    what = chance.choice(("one", "several", "correct", "withdraw"))
    if last is not None and last.size == 1 and last.path == LOG and what in ("correct", "withdraw"):
        mended = f"{LOG}/{last.development}"
        if what == "withdraw":
            return Sent(key, f"{mended}/withdrawals", {"reason": "It never happened"}, 1)
        now = development(key, "2025-08-01", event(last.body["events"][0]["subject"], 50))
        return Sent(key, f"{mended}/corrections", {"reason": "We misread it", "development": now}, 1)
    size = 1 if what == "one" else chance.randrange(2, 5)
    events = (event(f"measure:us-{key}-{n}", n + 1) for n in range(size))
    return Sent(key, LOG, development(key, "2025-08-01", *events), size)


def event(subject: str, percent: int) -> Body:
    effect = {"target": "MX", "set": {"rate": {"percent": percent}}}
    return {
        "type": "measure.announced",
        "subject": subject,
        "about": {"title": "A tariff"},
        "effects": [effect],
    }


@contextmanager
def at_work(
    bases: Sequence[str], secret: str, name: str, writers: int = 3, unkeyed: int = 0
) -> Iterator[Load]:
    """Writers, ``unkeyed`` more without a key, and a reader on these addresses, until the end of the block; what was
    under way is finished or, where ``abandoned`` is set, left pending."""
    load = Load(bases, secret)
    threads = [
        threading.Thread(target=load.writer, args=(f"{name}-{number}",), name=f"writer {number}")
        for number in range(writers)
    ] + [threading.Thread(target=load.reader, name="reader")]
    threads += [
        threading.Thread(target=load.writer_without_key, args=(f"{name}-unkeyed-{number}",))
        for number in range(unkeyed)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.enough.set()
        for thread in threads:
            thread.join()


def wait_for(load: Load, more: int, seconds: float = PATIENCE_SECONDS) -> None:
    """Let so many more requests be acknowledged."""
    wanted, end = len(load.done) + more, time.monotonic() + seconds
    while len(load.done) < wanted:
        assert time.monotonic() < end, f"nothing is acknowledged any more: {load.statuses} {load.complaints}"
        time.sleep(0.005)
