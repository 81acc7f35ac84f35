"""Forgets who was asked and did not confirm in time, and seals anew what was sealed with a key of before."""

import structlog

from tracker.delivery import endpoints, enrolment
from tracker.delivery.sealing import sealer
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import writing

log = structlog.get_logger()


def run(around: Surroundings) -> None:
    with writing(around.engine) as connection:
        gone = enrolment.tidy(connection, around.clock())
    if gone:
        log.info("forgotten", subscriptions=gone)
    if len(around.settings.secret_key) > 1:
        with writing(around.engine) as connection:
            sealed = endpoints.seal_anew(connection, sealer(around.settings))
        log.info("sealed_anew", texts=sealed)


JOB = Job("tidy", 3600, run)
