"""The migrations make what the code declares, whoever runs them and however often."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

import tracker
from tracker.schema import derived, durable
from tracker.store.engine import open_engine
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
