"""What runs the service: serve, worker, and what they need done first."""

import rich_click as click

from tracker.terminal.asking import as_json


@click.command()
def serve() -> None:
    """Serve pages and API; all that is needed first is done: migrate, load the founding history, make a key.

    On a standby of PostgreSQL it only answers, until that is promoted.
    """
    from tracker.terminal import starting

    starting.serve()


@click.command()
def worker() -> None:
    """Do what time sets off, cut and send digests: for PostgreSQL, beside any number of 'serve'."""
    from tracker.terminal import starting

    starting.worker()


@click.command()
def migrate() -> None:
    """Bring the database up to date, or make it."""
    from tracker.terminal import opening, showing

    with opening.to_write() as opened:
        showing.line(f"Up to date: {opened.engine.url.render_as_string(hide_password=True)}")


@click.command()
@as_json
def seed(as_json: bool) -> None:
    """Load the founding history: partners, and what happened from January to August 2025."""
    from tracker.terminal import opening, showing, starting

    with opening.to_write() as opened:
        seeded = starting.seed(opened)
    if as_json:
        showing.json({"new": seeded.new, "before": seeded.before, "events": seeded.events})
    else:
        showing.line(f"{seeded.before} recorded before, {seeded.new} new, as {seeded.events} events.")


COMMANDS: tuple[click.Command, ...] = (serve, worker, migrate, seed)
