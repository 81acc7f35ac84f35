"""Looks whether everything that should have been told was: an edition that should exist and does not."""

import structlog

from tracker.delivery import dispatch
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import reading

log = structlog.get_logger()


def run(around: Surroundings) -> None:
    with reading(around.engine) as connection:
        for missing in dispatch.missing(connection, around.clock()):
            log.error("edition_missing", subscription=missing.subscription, due_at=missing.due_at.isoformat())


JOB = Job("watch", 600, run)
