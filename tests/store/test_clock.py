"""Everybody on a database shares its clock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest
from domain.given import NOW, at, development, opened
from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.record import By, record
from tracker.store.clock import LOOKED_AT_SECONDS, forward, open_clock
from tracker.store.engine import writing

SECOND = timedelta(seconds=1)


def test_the_clock_is_the_machine_s_unless_it_is_set(engine: Engine) -> None:
    assert abs(open_clock(engine)() - datetime.now(UTC)) < SECOND


def test_a_clock_that_was_set_is_everybody_s_from_then_on(engine: Engine) -> None:
    open_clock(engine, NOW)
    assert timedelta() <= open_clock(engine)() - NOW < 5 * SECOND
    later = open_clock(engine, NOW + timedelta(days=9))  # already set: the first holds
    assert later() - NOW < 5 * SECOND


def test_of_several_that_set_it_at_once_one_does(engine: Engine) -> None:
    days = [NOW + timedelta(days=day) for day in range(8)]
    with ThreadPoolExecutor(8) as pool:
        clocks = list(pool.map(lambda day: open_clock(engine, day), days))
    shown = [clock() for clock in clocks]
    assert max(shown) - min(shown) < SECOND


def test_a_history_s_clock_cannot_be_set(engine: Engine) -> None:
    record(engine, development(opened("measure:us-x", at(25))), By("me", NOW))
    with pytest.raises(Refused, match="this one has a history: unset it"):
        open_clock(engine, NOW)


def test_the_clock_of_a_demonstration_is_put_forward_for_everybody(engine: Engine) -> None:
    running = open_clock(engine, NOW)
    running()
    with writing(engine) as connection:
        shown = forward(connection, timedelta(days=2))
    assert timedelta() <= shown - NOW - timedelta(days=2) < 5 * SECOND
    assert abs(open_clock(engine)() - shown) < SECOND
    sleep(LOOKED_AT_SECONDS)
    assert running() >= shown


def test_it_never_goes_back_nor_is_the_machine_s_time_touched(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(Refused, match="set with TRACKER_CLOCK"):
        forward(connection, timedelta(days=1))
    open_clock(engine, NOW)
    with writing(engine) as connection, pytest.raises(Refused, match="never goes back"):
        forward(connection, timedelta(seconds=-1))
