"""Runs the jobs in this process, each on its own thread and never twice at once.

APScheduler only ticks. What is due is decided by our clock and claimed in our tables, so any number of processes may
tick.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from tracker.jobs import JOBS
from tracker.jobs.job import Job, Surroundings
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.trouble import trouble

log = structlog.get_logger()


class Ticker:
    """Jobs that run until they are stopped."""

    def __init__(self, scheduler: BackgroundScheduler, stopping: Event) -> None:
        self._scheduler = scheduler
        self._stopping = stopping

    def stop(self) -> None:
        """Let what is under way come to an end; nothing more is begun. Returns when all is quiet."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._scheduler.shutdown(wait=True)


def start(settings: Settings, engine: Engine, clock: Clock, jobs: Sequence[Job] = JOBS) -> Ticker:
    """Run every job now, and again at its interval."""
    stopping = Event()
    around = Surroundings(settings, engine, clock, stopping.is_set)
    scheduler = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        executors={"default": {"type": "threadpool", "max_workers": max(1, len(jobs))}},
    )
    for number, job in enumerate(jobs):
        first = datetime.now(UTC) + timedelta(milliseconds=100 * number)
        scheduler.add_job(
            _tick, "interval", [job, around], seconds=job.every_seconds, id=job.name, next_run_time=first
        )
    scheduler.start()
    log.info("ticking", jobs=[job.name for job in jobs])
    return Ticker(scheduler, stopping)


def _tick(job: Job, around: Surroundings) -> None:
    """Run a job once. Whatever goes wrong is told, and the job runs again at its time."""
    if around.stopping():
        return
    try:
        job.run(around)
    except Exception as error:
        known = trouble(error)
        log.error("job_failed", job=job.name, trouble=known and known.code, exc_info=None if known else error)
