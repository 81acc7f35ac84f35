"""The recorder of `eventsourcing`: its stored events put in and read in order, without aggregates. Its settings as they
come (SQLite: WAL, synchronous FULL); the JSON by msgspec, the quickest there is."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import make_url

from bench.databases import Database
from bench.history import SHORT_LIVES, Fact, Shape, story
from bench.measuring import Run, boxed, once
from bench.subjects.raw import folded

NAME = "eventsourcing recorder"
KEEPS = "a row an event: aggregate, version, topic, JSON; its default settings"
STREAMS = UUID("5cf2a2b8-44f0-4c8f-9c54-5f6a47f9c2f0")
PAGE = 1000
MOST = {"SQLite": 10_000, "PostgreSQL": 250}
"""Events in a call. On PostgreSQL a call with a thousand does not return: it waits in psycopg's pipeline."""


def missing(kind: str) -> str | None:
    return None if find_spec("eventsourcing") else "eventsourcing is not installed: make bench installs it"


def environment(database: Database) -> dict[str, str]:
    """What `eventsourcing` is told of a database."""
    if database.kind == "SQLite":
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database.native}
    url = make_url(database.native)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_DBNAME": url.database or "",
        "POSTGRES_HOST": str(url.query.get("host") or url.host), "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": url.username or "", "POSTGRES_PASSWORD": url.password or "none",
    }  # fmt: skip


class Recorder:
    def __init__(self, database: Database) -> None:
        from eventsourcing.persistence import InfrastructureFactory, StoredEvent
        from eventsourcing.utils import Environment

        self._new = StoredEvent
        self._factory = InfrastructureFactory.construct(Environment("bench", environment(database)))
        self._recorder = self._factory.application_recorder()
        self._facts = story(SHORT_LIVES)
        self._most = MOST[database.kind]

    def append(self, box: float) -> Run:
        return boxed(self._facts, lambda fact: self._insert([fact]), box)

    def bulk(self, box: float, size: int) -> Run:
        return boxed(iter(lambda: list(islice(self._facts, size)), []), self._insert, box)

    def _insert(self, facts: list[Fact]) -> int:
        for begin in range(0, len(facts), self._most):
            given = facts[begin : begin + self._most]
            self._recorder.insert_events([self._stored(fact) for fact in given])
        return len(facts)

    def _stored(self, fact: Fact) -> Any:
        body = msgspec.json.encode(fact.development)
        return self._new(uuid5(STREAMS, fact.stream), fact.version, fact.type, body)

    def fill(self, shape: Shape, events: int) -> None:
        self._insert(list(islice(story(shape), events)))

    def replay(self, box: float) -> Run:
        del box
        return once(self._replay)

    def _replay(self) -> int:
        folded(self._rows())
        return self.count()

    def _rows(self) -> Iterator[tuple[str, str]]:
        at = 0
        while page := self._recorder.select_notifications(at + 1, PAGE):
            for told in page:
                yield told.originator_id, told.state
            at = page[-1].id

    def count(self) -> int:
        return self._recorder.max_notification_id() or 0

    def close(self) -> None:
        self._factory.close()


open = Recorder
