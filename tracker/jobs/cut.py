"""Cuts the editions that are due."""

from tracker.delivery import dispatch
from tracker.jobs.job import Job, Surroundings


def run(around: Surroundings) -> None:
    dispatch.cut_due(around.engine, around.clock(), around.stopping)


JOB = Job("cut", 30, run)
