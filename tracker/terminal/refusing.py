"""What the database and an import say when they refuse, in one line that tells what to do."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from tracker.importing import Rejected
from tracker.settings import load

REMEDIES = (
    (("no such table", "no such column", "undefinedtable"), "it was not migrated: run 'tracker migrate'"),
    (("database is locked",), "another process has been writing to it for 30 seconds: try again"),
    (("readonly", "read-only"), "it cannot be written to: check the rights of the file, of its folder and of the disk"),
    (("unable to open",), "it cannot be opened: check that its folder exists and may be entered"),
    (("not a database", "malformed"), "it is damaged, or no SQLite database: restore it, or name another"),
    (("connection failed", "connection refused"), "it cannot be reached: check TRACKER_DATABASE_URL, and its server"),
    (("disk is full", "no space left"), "the disk is full: make room"),
    (("deadlock", "serialization"), "two writers met: try again"),
)  # fmt: skip


def database(error: SQLAlchemyError) -> str:
    """A failing database, named, with the remedy where it is a known case."""
    url = load().database_url
    local = url.get_backend_name() == "sqlite"
    name = f"the database {url.database if local else url.render_as_string(hide_password=True)}"
    if isinstance(error, NoConnection):
        return f"{name}: no connection to it became free: try again"
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    said = " ".join(str(cause).split()) or type(cause).__name__
    known = f"{type(cause).__name__} {said}".lower()
    remedy = next((remedy for marks, remedy in REMEDIES if any(mark in known for mark in marks)), None)
    return f"{name}: {remedy} ({said})" if remedy else f"{name}: {said}"


def rejected(rejected: Rejected) -> str:
    """The bad lines of an import, a line each but for a single one, and what became of the rest."""
    if len(rejected.errors) == 1 and not rejected.following:
        return f"nothing was recorded: {rejected.errors[0]}"
    lines = f"{len(rejected.errors) + rejected.more} lines are wrong"
    listed = f", the first {len(rejected.errors)} are these" if rejected.more else ""
    built = f"; {rejected.following} more build on them" if rejected.following else ""
    return "\n  ".join([f"nothing was recorded: {lines}{listed}{built}", *rejected.errors])
