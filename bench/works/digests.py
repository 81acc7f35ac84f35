"""Cutting a day's digests: many subscriptions that share their scopes, each edition frozen and each delivery queued."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import combinations, cycle, islice

import structlog
from sqlalchemy import Connection, Engine, Table, delete, func, select

from bench.databases import Place
from bench.history import NOW
from bench.measuring import OURS, Figure, Plan, Row, Run, at_most, in_turn, once
from tracker import read
from tracker.delivery import dispatch
from tracker.delivery.deliveries import deliveries
from tracker.delivery.editions import cuts, editions
from tracker.delivery.schedule import WEEKDAYS
from tracker.delivery.subscriptions import subscriptions
from tracker.seeding import seed
from tracker.store import log
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

TITLE = "digests"
TOLD = timedelta(days=500)
"""How far back each was told of last; the founding history reaches from before that to after it."""


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    with place.empty() as database:
        engine = open_engine(database.url)
        migrate(engine)
        seed(engine, NOW)
        runs = in_turn(plan, {OURS: partial(_cut, engine, plan)})[OURS]
        with reading(engine) as connection:
            frozen = _rows(connection, editions)
        engine.dispose()
    seconds = Figure.of([run.seconds for run in runs])
    goals = [
        at_most("≤ 60 s", seconds.value, 60),
        at_most(f"≤ {plan.scopes} editions, one a scope", frozen, plan.scopes),
    ]
    work = f"digests for {plan.subscriptions:,} subscriptions of {plan.scopes} scopes, cut and queued"
    return [Row(work, place.kind, "s", {OURS: seconds}, goals)]


def _cut(engine: Engine, plan: Plan) -> Run:
    """Cut them all, after what was cut in the round before is gone."""
    with writing(engine) as connection:
        for table in (deliveries, cuts, editions, subscriptions):
            connection.execute(delete(table))
        _subscribe(connection, plan)
    with structlog.testing.capture_logs() as said:
        run = once(lambda: len(dispatch.cut_due(engine, NOW + timedelta(days=1))))
    with reading(engine) as connection:
        found = {table.name: _rows(connection, table) for table in (cuts, deliveries)}
    if {run.done, *found.values()} != {plan.subscriptions}:
        raise RuntimeError(f"{plan.subscriptions:,} digests were due, and {found} were cut: {said[-1:]}")
    return run


def _subscribe(connection: Connection, plan: Plan) -> None:
    """All at once: adding them one by one is not what is measured."""
    followed = list(read.names(connection, log.position(connection)))
    scopes = list(islice(combinations(followed, 2), plan.scopes))
    since = NOW - TOLD
    rows = [
        {
            "id": f"sub-{number}", "channel": "email", "address": f"reader-{number}@example.org",
            "partners": list(scope), "sectors": [], "zone": "America/New_York", "hour": 8, "weekdays": list(WEEKDAYS),
            "send_empty": True, "active": True, "as_of": since, "position": log.known_at(connection, since),
            "due_at": NOW + timedelta(hours=13), "created_at": since, "created_by": "bench",
        }
        for number, scope in zip(range(plan.subscriptions), cycle(scopes), strict=False)
    ]  # fmt: skip
    connection.execute(subscriptions.insert(), rows)


def _rows(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
