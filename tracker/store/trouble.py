"""What is the matter when a database fails, told apart in one place: by SQLite's names of errors, by PostgreSQL's
SQLSTATE, or else by what they say."""

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection


class OutcomeUnknown(SQLAlchemyError):
    """The database failed while a transaction was being committed: nobody knows whether it was. What was sent with an
    idempotency key may be sent again with it, and is recorded once."""


class FileMoved(SQLAlchemyError):
    """The file of a SQLite database that is open was moved, deleted or replaced."""


class FileWritten(SQLAlchemyError):
    """The file of a SQLite database was written to, while it was read as one that nobody writes to."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of failure. ``code`` is stable; ``remedy`` is what whoever runs the service does about it; ``marks`` is
    how it shows, in small letters. ``undone``: at a COMMIT it means that nothing was recorded."""

    code: str
    remedy: str
    marks: tuple[str, ...] = ()
    undone: bool = False


UNKNOWN = Trouble(
    "outcome_unknown", "whether this was recorded is not known: look, or send it again with the same key"
)
MOVED = Trouble(
    "moved",
    "its file was moved, deleted or replaced while it was open: put the same file back, or stop the service and start "
    "it again",
)
WRITTEN = Trouble("written", "somebody wrote to it while it was read: try again")
CROWDED = Trouble("crowded", "no connection to it became free: try again")
READ_MODELS = ("lanes", "segments", "turns", "parked")
TROUBLES = (
    Trouble(
        "no_read_models", "it was not migrated: run 'tracker migrate'; or read models were lost: run 'tracker rebuild'",
        tuple(said for name in READ_MODELS for said in (f"no such table: {name}", f'relation "{name}" does not')),
    ),
    Trouble(
        "not_migrated", "it was not migrated: run 'tracker migrate'",
        ("no such table", "no such column", "42p01", "42703"),
    ),
    Trouble("locked", "another process has been writing to it for 30 seconds: try again", ("sqlite_busy", "55p03")),
    Trouble(
        "read_only", "it cannot be written to: check the rights of the file, of its folder and of the disk",
        ("sqlite_readonly",), undone=True,
    ),
    Trouble(
        "read_only", "it takes no writes, as it is a standby or set to be read-only: name the one that is written to",
        ("25006",), undone=True,
    ),
    Trouble(
        "unopened",
        "it cannot be opened: check that its folder exists and may be entered; where nothing may be written, copy it "
        "with its -wal to a folder of your own, and read it there",
        ("sqlite_cantopen",),
    ),
    Trouble(
        "damaged", "it is damaged, or no SQLite database: restore it, or name another",
        ("sqlite_corrupt", "sqlite_notadb", "xx001", "xx002"),
    ),
    Trouble("full", "the disk is full: make room", ("sqlite_full", "53100"), undone=True),
    Trouble("disk_fails", "its disk fails: look into the log of the system", ("sqlite_ioerr", "58030")),
    Trouble(
        "crowded", "it takes no more connections: try again, or let it take more",
        ("53300", "too many clients", "connection slots"),
    ),
    Trouble("conflict", "two writers met: try again", ("40001", "40p01"), undone=True),
    Trouble(
        "no_database",
        "its server has no such database, or lets nobody into it: create it, or check TRACKER_DATABASE_URL",
        ('fatal: database "',),
    ),
    Trouble(
        "unreachable", "it cannot be reached: check TRACKER_DATABASE_URL, and its server",
        ("connection failed", "connection refused", "connection timeout", "connection is bad", "the connection is",
         "server closed the connection", "terminating connection", "cannot exit pipeline mode while busy", "57p0",
         "08"),
    ),
)  # fmt: skip
"""By what they show; the first that fits counts."""


def trouble(error: BaseException) -> Trouble | None:
    """What is the matter; None where it is nothing of what is known here."""
    match error:
        case OutcomeUnknown():
            return UNKNOWN
        case FileMoved():
            return MOVED
        case FileWritten():
            return WRITTEN
        case NoConnection():
            return CROWDED
        case DBAPIError(orig=cause) if cause is not None:
            shown = f"{_name(cause)} {said(error)}".lower()
            return next((one for one in TROUBLES if any(_shows(shown, mark) for mark in one.marks)), None)
        case _:
            return None


def said(error: SQLAlchemyError) -> str:
    """What the database itself said, on one line, without its details: they may hold what was to be stored."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = str(cause).strip().splitlines()
    return " ".join(lines[0].split()) if lines else type(cause).__name__


def _name(cause: BaseException) -> str:
    return str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")


def _shows(shown: str, mark: str) -> bool:
    """A mark without a space is the beginning of a name, any other a part of what is said."""
    return mark in shown if " " in mark else shown.startswith(mark)
