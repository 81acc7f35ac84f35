"""Builds the read models anew where they were made by other code than this release has; the old serve meanwhile."""

from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine

from tracker import rebuilding
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import reading

log = structlog.get_logger()
_seen: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()
"""The tables that this process found in use when it looked first."""


def run(around: Surroundings) -> None:
    with reading(around.engine) as connection:
        live = rebuilding.built(connection)
        if live is None:
            return
        first = _seen.setdefault(around.engine, live.generation)
        if not rebuilding.due(connection):
            return
    if live.code and live.generation != first:
        return  # another release was begun beside this one, and has built since: it is the newer
    log.info("rebuilding")
    for _ in rebuilding.rebuild(around.engine):
        if around.stopping():  # it goes on where it was when somebody looks again
            return
    log.info("rebuilt")


JOB = Job("rebuild", 60, run)
