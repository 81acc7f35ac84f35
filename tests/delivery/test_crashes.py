"""A worker is killed at any step: one edition, at least one mail, more only after one was sent, under one id."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from delivery.killed import STEPS
from delivery.post import MORNING, Server, World
from sqlalchemy import func, select

from tracker.delivery import deliveries, dispatch, sender
from tracker.delivery.deliveries import LEASE
from tracker.delivery.editions import cuts, editions
from tracker.store.engine import reading

SENT = ("after data", "mark")
"""The steps after which the mail is out and that is not yet written down."""


def worker(world: World, server: Server, step: str) -> int:
    url = world.engine.url.render_as_string(hide_password=False)
    script = Path(__file__).with_name("killed.py")
    return subprocess.run(
        [sys.executable, script, url, str(server.port), MORNING.isoformat(), step], check=False
    ).returncode


def assert_killed_at(step: str, world: World, server: Server) -> None:
    world.subscribe()
    world.rate(30)
    assert worker(world, server, step) == -signal.SIGKILL
    world.clock.now = MORNING + LEASE
    dispatch.cut_due(world.engine, world.clock())
    sender.send_due(world.engine, server.settings, world.clock)
    with reading(world.engine) as connection:
        for table in (editions, cuts, deliveries.deliveries):
            assert connection.scalar(select(func.count()).select_from(table)) == 1
        assert [one.state for one in deliveries.listed(connection)] == ["accepted"]
    assert len(server.mails) == (2 if step in SENT else 1)
    assert len({mail["Message-ID"] for mail in server.mails}) == 1


@pytest.mark.parametrize("step", ["freeze", "committed", "lease", "after data", "marked"])
def test_killed_once(step: str, small_world: World, server: Server) -> None:
    assert_killed_at(step, small_world, server)


@pytest.mark.campaign
@pytest.mark.parametrize("_", range(9))
@pytest.mark.parametrize("step", STEPS)
def test_killed_again_and_again(step: str, _: int, world: World, server: Server) -> None:
    assert_killed_at(step, world, server)
