"""All read models anew from a log that lies there: in few long histories and in many short ones. The peers, which work
out one stream at a time, replay a fortieth of the events, over and over in their time box. And the most memory that it
takes, in a process of its own, as the log grows."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.databases import Place
from bench.filling import filled
from bench.history import Shape, story
from bench.measuring import OURS, RAW, Figure, Plan, Row, at_least, at_most, in_turn, rates
from bench.subjects.ours import Ours
from bench.table import MEMORY
from bench.works.competing import competing
from bench.works.inserting import inserted

TITLE = "rebuild"
FEW, SLOW = 20, 40
WHOLE = ("raw driver", "SQLAlchemy Core", "eventsourcing recorder")
"""Who replays the whole log, as this project does."""


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    shapes = Shape("few", FEW, plan.events // FEW), Shape("many", plan.events // 10, 10)
    return [row for shape in shapes for row in _replayed(plan, place, shape)]


def _replayed(plan: Plan, place: Place, shape: Shape) -> list[Row]:
    with competing(plan, place, besides=OURS) as (stores, left_out):
        for name, store in stores.items():
            if name in WHOLE:
                store.fill(shape, plan.events)
            else:
                store.fill(_part(shape, SLOW), plan.events // SLOW)
        turns = {name: partial(s.replay, plan.box) for name, s in stores.items()}
        with filled(plan, place, f"{shape.name}-{plan.events}", story(shape), [plan.events]) as (full,):
            ours = Ours(full)
            runs = in_turn(plan, {**turns, OURS: partial(ours.replay, plan.box)})
            assert all(run.done == plan.events for run in runs[OURS]), "the whole log is replayed"
            ours.close()
            floor = inserted(full)
            memory = _memory(plan, place, shape, full.url)
    work = f"rebuild from {plan.events:,} events of {shape.streams:,} subjects"
    row = Row(work, place.kind, "events/s", rates(runs), left_out=left_out)
    faster = row.ratio(OURS, "eventsourcing aggregate")
    slower = row.ratio(OURS)
    goals = [
        at_most("≤ 2 × the time of raw", None if slower is None else 1 / slower, 2),
        at_least("≥ 5 × as fast as eventsourcing aggregates", faster, 5),
    ]
    folded = plan.events / row.figures[RAW].value if RAW in row.figures else 0
    note = (
        f"raw driver: {folded:.2f} s to fold, and {floor.seconds:.2f} s to insert the {floor.done:,} segments"
    )
    return [replace(row, goals=goals, notes=[note]), memory]


def _memory(plan: Plan, place: Place, shape: Shape, url: str) -> Row:
    name = f"{shape.name}-{plan.events // 10}"
    with filled(plan, place, name, story(_part(shape, 10)), [plan.events // 10]) as (tenth,):
        small, large = _peak(tenth.url), _peak(url)
    goal = at_most("≤ 1.5 × that of a tenth of the events", large / small, 1.5)
    work = f"memory of that, {shape.streams:,} subjects"
    return Row(work, place.kind, MEMORY, {OURS: Figure.of([large])}, [goal], [f"a tenth: {small:.0f} MiB"])


def _part(shape: Shape, parts: int) -> Shape:
    if shape.streams == FEW:
        return Shape(shape.name, FEW, shape.events // parts)
    return Shape(shape.name, shape.streams // parts, shape.events)


def _peak(url: str) -> float:
    """MiB that a process holds at most that rebuilds."""
    command = [sys.executable, "-m", "bench.rebuilding", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return float(done.stdout)
