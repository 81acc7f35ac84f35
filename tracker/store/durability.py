"""Whether what is acknowledged survives a power cut: asked of the database before anything is written to it."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

from tracker.domain.errors import Refused

FULL = 2
"""SQLite's number for synchronous = FULL; EXTRA is 3."""


def assure(engine: Engine) -> None:
    """Refused (``conflict``) where this database acknowledges commits that a power cut can lose."""
    with engine.connect() as connection:
        if wrong := [*_wrong(connection)]:
            raise Refused(
                "conflict",
                f"the database may lose what it acknowledged when the power fails: {'; '.join(wrong)}; where that "
                "does not matter, set TRACKER_DURABILITY=unchecked",
            )


def _wrong(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        if (mode := connection.scalar(text("PRAGMA journal_mode"))) != "wal":
            yield f"journal_mode is {mode}, not WAL: keep the file on a local disk"
        if connection.scalar(text("PRAGMA synchronous")) < FULL:
            yield "synchronous is below FULL"
        return
    if connection.scalar(text("SHOW fsync")) == "off":
        yield "fsync is off: ALTER SYSTEM SET fsync = on, then reload the server"
    if connection.scalar(text("SHOW synchronous_commit")) == "off":
        name = connection.scalar(text("SELECT quote_ident(current_database())"))
        yield f"synchronous_commit is off: ALTER DATABASE {name} SET synchronous_commit = on"
