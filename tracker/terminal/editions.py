"""Editions on a screen: what digests said, and one of them as it was frozen."""

from datetime import date

import rich_click as click

from tracker import read
from tracker.delivery import editions as kept
from tracker.delivery import render
from tracker.delivery.editions import Frozen
from tracker.domain import words
from tracker.domain.edition import about
from tracker.domain.errors import invalid
from tracker.domain.views import Entry
from tracker.read import subjects
from tracker.store import log
from tracker.store.engine import reading
from tracker.terminal import opening, showing

SHORT = 12
"""As much of an id as a table shows; the beginning of one is enough to ask for it."""


def editions(
    partner: str | None, sector: str | None, day: str | None, changed: bool, limit: int, as_json: bool
) -> None:
    """The editions cut last."""
    if day is not None:
        try:
            day = date.fromisoformat(day).isoformat()
        except ValueError:
            raise invalid("--day", f"--day: {day!r} is not a date: write it as 2025-04-10") from None
    with opening.to_read() as opened, reading(opened.engine) as connection:
        known = log.position(connection)
        if partner is not None:
            partner = partner.upper()
            read.partner(connection, partner, known)
        if sector is not None:
            (sector,) = subjects.sectors(connection, [sector], known, "--sector")
        found = kept.listed(
            connection, partner=partner, sector=sector, day=day, empty=not changed, limit=limit
        )
        names = {code: one.name for code, one in read.names(connection, known).items()}
    if as_json:
        showing.json({"items": found, "next": None})
        return
    if not found:
        showing.line("There is no such edition.")
    showing.table(
        "day", "edition", "says", "about", firm=["day", "edition"],
        rows=[
            (words.stated(one.day), one.id[:SHORT], one.headline, about(one.scope, names)) for one in found
        ],
    )  # fmt: skip


def edition(id: str, whole: bool, as_json: bool) -> None:
    """One edition: as JSON to the byte, so that its SHA-256 is its id."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        found = kept.beginning(connection, id)
        known = log.position(connection)
        mended = [
            read.story(connection, one, known).entry for one in kept.repaired_since(connection, found.id)
        ]
    if as_json:
        click.echo(found.content, nl=False)
        return
    told = _said(found, mended, None if whole else render.ITEMS)
    click.echo(showing.plain(told).plain, nl=False)


def _said(found: Frozen, mended: list[Entry], items: int | None) -> str:
    told = render.text(
        found.edition, items=items, more=lambda part, first: f"tracker edition {found.id[:SHORT]} --all"
    )
    if not mended:
        return told
    lines = [
        f"- {one.title}: {one.standing}{f', {one.reason}' if one.reason else ''} (tracker events {one.development})"
        for one in mended
    ]
    return "\n".join(["Since this edition was cut, our record was mended:", *lines, "", told])
