"""Read models are rebuilt, not migrated: new tables beside the old, filled from the log, put in their place at once.

    begin -> page after page, each in a transaction -> what came meanwhile, and the exchange, in one -> drop the old

Readers and writers go on with the old tables until the exchange. How far a build has come stands in ``builds``, and
moves in the transaction of its page: who is killed goes on where it was, and any number of processes may build the same
one. Nothing outside the derived tables is touched, so nothing is told to anybody twice.
"""

import ast
import sys
import time
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    String,
    Table,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from tracker.projections.painting import Painting
from tracker.schema import beside, derived, durable
from tracker.store import log
from tracker.store.driver import uncollected
from tracker.store.engine import writing
from tracker.store.trouble import trouble
from tracker.store.upcasts import VERSIONS

builds = Table(
    "builds",
    durable,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    Column("shape", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("position", BigInteger, nullable=False),
    comment="The derived tables: those in use (live), those that are filled (building), and those to be dropped (old).",
)
PAGE = 500
"""Events a transaction: others write in between, and wait for one page at most."""
TRIES, WAIT_SECONDS = 60, 2
"""How often the exchange is tried where somebody reads, and how long each waits."""
PAUSE_SECONDS = 0.01
"""Between two pages, so that whoever waits to write on SQLite gets a turn."""


class Build(NamedTuple):
    """One set of derived tables: by which code it was made, and how far a build has come."""

    generation: int
    state: str
    shape: str
    code: str
    position: int


def built(connection: Connection, state: str = "live") -> Build | None:
    """The tables in this state; None where there are none."""
    row = connection.execute(select(builds).where(builds.c.state == state)).one_or_none()
    return None if row is None else Build(*row)


def unusable(connection: Connection) -> bool:
    """Whether the tables in use have another shape, or read the events otherwise, than this release: nothing may be
    asked of them."""
    live = built(connection)
    return live is None or live.shape != shape()


def due(connection: Connection) -> bool:
    """Whether the tables in use were made by other code than this release has."""
    live = built(connection)
    return live is None or (live.shape, live.code) != (shape(), code())


@cache
def shape() -> str:
    """What the derived tables look like, and in which versions events are read."""
    made = [str(CreateTable(table)) for table in derived.sorted_tables]
    indexes = [str(CreateIndex(i)) for table in derived.sorted_tables for i in sorted(table.indexes, key=str)]
    return sha256("".join([*made, *indexes]).encode() + log.canonical(VERSIONS)).hexdigest()


@cache
def code() -> str:
    """The source of the read models and of all of ours that it imports."""
    known: dict[str, str] = {}
    wanted = [Painting.__module__]
    while wanted:
        name = wanted.pop()
        if name not in known and (module := sys.modules.get(name)) is not None:
            source = Path(str(module.__file__)).read_bytes()
            known[name] = sha256(source).hexdigest()
            wanted += _imported(source)
    return sha256(log.canonical(known)).hexdigest()


def _imported(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tracker"):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def catch_up(engine: Engine) -> None:
    """Build the tables anew where nothing may be asked of those there are."""
    with engine.connect() as connection:  # a look takes no lock, at every start
        if not unusable(connection):
            return
    for _ in rebuild(engine):
        pass


def outdate(connection: Connection) -> None:
    """What was read from the log is no more (a body was erased): what was made of it is due to be made anew, and what
    was begun is dropped."""
    log.hold_end(connection)
    _hold(connection)
    _drop(connection, "building")
    connection.execute(update(builds).where(builds.c.state == "live").values(code=""))


def rebuild(engine: Engine) -> Iterator[int]:
    """Build every read model anew from the log; yields the position reached, page by page. It goes on with a build by
    the same code that was left unfinished."""
    generation, reached = _begin(engine)
    while (now := _page(engine, generation, reached)) is not None and now > reached:
        yield (reached := now)
        if engine.dialect.name == "sqlite":
            time.sleep(PAUSE_SECONDS)
    if (now := _exchanged(engine, generation)) > reached:
        yield now
    with writing(engine) as connection:
        _drop(connection, "old")


def _begin(engine: Engine) -> tuple[int, int]:
    """The build to go on with, or a new one: its generation, and the position it has reached."""
    with writing(engine) as connection:
        log.hold_end(connection)
        _hold(connection)
        left = built(connection, "building")
        if left is not None and (left.shape, left.code) == (shape(), code()):
            return left.generation, left.position
        generation = max((connection.execute(select(builds.c.generation)).scalars()), default=0) + 1
        for state in ("building", "old"):
            _drop(connection, state)
        for table in beside(generation).values():
            table.create(connection)
        new = Build(generation, "building", shape(), code(), 0)
        connection.execute(builds.insert().values(**new._asdict()))
        return generation, 0


def _hold(connection: Connection) -> None:
    """Wait for whoever is filling in a page, and keep others from beginning one: who fills and who drops or exchanges
    would each wait for a table that the other holds."""
    connection.execute(select(builds.c.generation).with_for_update())


def _page(engine: Engine, generation: int, after: int) -> int | None:
    """Fill in the next page; the position reached, be it by another process; None where it is in use already."""
    with writing(engine) as connection:
        page = log.after(connection, after, log.position(connection), PAGE)
        until = page[-1].position if page else after
        mine = (builds.c.generation == generation) & (builds.c.state == "building")
        moved = connection.execute(
            update(builds).where(mine, builds.c.position == after).values(position=until)
        ).rowcount
        if not moved:
            return connection.scalar(select(builds.c.position).where(mine))
        _fill(connection, generation, page)
        return until


def _fill(connection: Connection, generation: int, page: list[log.StoredEvent]) -> None:
    with uncollected():
        painting = Painting(connection, tables=beside(generation))
        painting.apply_all(page)
        painting.write()


def _exchanged(engine: Engine, generation: int) -> int:
    """Exchange the tables, again and again where somebody has been reading the old ones for long: who waits for them
    holds up all others, so nobody waits long."""
    for _ in range(TRIES):
        try:
            return _exchange(engine, generation)
        except DBAPIError as error:
            found = trouble(error)
            if found is None or found.code != "locked":
                raise
            time.sleep(WAIT_SECONDS)
    return _exchange(engine, generation)


def _exchange(engine: Engine, generation: int) -> int:
    """While nobody writes: fill in the rest, and put the new tables in the place of the old. The position reached; 0
    where another process was first."""
    with writing(engine) as connection:
        end = log.hold_end(connection)
        _hold(connection)
        build = built(connection, "building")
        if build is None or build.generation != generation:
            return 0
        reached = build.position
        while page := log.after(connection, reached, end, PAGE):
            _fill(connection, generation, page)
            reached = page[-1].position
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        live = built(connection)
        _rename(connection, "", f"_{live.generation if live else 0}")
        _rename(connection, f"_{generation}", "")
        if live:
            _moved(connection, live.generation, "old")
        else:  # made before builds were kept
            _drop_tables(connection, 0)
        _moved(connection, generation, "live")
        return reached


def _moved(connection: Connection, generation: int, state: str) -> None:
    connection.execute(update(builds).where(builds.c.generation == generation).values(state=state))


def _rename(connection: Connection, ending: str, new: str) -> None:
    for name in derived.tables:
        if connection.dialect.has_table(connection, f"{name}{ending}"):
            connection.execute(text(f"ALTER TABLE {name}{ending} RENAME TO {name}{new}"))


def _drop(connection: Connection, state: str) -> None:
    """Drop the tables in this state, if there are any."""
    if (build := built(connection, state)) is not None:
        _drop_tables(connection, build.generation)
        connection.execute(delete(builds).where(builds.c.generation == build.generation))


def _drop_tables(connection: Connection, generation: int) -> None:
    for name in derived.tables:
        connection.execute(text(f"DROP TABLE IF EXISTS {name}_{generation}"))
