"""Who follows the log is told where it ends: at once of what this process commits, soon of what others do."""

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from time import sleep

import pytest
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Engine, text
from store.kinds import on_postgresql

from tracker.record import By, record
from tracker.store import following
from tracker.store.engine import open_engine, writing
from tracker.store.following import Following

SOON_SECONDS = 60
NEVER_SECONDS = 10**6


@pytest.fixture
def told() -> Queue[int]:
    return Queue()


@pytest.fixture
def follow(engine: Engine, told: Queue[int]) -> Iterator[Callable[[float], Following]]:
    started: list[Following] = []

    def follow(every_seconds: float = 0.05) -> Following:
        started.append(Following(engine, told.put, every_seconds))
        assert told.get(timeout=SOON_SECONDS) == 0
        return started[-1]

    yield follow
    for one in started:
        one.stop()


def log(engine: Engine) -> None:
    record(engine, development(opened("measure:us-x", at(1)), amended("measure:us-x", at(2))), By("me", NOW))


def test_a_commit_of_this_process_is_told_without_waiting(
    engine: Engine, told: Queue[int], follow: Callable[..., Following]
) -> None:
    follow(NEVER_SECONDS)
    for end in (2, 4):
        log(engine)
        assert told.get(timeout=SOON_SECONDS) == end


def test_a_commit_of_another_process_is_found(
    migrated_url: str, told: Queue[int], follow: Callable[..., Following]
) -> None:
    follow()
    elsewhere = open_engine(migrated_url)
    log(elsewhere)
    elsewhere.dispose()
    assert told.get(timeout=SOON_SECONDS) == 2


def test_what_is_rolled_back_or_appends_nothing_is_not_told(
    engine: Engine, told: Queue[int], follow: Callable[..., Following]
) -> None:
    follow()
    with pytest.raises(ZeroDivisionError), writing(engine):
        raise ZeroDivisionError
    with writing(engine):
        pass
    with pytest.raises(Empty):
        told.get(timeout=0.3)


def test_who_has_stopped_is_told_nothing_more(
    engine: Engine, told: Queue[int], follow: Callable[..., Following]
) -> None:
    follow().stop()
    log(engine)
    with pytest.raises(Empty):
        told.get(timeout=0.3)


@on_postgresql
def test_killed_connections_are_survived(
    engine: Engine, told: Queue[int], follow: Callable[..., Following]
) -> None:
    follow()
    for end in (2, 4, 6):
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                               "pid <> pg_backend_pid() AND datname = current_database()"))  # fmt: skip
        log(engine)
        assert told.get(timeout=SOON_SECONDS) == end


def test_a_database_that_fails_is_asked_again(
    engine: Engine, told: Queue[int], follow: Callable[..., Following], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def failing(connection: object) -> int:
        asked.append(1)
        raise following.SQLAlchemyError("gone")

    follow()
    with monkeypatch.context() as broken:
        broken.setattr(following.kept, "position", failing)
        while len(asked) < 3:
            sleep(0.01)
    log(engine)
    assert told.get(timeout=SOON_SECONDS) == 2
