"""What is asked of the record: partners, states, timelines, differences, events."""

from typing import Any
from zoneinfo import ZoneInfo

import rich_click as click

from tracker.terminal.asking import as_json, point

MOST = 1000


@click.command()
@point
@as_json
def partners(as_json: bool, **axes: Any) -> None:
    """All partners: talks, deal, the rates on all goods, what comes next."""
    from tracker import read
    from tracker.terminal import opening, showing

    with opening.at_point(axes) as (connection, at):
        cards = read.board(connection, at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": cards, "next": None})
        return
    zone = ZoneInfo(at.zone)
    showing.line(showing.point(temporal))
    showing.line()
    showing.table(
        "", "partner", "talks", "deal", "on all goods", "next",
        rows=[
            (
                card.partner.code, card.partner.name, (card.talks or "").replace("_", " "),
                {None: "", True: "in writing", False: "not in writing"}[card.in_writing],
                " + ".join(layer.rate for layer in card.layers),
                showing.day(card.next_date.at, zone) if card.next_date else "",
            )
            for card in cards
        ],
    )  # fmt: skip


@click.command()
@click.argument("code")
@point
@as_json
def state(code: str, as_json: bool, **axes: Any) -> None:
    """Where things stand with a partner."""
    from tracker import read
    from tracker.terminal import opening, showing
    from tracker.terminal.standing import show

    with opening.at_point(axes) as (connection, at):
        seen = read.state(connection, code.upper(), at)
    showing.json(seen) if as_json else show(seen)


@click.command()
@click.argument("code")
@point
@as_json
def timeline(code: str, as_json: bool, **axes: Any) -> None:
    """What happened with a partner, newest first, and what it changed."""
    from tracker import read
    from tracker.domain import words
    from tracker.terminal import opening, showing

    with opening.at_point(axes) as (connection, at):
        name = read.partner(connection, code.upper(), at.known)
        entries = read.timeline(connection, name.code, at)
        temporal = read.temporal(connection, at, read.checked(connection, name.code, at.known))
    if as_json:
        showing.json({"temporal": temporal, "partner": name, "items": entries, "next": None})
        return
    zone = ZoneInfo(at.zone)
    showing.line(showing.point(temporal))
    for entry in entries:
        showing.heading(f"{words.stated(entry.announced)}  {entry.title}")
        marks = [] if entry.standing == "current" else [f"{entry.standing}: {entry.reason}"]
        marks += [entry.confidence] if entry.confidence else []
        marks += [f"logged late, on {words.day(entry.learnt_at, zone)}"] if entry.late else []
        showing.bullets([*marks, *(showing.change(change, zone) for change in entry.changes)])


@click.command()
@click.argument("code")
@click.option("--from", "first", metavar="WHEN", help="What applied then ...")
@click.option("--to", "then", metavar="WHEN", help="... against what applied then. Default of both: now.")
@click.option("--known-from", metavar="WHEN", help="The first as known then. Default: now.")
@click.option("--known-to", metavar="WHEN", help="The second as known then. Default: now.")
@click.option(
    "--known-from-position", type=click.INT, metavar="N", help="The same, by a position in the log."
)
@click.option("--known-to-position", type=click.INT, metavar="N", help="The same, by a position in the log.")
@as_json
def diff(
    code: str, first: str | None, then: str | None, known_from: str | None, known_to: str | None,
    known_from_position: int | None, known_to_position: int | None, as_json: bool,
) -> None:  # fmt: skip
    """What differs for a partner between two points, of the world's time or of knowledge."""
    from tracker import read
    from tracker.store.engine import reading
    from tracker.terminal import opening, showing

    if not (first or known_from or known_from_position is not None):
        raise click.UsageError("From when? Give --from, --known-from or --known-from-position")
    with opening.to_read() as opened, reading(opened.engine) as connection:
        before = opened.point(
            connection,
            first,
            known_from,
            known_from_position,
            ("--from", "--known-from", "--known-from-position"),
        )
        after = opened.point(
            connection, then, known_to, known_to_position, ("--to", "--known-to", "--known-to-position")
        )
        name = read.partner(connection, code.upper(), after.known)
        changes = read.diff(connection, name.code, before, after)
        ends = [
            read.temporal(connection, at, read.checked(connection, name.code, at.known))
            for at in (before, after)
        ]
    if as_json:
        showing.json({"partner": name, "first": ends[0], "then": ends[1], "changes": changes})
        return
    for end in ends:
        showing.line(showing.point(end))
    showing.line()
    showing.bullets([showing.change(change) for change in changes] or ["nothing differs"])


@click.command()
@click.option("--partner", metavar="CODE", help="Only what reaches this partner.")
@click.option("--authority", metavar="KEY", help="Only under this authority: us-ieepa, us-section-232.")
@click.option("--status", metavar="STATUS", help="Only what has this status: in_force, paused, threatened.")
@click.option("--scope", metavar="SCOPE", help="Only in this scope: all-goods, auto-parts.")
@point
@as_json
def measures(
    partner: str | None,
    authority: str | None,
    status: str | None,
    scope: str | None,
    as_json: bool,
    **axes: Any,
) -> None:
    """Measures, and how each stands for whom."""
    from tracker import read
    from tracker.read import subjects
    from tracker.terminal import opening, showing, standing

    wanted = subjects.Wanted(
        partner=partner and partner.upper(), status=status, scope=scope,
        authority=authority and subjects.key_of("authority", authority),
    )  # fmt: skip
    with opening.at_point(axes) as (connection, at):
        found = subjects.measures(connection, at, wanted)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None})
    else:
        standing.show_measures(found, temporal)


@click.command()
@click.argument("code", required=False, metavar="[CODE]")
@click.option(
    "--scope", metavar="SCOPE", help="Which goods: cars, steel (tracker scopes); default all-goods."
)
@click.option("--hs", metavar="CODE", help="Which goods, by a heading of the Harmonized System: 8703.")
@click.option(
    "--direction", type=click.Choice(["import", "export"]), default="import", show_default=True,
    help="The partner's goods in the US, or US goods there.",
)  # fmt: skip
@click.option("--measure", metavar="KEY", help="Only this measure; without CODE: for whom.")
@click.option("--authority", metavar="KEY", help="Only under this authority; without CODE: for whom.")
@click.option("--usmca", is_flag=True, help="The goods qualify under USMCA.")
@click.option("--qualifies", multiple=True, metavar="KEY", help="Another exemption that the goods meet.")
@click.option("--content", metavar="SHARES", help="Shares of the value in percent: us-85,copper-40.")
@click.option("--transshipped", is_flag=True, help="The goods were passed through another country.")
@click.option("--party", metavar="KEY", help="An importer that a ruling names.")
@point
@as_json
def duty(
    code: str | None, scope: str | None, hs: str | None, direction: str, measure: str | None,
    authority: str | None, usmca: bool, qualifies: tuple[str, ...], content: str | None, transshipped: bool,
    party: str | None, as_json: bool, **axes: Any,
) -> None:  # fmt: skip
    """What a partner's goods pay, layer by layer, and in all."""
    from tracker.read import duties
    from tracker.terminal import opening, showing, standing

    question = duties.question(
        partner=code, scope=scope, hs=hs, direction=direction, measure=measure, authority=authority, usmca=usmca,
        qualifies=",".join(qualifies), content=content, transshipped=transshipped, party=party,
    )  # fmt: skip
    with opening.at_point(axes) as (connection, at):
        found = duties.asked(connection, question, at)
    if as_json:
        showing.json(found)
    else:
        standing.show_duty(found)


@click.command()
@point
@as_json
def scopes(as_json: bool, **axes: Any) -> None:
    """The goods that have a name, and their headings."""
    from tracker.read import duties
    from tracker.terminal import opening, showing

    with opening.at_point(axes) as (connection, at):
        found = duties.scopes(connection, at.known)
    if as_json:
        showing.json({"items": found})
    else:
        showing.table(
            "scope", "is", "within", "headings", firm=["scope"],
            rows=[(one.scope, one.title, one.within[0], ", ".join(one.hs)) for one in found],
        )  # fmt: skip


@click.command()
@click.option("--partner", metavar="CODE", help="Only with this partner, or with a bloc of it.")
@point
@as_json
def agreements(partner: str | None, as_json: bool, **axes: Any) -> None:
    """Agreements with their provisions, and the accounts of them that differ."""
    from tracker import read
    from tracker.read import subjects
    from tracker.terminal import opening, showing, standing

    with opening.at_point(axes) as (connection, at):
        found = subjects.deals(connection, at, partner and partner.upper())
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    if as_json:
        showing.json({"temporal": temporal, "items": found, "next": None})
    else:
        standing.show_agreements(found, temporal)


@click.command()
@click.argument("reference", required=False, metavar="[ID]")
@click.option("--subject", metavar="KEY", help="Only about this: measure:us-..., partner:MX.")
@click.option("--type", "type_", metavar="TYPE", help="Only of this type: measure.paused.")
@click.option(
    "--after", type=click.IntRange(0), metavar="POSITION", help="Those after this position, from there on."
)
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="How many at most."
)
@point
@as_json
def events(
    reference: str | None, subject: str | None, type_: str | None, after: int | None, limit: int, as_json: bool,
    **axes: Any,
) -> None:  # fmt: skip
    """The log: its last events, or those after a position.

    With an ID: that event or development, and all its versions.
    """
    from tracker.terminal import logbook, opening

    with opening.at_point(axes) as (connection, at):
        if reference is not None:
            logbook.show_story(connection, at, reference, as_json)
        else:
            logbook.show_events(connection, at, logbook.Sought(subject, type_, after, limit), as_json)


COMMANDS: tuple[click.Command, ...] = (
    partners, state, duty, timeline, diff, measures, agreements, scopes, events,
)  # fmt: skip
