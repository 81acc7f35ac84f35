"""Verifying the log names the first position at which it is not what was written."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Connection, Engine
from store.kinds import on_sqlite

from tracker.record import By, record
from tracker.schema import micros
from tracker.store import log, proof
from tracker.store.engine import reading

X, Y = "measure:us-x", "measure:us-y"
ME = By("me", NOW)


@pytest.fixture
def history(engine: Engine) -> Engine:
    """Four commits, with positions 1, 2, 3 and 4, 5."""
    record(engine, development(opened(X, at(1))), ME)
    record(engine, development(amended(X, at(2))), ME)
    record(engine, development(opened(Y, at(3))), ME)
    record(engine, development(amended(X, at(4)), amended(Y, at(5))), ME)
    return engine


@pytest.fixture
def attacker(history: Engine) -> Iterator[Connection]:
    """Somebody who may do anything to the database: the triggers are gone, and keys point where they like."""
    with history.connect() as connection:
        connection.detach()
        if history.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            for table in ("events", "commits"):
                for trigger in ("no_update", "no_delete", "no_replace"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_{trigger}")
        else:
            for table in ("events", "commits"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.commit()
        yield connection


def found(attacker: Connection, *statements: str) -> int:
    """The position that verifying names after these statements, which are then taken back."""
    attacker.exec_driver_sql("SAVEPOINT attack")
    for statement in statements:
        attacker.exec_driver_sql(statement)
    with pytest.raises(proof.Broken) as raised:
        list(log.verify(attacker))
    attacker.exec_driver_sql("ROLLBACK TO SAVEPOINT attack")
    assert str(raised.value).startswith(f"position {raised.value.position}: ")
    return raised.value.position


def test_a_log_as_it_was_written_is_sound(history: Engine) -> None:
    with reading(history) as connection:
        assert list(log.verify(connection)) == [5]


def test_an_empty_log_is_sound(engine: Engine) -> None:
    with reading(engine) as connection:
        assert list(log.verify(connection)) == []


CHANGES = {
    # one byte of a body
    "UPDATE events SET body = replace(body, ':2.0', ':3.0') WHERE position = 2": 2,
    # any other column of an event
    "UPDATE events SET type = 'measure.paused' WHERE position = 2": 2,
    "UPDATE events SET id = 'another' WHERE position = 3": 3,
    "UPDATE events SET version = 9 WHERE position = 3": 3,
    "UPDATE events SET schema = 2 WHERE position = 5": 5,
    "UPDATE events SET salt = hash WHERE position = 4": 4,
    "UPDATE events SET hash = salt WHERE position = 4": 4,
    "UPDATE events SET development = 'another' WHERE position = 2": 2,
    "UPDATE events SET subject = subject + 1, version = 9 WHERE position = 2": 2,
    'UPDATE events SET "commit" = 1 WHERE position = 2': 2,
    "UPDATE subjects SET key = 'measure:us-z' WHERE key = 'measure:us-y'": 3,
    # any column of a commit
    "UPDATE commits SET logged_by = 'you' WHERE \"first\" = 2": 2,
    'UPDATE commits SET learnt_at = learnt_at - 1 WHERE "first" = 3': 3,
    'UPDATE commits SET recorded_at = recorded_at + 1 WHERE "first" = 4': 4,
    "UPDATE commits SET development = 'another' WHERE \"first\" = 2": 2,
    'UPDATE commits SET "last" = 9 WHERE "first" = 4': 4,
    'UPDATE commits SET "last" = 9 WHERE "first" = 2': 2,
    'UPDATE commits SET chain = (SELECT chain FROM head) WHERE "first" = 3': 3,
    # rows that are gone, or were put in
    "DELETE FROM events WHERE position = 3": 3,
    "DELETE FROM events WHERE position = 5": 5,
    'DELETE FROM commits WHERE "first" = 2': 2,
    'INSERT INTO commits ("first", "last", id, development, recorded_at, learnt_at, logged_by, chain) '
    "SELECT 99, 99, 'x', 'x', recorded_at, 0, logged_by, chain FROM commits WHERE \"first\" = 1": 99,
    # an end that is cut off, its head with it
    'UPDATE head SET position = 3, chain = (SELECT chain FROM commits WHERE "first" = 3)': 4,
    # bodies that are exchanged
    "UPDATE events SET body = (SELECT e.body FROM events e WHERE e.position = 7 - events.position) "
    "WHERE position IN (3, 4)": 3,
}


def test_any_change_is_named_by_its_first_position(attacker: Connection) -> None:
    assert {change: found(attacker, change) for change in CHANGES} == CHANGES


@on_sqlite
def test_sqlite_verifies_whatever_was_put_into_a_column(attacker: Connection) -> None:
    strange = ["CAST(x'7bff' AS TEXT)", "'text'", "x'00'", "1000000000000", "9e99", "-1.5"]
    of_event = [
        "body",
        "type",
        "id",
        "development",
        "salt",
        "hash",
        "version",
        "schema",
        "subject",
        '"commit"',
    ]
    of_commit = ["learnt_at", "recorded_at", "logged_by", "development", '"last"', "chain"]
    for value in strange:
        for column in of_event:
            assert found(attacker, f"UPDATE events SET {column} = {value} WHERE position = 4") == 4
        for column in of_commit:
            assert found(attacker, f'UPDATE commits SET {column} = {value} WHERE "first" = 2') == 2


def test_an_event_that_is_hashed_anew_breaks_the_chain(attacker: Connection) -> None:
    (row,) = log.after(attacker, 1, until=2, limit=1)
    body, salt = row.body.replace(":2.0", ":3.0").encode(), bytes(16)
    header = proof.header(
        2, row.id, row.subject, row.version, row.type, row.schema, row.development,
        micros(row.recorded_at), micros(row.learnt_at), row.logged_by,
    )  # fmt: skip
    forged = {"body": body.decode(), "salt": salt, "hash": proof.event_hash(header, salt, body)}
    attacker.execute(log.events.update().where(log.events.c.position == 2).values(forged))
    assert found(attacker) == 2


def test_what_is_left_of_an_erased_body_still_proves_the_others(attacker: Connection) -> None:
    attacker.exec_driver_sql("UPDATE events SET body = '', salt = '' WHERE position = 2")
    hashes = [event.hash for event in log.after(attacker, 0, until=5, limit=5)]
    chain = proof.GENESIS
    for commit in attacker.execute(log.commits.select().order_by(log.commits.c.first)).all():
        chain = proof.link(chain, hashes[commit.first - 1 : commit.last])
        assert chain == bytes(commit.chain)


def test_a_log_that_grows_while_it_is_verified_is_sound(history: Engine) -> None:
    stop = Event()

    def grow() -> None:
        for i in range(40):
            if stop.is_set():
                return
            record(history, development(amended(X, at(i))), ME)

    def check(verify: Callable[[Connection], Iterator[int]]) -> None:
        with reading(history) as connection:
            list(verify(connection))

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        for _ in range(15):
            check(log.verify)
        stop.set()
        growing.result()
