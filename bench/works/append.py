"""One development after another, a transaction each."""

from collections.abc import Sequence
from functools import partial

from bench.databases import Place
from bench.measuring import OURS, Goal, Plan, Row, at_least, in_turn, rates
from bench.works.competing import checked, competing

TITLE = "single append"


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    with competing(plan, place) as (stores, left_out):
        runs = in_turn(plan, {name: partial(s.append, plan.box) for name, s in stores.items()})
        checked(stores, runs)
    row = Row("single append, a transaction each", place.kind, "events/s", rates(runs), left_out=left_out)
    return [row.aiming(_goals(row))]


def _goals(row: Row) -> list[Goal]:
    goals = [
        at_least("≥ 1.2 × eventsourcing aggregates", row.ratio(OURS, "eventsourcing aggregate"), 1.2),
        at_least("≥ 5 × Emmett", row.ratio(OURS, "Emmett"), 5),
    ]
    return [at_least("≥ 0.30 of raw", row.ratio(OURS), 0.30), *goals] if row.database == "SQLite" else goals
