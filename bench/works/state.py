"""Where things stand with a partner, at any point of both axes, as the log grows: by what concerns others, and by what
happens to the partner's own measures. What is known is known at any position. How things stand is asked about the
time around; and, of the partner's own long histories, about any earlier time, too."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from random import Random

from sqlalchemy import Engine, event

from bench.databases import Place
from bench.filling import filled
from bench.history import BEGINS, NOW, PARTNERS, STEP, Fact, Shape, instant, story
from bench.measuring import OURS, Figure, Plan, Row, at_most, boxed, in_turn
from bench.subjects.ours import OPENED
from tracker import read
from tracker.store.engine import open_engine, reading

TITLE = "state"
PARTNER = "JP"
ZONE = "America/New_York"
OWN = 200
"""Events about the partner's own measures, where those of others grow."""
MEASURES = 20

Point = tuple[str, int]
"""``as_of`` and ``known_position``."""


def measure(plan: Plan, place: Place) -> Sequence[Row]:
    own = Shape("own", MEASURES, 10, (PARTNER,))
    others = Shape("others", 500, 10, [code for code in PARTNERS if code != PARTNER])
    endless = Shape("endless", MEASURES, 10**6, (PARTNER,), timedelta(hours=2))
    first = min(plan.sizes[0] // 2, OWN)
    growing = chain(islice(story(own), first), story(others, since=first))
    grown = _measured(plan, place, "others", growing, lambda size: _points(first, size, first))
    near = _measured(plan, place, "own", story(endless), lambda size: _points(0, size, None))
    long_ago = _measured(plan, place, "own", story(endless), lambda size: _points(0, size, size))
    return [
        _row("the events of others grow", place, plan, grown),
        _row("its own events grow", place, plan, near),
        _row("its own events grow, asked about any earlier time", place, plan, long_ago),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds to answer, with a log of a size; and the fewest and most queries that an answer took."""

    milliseconds: Figure
    fewest: int
    most: int


def _measured(
    plan: Plan, place: Place, name: str, facts: Iterator[Fact], points_of: Callable[[int], Iterator[Point]]
) -> dict[int, Asked]:
    with filled(plan, place, name, facts, plan.sizes) as databases:
        engines = {size: open_engine(one.url) for size, one in zip(plan.sizes, databases, strict=True)}
        points = {size: points_of(size) for size in plan.sizes}
        turns = {n: partial(boxed, points[n], partial(_ask, engines[n]), plan.box) for n in plan.sizes}
        runs = in_turn(plan, turns)
        queries = {
            size: [_queries(engines[size], next(points[size])) for _ in range(20)] for size in plan.sizes
        }
        for engine in engines.values():
            engine.dispose()
    return {
        size: Asked(
            Figure.of([1000 / run.rate for run in runs[size]]), min(queries[size]), max(queries[size])
        )
        for size in plan.sizes
    }


def _points(first: int, last: int, about: int | None) -> Iterator[Point]:
    """Points known at any position of ``first`` to ``last``, about any time up to 100 days after the event at
    ``about``; or, without that, from five days before what was known until 100 days after."""
    random = Random(last)
    while True:
        known = random.randint(first, last)
        start, end = (0, about) if about is not None else (known, known)
        days = random.uniform(-5, 100)
        at = BEGINS + random.randint(start, end) * STEP + timedelta(days=days)
        yield instant(at), OPENED + known


def _ask(engine: Engine, asked: Point) -> int:
    as_of, known = asked
    with reading(engine) as connection:
        at = read.point(connection, now=NOW, zone=ZONE, as_of=as_of, known_position=known)
        assert read.state(connection, PARTNER, at).temporal.known_position == known
    return 1


def _queries(engine: Engine, asked: Point) -> int:
    with _counted(engine) as count:
        _ask(engine, asked)
    return count()


@contextmanager
def _counted(engine: Engine) -> Iterator[Callable[[], int]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement != "BEGIN":
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield lambda: len(seen)
    event.remove(engine, "before_cursor_execute", note)


def _row(growth: str, place: Place, plan: Plan, asked: dict[int, Asked]) -> Row:
    small, large = plan.sizes[0], plan.sizes[-1]
    ratio = asked[large].milliseconds.value / asked[small].milliseconds.value
    most, fewest = max(one.most for one in asked.values()), min(one.fewest for one in asked.values())
    goals = [
        at_most(f"≤ 2 × the time at {small:,}", ratio, 2),
        at_most(f"≤ {fewest} queries at any size", most, fewest),
    ]
    times = ", ".join(f"{size:,}: {one.milliseconds.value:.1f} ms" for size, one in asked.items())
    work = f"state of a partner at any point, {large:,} events: {growth}"
    return Row(work, place.kind, "ms", {OURS: asked[large].milliseconds}, goals, [times])
