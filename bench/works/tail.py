"""Appending to a subject that has a short or a long history; and putting something in before its last events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import dropwhile, islice

from msgspec import structs

from bench.databases import Place
from bench.filling import filled
from bench.history import BEGINS, STEP, Fact, Shape, instant, story
from bench.measuring import OURS, Figure, Plan, Row, Run, at_most, boxed, in_turn
from bench.subjects.ours import Ours

TITLE = "long histories"
SHORT = 10
SUBJECTS = 5
"""So many have a short history, and so many a long one; they lie in one database."""

Then = Callable[[Shape, int], Iterator[Fact]]
"""What is recorded then, of subjects of a shape that have so many events each."""


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    appended = _measured(plan, place, _after)
    inserted = _measured(plan, place, _between)
    return [
        _row("append at the end of a subject's history", place, plan, appended, 1.5),
        _row("back-dated insert, before a subject's last two events", place, plan, inserted, None),
    ]


def _measured(plan: Plan, place: Place, then: Then) -> Mapping[int, Figure]:
    """Milliseconds for each, by how many events the subject had."""
    shapes = {length: Shape(f"tail-{length}", SUBJECTS, 10**6) for length in (SHORT, plan.long)}
    history = (fact for length, shape in shapes.items() for fact in islice(story(shape), SUBJECTS * length))
    events = SUBJECTS * sum(shapes)
    with filled(plan, place, f"tail-{plan.long}", _in_order(history), [events]) as (database,):
        ours = Ours(database)
        facts = {length: then(shape, length) for length, shape in shapes.items()}
        turns = {n: lambda n=n: boxed(facts[n], ours.record, plan.box) for n in shapes}
        runs: dict[int, list[Run]] = in_turn(plan, turns)
        done = sum(run.done for its in runs.values() for run in its)
        if ours.count() != events + done:
            raise RuntimeError(f"{done:,} events were recorded, and {ours.count() - events:,} are there")
        ours.close()
    return {length: Figure.of([1000 / run.rate for run in its]) for length, its in runs.items()}


def _in_order(facts: Iterator[Fact]) -> Iterator[Fact]:
    return iter(sorted(facts, key=lambda fact: fact.development.announced))


def _after(shape: Shape, length: int) -> Iterator[Fact]:
    """How the histories go on."""
    return dropwhile(lambda fact: fact.version <= length, story(shape))


def _between(shape: Shape, length: int) -> Iterator[Fact]:
    """The same, as if announced before the last two events of each."""
    at = instant(BEGINS + (SUBJECTS * (length - 2)) * STEP - STEP / 2)
    for fact in _after(shape, length):
        yield Fact(fact.stream, fact.version, structs.replace(fact.development, announced=at))


def _row(work: str, place: Place, plan: Plan, figures: Mapping[int, Figure], wanted: float | None) -> Row:
    ratio = figures[plan.long].value / figures[SHORT].value
    notes = [f"{figures[SHORT].value:.2f} ms with 10 events before; ratio {ratio:.2f}"]
    goals = [at_most("≤ 1.5 × the time with 10 events before", ratio, wanted)] if wanted else []
    return Row(
        f"{work}, {plan.long:,} events before", place.kind, "ms", {OURS: figures[plan.long]}, goals, notes
    )
