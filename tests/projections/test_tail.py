"""What is put in before the end of a long history folds again what follows it, and nothing else."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Engine

from tracker.domain.events import Correction
from tracker.drift import drift
from tracker.projections import said
from tracker.record import By, Correct, record
from tracker.store.engine import open_engine, reading
from tracker.store.log import StoredEvent

LONG = 60
FIRST = date(2025, 1, 1)


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def read_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The positions of the events that are read to be folded."""
    read: list[int] = []
    real = said.readable_or_why

    def noting(stored: StoredEvent) -> object:
        read.append(stored.position)
        return real(stored)

    monkeypatch.setattr(said, "readable_or_why", noting)
    return read


def told(engine: Engine, day: int, percent: int, title: str = "x") -> str:
    """Tell on this day of a tariff from this day on."""
    on = str(FIRST + timedelta(days=day))
    event = (opened if day == 0 else amended)("measure:us-x", at(percent, from_=on))
    return record(engine, development(event, title=title, announced=on), By("me", NOW)).development


def assert_sound(engine: Engine) -> None:
    with reading(engine) as connection:
        assert list(drift(connection)) == []


def test_only_what_follows_is_folded_again(engine: Engine, read_of: list[int]) -> None:
    for day in range(0, 2 * LONG, 2):
        told(engine, day, day % 50)
    assert read_of == []
    told(engine, 2 * LONG - 5, 77)
    assert read_of == [LONG - 1, LONG, LONG + 1]
    assert_sound(engine)


def test_what_was_put_in_before_is_folded_again_where_it_follows(engine: Engine, read_of: list[int]) -> None:
    for day in range(0, 2 * LONG, 2):
        told(engine, day, day % 50)
    told(engine, 2 * LONG - 9, 77)
    assert_sound(engine)
    read_of.clear()
    told(engine, 2 * LONG - 5, 78)
    assert set(read_of) == {*range(LONG - 3, LONG + 3)}
    assert_sound(engine)


def test_a_correction_folds_again_what_follows_what_it_corrects(engine: Engine, read_of: list[int]) -> None:
    made = [told(engine, day, day % 50) for day in range(LONG)]
    on = str(FIRST + timedelta(days=LONG - 2))
    said = development(amended("measure:us-x", at(5, from_=on)), announced=on)
    record(engine, Correct(made[LONG - 2], Correction(reason="5, not more", development=said)), By("me", NOW))
    assert read_of == [LONG - 1, LONG, LONG + 1]
    assert_sound(engine)
    told(engine, LONG - 4, 9)
    assert_sound(engine)
