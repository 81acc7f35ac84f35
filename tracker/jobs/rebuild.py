"""Builds the read models anew where they were made by other code than this release has; the old serve meanwhile."""

import structlog

from tracker import rebuilding
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import reading

log = structlog.get_logger()


def run(around: Surroundings) -> None:
    with reading(around.engine) as connection:
        if not rebuilding.due(connection):
            return
    log.info("rebuilding")
    for _ in rebuilding.rebuild(around.engine):
        if around.stopping():  # it goes on where it was when somebody looks again
            return
    log.info("rebuilt")


JOB = Job("rebuild", 60, run)
