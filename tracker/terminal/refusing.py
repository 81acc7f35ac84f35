"""What the database and an import say when they refuse, in one line that tells what to do."""

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from tracker.importing import Rejected
from tracker.settings import load
from tracker.store.trouble import FileMoved, OutcomeUnknown, said, trouble
from tracker.terminal.showing import many

OURS = (NoConnection, FileMoved, OutcomeUnknown)
"""Failures that say nothing the remedy does not."""


def database(error: SQLAlchemyError) -> str:
    """A failing database, named, with the remedy where it is a known case."""
    url = load().database_url
    local = url.get_backend_name() == "sqlite"
    name = f"the database {url.database if local else url.render_as_string(hide_password=True)}"
    found = trouble(error)
    if found is None:
        return f"{name}: {said(error)}"
    return f"{name}: {found.remedy}" + ("" if isinstance(error, OURS) else f" ({said(error)})")


def rejected(rejected: Rejected) -> str:
    """The bad lines of an import, a line each but for a single one, and what became of the rest."""
    if len(rejected.errors) == 1 and not rejected.following:
        return f"nothing was recorded: {rejected.errors[0]}"
    number = len(rejected.errors) + rejected.more
    lines = f"{many(number, 'line')} {'is' if number == 1 else 'are'} wrong"
    listed = f", the first {len(rejected.errors)} are these" if rejected.more else ""
    on = "it" if number == 1 else "them"
    builds = "1 more builds" if rejected.following == 1 else f"{rejected.following} more build"
    built = f"; {builds} on {on}" if rejected.following else ""
    return "\n  ".join([f"nothing was recorded: {lines}{listed}{built}", *rejected.errors])
