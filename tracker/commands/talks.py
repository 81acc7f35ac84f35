"""What is asked of negotiations: goals beside results, deadlines, commitments, and the laws behind measures."""

from typing import Any

import rich_click as click

from tracker.terminal.asking import as_json, point

partner = click.option("--partner", metavar="CODE", help="Only of this partner, and of the blocs it is in.")


@click.command()
@click.argument("code")
@point
@as_json
def negotiation(code: str, as_json: bool, **axes: Any) -> None:
    """The talks with a partner: goals beside results, and what moved each."""
    from tracker import read
    from tracker.terminal import negotiating, opening, showing

    with opening.at_point(axes) as (connection, at):
        found = read.negotiation(connection, code.upper(), at)
    showing.json(found) if as_json else negotiating.show(found)


@click.command()
@partner
@click.option(
    "--status", type=click.Choice(["open", "met", "missed", "cancelled", "closed"]), help="Only those."
)
@point
@as_json
def deadlines(partner: str | None, status: str | None, as_json: bool, **axes: Any) -> None:
    """Deadlines by date, with every date they had."""
    from tracker import read
    from tracker.terminal import negotiating, opening, showing

    with opening.at_point(axes) as (connection, at):
        found = read.deadlines(connection, at, partner and partner.upper())
        found = [one for one in found if status in (None, one.status)]
        causes = read.causes(connection, {move.position for one in found for move in one.moves})
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None, "causes": causes})
    else:
        negotiating.show_deadlines(found, temporal)


@click.command()
@partner
@point
@as_json
def commitments(partner: str | None, as_json: bool, **axes: Any) -> None:
    """What agreements promise with an amount or by a date, and what came of it."""
    from tracker import read
    from tracker.read import subjects
    from tracker.terminal import negotiating, opening, showing

    with opening.at_point(axes) as (connection, at):
        found = subjects.commitments(connection, at, partner and partner.upper())
        causes = read.causes(connection, {move.position for one in found for move in one.moves})
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None, "causes": causes})
    else:
        negotiating.show_commitments(found, temporal)


@click.command()
@point
@as_json
def authorities(as_json: bool, **axes: Any) -> None:
    """The laws that measures are taken under, and what courts made of them."""
    from tracker import read
    from tracker.terminal import negotiating, opening, showing

    with opening.at_point(axes) as (connection, at):
        found = read.authorities(connection, at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None})
    else:
        negotiating.show_authorities(found, temporal)


COMMANDS: tuple[click.Command, ...] = (negotiation, deadlines, commitments, authorities)
