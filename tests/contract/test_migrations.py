"""The migrations make what the code declares, whoever runs them and however often."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

import tracker
from tracker.delivery import deliveries, subscriptions
from tracker.schema import derived, durable
from tracker.settings import shipped
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

for module in pkgutil.walk_packages(tracker.__path__, "tracker."):
    importlib.import_module(module.name)  # each table is declared in the module that owns it


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or name not in derived.tables,
            },
        )
        return list(compare_metadata(context, durable))


def test_upgraded_from_empty_a_database_is_what_the_code_declares(engine: Engine) -> None:
    migrate(engine)
    assert differences(engine) == []
    assert {*inspect(engine).get_table_names()} == {*durable.tables, *derived.tables, "alembic_version"}


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    migrate(engine)
    assert differences(engine) == []


def test_three_processes_may_migrate_at_once(engine: Engine, database_url: str) -> None:
    code = (
        "import sys; from tracker.store.engine import open_engine; from tracker.store.migrate import migrate; "
        "input(); migrate(open_engine(sys.argv[1]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, database_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert [process.communicate()[1].decode()[-2000:] for process in started] == ["", "", ""]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert differences(engine) == []


def test_what_was_sent_before_there_were_channels_is_kept(engine: Engine) -> None:
    """From the schema of release 0006, with a delivery and its attempts, to today's."""
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(shipped("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for statement in BEFORE_CHANNELS.split(";"):
            connection.exec_driver_sql(statement)
    migrate(engine)
    assert differences(engine) == []
    with reading(engine) as connection:
        old, new = subscriptions.listed(connection, stopped=True)
        assert (old.state, new.state, new.at_once, new.scope.topics) == ("stopped", "active", False, [])
        (one,) = deliveries.listed(connection)
        assert (one.id, one.state, one.edition, one.notice) == (7, "deferred", "e" * 64, None)
        assert [tried.answer for tried in deliveries.attempts_of(connection, 7)] == ["451 Later"]
    with writing(engine) as connection:
        held = deliveries.claim(connection, datetime(2025, 3, 11, tzinfo=UTC), ["email"])
        assert held is not None
        assert (held.attempt, held.reference) == (2, "r" * 40)


BEFORE_CHANNELS = f"""
INSERT INTO subscriptions (id, channel, address, partners, sectors, zone, hour, weekdays, send_empty, active, as_of,
    position, due_at, created_at, created_by)
    VALUES ('sub-old', 'email', '', '[]', '[]', 'UTC', 8, '["mon"]', false, false, 0, 0, 0, 0, 'operator'),
    ('sub-new', 'email', 'a@example.org', '[]', '[]', 'UTC', 8, '["mon"]', false, true, 0, 0, 0, 1, 'operator');
INSERT INTO editions (id, day, headline, scope, since_as_of, since_position, until_as_of, until_position, empty,
    content, cut_at) VALUES ('{"e" * 64}', '2025-03-10', 'nothing changed', '{{}}', 0, 0, 0, 0, true, '{{}}', 0);
INSERT INTO deliveries (id, subscription, edition, channel, recipient, reference, state, attempts, next_attempt_at,
    fence, created_at)
    VALUES (7, 'sub-new', '{"e" * 64}', 'email', 'a@example.org', '{"r" * 40}', 'deferred', 1, 0, 1, 0);
INSERT INTO attempts (delivery, number, started_at, ended_at, outcome, code, answer)
    VALUES (7, 1, 0, 0, 'deferred', 451, '451 Later')
"""
