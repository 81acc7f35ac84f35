"""What a command works with: the settings, the database, its clock. Imported when a command runs, so that help is
quick."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from tracker.domain.errors import Refused
from tracker.log import configure
from tracker.read import Point, point
from tracker.settings import Settings, load
from tracker.store.clock import Clock, open_clock
from tracker.store.engine import open_engine, reading, takes_writes


@dataclass(frozen=True, slots=True)
class Opened:
    """The database of the settings, and its clock."""

    settings: Settings
    engine: Engine
    clock: Clock

    def point(
        self,
        connection: Connection,
        as_of: str | None,
        known_at: str | None,
        known_position: int | None,
        names: tuple[str, str, str] = ("--as-of", "--known-at", "--known-position"),
    ) -> Point:
        """The point that options of these names mean."""
        return point(
            connection, now=self.clock(), zone=self.zone, as_of=as_of, known_at=known_at,
            known_position=known_position, names=names,
        )  # fmt: skip

    @property
    def zone(self) -> str:
        return self.settings.zone.key


def settings() -> Settings:
    """The settings, for a command that comes and goes: its log holds only what is wrong."""
    found = load()
    quiet = "warning" if found.log_level in ("debug", "info") else found.log_level
    configure(replace(found, log_level=quiet))
    return found


@contextmanager
def to_read() -> Iterator[Opened]:
    """Open the database there is, be it a copy where nothing may be written; Refused where there is none."""
    found = settings()
    _there(found)
    from tracker.store.migrate import check_release

    with _opened(found, check_release, to_read=True) as opened:
        yield opened


@contextmanager
def to_record() -> Iterator[Opened]:
    """Open the database there is, migrated; Refused where there is none: a record is not begun by accident."""
    found = settings()
    _there(found)
    with to_write(found) as opened:
        yield opened


@contextmanager
def at_point(axes: Mapping[str, Any]) -> Iterator[tuple[Connection, Point]]:
    """A connection to the database there is, and the point that the options of ``asking.point`` name."""
    with to_read() as opened, reading(opened.engine) as connection:
        yield connection, opened.point(connection, **axes)


@contextmanager
def to_write(found: Settings | None = None) -> Iterator[Opened]:
    """Open the database, made, migrated and read as this release reads where it is not yet. Refused (``conflict``)
    where it would not keep what it acknowledges."""
    found = found or settings()
    with _opened(found, partial(_made_ready, found)) as opened:
        yield opened


@contextmanager
def to_serve(found: Settings) -> Iterator[Opened]:
    """Open the database as ``to_write`` does; one that takes no writes as it is. Refused (``conflict``) where that is
    not yet as this release has it."""

    def prepare(engine: Engine) -> None:
        (_made_ready if takes_writes(engine) else _found_ready)(found, engine)

    with _opened(found, prepare) as opened:
        yield opened


def _made_ready(found: Settings, engine: Engine) -> None:
    from tracker.rebuilding import catch_up
    from tracker.store.durability import assure
    from tracker.store.migrate import migrate

    if found.durability == "checked":
        assure(engine)
    migrate(engine)
    catch_up(engine)


def _found_ready(found: Settings, engine: Engine) -> None:
    from tracker.rebuilding import unusable
    from tracker.store.durability import assure
    from tracker.store.migrate import check_release, migrations, release

    if found.durability == "checked":
        assure(engine)  # it may be promoted
    check_release(engine)
    with engine.connect() as connection:
        ready = release(connection) == migrations()[-1] and not unusable(connection)
    if not ready:
        raise Refused(
            "conflict",
            "the database takes no writes and is not migrated to this release: run its 'tracker migrate' where writes "
            "are taken, and start again when that has arrived here",
        )


def _there(found: Settings) -> None:
    url = found.database_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise Refused(
            "not_found",
            f"there is no record at {url.database} yet: begin one with 'tracker serve' or 'tracker seed', or set "
            "TRACKER_DATA_DIR or TRACKER_DATABASE_URL",
        )


@contextmanager
def _opened(found: Settings, prepare: Callable[[Engine], None], to_read: bool = False) -> Iterator[Opened]:
    url = found.database_url.render_as_string(hide_password=False)
    engine = open_engine(url, found.threads, to_read=to_read)
    try:
        prepare(engine)
        yield Opened(found, engine, open_clock(engine, found.clock))
    finally:
        engine.dispose()
