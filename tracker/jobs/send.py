"""Sends the deliveries that are due."""

from tracker.delivery import sender
from tracker.jobs.job import Job, Surroundings


def run(around: Surroundings) -> None:
    sender.send_due(around.engine, around.settings, around.clock, around.stopping)


JOB = Job("send", 5, run)
