"""What is told to the record: a development, a correction, a withdrawal, a file of many."""

from typing import Any, BinaryIO

import rich_click as click

from tracker.terminal.asking import as_json

dry_run = click.option("--dry-run", is_flag=True, help="Show what it would change, and record nothing.")
key = click.option("--key", metavar="KEY", help="Repeating a command with the same key records nothing.")


@click.command()
@click.argument("title", required=False)
@click.option("--file", type=click.File("rb"), help="The development as JSON; - for standard input.")
@click.option("--announced", metavar="DATE", help="When the world was told: 2025-09-02.")
@click.option("--type", "type_", metavar="TYPE", help="What happened: measure.paused, talks.held, ...")
@click.option("--subject", metavar="KEY", help="To what: measure:us-..., agreement:us-gb-..., partner:GB")
@click.option(
    "--target", multiple=True, metavar="CODE", help="For whom: MX, EU, everyone, each_of. Again for more."
)
@click.option("--except", "except_", multiple=True, metavar="CODE", help="But not for them.")
@click.option(
    "--scope", metavar="SCOPE", help="For which goods: cars, steel, ... Default: all of the measure."
)
@click.option(
    "--from", "from_", metavar="DATE", help="From when on it holds. Default: from the announcement."
)
@click.option("--until", metavar="DATE", help="Until when. Default: until further notice.")
@click.option("--rate", metavar="PERCENT", help="25, '15-20', 'up to 50', ban or unknown.")
@click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE", help="Another field of the state: why_ended=revoked"
)
@click.option(
    "--with", "fields", multiple=True, metavar="NAME=VALUE", help="Another field of the event: deadline=talks"
)
@click.option("--about", metavar="TITLE", help="What a subject that is new is called.")
@click.option("--source", multiple=True, metavar="PUBLISHER|KIND|URL", help="Who says so. Again for more.")
@click.option("--summary", metavar="TEXT")
@click.option("--note", metavar="TEXT")
@click.option("--zone", metavar="ZONE", help="The zone of dates without a time. Default: that of the actor.")
@key
@dry_run
@as_json
def log(file: BinaryIO | None, key: str | None, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Log a development, from these options or from a file.

    tracker log "Pause for Mexico" --announced 2025-09-02 --type measure.paused --subject measure:us-... --target MX
    --from 2025-09-03 --until 2025-12-02 --source "The White House|official"
    """
    from tracker.terminal import flagged, handing

    if file is not None and any(flags.values()):
        raise click.UsageError("give --file or the other options, not both")
    if file is not None:
        handing.hand_in(handing.development(file), key, dry_run, as_json)
        return
    with flagged.by_option():
        handing.hand_in(flagged.development(**flags), key, dry_run, as_json)


@click.command()
@click.argument("reference", metavar="ID")
@click.option(
    "--file",
    type=click.File("rb"),
    required=True,
    help="What it should have said, whole, as JSON; - for stdin.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why our record was wrong.")
@click.option("--editorial", is_flag=True, help="A slip of the pen: nobody needs to be told.")
@key
@dry_run
@as_json
def correct(
    reference: str,
    file: BinaryIO,
    reason: str,
    editorial: bool,
    key: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Correct our record of a development.

    ID is the development's, that of one of its events, or the key it was imported by or logged with. When a
    source changed its mind, log a new development.
    """
    from tracker.domain.events import Correction
    from tracker.terminal import handing

    command = Correction(reason=reason, development=handing.development(file), editorial=editorial)
    handing.hand_in(command, key, dry_run, as_json, reference)


@click.command()
@click.argument("reference", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why it should not have been recorded.")
@key
@dry_run
@as_json
def withdraw(reference: str, reason: str, key: str | None, dry_run: bool, as_json: bool) -> None:
    """Withdraw a development that should not have been recorded. It stays readable, and no longer counts.

    ID is the development's, that of one of its events, or the key it was imported by or logged with.
    """
    from tracker.domain.events import Withdrawal
    from tracker.terminal import flagged, handing

    with flagged.by_option():
        handing.hand_in(Withdrawal(reason=reason), key, dry_run, as_json, reference)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--as-learnt",
    is_flag=True,
    help="The record can claim to have known when each line says, or when it was announced.",
)
@click.option(
    "--format",
    "format_",
    metavar="NAME|FILE",
    help="FILE is a CSV table: how to read it, by name (tradewartracker-vintages, ...) or as a mapping file.",
)
@click.option(
    "--given",
    multiple=True,
    metavar="NAME=VALUE",
    help="What the table does not say and the mapping asks for: published=2026-05-01.",
)
@dry_run
@as_json
def import_(
    file: BinaryIO,
    as_learnt: bool,
    format_: str | None,
    given: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record the commands of a JSON Lines FILE (- for standard input), all or none.

    Each line has a key, so that repeating an import records nothing twice. With --format, FILE is somebody's CSV
    table, and becomes what that source said. See docs/importing.md.
    """
    from tracker.terminal import handing

    if given and not format_:
        raise click.UsageError("--given goes with --format")
    handing.hand_in_many(file, handing.Taken(as_learnt, format_, given), dry_run, as_json)


COMMANDS: tuple[click.Command, ...] = (log, correct, withdraw, import_)
