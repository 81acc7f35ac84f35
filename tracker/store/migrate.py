"""Brings a database up to date: durable tables by Alembic, derived tables by making those that are missing.

Any number of processes may start at once: each takes the same lock first and finds the work done.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect, text

from tracker.domain.errors import Refused
from tracker.schema import derived
from tracker.settings import shipped
from tracker.store.engine import writing

LOCK = 7_482_011_940_553
"""PostgreSQL advisory lock of whoever migrates."""


def migrate(engine: Engine) -> None:
    """Upgrade to the newest schema, in one transaction; nothing happens where it is there already. Refused
    (``conflict``) where a newer release made the schema."""
    check_release(engine)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config = Config()
        config.set_main_option("script_location", str(shipped("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        derived.create_all(connection)


def check_release(engine: Engine) -> None:
    """Refused (``conflict``) where a newer release made the schema: this one could misread what it finds."""
    with engine.connect() as connection:
        held = release(connection)
    if held is not None and held not in (known := migrations()):
        raise Refused(
            "conflict",
            f"the database was made by a newer release: its schema is at {held}, and this release knows {known[-1]}; "
            "run the newer release, or name another database",
        )


def release(connection: Connection) -> str | None:
    """The migration that the schema is at; None where there is no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrations() -> list[str]:
    """Those that this release knows, in order."""
    files = (shipped("migrations") / "versions").glob("*_*.py")
    return sorted(path.name.partition("_")[0] for path in files)
