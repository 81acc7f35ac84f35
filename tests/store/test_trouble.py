"""A connection that is lost is known as that, wherever it was lost."""

from threading import Thread

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tests.conftest import execute
from tracker.store.driver import in_one_go
from tracker.store.engine import writing
from tracker.store.trouble import trouble

LOST = "sending query failed: cannot exit pipeline mode while busy\nPQsendQuery not allowed in pipeline mode"
"""What psycopg says where a rollback follows upon a backend that went away amid statements sent in one go."""


def test_what_is_said_of_a_lost_connection_amid_statements_is_known() -> None:
    found = trouble(OperationalError(None, None, psycopg.OperationalError(LOST)))
    assert found is not None
    assert found.code == "unreachable"


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_backend_that_is_ended_at_any_moment_is_a_lost_connection(
    engine: Engine, postgresql: Engine
) -> None:
    found = set()
    for _ in range(200):
        try:
            with writing(engine) as connection:
                pid = connection.scalar(text("SELECT pg_backend_pid()"))
                ending = Thread(target=execute, args=(postgresql, f"SELECT pg_terminate_backend({pid})"))
                ending.start()
                while True:
                    with in_one_go(connection):
                        connection.connection.cursor().execute("SELECT 1")
        except SQLAlchemyError as error:
            known = trouble(error)
            found.add(known.code if known else str(error))
            ending.join()
    assert found == {"unreachable"}
