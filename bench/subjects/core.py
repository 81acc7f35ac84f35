"""SQLAlchemy Core: the raw driver's table, statements built once, the engine of this project's settings."""

from itertools import islice

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, UniqueConstraint, func, select

from bench.databases import Database
from bench.history import SHORT_LIVES, Fact, Shape, story
from bench.measuring import Run, boxed, once
from bench.subjects.raw import folded, row
from tracker.store.engine import open_engine, writing

NAME = "SQLAlchemy Core"
KEEPS = "the same table"

events = Table(
    "events",
    MetaData(),
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("stream", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("stream", "version"),
)
_INSERT = events.insert().inline()
_SELECT = select(events.c.stream, events.c.body).order_by(events.c.position)
_COUNT = select(func.count()).select_from(events)


def missing(kind: str) -> str | None:
    return None


def _row(fact: Fact) -> dict[str, object]:
    return dict(zip(("stream", "version", "type", "body"), row(fact), strict=True))


class Core:
    def __init__(self, database: Database) -> None:
        self._engine = open_engine(database.url)
        with writing(self._engine) as connection:
            events.metadata.create_all(connection)
        self._facts = story(SHORT_LIVES)

    def append(self, box: float) -> Run:
        return boxed(self._facts, self._append, box)

    def _append(self, fact: Fact) -> int:
        with writing(self._engine) as connection:
            connection.execute(_INSERT, _row(fact))
        return 1

    def bulk(self, box: float, size: int) -> Run:
        return boxed(iter(lambda: list(islice(self._facts, size)), []), self._bulk, box)

    def _bulk(self, facts: list[Fact]) -> int:
        with writing(self._engine) as connection:
            connection.execute(_INSERT, [_row(fact) for fact in facts])
        return len(facts)

    def fill(self, shape: Shape, events: int) -> None:
        self._bulk(list(islice(story(shape), events)))

    def replay(self, box: float) -> Run:
        del box
        return once(self._replay)

    def _replay(self) -> int:
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=1000).execute(_SELECT)
            folded((stream, body) for stream, body in rows)
        return self.count()

    def count(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(_COUNT).scalar_one())

    def close(self) -> None:
        self._engine.dispose()


open = Core
