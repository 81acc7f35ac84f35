"""Forgets who was asked and did not confirm in time."""

import structlog

from tracker.delivery import enrolment
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import writing

log = structlog.get_logger()


def run(around: Surroundings) -> None:
    with writing(around.engine) as connection:
        gone = enrolment.tidy(connection, around.clock())
    if gone:
        log.info("forgotten", subscriptions=gone)


JOB = Job("tidy", 3600, run)
