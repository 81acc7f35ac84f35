"""What sources say, beside what our record holds."""

from typing import Any

import rich_click as click

from tracker.terminal.asking import as_json, point

source = click.option(
    "--source",
    metavar="KEY",
    help="Only this source, by the key of its claims: tradewartracker, budget-lab, ...",
)
partner = click.option("--partner", metavar="CODE", help="Only what reaches this partner.")
subject = click.option("--subject", metavar="KEY", help="Only about this: measure:us-..., partner:MX.")


@click.command()
@source
@partner
@subject
@click.option(
    "--said-by", metavar="WHEN", help="As they had it by then, whenever it was recorded. Default: their last."
)
@point
@as_json
def statements(
    source: str | None,
    partner: str | None,
    subject: str | None,
    said_by: str | None,
    as_json: bool,
    **axes: Any,
) -> None:
    """What sources say, in their own words: claims, not law.

    What did this one say on 15 October about 1 November? tracker statements --source tradewartracker --partner CN
    --said-by 2025-10-15 --as-of 2025-11-01
    """
    from tracker import read
    from tracker.read import accounts
    from tracker.terminal import comparing, opening, showing

    sought = accounts.Sought(source, partner and partner.upper(), subject)
    with opening.at_point(axes) as (connection, at):
        by = accounts.said_by(said_by, at, "--said-by")
        found, causes = accounts.statements(connection, at, sought, by)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "said_by": by, "items": found, "next": None, "causes": causes})
    else:
        comparing.show_statements(found, temporal, by)


@click.command()
@source
@partner
@subject
@click.option("--now", "holding", is_flag=True, help="Only those that hold at the point.")
@point
@as_json
def conflicts(
    source: str | None,
    partner: str | None,
    subject: str | None,
    holding: bool,
    as_json: bool,
    **axes: Any,
) -> None:
    """Where sources and our record, or two sources, cannot both be right, about any day until --as-of."""
    from tracker import read
    from tracker.read import accounts, disputes
    from tracker.terminal import comparing, opening, showing

    sought = accounts.Sought(source, partner and partner.upper(), subject)
    with opening.at_point(axes) as (connection, at):
        found, causes = disputes.disputes(connection, at, sought)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    found = [one for one in found if one.holds or not holding]
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None, "causes": causes})
    else:
        comparing.show_conflicts(found, temporal)


COMMANDS: tuple[click.Command, ...] = (statements, conflicts)
