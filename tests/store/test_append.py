"""The log: dense positions in commit order, versions to hold on to, all or nothing."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event
from typing import Any

import pytest
from domain.given import NOW, WITHDRAWAL, amended, at, correction, development, opened
from sqlalchemy import Engine
from store.kinds import on_postgresql

from tracker.domain.errors import Refused
from tracker.drift import drift
from tracker.record import By, Correct, Withdraw, record, record_in
from tracker.store import log
from tracker.store.engine import reading, writing

ME = By("me", NOW)
Contents = Callable[[], dict[str, list[Any]]]


def test_positions_are_dense_and_versions_count_per_subject(engine: Engine) -> None:
    record(engine, development(opened("measure:us-x", at(1)), opened("measure:us-y", at(2))), ME)
    record(engine, development(amended("measure:us-x", at(3))), ME)
    with reading(engine) as connection:
        stored = log.after(connection, 0, until=99, limit=99)
        assert log.position(connection) == 3
    assert [(e.position, e.commit, e.subject, e.version) for e in stored] == [
        (1, 1, "measure:us-x", 1), (2, 1, "measure:us-y", 1), (3, 3, "measure:us-x", 2),
    ]  # fmt: skip


def test_the_body_is_the_canonical_text_of_what_was_recorded(engine: Engine) -> None:
    said = development(opened("measure:us-x", at(25), summary="Übergang – 过渡 🙂"), title="Zölle")
    (stored,) = record(engine, said, ME).events
    assert stored.told.title == "Zölle"
    assert stored.event == said.events[0]
    assert stored.body == log.canonical({"told": stored.told, "event": stored.event}).decode()


def test_a_follower_of_eight_slow_writers_loses_nothing(engine: Engine) -> None:
    """A position is given out while others still hold theirs; whoever reads beyond it must not have skipped them."""
    done, seen = Event(), []

    def write(writer: int) -> None:
        random = Random(writer)
        for i in range(6):
            time.sleep(random.random() / 100)
            with writing(engine) as connection:
                subject = f"measure:us-{writer}"
                event = amended(subject, at(i)) if i else opened(subject, at(i))
                record_in(connection, development(event), ME)
                time.sleep(random.random() / 50)

    def follow() -> None:
        while True:
            last = done.is_set()
            with reading(engine) as connection:
                page = log.after(connection, seen[-1] if seen else 0, until=10**6, limit=3)
            seen.extend(event.position for event in page)
            if last and not page:
                return

    with ThreadPoolExecutor(9) as pool:
        follower = pool.submit(follow)
        try:
            for writer in [pool.submit(write, n) for n in range(8)]:
                writer.result()
        finally:
            done.set()
        follower.result()
    assert seen == list(range(1, 49))


def test_of_eight_who_saw_the_same_version_one_is_first(engine: Engine, contents: Contents) -> None:
    record(engine, development(opened("measure:us-x", at(0))), ME)

    def attempt(percent: int) -> str:
        by = By("me", NOW, expected={"measure:us-x": 1})
        try:
            record(engine, development(amended("measure:us-x", at(percent))), by)
        except Refused as refused:
            return refused.code
        return "recorded"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(1, 9))) == ["recorded"] + ["stale"] * 7
    assert len(contents()["events"]) == len(contents()["commits"]) == 2


def test_who_is_late_is_told_which_version_there_is_and_leaves_nothing_behind(
    engine: Engine, contents: Contents
) -> None:
    record(engine, development(opened("measure:us-x", at(25))), ME)
    before = contents()
    by = By("me", NOW, key="k", expected={"measure:us-x": 0})
    with pytest.raises(
        Refused, match=r"measure:us-x has moved on: you saw version 0, it now has 1"
    ) as raised:
        record(engine, development(amended("measure:us-x", at(30)), opened("measure:us-y", at(1))), by)
    assert raised.value.code == "stale"
    assert contents() == before


def test_a_refused_command_leaves_nothing_behind_in_any_table(engine: Engine, contents: Contents) -> None:
    made = record(engine, development(opened("measure:us-x", at(25))), ME)
    record(engine, Withdraw(made.development, WITHDRAWAL), ME)
    before = contents()
    earlier = By("me", NOW, key="k", learnt_at=NOW - timedelta(days=1))
    for order, by in [
        (development(opened("measure:us-y", at(1)), amended("measure:us-z", at(1))), ME),
        (development(opened("measure:us-y", at(1, until="2020"))), By("me", NOW, key="k")),
        (development(opened("measure:us-y", at(1)), title="nothing \0 here"), By("me", NOW, key="k")),
        (development(opened("measure:us-y", at(1))), earlier),
        (Correct("nobody", correction(opened("measure:us-y", at(1)))), By("me", NOW, key="k")),
        (Withdraw(made.development, WITHDRAWAL), By("me", NOW, key="k")),
    ]:
        with pytest.raises(Refused):
            record(engine, order, by)
        assert contents() == before


def test_no_clock_of_the_log_ever_goes_back(engine: Engine) -> None:
    for day, learnt in [(5, None), (3, None), (6, datetime(2025, 9, 5, tzinfo=UTC)), (1, None)]:
        by = By("me", datetime(2025, 9, day, tzinfo=UTC), learnt_at=learnt)
        record(engine, development(opened("measure:us-x", at(day))), by)
    with reading(engine) as connection:
        stored = log.after(connection, 0, until=99, limit=99)
        assert [(e.recorded_at.day, e.learnt_at.day) for e in stored] == [(5, 5), (5, 5), (6, 5), (6, 5)]
        assert log.known_at(connection, datetime(2025, 9, 4, tzinfo=UTC)) == 0
        assert log.known_at(connection, datetime(2025, 9, 5, tzinfo=UTC)) == 4


@pytest.mark.parametrize(
    ("learnt", "said"), [(-1, "lies before what the log learnt last"), (+1, "lies in the future")]
)
def test_nobody_has_learnt_before_the_last_or_in_the_future(engine: Engine, learnt: int, said: str) -> None:
    record(engine, development(opened("measure:us-x", at(25))), ME)
    by = By("me", NOW, learnt_at=NOW + timedelta(microseconds=learnt))
    with pytest.raises(Refused, match=said) as raised:
        record(engine, development(amended("measure:us-x", at(30))), by)
    assert [problem.pointer for problem in raised.value.problems] == ["learnt_at"]


@on_postgresql
def test_a_withdrawal_that_waits_for_a_correction_sees_where_it_moved_the_development(engine: Engine) -> None:
    made = record(engine, development(opened("measure:us-x", at(25))), ME)
    started = Event()

    def move() -> None:
        with writing(engine) as connection:
            record_in(connection, Correct(made.development, correction(opened("measure:us-y", at(25)))), ME)
            started.set()
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move)
        started.wait()
        (withdrawn,) = record(engine, Withdraw(made.development, WITHDRAWAL), ME).events
        moving.result()
    assert (withdrawn.subject, withdrawn.position) == ("measure:us-y", 4)
    with reading(engine) as connection:
        assert log.position(connection) == 4
        assert list(drift(connection)) == []


def test_more_positions_may_be_asked_for_than_a_statement_takes(engine: Engine) -> None:
    record(engine, development(opened("measure:us-x", at(25))), ME)
    with reading(engine) as connection:
        assert [*log.at_positions(connection, range(70_000))] == [1]
        assert len(log.of_developments(connection, map(str, range(70_000)), log.ENDLESS)) == 0
        assert len(log.of_subjects(connection, ["measure:us-x", *map(str, range(70_000))], 1)) == 1
