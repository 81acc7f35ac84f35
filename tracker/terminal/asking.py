"""The options that commands share: which point a question is about, and in what form the answer is wanted."""

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="JSON, in the shape of the API.")
AS_OF = "What applied then: a date (its end, in the tracker's zone) or an instant. Default: now."
KNOWN_AT = "As known then. Default: now."
KNOWN_POSITION = "As known when the log ended at this position."


def point(command: Command) -> Command:
    """--as-of, --known-at and --known-position."""
    for option in (
        click.option("--known-position", type=click.INT, metavar="N", help=KNOWN_POSITION),
        click.option("--known-at", metavar="WHEN", help=KNOWN_AT),
        click.option("--as-of", metavar="WHEN", help=AS_OF),
    ):
        command = option(command)
    return command
