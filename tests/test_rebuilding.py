"""Read models are built anew beside those in use, which serve until the new ones are whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from tracker import rebuilding
from tracker.domain import decide
from tracker.drift import drift
from tracker.jobs.job import Surroundings
from tracker.jobs.rebuild import run
from tracker.projections import segments
from tracker.rebuilding import builds, built, catch_up, due, rebuild, unusable
from tracker.record import By, record
from tracker.schema import derived
from tracker.settings import load
from tracker.store import log
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate
from tracker.store.trouble import trouble

ME = By("me", NOW)


@pytest.fixture
def engine(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database with a history of twelve events, and pages of five."""
    monkeypatch.setattr(rebuilding, "PAGE", 5)
    engine = open_engine(migrated_url)
    catch_up(engine)
    grow(engine, "x", 12)
    yield engine
    engine.dispose()


def grow(engine: Engine, name: str, events: int) -> None:
    subject = f"measure:us-{name}"
    for i in range(events):
        event = amended(subject, at(i)) if i else opened(subject, at(i))
        day = f"2025-01-{1 + 7 * i % 28:02}"  # now and then back-dated
        record(engine, development(event, announced=day), ME)


def beliefs(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        assert list(drift(connection)) == []
        return sorted(map(repr, segments.ever_known(connection, None, log.ENDLESS)))


def tables(engine: Engine) -> set[str]:
    return {*inspect(engine).get_table_names()}


def test_what_is_built_anew_is_what_was_believed_at_every_position(engine: Engine) -> None:
    before = beliefs(engine)
    assert list(rebuild(engine)) == [5, 10, 12]
    assert beliefs(engine) == before
    assert {name for name in tables(engine) if name.startswith(tuple(derived.tables))} == {*derived.tables}
    grow(engine, "y", 3)
    assert list(rebuild(engine)) == [5, 10, 15]
    beliefs(engine)


def test_until_it_is_whole_the_old_ones_serve(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE segments SET state = '{}'"))
    for _ in rebuild(engine):
        with reading(engine) as connection:
            assert {row.segment.state == {} for row in segments.known(connection, None, 12)} == {True}
    beliefs(engine)


def test_who_was_stopped_goes_on_where_it_was(engine: Engine) -> None:
    before = beliefs(engine)
    building = rebuild(engine)
    assert next(building) == 5
    building.close()
    with reading(engine) as connection:
        assert built(connection, "building").position == 5  # type: ignore[union-attr]
    assert list(rebuild(engine)) == [10, 12]
    assert beliefs(engine) == before


def test_two_build_the_same_one_together(engine: Engine) -> None:
    before = beliefs(engine)
    one, other = rebuild(engine), rebuild(engine)
    assert [next(one), next(other), next(one)] == [5, 10, 10]
    assert [[*other], [*one]] == [[12], []]
    assert beliefs(engine) == before


def test_a_build_by_other_code_is_begun_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = beliefs(engine)
    monkeypatch.setattr(rebuilding, "code", lambda: "other")
    building = rebuild(engine)
    next(building)
    building.close()
    monkeypatch.undo()
    monkeypatch.setattr(rebuilding, "PAGE", 5)
    assert list(rebuild(engine)) == [5, 10, 12]
    assert beliefs(engine) == before


def test_what_was_outdated_is_due_and_nothing_is_taken_over_from_a_build_that_was_left(
    engine: Engine,
) -> None:
    left = rebuild(engine)
    next(left)
    with writing(engine) as connection:
        rebuilding.outdate(connection)
    with reading(engine) as connection:
        assert (due(connection), unusable(connection)) == (True, False)
    assert list(rebuild(engine)) == [5, 10, 12]
    before = beliefs(engine)
    assert list(left) == []
    assert beliefs(engine) == before


def test_a_build_never_gets_the_number_of_another(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "code", lambda: "other")
    theirs = rebuild(engine)
    next(theirs)
    monkeypatch.setattr(rebuilding, "code", lambda: "ours")
    ours = rebuild(engine)
    next(ours)
    monkeypatch.setattr(rebuilding, "code", lambda: "other")
    assert list(theirs) == []
    monkeypatch.setattr(rebuilding, "code", lambda: "ours")
    assert list(ours) == [10, 12]
    with reading(engine) as connection:
        assert built(connection).code == "ours"  # type: ignore[union-attr]


def test_what_is_recorded_meanwhile_is_in_it(engine: Engine) -> None:
    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(grow, engine, f"w{n}", 6) for n in range(4)]
        for _ in range(3):
            list(rebuild(engine))
        for writer in writers:
            writer.result()
    assert list(rebuild(engine))[-1] == 36
    beliefs(engine)


def test_who_asks_meanwhile_is_answered_by_one_or_the_other(engine: Engine) -> None:
    wanted = beliefs(engine)
    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(lambda: [beliefs(engine) == wanted for _ in range(8)]) for _ in range(3)]
        for _ in range(3):
            list(rebuild(engine))
        assert {answer for asked in asking for answer in asked.result()} == {True}


def test_who_reads_has_one_snapshot_of_the_log_and_of_the_tables(engine: Engine) -> None:
    """On PostgreSQL the exchange waits for who reads; on SQLite who reads goes on with the old."""
    wanted, started = beliefs(engine), Event()
    with reading(engine) as connection, ThreadPoolExecutor(1) as pool:
        log.position(connection)
        building = pool.submit(lambda: [*rebuild(engine)] and started.set())
        started.wait(1)
        rows = segments.ever_known(connection, None, log.ENDLESS)
        assert sorted(map(repr, rows)) == wanted
        connection.rollback()
        building.result()
    assert beliefs(engine) == wanted


def test_other_code_makes_it_due_and_another_shape_unusable(engine: Engine) -> None:
    def change(**values: str) -> tuple[bool, bool]:
        with writing(engine) as connection:
            connection.execute(builds.update().values(**values))
            return due(connection), unusable(connection)

    with reading(engine) as connection:
        assert (due(connection), unusable(connection)) == (False, False)
    assert change(code="other") == (True, False)
    assert change(shape="other") == (True, True)
    catch_up(engine)
    with reading(engine) as connection:
        assert (due(connection), unusable(connection)) == (False, False)


def test_tables_of_an_earlier_release_are_replaced(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    grow(engine, "x", 4)
    before = beliefs(engine)
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE segments DROP COLUMN state"))
    catch_up(engine)
    assert beliefs(engine) == before
    engine.dispose()


def test_an_event_that_cannot_be_read_is_parked_and_the_rest_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(engine, development(opened("measure:us-bad", at(1)), title="poison"), ME)
    grow(engine, "z", 2)
    whole = beliefs(engine)

    def paints(told: object, event: object) -> object:
        if getattr(told, "title", "") == "poison":
            raise KeyError("a field that this release does not know")
        return original(told, event)  # type: ignore[arg-type]

    original = decide.paints
    monkeypatch.setattr(decide, "paints", paints)
    list(rebuild(engine))
    with reading(engine) as connection:
        (parked,) = segments.all_parked(connection)
        assert (parked.position, parked.subject) == (13, "measure:us-bad")
        assert "does not know" in parked.reason
    assert beliefs(engine) == [row for row in whole if "us-bad" not in row]

    monkeypatch.setattr(decide, "paints", original)
    list(rebuild(engine))
    assert beliefs(engine) == whole
    with reading(engine) as connection:
        assert segments.all_parked(connection) == []


def test_a_release_does_not_build_over_what_a_newer_one_has_built(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generation() -> int:
        with reading(engine) as connection:
            return built(connection).generation  # type: ignore[union-attr]

    old = Surroundings(load({}), engine, lambda: NOW, lambda: False)
    run(old)
    monkeypatch.setattr(rebuilding, "code", lambda: "newer")
    list(rebuild(engine))
    newest = generation()
    monkeypatch.setattr(rebuilding, "code", lambda: "older")
    run(old)
    assert generation() == newest
    with writing(engine) as connection:
        rebuilding.outdate(connection)
    run(old)
    assert generation() == newest + 1


@pytest.mark.parametrize("name", sorted(derived.tables))
def test_a_table_that_is_missing_is_told_with_what_to_do_and_made_anew(engine: Engine, name: str) -> None:
    with reading(engine) as connection:
        told = segments.of_aspect(connection, "state", log.position(connection))
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {name}"))
    with pytest.raises(SQLAlchemyError) as failed, reading(engine) as connection:
        connection.execute(text(f"SELECT * FROM {name}"))
    found = trouble(failed.value)
    assert found is not None
    assert "run 'tracker rebuild'" in found.remedy
    assert list(rebuild(engine))
    with reading(engine) as connection:
        assert segments.of_aspect(connection, "state", log.position(connection)) == told
