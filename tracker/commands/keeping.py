"""What keeps the record sound and portable: export, verify, rebuild, the catalogue."""

from typing import Any

import rich_click as click

from tracker.terminal.asking import as_json, point


@click.command()
@click.option("--as", "form", type=click.Choice(["commands", "events"]), default="commands", show_default=True,
              help="commands, for an import --as-learnt elsewhere; or events, exact bodies with hashes.")  # fmt: skip
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False), default="-", help="Default: standard output."
)
def export(form: str, output: str) -> None:
    """Write the whole log as JSON Lines."""
    from tracker import exporting
    from tracker.store.engine import reading
    from tracker.terminal import opening
    from tracker.terminal.filing import whole

    with opening.to_read() as opened, reading(opened.engine) as connection, whole(output) as file:
        for line in exporting.events(connection) if form == "events" else exporting.commands(connection):
            file.write(line + b"\n")


@click.command()
@click.option(
    "--segments/--no-segments", default=True, help="Also that the segments are what the events say."
)
@click.option("--url", metavar="URL", help="Not the record here: check that of a service, from outside.")
@click.option(
    "--key", metavar="KEY", help="With --url: the log's public key, as 'tracker log-key' prints it there."
)
@click.option(
    "--remember", metavar="FILE", help="With --url: the checkpoint seen last; the new one is put there."
)
@as_json
def verify(segments: bool, url: str | None, key: str | None, remember: str | None, as_json: bool) -> int:
    """Check that the record is as it was written: every hash, the chain, the Merkle tree and its checkpoints, and what
    is worked out from it. With --url: what tracker/verifier.py does, which needs nothing else of ours."""
    from tracker.terminal import checking, opening

    if url is not None:
        return checking.verify_from_outside(url, key, remember)
    if key or remember:
        raise click.UsageError("--key and --remember go with --url")
    with opening.to_read() as opened:
        return checking.verify(opened, segments, as_json)


@click.command("log-key")
@as_json
def log_key(as_json: bool) -> None:
    """Print the public key of the log, by which anybody can verify it. Publish it apart from the service."""
    from tracker.store import signing
    from tracker.store.engine import writing
    from tracker.terminal import opening, showing

    with opening.to_record() as opened, writing(opened.engine) as connection:
        key = signing.make_key(connection, opened.settings.public_url, opened.clock())
    if as_json:
        showing.json({"origin": key.origin, "key": key.public})
    else:
        showing.line(key.public)


@click.command()
@click.argument("reference", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why. It is kept for good, and shown.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def erase(reference: str, reason: str, yes: bool, as_json: bool) -> int:
    """Erase for good what a development said: ID is its own, or that of an event for the version it belongs to.

    Only what was withdrawn or corrected can go. Envelope and hash stay, so the history still proves itself.
    """
    from tracker.terminal import erasing

    return erasing.erase(reference, reason, yes, as_json)


@click.command()
@click.option("--partner", metavar="CODE", help="Only the chores about this partner.")
@point
@as_json
def doctor(partner: str | None, as_json: bool, **axes: Any) -> int:
    """What the record needs: whether it is sound, and what an analyst should look at.

    Ends with 1 where something is wrong: the log, what is worked out from it, the schema of the database. Chores,
    deliveries that wait and relays that are behind are no faults.
    """
    from tracker.terminal import doctoring

    return doctoring.doctor(partner and partner.upper(), axes, as_json)


@click.command()
def rebuild() -> None:
    """Work out anew from the log what is worked out from it. Readers go on meanwhile."""
    from tracker.terminal import checking, opening

    with opening.to_read() as opened:
        checking.rebuild(opened)


@click.command()
@click.option("--forward", metavar="SPAN", help="Put it forward: 1d, 36h, 90m.")
@click.option("--to", metavar="WHEN", help="Put it forward to this instant, such as 2025-09-03T08:00-04:00.")
@as_json
def clock(forward: str | None, to: str | None, as_json: bool) -> None:
    """What time it is by the clock that everything is stamped by, and, in a demonstration, let it be later.

    Only a database that was begun with TRACKER_CLOCK can be put forward. A service that runs notices within a second.
    """
    from tracker.terminal import clocking

    if forward and to:
        raise click.UsageError("give --forward or --to, not both")
    clocking.clock(forward, to, as_json)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; say what is not as it should be.")
@click.option("--release", is_flag=True, help="Freeze what is new: from then on it never changes.")
def catalogue(check: bool, release: bool) -> int:
    """Write the published catalogue of events, events/, from the classes."""
    from tracker.terminal import checking

    if check and release:
        raise click.UsageError("give --check or --release, not both")
    return checking.catalogue(check, release)


COMMANDS: tuple[click.Command, ...] = (export, verify, log_key, erase, doctor, rebuild, clock, catalogue)
