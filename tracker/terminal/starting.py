"""Starting the service: what has to be there before the first request, and the one line that says where to look."""

import os
import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

import rich_click as click
import structlog

from tracker import seeding
from tracker.importing import Imported
from tracker.jobs import ticker
from tracker.log import configure
from tracker.settings import load, make_folder
from tracker.store import access, log
from tracker.store.engine import reading, takes_writes, writing
from tracker.terminal import opening, showing
from tracker.terminal.opening import Opened

told = structlog.get_logger()

FIRST_ANALYST = "analyst"
KEY_FILE = "analyst-key"


def serve() -> None:
    """Migrate, seed an empty log, make a first key, then serve until told to stop. On SQLite this process also does
    what time sets off; on PostgreSQL workers do. A database that takes no writes is served as it is."""
    from tracker import app

    settings = load()
    configure(settings)
    signal.signal(signal.SIGTERM, _stop)
    with opening.to_serve(settings) as opened, ExitStack() as until_stopped:
        if takes_writes(opened.engine):
            signing_in = begun(opened)
        else:
            signing_in = "read-only: its database takes no writes"
            told.info(
                "serving_read_only", why="the database takes no writes: a standby, or set to be read-only"
            )

        def listening() -> None:
            if opened.engine.dialect.name == "sqlite":
                until_stopped.callback(ticker.start(settings, opened.engine, opened.clock).stop)
            click.echo(f"Tracker: {settings.public_url} · {signing_in}")

        with suppress(KeyboardInterrupt):
            app.run(settings, listening, opened.engine, opened.clock)


def worker() -> None:
    """Do what time sets off until told to stop."""
    settings = load()
    configure(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with opening.to_write(settings) as opened:
        ticking = ticker.start(settings, opened.engine, opened.clock)
        stop.wait()
        ticking.stop()


def _stop(*_: object) -> None:
    """What uvicorn hands on to when it has come to its end by SIGTERM: let the rest come to its end too."""
    sys.exit(0)


def begun(opened: Opened) -> str:
    """See that there is a history and a key; how analysts sign in, in words."""
    with reading(opened.engine) as connection:
        empty = log.position(connection) == 0
    if empty:
        seed(opened)
    return first_key(opened)


def seed(opened: Opened) -> Imported:
    """Load the founding history."""
    commands = seeding.founding()
    with showing.progress("Founding history", len(commands)) as bar:
        return seeding.seed(opened.engine, opened.clock(), lambda _: bar.advance(bar.task_ids[0]))


def first_key(opened: Opened) -> str:
    """Make the first analyst's key where there is none yet; how analysts sign in, in words."""
    file = opened.settings.data_dir / KEY_FILE
    with writing(opened.engine) as connection:
        log.hold_end(connection)  # of several that start at once one makes the key
        if not access.all_keys(connection):
            keep(file, access.create(connection, FIRST_ANALYST, opened.clock()).secret)
    if not file.exists():
        return "analysts sign in at /sign-in with their keys"
    return f"analysts sign in at /sign-in with the key in {near(file)}"


def keep(file: Path, secret: str) -> None:
    """Write a secret into a file that only its owner may read, in the place of an older one."""
    make_folder(file.parent)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
        kept.write(secret + "\n")


def near(file: Path) -> Path:
    """The path as it is seen from here."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
