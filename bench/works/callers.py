"""Many callers at once: each waits until its own development is durable. The raw driver inserts one a transaction;
this project commits together what is recorded at the same time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, islice
from threading import Barrier, Lock, Thread
from time import perf_counter

import psycopg

from bench.databases import Database, Place
from bench.history import Fact, Shape, story
from bench.measuring import OURS, RAW, Figure, Plan, Row, Run, at_least, in_turn, rates
from bench.subjects import raw
from bench.subjects.ours import Ours
from bench.works.competing import checked

TITLE = "callers"
CALLERS = 32
MOST = 1000
"""Developments that each caller has ready for a second; they are made outside the clock."""

Call = Callable[[Fact], object]


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    with place.empty() as one, place.empty() as other:
        store, ours = raw.open(one), Ours(other)
        rounds = count()
        with _raw(store, one) as calls:
            turns = {
                RAW: lambda: at_once(calls, next(rounds), plan.box),
                OURS: lambda: at_once([ours.record] * CALLERS, next(rounds), plan.box),
            }
            runs = in_turn(plan, turns)
        checked({RAW: store, OURS: ours}, runs)
        store.close()
        ours.close()
    notes = [f"{name}: p50 {_ms(its, 50)}, p99 {_ms(its, 99)}" for name, its in runs.items()]
    row = Row(f"{CALLERS} callers at once", place.kind, "events/s", rates(runs), notes=notes)
    wanted = at_least("≥ 2.5 × raw single inserts", row.ratio(OURS), 2.5)
    return [row.aiming([wanted] if place.kind == "PostgreSQL" else [])]


def at_once(calls: Sequence[Call], turn: int, box: float) -> Run:
    """Let all callers call until the box is full."""
    given = [
        list(islice(story(Shape(f"c{turn}-{n}", 5, 10)), int(MOST * box) + 50)) for n in range(len(calls))
    ]
    each: list[list[float]] = [[] for _ in calls]
    failed: list[BaseException] = []
    start = Barrier(len(calls) + 1)

    def calling(call: Call, facts: list[Fact], taken: list[float]) -> None:
        start.wait()
        end = perf_counter() + box
        try:
            for fact in facts:
                begun = perf_counter()
                if begun >= end:
                    return
                call(fact)
                taken.append(perf_counter() - begun)
        except BaseException as error:  # noqa: BLE001 - a thread cannot raise: it is raised below
            failed.append(error)

    threads = [Thread(target=calling, args=args) for args in zip(calls, given, each, strict=True)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = perf_counter()
    for thread in threads:
        thread.join()
    seconds = perf_counter() - begun
    if failed:
        raise failed[0]
    took = [one for its in each for one in its]
    return Run(len(took), seconds, took)


@contextmanager
def _raw(store: raw.Sqlite | raw.Postgresql, database: Database) -> Iterator[list[Call]]:
    """Raw single inserts. SQLite: a connection that callers take turns at, as waiting for its lock would be slower;
    PostgreSQL: a connection each."""
    if isinstance(store, raw.Sqlite):
        turn = Lock()

        def insert(fact: Fact) -> None:
            with turn:
                store.connection.execute(raw.INSERT, raw.row(fact))

        yield [insert] * CALLERS
        return
    with ExitStack() as until_done:
        connections = [psycopg.connect(database.native, autocommit=True) for _ in range(CALLERS)]
        for connection in connections:
            until_done.callback(connection.close)
        yield [partial(_inserted, connection) for connection in connections]


def _inserted(connection: psycopg.Connection, fact: Fact) -> None:
    connection.execute(raw.INSERT_PG, raw.row(fact))


def _ms(runs: Sequence[Run], percent: int) -> str:
    """A percentile of the times of single calls: the median over the rounds."""
    found = [sorted(run.each)[min(len(run.each) * percent // 100, len(run.each) - 1)] for run in runs]
    return f"{Figure.of(found).value * 1000:.1f} ms"
