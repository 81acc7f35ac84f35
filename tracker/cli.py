"""The command line, put together. Whatever goes wrong becomes one line on stderr here, and an exit code:
0 done, 1 the record is not as it was written, 2 the input or the surroundings cannot be used."""

import os
import sys
from collections.abc import Sequence

import rich_click as click

from tracker.commands import COMMANDS

WRONG = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="negotiation-tracker", prog_name="tracker")
def tracker() -> None:
    """Where trade talks stand, what changed, and since when: as of any day, as known on any day.

    Settings come from TRACKER_* variables. The data lies in ./var, or in TRACKER_DATA_DIR; TRACKER_DATABASE_URL
    names another database.
    """


for name, members in COMMANDS:
    for member in members:
        tracker.add_command(member)
    click.command_panel(name, commands=[str(member.name) for member in members])(tracker)


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without arrows still shows the rest
    try:
        for argument in arguments:
            argument.encode()
        return int(tracker.main([*arguments], prog_name="tracker", standalone_mode=False) or 0)
    except UnicodeEncodeError:
        return _say("an argument is not UTF-8 text: type it again, or give a file")
    except click.ClickException as error:
        return _say(_usage(error))
    except click.Abort:
        return _say("stopped: nothing was left half done", 130)
    except Exception as error:
        if (said := _explained(error)) is None:
            raise
        return _say(said)


def _say(sentence: str, code: int = WRONG) -> int:
    click.echo(f"tracker: {sentence}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    said = error.format_message().strip().rstrip(".").replace("\n", " ")
    return f"{said[:1].lower()}{said[1:]}; see '{context.command_path} --help'" if context else said


def _explained(error: Exception) -> str | None:
    """What went wrong, for people; None for a fault of ours, which keeps its traceback."""
    from sqlalchemy.exc import SQLAlchemyError

    from tracker.domain.errors import Refused
    from tracker.importing import Rejected, sentence
    from tracker.settings import SettingsError
    from tracker.terminal.refusing import database, rejected

    match error:
        case SettingsError():
            return str(error)
        case Refused():
            return sentence(error)
        case Rejected():
            return rejected(error)
        case SQLAlchemyError():
            return database(error)
        case OSError():
            about = f"{os.fspath(error.filename)}: " if error.filename else ""
            return f"{about}{error.strerror or error}"
        case _:
            return None
