"""How much a database does."""

from collections.abc import Callable

from sqlalchemy import Connection, text

STEPS = 50
"""SQLite is counted in so many steps of its machine at a time."""


def work(connection: Connection, of: Callable[[], object]) -> int:
    """The steps that SQLite takes for it, or the entries of tables and indexes that PostgreSQL reads."""
    if connection.dialect.name == "postgresql":
        counted = text(
            "SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class "
            "WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
        )
        before = connection.scalar(counted) or 0
        of()
        return int((connection.scalar(counted) or 0) - before)
    steps = 0

    def taken() -> None:
        nonlocal steps
        steps += STEPS

    driver = connection.connection.dbapi_connection
    driver.set_progress_handler(taken, STEPS)  # type: ignore[union-attr]
    of()
    driver.set_progress_handler(None, 0)  # type: ignore[union-attr]
    return steps
