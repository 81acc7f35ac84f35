"""The ticker: jobs run at once and again, by our clock, and none stops another."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from delivery import post
from delivery.post import MORNING, World

from tests.delivery.conftest import begun
from tracker.delivery import deliveries
from tracker.jobs import JOBS, ticker
from tracker.jobs.job import Job, Surroundings
from tracker.store.engine import reading


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from begun(request, "sqlite", tmp_path)


def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_what_is_due_is_cut_and_sent_by_itself(world: World) -> None:
    world.subscribe()
    world.rate(30)
    world.clock.now = MORNING
    quick = [Job(job.name, 0.2, job.run) for job in JOBS]
    with post.mail_server() as server:
        running = ticker.start(server.settings, world.engine, world.clock, quick)
        try:
            assert eventually(lambda: len(server.mails) == 1)
        finally:
            running.stop()
    with reading(world.engine) as connection:
        assert [one.state for one in deliveries.listed(connection)] == ["accepted"]


def test_a_job_that_fails_runs_again_and_stops_no_other(world: World) -> None:
    ran: list[str] = []

    def fails(around: Surroundings) -> None:
        ran.append("fails")
        raise RuntimeError("cosmic ray")

    jobs = [Job("fails", 0.05, fails), Job("works", 0.05, lambda around: ran.append("works"))]
    running = ticker.start(post.settings(), world.engine, world.clock, jobs)
    assert eventually(lambda: ran.count("fails") > 2 and ran.count("works") > 2)
    running.stop()
    count = len(ran)
    time.sleep(0.2)
    assert len(ran) == count


def test_stopping_ends_what_is_under_way_and_may_be_repeated(world: World) -> None:
    ended: list[bool] = []

    def long(around: Surroundings) -> None:
        assert eventually(around.stopping)
        ended.append(True)

    running = ticker.start(post.settings(), world.engine, world.clock, [Job("long", 0.1, long)])
    time.sleep(0.2)
    running.stop()
    running.stop()
    assert ended == [True]


def test_the_jobs_of_the_service() -> None:
    told = [(job.name, job.every_seconds) for job in JOBS]
    assert told == [("cut", 30), ("rebuild", 60), ("send", 5), ("sign", 15), ("tidy", 3600), ("watch", 600)]
