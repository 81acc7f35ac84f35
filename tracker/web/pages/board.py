"""The board: all partners that are followed, and where talks stand with each."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import invalid
from tracker.domain.views import Card, Mention
from tracker.domain.when import BEGINNING, FOREVER
from tracker.read import subjects
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.html import html
from tracker.web.point import AXES, takes
from tracker.web.remembered import About, remember

LAST = 10_000
COLUMNS: dict[str, tuple[str, Callable[[Card], Any]]] = {
    "partner": ("Partner", lambda c: c.partner.name),
    "talks": ("Talks", lambda c: (c.talks or "~", c.partner.rank or LAST)),
    "deal": ("Deal", lambda c: (c.in_writing is None, not c.in_writing, c.partner.rank or LAST)),
    "layers": ("In force on all goods", lambda c: (highest(c), len(c.layers))),
    "last": ("Last change", lambda c: c.last_own.announced if c.last_own else BEGINNING),
    "next": ("Next date", lambda c: c.next_date.at if c.next_date else FOREVER),
    "checked": ("Record kept until", lambda c: c.checked_through or ""),
}
"""The columns by the name they are sorted by: heading, and what decides the order."""
FALLING = ("layers", "last")
"""Columns whose greatest is wanted first."""


@get("/", opt=takes(*AXES, "sort", "sector"), sync_to_thread=True, include_in_schema=False)
def board(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """The board, sorted by ``?sort=`` (``-last``: the other way round), of ``?sector=``, at a point."""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection, moving=True)
        asked = request.query_params.get("sector", "").strip()
        sector = subjects.sectors(connection, [asked], at.known, "sector")[0] if asked else ""
        cards = read.board(connection, at)
    sectors = sorted({sector for card in cards for sector in card.sectors})
    sort = request.query_params.get("sort", "")
    if sort and sort.removeprefix("-") not in COLUMNS:
        raise invalid("sort", f"sort {sort[:40]!r} is no column; these are: {', '.join(COLUMNS)}")
    shown = [card for card in cards if not sector or sector in card.sectors]
    if sort:
        shown.sort(key=COLUMNS[sort.removeprefix("-")][1], reverse=sort.startswith("-"))
    context = {
        "bar": bar, "kept": bar.kept, "cards": shown, "every": len(cards), "columns": COLUMNS, "sort": sort,
        "falling": FALLING,
        "sector": sector, "sectors": sectors, "kept_until": kept_until(cards), "at_point": at,
        "beyond": any(card.beyond_coverage for card in shown), "for_all": for_all(cards),
    }  # fmt: skip
    if point.rememberable(bar, at):
        remember(request.scope, About(at))
    return html(request, "board.html", context, 400 if bar.error else 200)


def highest(card: Card) -> float:
    """The highest stated rate of a card's layers; they are not summed here."""
    rates = [layer.rate.removeprefix("up to ").partition("%")[0] for layer in card.layers]
    return max((float(rate) for rate in rates if rate.replace(".", "", 1).isdigit()), default=0)


def for_all(cards: Sequence[Card]) -> Mention | None:
    """The last change, where it is one for everybody."""
    last = {card.last_change.development: card.last_change for card in cards if card.last_change}
    own = {card.last_own.development for card in cards if card.last_own}
    common = [mention for development, mention in last.items() if development not in own]
    return max(common, key=lambda mention: mention.announced, default=None)


def kept_until(cards: Sequence[Card]) -> list[str]:
    """The days until which the record has been kept: none, one, or the first and the last."""
    days = sorted({card.checked_through for card in cards if card.checked_through})
    return [days[0], days[-1]] if len(days) > 1 else days


ROUTES = (board,)
