"""The keys of analysts."""

from zoneinfo import ZoneInfo

import rich_click as click

from tracker.terminal.asking import as_json


@click.group()
def key() -> None:
    """The keys by which analysts sign in and programs write."""


@key.command()
@click.argument("name")
@as_json
def create(name: str, as_json: bool) -> None:
    """Make a key for the analyst NAME. It is shown once and kept nowhere."""
    from tracker.store import access
    from tracker.store.engine import writing
    from tracker.terminal import opening, showing

    with opening.to_write() as opened, writing(opened.engine) as connection:
        made = access.create(connection, name, opened.clock())
    if as_json:
        showing.json({"id": made.id, "analyst": made.analyst.name, "secret": made.secret})
        return
    click.echo(made.secret)
    click.echo(f"This is {made.id} of {made.analyst.name}; it is shown only now.", err=True)


@key.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All keys there are or were; never the secrets."""
    from tracker.domain import words
    from tracker.store import access
    from tracker.store.engine import reading
    from tracker.terminal import opening, showing

    with opening.to_read() as opened, reading(opened.engine) as connection:
        keys = access.all_keys(connection)
    if as_json:
        showing.json({"items": keys, "next": None})
        return
    zone = ZoneInfo(opened.zone)
    rows = [
        (
            k.id,
            k.analyst.name,
            words.day(k.created_at, zone),
            words.day(k.revoked_at, zone) if k.revoked_at else "",
        )
        for k in keys
    ]
    showing.table("key", "analyst", "created", "revoked", rows=rows)


@key.command()
@click.argument("id_or_name", metavar="ID")
@as_json
def revoke(id_or_name: str, as_json: bool) -> None:
    """End a key by its ID, or all keys of an analyst by name, and the sessions they opened."""
    from tracker.store import access
    from tracker.store.engine import writing
    from tracker.terminal import opening, showing

    with opening.to_write() as opened, writing(opened.engine) as connection:
        revoked = access.revoke(connection, id_or_name, opened.clock())
    if as_json:
        showing.json({"revoked": revoked})
    else:
        showing.line(f"Revoked: {', '.join(revoked)}")
