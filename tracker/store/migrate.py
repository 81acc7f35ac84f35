"""Brings a database up to date: durable tables by Alembic, derived tables by making those that are missing.

Any number of processes may start at once: each takes the same lock first and finds the work done.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from tracker.schema import derived
from tracker.settings import shipped
from tracker.store.engine import writing

LOCK = 7_482_011_940_553
"""PostgreSQL advisory lock of whoever migrates."""


def migrate(engine: Engine) -> None:
    """Upgrade to the newest schema, in one transaction; nothing happens where it is there already."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config = Config()
        config.set_main_option("script_location", str(shipped("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        derived.create_all(connection)
