"""What is recorded at the same time is committed together, and each order is decided by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from tracker import record as recording
from tracker.domain import decide
from tracker.domain.errors import Refused
from tracker.drift import drift
from tracker.record import By, Order, Recorded, record
from tracker.store import log
from tracker.store.engine import after_commit, open_engine, reading

CALLERS = 24


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url, threads=CALLERS)
    record(engine, development(opened("measure:us-x", at(1))), By("me", NOW))
    yield engine
    engine.dispose()


def all_at_once(engine: Engine, orders: list[tuple[Order, By]]) -> list[Recorded | Exception]:
    """Record orders from as many threads; what came of each."""
    ready = Barrier(len(orders))

    def one(order: Order, by: By) -> Recorded | Exception:
        ready.wait()
        try:
            return record(engine, order, by)
        except Exception as error:  # noqa: BLE001 - it is looked at
            return error

    with ThreadPoolExecutor(len(orders)) as pool:
        return [*pool.map(lambda pair: one(*pair), orders)]


def assert_sound(engine: Engine, events: int) -> None:
    with reading(engine) as connection:
        assert log.position(connection) == events
        assert [*log.verify(connection)][-1] == events
        assert list(drift(connection)) == []


def orders(*titles: str) -> list[tuple[Order, By]]:
    return [
        (development(amended("measure:us-x", at(i)), title=t), By("me", NOW)) for i, t in enumerate(titles)
    ]


def test_many_are_recorded_in_few_transactions(engine: Engine) -> None:
    commits, lock = [0], Lock()

    def count() -> None:
        with lock:
            commits[0] += 1

    forget = after_commit(engine, count)
    came = all_at_once(engine, orders(*"x" * CALLERS))
    forget()
    assert sorted(r.first for r in came if isinstance(r, Recorded)) == list(range(2, CALLERS + 2))
    assert commits[0] < CALLERS
    assert_sound(engine, CALLERS + 1)


def test_one_that_is_refused_refuses_no_other(engine: Engine) -> None:
    wrong = (development(amended("measure:us-nowhere", at(1))), By("me", NOW))
    came = all_at_once(engine, [*orders(*"x" * (CALLERS - 2)), wrong, wrong])
    assert [type(one) for one in came[-2:]] == [Refused, Refused]
    assert all(isinstance(one, Recorded) for one in came[:-2])
    assert_sound(engine, CALLERS - 1)


def test_the_same_request_is_recorded_once_and_told_to_all(engine: Engine) -> None:
    order, by = development(amended("measure:us-x", at(7))), By("me", NOW, key="once")
    came = all_at_once(engine, [(order, by)] * CALLERS)
    assert all(isinstance(one, Recorded) for one in came)
    assert [one.repeated for one in came].count(False) == 1  # type: ignore[union-attr]
    assert len({(one.development, one.first, str(one.changes)) for one in came}) == 1  # type: ignore[union-attr]
    assert_sound(engine, 2)


def test_a_fault_of_ours_in_one_is_no_fault_of_the_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = decide.log

    def faulty(command: decide.Development, known: decide.Known) -> list[decide.Decided]:
        if command.title == "faulty":
            raise TypeError("a fault of ours")
        return decided(command, known)

    monkeypatch.setattr(decide, "log", faulty)
    came = all_at_once(engine, orders(*"x" * (CALLERS - 1), "faulty"))
    assert isinstance(came[-1], TypeError)
    assert all(isinstance(one, Recorded) for one in came[:-1])
    assert_sound(engine, CALLERS)


def test_where_the_database_fails_all_who_shared_it_are_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(recording.Recording, "write", failing)
    came = all_at_once(engine, orders(*"x" * CALLERS))
    assert {type(one) for one in came} == {OperationalError}
    monkeypatch.undo()
    assert_sound(engine, 1)
    record(engine, *orders("after it")[0])
    assert_sound(engine, 2)
