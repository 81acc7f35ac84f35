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
        cards, temporal = read.board(connection, at), read.temporal(connection, at)
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
        entries, temporal = read.timeline(connection, code.upper(), at), read.temporal(connection, at)
    if as_json:
        showing.json({"temporal": temporal, "items": entries, "next": None})
        return
    zone = ZoneInfo(at.zone)
    showing.line(showing.point(temporal))
    for entry in entries:
        showing.heading(f"{words.stated(entry.announced)}  {entry.title}")
        marks = [] if entry.standing == "current" else [f"{entry.standing}: {entry.reason}"]
        marks += [f"logged late, on {words.day(entry.learnt_at, zone)}"] if entry.late else []
        showing.bullets([*marks, *(showing.change(change, zone) for change in entry.changes)])


@click.command()
@click.argument("code")
@click.option("--from", "first", required=True, metavar="WHEN", help="What applied then ...")
@click.option("--to", "then", metavar="WHEN", help="... against what applied then. Default: now.")
@click.option("--known-from", metavar="WHEN", help="The first as known then. Default: now.")
@click.option("--known-to", metavar="WHEN", help="The second as known then. Default: now.")
@as_json
def diff(
    code: str, first: str, then: str | None, known_from: str | None, known_to: str | None, as_json: bool
) -> None:
    """What differs for a partner between two points, of the world's time or of knowledge."""
    from tracker import read
    from tracker.store.engine import reading
    from tracker.terminal import opening, showing

    with opening.to_read() as opened, reading(opened.engine) as connection:
        now = opened.clock()
        before = read.point(
            connection,
            now=now,
            zone=opened.zone,
            as_of=first,
            known_at=known_from,
            names=("--from", "--known-from", ""),
        )
        after = read.point(
            connection,
            now=now,
            zone=opened.zone,
            as_of=then,
            known_at=known_to,
            names=("--to", "--known-to", ""),
        )
        changes = read.diff(connection, code.upper(), before, after)
        ends = read.temporal(connection, before), read.temporal(connection, after)
    if as_json:
        showing.json({"from": ends[0], "to": ends[1], "items": changes, "next": None})
        return
    for end in ends:
        showing.line(showing.point(end))
    showing.line()
    showing.bullets(
        [showing.change(change, ZoneInfo(opened.zone)) for change in changes] or ["nothing differs"]
    )


@click.command()
@click.argument("reference", required=False, metavar="[ID]")
@click.option("--subject", metavar="KEY", help="Only those about this subject: measure:us-...")
@click.option("--after", type=click.IntRange(0), metavar="POSITION", help="Only those after this position.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True)
@as_json
def events(reference: str | None, subject: str | None, after: int | None, limit: int, as_json: bool) -> None:
    """The events of the log, the newest at the end; with an ID, one event or development and its versions."""
    from tracker.terminal import opening
    from tracker.terminal.logbook import show_events, show_story

    with opening.to_read() as opened:
        if reference is not None:
            show_story(opened, reference, as_json)
        else:
            show_events(opened, subject, after, limit, as_json)


COMMANDS: tuple[click.Command, ...] = (partners, state, timeline, diff, events)
