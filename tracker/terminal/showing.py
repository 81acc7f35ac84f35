"""Answers on a screen: JSON as the API gives it, or tables for people; plain text where nobody looks on."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tracker.domain import words
from tracker.domain.paint import NESTED
from tracker.domain.views import ChangeView, ItemView, Preview, Temporal

WIDTH = 80


def console() -> Console:
    """Where people read."""
    width = None if sys.stdout.isatty() else WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def progress(what: str, total: float | None) -> Progress:
    """A bar on stderr, on a terminal only."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    bar.add_task(what, total=total)
    return bar


def json(value: Any) -> None:
    """A value as JSON, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def line(text: str = "") -> None:
    """A line for people."""
    console().print(plain(text), soft_wrap=not sys.stdout.isatty())


def many(number: int, what: str) -> str:
    """``1 event``, ``2,000 events``."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def plain(text: str) -> Text:
    """Text without control characters: what was recorded cannot steer the terminal."""
    return Text("".join(c if c.isprintable() or c == "\n" else "�" for c in text))


def table(
    *columns: str, rows: Iterable[Sequence[str]], firm: Collection[str] = (), title: str = "", indent: int = 0
) -> None:
    """Rows under their headings; nothing at all where there are none. Columns that are ``firm`` are never broken."""
    rows = [*rows]
    if not rows:
        return
    shown = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False, show_edge=False)
    for column in columns:
        shown.add_column(plain(column), overflow="fold", no_wrap=column in firm)
    for row in rows:
        shown.add_row(*(plain(cell) for cell in row))
    if title:
        heading(title)
    console().print(Padding(shown, (0, 0, 0, indent)))


def heading(text: str) -> None:
    """A heading, with a line of air before it."""
    console().print(Text.assemble("\n", (str(plain(text)), "bold")))


# ---------------------------------------------------------------- in words


def point(at: Temporal) -> str:
    """The point an answer is about, and whether the record reaches that far."""
    zone = ZoneInfo(at.zone)
    said = f"On {words.day(at.as_of, zone)}, as known at {words.day(at.known_at, zone)} (position {at.known_position})"
    if not at.beyond_coverage:
        return f"{said}."
    kept = f"is kept until {words.stated(at.checked_through)}" if at.checked_through else "was never checked"
    return f"{said}. The record {kept}: later news may be missing."


def state(state: Mapping[str, Any], leave_out: Sequence[str] = ()) -> str:
    """A state in one phrase: ``in force; rate 25%; legal status valid``."""
    facts: dict[str, Any] = {}
    for name, value in state.items():
        if name in NESTED:
            facts |= {f"{name}.{key}": entry for key, entry in value.items()}
        elif name not in leave_out:
            facts[name] = value
    return "; ".join(words.change({}, facts))


def item(view: ItemView) -> str:
    """What an item is called: its title, or that of its subject with its own key."""
    own = view.state.get("title") or (words.scope_of(view.key) if view.key else "")
    scope = words.scope_of(view.scope) if view.scope and view.scope != "all-goods" else ""
    return ", ".join(part for part in (own or view.title, scope) if part)


def day(at: datetime, zone: ZoneInfo, stated: str | None = None) -> str:
    """``2 Sep 2025``, where there is little room; what was ``stated`` less precisely, in those words."""
    if stated:
        return words.stated(stated)
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def span(first: int, last: int) -> str:
    """``7-11``."""
    return str(first) if first == last else f"{first}-{last}"


def since(view: ItemView, zone: ZoneInfo) -> str:
    """From when to when it holds."""
    start = _day(view.since, view.since_stated, zone)
    return (
        f"{start} {words.bound(_day(view.until, view.until_stated, zone), 'until')}" if view.until else start
    )


def change(view: ChangeView, zone: ZoneInfo | None = None) -> str:
    """A change in a line: what, from what to what, and (in a zone) when."""
    aspect = words.ASPECTS.get(view.aspect, view.aspect)
    own = " ".join(part for part in (aspect, words.scope_of(view.key)) if part)
    scope = words.scope_of(view.scope) if view.scope and view.scope != "all-goods" else ""
    claim = "claim" if view.claim and view.aspect != "claim" else ""
    about = ", ".join(part for part in (view.title, own, scope, claim) if part)
    over = when(view.starts, view.ends, zone, view.starts_stated, view.ends_stated) if zone else ""
    return f"{about}: {'; '.join(view.words)}{over}"


def when(
    starts: datetime | None,
    ends: datetime | None,
    zone: ZoneInfo,
    starts_stated: str | None = None,
    ends_stated: str | None = None,
) -> str:
    """`` from 1 May 2025 until 2 June 2025``; `` by 3 May 2025``."""
    start, end = _day(starts, starts_stated, zone), _day(ends, ends_stated, zone)
    return "".join(f" {words.bound(at, word)}" for at, word in ((start, "from"), (end, "until")) if at)


def _day(at: datetime | None, stated: str | None, zone: ZoneInfo) -> str:
    return words.stated(stated) if stated else words.day(at, zone) if at else ""


def bullets(texts: Iterable[str], indent: int = 2) -> None:
    """Lines below a heading, hanging."""
    for text in texts:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_row("-", plain(text))
        console().print(Padding(grid, (0, 0, 0, indent)))


def preview(seen: Preview, zone: ZoneInfo) -> None:
    """What an order changes: for each partner before -> after, what resumes at its ends, what it erases."""
    for code, changes in seen.effects.items():
        heading(f"{words.name_of(code)} ({code})" if len(code) == 2 else words.name_of(code))
        bullets(change(view, zone) for view in changes)
        for resumption in seen.resumes.get(code, ()):
            rate = resumption.state.get("rate")
            held = f" ({words.rate(rate)})" if rate else ""
            bullets([f"then resumes: {change(resumption.change, zone)}{held}"])
        for erasure in seen.erases.get(code, ()):
            later = f", it comes on {words.day(erasure.later, zone)}" if erasure.later else ""
            bullets([f"erases what was scheduled: {change(erasure.change, zone)}{later}"])
    if not any(seen.effects.values()):
        line("Nothing that is shown changes.")
