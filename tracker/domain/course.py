"""How something came to stand as it does: what each event said of it, in the order of telling. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from tracker.domain.fold import Contribution
from tracker.domain.paint import Paint

Values = dict[str, Any]


class Step(NamedTuple):
    """What an event said: told at ``announced``, holding over [start, end); only the fields that it changed.
    ``now``: how it all stands by it."""

    announced: datetime
    start: datetime
    end: datetime
    position: int
    before: Values
    after: Values
    now: Values


def course(contributions: Iterable[Contribution], wanted: Callable[[Paint], bool]) -> list[Step]:
    """The steps of one item, which ``wanted`` knows by its paints. What is only said again is a step without change."""
    steps: list[Step] = []
    now: Values = {}
    for contribution in sorted(contributions, key=lambda c: c.place):
        for position, paint in contribution.paints:
            if wanted(paint):
                said = {name: value for name, value in paint.fields.items() if now.get(name) != value}
                before = {name: now[name] for name in said if now.get(name) is not None}
                now = {**now, **paint.fields}
                steps.append(
                    Step(contribution.place.announced, paint.start, paint.end, position, before, said, now)
                )
    return steps
