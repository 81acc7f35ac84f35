"""The database itself refuses to change what was recorded, whoever asks and however."""

from collections.abc import Callable
from typing import Any

import pytest
from domain.given import NOW, at, development, opened, paused
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from store.kinds import on_postgresql, on_sqlite

from tracker.record import By, record

X = "measure:us-x"
KEYS = {"events": "position", "commits": "first"}
Contents = Callable[[], dict[str, list[Any]]]


@pytest.fixture(autouse=True)
def two_commits(engine: Engine) -> None:
    record(engine, development(opened(X, at(25))), By("me", NOW))
    record(engine, development(paused(X, {"target": "GB"})), By("me", NOW))


def assert_refused(engine: Engine, *statements: str) -> None:
    *before, last = statements
    with engine.connect().execution_options(writes=True) as connection, connection.begin() as attempt:
        for statement in before:
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(last)
        attempt.rollback()


def test_what_is_recorded_is_neither_changed_nor_deleted(engine: Engine, contents: Contents) -> None:
    before = contents()
    for statement in (
        "UPDATE events SET body = '{}' WHERE position = 1",
        "UPDATE events SET salt = salt",
        "UPDATE commits SET logged_by = 'somebody else'",
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events",
        "DELETE FROM commits",
    ):
        assert_refused(engine, statement)
    assert contents() == before


@pytest.mark.parametrize(("table", "column"), [("events", "body"), ("commits", "logged_by")])
def test_an_upsert_changes_nothing(engine: Engine, contents: Contents, table: str, column: str) -> None:
    before = contents()
    again = f"INSERT {over_again(engine, table)}".replace("ORDER", "WHERE true ORDER")
    assert_refused(engine, f"{again} ON CONFLICT (\"{KEYS[table]}\") DO UPDATE SET {column} = 'x'")
    assert contents() == before


@on_postgresql
def test_postgresql_truncates_nothing(engine: Engine) -> None:
    assert_refused(engine, "TRUNCATE events")
    assert_refused(engine, "TRUNCATE events, commits")
    assert_refused(engine, "TRUNCATE commits CASCADE")


@on_postgresql
def test_postgresql_refuses_those_who_come_as_a_replica(engine: Engine) -> None:
    assert_refused(engine, "SET LOCAL session_replication_role = replica", "DELETE FROM events")


TAKEN = [
    ("events", {"body": "'{}'"}),
    ("events", {"id": "'new'", "subject": "99", "body": "'{}'"}),
    ("events", {"position": "99", "subject": "99"}),
    ("events", {"position": "99", "id": "'new'"}),
    ("commits", {"logged_by": "'me'"}),
    ("commits", {"first": "99", "last": "99"}),
    ("commits", {"first": "99", "id": "'new'"}),
]


@on_sqlite
@pytest.mark.parametrize(("table", "changed"), TAKEN)
def test_sqlite_replaces_nothing_where_triggers_nest(
    engine: Engine, contents: Contents, table: str, changed: dict[str, str]
) -> None:
    before, insert = contents(), over_again(engine, table, **changed)
    assert_nothing_replaced(engine, insert, recursive="ON")
    assert contents() == before


@on_sqlite
@pytest.mark.parametrize(("table", "changed"), TAKEN)
def test_sqlite_replaces_nothing_where_triggers_do_not_nest(
    engine: Engine, contents: Contents, table: str, changed: dict[str, str]
) -> None:
    before, insert = contents(), over_again(engine, table, **changed)
    assert_nothing_replaced(engine, insert, recursive="OFF")
    assert contents() == before


@on_sqlite
@pytest.mark.parametrize("table", ["events", "commits"])
def test_sqlite_has_no_hidden_row_number_to_replace_by(
    engine: Engine, contents: Contents, table: str
) -> None:
    with engine.connect() as connection:
        query = text(f'SELECT count(*) FROM {table} WHERE rowid = "{KEYS[table]}"')
        assert connection.scalar(query) == len(contents()[table])


def assert_nothing_replaced(engine: Engine, insert: str, recursive: str) -> None:
    """Refused to a stranger: somebody with a connection that has not our settings."""
    with engine.connect() as connection:
        connection.detach()
        connection.exec_driver_sql("COMMIT")  # pragmas count outside of transactions only
        connection.exec_driver_sql(f"PRAGMA recursive_triggers = {recursive}")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(f"INSERT OR REPLACE {insert}")


def over_again(engine: Engine, table: str, **changed: str) -> str:
    """An INSERT of the first row over again, with some columns changed."""
    with engine.connect() as connection:
        columns = list(connection.execute(text(f"SELECT * FROM {table}")).keys())
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return f'INTO {table} ({names}) SELECT {values} FROM {table} ORDER BY "{KEYS[table]}" LIMIT 1'
