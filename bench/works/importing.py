"""Many developments at once: this project imports files of a history, the others put in as many in a transaction."""

from collections.abc import Sequence
from functools import partial

from bench.databases import Place
from bench.measuring import OURS, Plan, Row, at_least, in_turn, rates
from bench.works.competing import checked, competing

TITLE = "import"
WANTED = {"SQLite": 15_000, "PostgreSQL": 10_000}


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    with competing(plan, place) as (stores, left_out):
        turns = {name: partial(s.bulk, plan.box, plan.file) for name, s in stores.items()}
        runs = in_turn(plan, turns)
        checked(stores, runs)
    wanted = WANTED[place.kind]
    title = f"import of a history, {plan.file:,} events a file"
    row = Row(title, place.kind, "events/s", rates(runs), left_out=left_out)
    ours = row.figures[OURS].value if OURS in row.figures else None
    goals = [
        at_least(f"≥ {wanted:,} events/s", ours, wanted),
        at_least("≥ 2 × eventsourcing aggregates", row.ratio(OURS, "eventsourcing aggregate"), 2),
    ]
    return [row.aiming(goals)]
