"""Following the log. ``log.after`` misses nothing, for positions are dense and in the order of commits; here is only
when to ask it again.

One row is looked at, the head: at once after a commit of this process, and every 250 ms for those of others. The
append itself tells nobody (PostgreSQL's NOTIFY takes a lock of the whole cluster at commit), and a look that fails,
because the connection was killed or the server restarts, is followed by the next.
"""

from collections.abc import Callable
from threading import Event, Thread
from time import sleep

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.store import log as kept
from tracker.store.engine import after_commit, reading

log = structlog.get_logger()

EVERY_SECONDS = 0.25
PAUSE_SECONDS = 0.02
"""At least so long between two looks, however often is committed."""


class Following:
    """Calls ``moved(position)`` with the end of the log, now and each time that it has moved, until ``stop``; from a
    thread of its own. One is enough for all who follow in a process."""

    def __init__(
        self, engine: Engine, moved: Callable[[int], None], every_seconds: float = EVERY_SECONDS
    ) -> None:
        self._engine = engine
        self._moved = moved
        self._every_seconds = every_seconds
        self._due = Event()
        self._stopping = self._failing = False
        self._forget = after_commit(engine, self._due.set)
        Thread(target=self._follow, name="following", daemon=True).start()

    def stop(self) -> None:
        """Look no more; returns at once."""
        self._stopping = True
        self._forget()
        self._due.set()

    def _follow(self) -> None:
        last = None
        while not self._stopping:
            self._due.clear()
            position = self._look()
            if position is not None and position != last and not self._stopping:
                self._moved(position)
                last = position
            sleep(PAUSE_SECONDS)
            self._due.wait(self._every_seconds)

    def _look(self) -> int | None:
        """The end of the log; None where the database cannot be asked, which is told once."""
        try:
            with reading(self._engine) as connection:
                position = kept.position(connection)
        except SQLAlchemyError as error:
            if not self._failing:
                log.warning("following_waits", error=type(error).__name__)
            self._failing = True
            return None
        if self._failing:
            log.info("following_again", position=position)
        self._failing = False
        return position
