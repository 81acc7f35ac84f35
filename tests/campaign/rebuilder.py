"""Who rebuilds, and is killed: python rebuilder.py URL (see forking.py).

It tells "ready", "reached POSITION" after each page, and "whole" when it came to its end.
"""

import signal

from campaign.forking import tell, zygote
from msgspec import Struct

from tracker.record import rebuild
from tracker.store.engine import open_engine


class Task(Struct, frozen=True):
    """After which page it waits to be killed; at the end it does so anyway."""

    page: int | None = None


def run(url: str, task: Task) -> None:
    engine = open_engine(url)
    tell("ready")
    for page, position in enumerate(rebuild(engine), 1):
        tell(f"reached {position}")
        if page == task.page:
            signal.pause()
    tell("whole")
    signal.pause()


if __name__ == "__main__":
    zygote(run, Task)
