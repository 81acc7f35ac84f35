"""Who rebuilds, and is killed. It tells "ready", "reached POSITION" after each page, and "whole" at its end."""

import signal

from campaign.forking import tell
from msgspec import Struct

from tracker.rebuilding import rebuild
from tracker.store.engine import open_engine


class Rebuild(Struct, frozen=True, tag=True):
    """After which page it waits to be killed; at the end it does so anyway."""

    url: str
    page: int | None = None


def remake(task: Rebuild) -> None:
    engine = open_engine(task.url)
    tell("ready")
    for page, position in enumerate(rebuild(engine), 1):
        tell(f"reached {position}")
        if page == task.page:
            signal.pause()
    tell("whole")
    signal.pause()
