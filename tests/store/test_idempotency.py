"""A request that comes twice with one key is carried out once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from domain.given import NOW, WITHDRAWAL, amended, at, correction, development, opened, paused
from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.record import By, Correct, Withdraw, record

X = "measure:us-x"
Contents = Callable[[], dict[str, list[Any]]]


def by(key: str | None = None) -> By:
    return By("me", NOW, key=key)


def test_the_same_request_is_answered_as_before_and_writes_nothing(
    engine: Engine, contents: Contents
) -> None:
    record(engine, development(opened(X, at(25))), by())
    pause = development(paused(X, {"target": "GB"}))
    first = record(engine, pause, by("k"))
    record(engine, development(amended(X, {"target": "GB", "set": {"status": "in_force"}})), by())
    before = contents()
    again = record(engine, pause, by("k"))
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.development, again.events, again.changes) == (
        first.development,
        first.events,
        first.changes,
    )
    assert contents() == before


def test_another_request_with_the_same_key_is_refused(engine: Engine, contents: Contents) -> None:
    made = record(engine, development(opened(X, at(25))), by("k"))
    before = contents()
    for order in (
        development(opened(X, at(26))),
        Withdraw(made.development, WITHDRAWAL),
        Correct(made.development, correction(opened(X, at(26)))),
    ):
        with pytest.raises(Refused, match="send a new key with a new request") as raised:
            record(engine, order, by("k"))
        assert raised.value.code == "key_reused"
    assert contents() == before


def test_a_key_of_a_refused_request_is_free_again(engine: Engine) -> None:
    with pytest.raises(Refused, match="not on record"):
        record(engine, development(paused(X, {"target": "GB"})), by("k"))
    assert not record(engine, development(opened(X, at(25))), by("k")).repeated


def test_corrections_and_withdrawals_are_told_from_each_other_by_their_development(engine: Engine) -> None:
    one, two = (record(engine, development(opened(f"measure:us-{n}", at(25))), by()) for n in "ab")
    record(engine, Withdraw(one.development, WITHDRAWAL), by("k"))
    assert record(engine, Withdraw(one.development, WITHDRAWAL), by("k")).repeated
    with pytest.raises(Refused, match="another request"):
        record(engine, Withdraw(two.development, WITHDRAWAL), by("k"))


def test_of_eight_at_once_one_records_and_all_get_its_answer(engine: Engine, contents: Contents) -> None:
    said = development(opened(X, at(25)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: record(engine, said, by("k")), range(8)))
    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 7
    assert len({(answer.development, answer.first, answer.last) for answer in answers}) == 1
    assert len(contents()["events"]) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\0", "\ud800"])
def test_a_key_is_1_to_200_printable_characters(engine: Engine, contents: Contents, key: str) -> None:
    with pytest.raises(Refused, match="1 to 200 printable characters"):
        record(engine, development(opened(X, at(25))), by(key))
    assert contents()["events"] == []
