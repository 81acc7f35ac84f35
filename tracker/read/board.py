"""The board: all partners at a point, each with what a reader wants to know first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection

from tracker.domain import words
from tracker.domain.duty import counted
from tracker.domain.events import HOME, kind_of
from tracker.domain.history import Change, History, Item, blocs_of, by_partner, rows_of
from tracker.domain.paint import EVERYONE, announced
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import (
    Ahead,
    Card,
    Layer,
    Mention,
    PartnerName,
    change_view,
    stated,
    title_of,
)
from tracker.domain.when import vague
from tracker.projections import segments
from tracker.read.partners import abouts_of, checked_through, in_writing, names
from tracker.read.point import Point, temporal
from tracker.store import log

ON_CARDS = ("state", "talks", "profile", "deadline", "claim")
"""The aspects that a card of the board is made of."""


def board(connection: Connection, at: Point) -> list[Card]:
    """All partners that are followed, at a point, each with what a reader wants to know first."""
    rows = segments.known(connection, None, at.known)
    abouts = abouts_of(connection, rows, at.known)
    held = by_partner(rows)
    last = _last_changes(connection, at)
    cards = []
    for code, name in names(connection, at.known).items():
        seen = History(code, rows_of(code, held), abouts)
        whose = {code, EVERYONE, *blocs_of(held.get(code, ()))}
        mentions = {who: last[who] for who in sorted(whose) if who in last}
        cards.append(_card(connection, name, seen, at, mentions))
    return cards


def _card(
    connection: Connection, name: PartnerName, seen: History, at: Point, mentions: Mapping[str, Mention]
) -> Card:
    items = seen.items(at.as_of, lambda key: key.family in ON_CARDS and key.scope in ("", ALL_GOODS))
    items = counted(items, seen.scopes)
    checked = checked_through(seen)
    deals = [i for i in items if kind_of(i.key.subject) == "agreement" and i.key.aspect == "state"]
    own = {item.key.family: item for item in items if item.key.subject == f"partner:{name.code}"}
    talks = own.get("talks") or next((i for i in items if i.key.family == "talks"), None)
    return Card(
        partner=msgspec.structs.replace(name, blocs=seen.blocs(at.as_of)),
        talks=talks.get("status") if talks else None,
        deal=title_of(deals[-1].key.subject, deals[-1].about) if deals else None,
        in_writing=in_writing(items),
        layers=[
            Layer(
                subject=i.key.subject, title=title_of(i.key.subject, i.about), via=i.via,
                rate=words.rate(i.get("rate", {"unknown": True})),
            )
            for i in items
            if i.counts and i.key.scope == ALL_GOODS and i.actor == HOME and i.about.get("kind", "tariff") == "tariff"
        ],
        sectors=(own["profile"].get("sectors") or []) if "profile" in own else [],
        last_change=_latest(mentions.values()),
        last_own=_latest(mention for who, mention in mentions.items() if who != EVERYONE),
        next_date=_next(seen, items, at.as_of),
        checked_through=checked,
        beyond_coverage=temporal(connection, at, checked).beyond_coverage,
    )  # fmt: skip


def _latest(mentions: Iterable[Mention]) -> Mention | None:
    return max(mentions, key=lambda mention: mention.announced, default=None)


def _next(seen: History, items: Sequence[Item], at: datetime) -> Ahead | None:
    change = seen.next_change(at)
    ahead = (
        [
            Ahead(
                at=change.start,
                what=_headline(change, seen),
                subject=change.key.subject,
                stated=stated(seen.abouts.get(change.key.subject, {}), change.start),
            )
        ]
        if change
        else []
    )
    for item in items:
        title = item.get("title") or title_of(item.key.subject, item.about)
        if item.key.family == "deadline" and item.get("status") == "open" and item.get("due_at"):
            ahead.append(
                Ahead(
                    at=datetime.fromtimestamp(item.get("due_at"), UTC),
                    what=f"deadline: {title}",
                    subject=item.key.subject,
                    stated=vague(item.get("due")),
                )
            )
        if (item.get("status") == "threatened" or item.get("outcome") == "open") and item.get("starts_at"):
            ahead.append(
                Ahead(
                    at=datetime.fromtimestamp(item.get("starts_at"), UTC),
                    what=f"threatened: {title}",
                    subject=item.key.subject,
                    stated=vague(item.get("starts")),
                )
            )
    return min((date for date in ahead if date.at > at), key=lambda a: a.at, default=None)


def _headline(change: Change, seen: History) -> str:
    view = change_view(change, seen)
    said = ", said, not law" if change.key.claim else ""
    return f"{view.title}{said}: {view.words[0]}" if view.words else view.title


def _last_changes(connection: Connection, at: Point) -> dict[str, Mention]:
    """Per partner (and ``everyone``), the development announced last that still stands."""
    found: dict[str, Mention] = {}
    touched = segments.positions_by_partner(connection, at.known)
    events = log.at_positions(connection, {position for held in touched.values() for position in held})
    for code, positions in touched.items():
        for position in positions:
            event = events[position]
            when = announced(event.told, event.subject).at
            if when <= at.as_of and (code not in found or when >= found[code].announced):
                found[code] = Mention(development=event.development, title=event.told.title, announced=when)
    return found
