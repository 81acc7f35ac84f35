"""Who rebuilds, and is killed. It tells "ready", "reached POSITION" after each page, and "whole STEPS" at its end."""

import signal

from campaign.forking import tell
from campaign.steps import Steps
from msgspec import Struct

from tracker import rebuilding
from tracker.store.engine import open_engine


class Rebuild(Struct, frozen=True, tag=True):
    """In pages of so many events; the ``last`` page, after which it waits to be killed, or ``before`` or after which
    step it kills itself. At its end it waits anyway."""

    url: str
    page: int
    last: int | None = None
    step: int = 0
    before: bool = True


def remake(task: Rebuild) -> None:
    rebuilding.PAGE = task.page
    engine = open_engine(task.url)
    steps = Steps(task.step, task.before)
    steps.watch(engine)
    tell("ready")
    steps.begin(armed=task.step > 0)
    for number, position in enumerate(rebuilding.rebuild(engine), 1):
        tell(f"reached {position}")
        if number == task.last:
            signal.pause()
    tell(f"whole {steps.taken}")
    signal.pause()
