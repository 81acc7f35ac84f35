"""Runs the migrations of the durable tables. Derived tables are made from the log and never migrated."""

from alembic import context

from tracker.schema import durable

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=durable, render_as_batch=True)
context.run_migrations()
