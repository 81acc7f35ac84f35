"""This project, everything on: hash, idempotency key, triggers, and the segments in the same transaction."""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Engine, func, select

from bench.databases import Database
from bench.history import NOW, PARTNERS, SHORT_LIVES, Fact, Shape, files, opening, story
from bench.measuring import OURS, Run, boxed, once
from tracker.importing import Given, Terms, load
from tracker.projections.table import segments
from tracker.rebuilding import rebuild
from tracker.record import By, record
from tracker.store import log
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

NAME = OURS
KEEPS = "the log with hashes and idempotency keys, and the bitemporal segments of all of it"
OPENED = len(PARTNERS) + 1
"""Events that have to come before a history."""
TERMS = Terms("bench", NOW, as_learnt=True)


def missing(kind: str) -> str | None:
    return None


def opened(database: Database) -> Engine:
    """An engine over a database that holds what a history needs first."""
    engine = open_engine(database.url)
    migrate(engine)
    load(engine, opening(), TERMS)
    return engine


def written(engine: Engine, facts: Iterator[Fact], size: int, events: int) -> None:
    """Import that many more events of a history."""
    for lines in files(islice(facts, events), size):
        load(engine, lines, TERMS)


class Ours:
    def __init__(self, database: Database) -> None:
        self.engine = opened(database)
        self._facts = story(SHORT_LIVES)
        self._before = OPENED

    def append(self, box: float) -> Run:
        run = boxed(self._facts, self.record, box)
        with reading(self.engine) as connection:
            painted = connection.scalar(select(func.count(func.distinct(segments.c.known_from))))
        if painted is None or painted < self.count():
            raise RuntimeError("some of what was recorded has painted nothing")
        return run

    def record(self, fact: Fact) -> int:
        record(self.engine, fact.development, By("bench", NOW, f"{fact.stream}-{fact.version}"))
        return 1

    def bulk(self, box: float, size: int) -> Run:
        return boxed(files(self._facts, size), self._bulk, box)

    def _bulk(self, lines: list[Given]) -> int:
        return load(self.engine, lines, TERMS).events

    def fill(self, shape: Shape, events: int) -> None:
        written(self.engine, story(shape), 5000, events)

    def replay(self, box: float) -> Run:
        del box
        return once(self._rebuild)

    def _rebuild(self) -> int:
        *_, last = rebuild(self.engine)
        return last - self._before

    def count(self) -> int:
        return self._position() - self._before

    def _position(self) -> int:
        with reading(self.engine) as connection:
            return log.position(connection)

    def close(self) -> None:
        self.engine.dispose()


open = Ours
