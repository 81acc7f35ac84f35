"""What leaves the building: digests and who gets them."""

import rich_click as click

COMMANDS: tuple[click.Command, ...] = ()
