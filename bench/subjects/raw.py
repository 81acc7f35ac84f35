"""The raw driver: sqlite3 and psycopg, statement text held, one table of events and nothing else. What the others are
compared with."""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import psycopg

from bench.databases import Database
from bench.history import SHORT_LIVES, Fact, Shape, story
from bench.measuring import RAW, Run, boxed, once

NAME = RAW
KEEPS = "a row an event: stream, version, type, JSON; a unique key over stream and version"
SQLITE = """CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL,
 type TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (stream, version))"""
POSTGRESQL = """CREATE TABLE events (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream TEXT NOT NULL,
 version BIGINT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (stream, version))"""
INSERT = "INSERT INTO events (stream, version, type, body) VALUES (?, ?, ?, ?)"
INSERT_PG = INSERT.replace("?", "%s")
COPY = "COPY events (stream, version, type, body) FROM STDIN"
SELECT = "SELECT stream, body FROM events ORDER BY position"


def missing(kind: str) -> str | None:
    return None


def open(database: Database) -> "Sqlite | Postgresql":
    return Sqlite(database) if database.kind == "SQLite" else Postgresql(database)


def connect_sqlite(database: Database) -> sqlite3.Connection:
    """As durable as this project's: WAL, synchronous FULL."""
    connection = sqlite3.connect(database.native, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def row(fact: Fact) -> tuple[str, int, str, str]:
    return fact.stream, fact.version, fact.type, msgspec.json.encode(fact.development).decode()


def folded(rows: Iterator[tuple[str, str]]) -> dict[str, Any]:
    """The state of every stream: what was last set, by target and goods."""
    state: dict[str, Any] = {}
    for stream, body in rows:
        event = msgspec.json.decode(body)["events"][0]
        lanes = state.setdefault(stream, {})
        for effect in event["effects"]:
            place = effect.get("target", "each_of"), effect.get("scope")
            lanes[place] = {**lanes.get(place, {}), "type": event["type"], **effect.get("set", {})}
    return state


class Sqlite:
    def __init__(self, database: Database) -> None:
        self.connection = connect_sqlite(database)
        self.connection.execute(SQLITE)
        self._facts = story(SHORT_LIVES)

    def append(self, box: float) -> Run:
        return boxed(self._facts, self._append, box)

    def _append(self, fact: Fact) -> int:
        self.connection.execute(INSERT, row(fact))
        return 1

    def bulk(self, box: float, size: int) -> Run:
        return boxed(iter(lambda: list(islice(self._facts, size)), []), self._bulk, box)

    def _bulk(self, facts: list[Fact]) -> int:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(INSERT, map(row, facts))
        self.connection.execute("COMMIT")
        return len(facts)

    def fill(self, shape: Shape, events: int) -> None:
        self._bulk(list(islice(story(shape), events)))

    def replay(self, box: float) -> Run:
        del box  # it is quick enough to do all of it
        return once(self._replay)

    def _replay(self) -> int:
        folded(self.connection.execute(SELECT))
        return self.count()

    def count(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM events").fetchone()[0])

    def close(self) -> None:
        self.connection.close()


class Postgresql:
    def __init__(self, database: Database) -> None:
        self.connection = psycopg.connect(database.native, autocommit=True)
        self.connection.execute(POSTGRESQL)
        self._facts = story(SHORT_LIVES)

    def append(self, box: float) -> Run:
        return boxed(self._facts, self._append, box)

    def _append(self, fact: Fact) -> int:
        self.connection.execute(INSERT_PG, row(fact))
        return 1

    def bulk(self, box: float, size: int) -> Run:
        return boxed(iter(lambda: list(islice(self._facts, size)), []), self._bulk, box)

    def _bulk(self, facts: list[Fact]) -> int:
        with self.connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for fact in facts:
                copy.write_row(row(fact))
        return len(facts)

    def fill(self, shape: Shape, events: int) -> None:
        self._bulk(list(islice(story(shape), events)))

    def replay(self, box: float) -> Run:
        del box
        return once(self._replay)

    def _replay(self) -> int:
        folded(iter(self.connection.execute(SELECT)))
        return self.count()

    def count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM events").fetchone()
        assert row
        return int(row[0])

    def close(self) -> None:
        self.connection.close()
