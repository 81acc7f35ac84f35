"""Whom a change that is about to be recorded would reach: asked before saving, never while recording."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tracker import read
from tracker.delivery import subscriptions
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import Scope
from tracker.domain.paint import EVERYONE
from tracker.domain.topics import topics_of
from tracker.domain.views import Preview
from tracker.read import Point
from tracker.store import log


def reached(connection: Connection, seen: Preview, development: str, at: Point) -> list[Subscription]:
    """The subscriptions whose next digest would tell of these effects of a development."""
    listed = subscriptions.listed(connection)
    if not listed or not any(seen.effects.values()):
        return []
    cards = [
        card
        for card in read.board(connection, at)
        if not seen.effects.keys().isdisjoint((card.partner.code, *card.partner.blocs, EVERYONE))
    ]
    codes = {card.partner.code for card in cards}
    sectors = {sector for card in cards for sector in card.sectors}
    topics = topics_of(event.event for event in log.of_developments(connection, [development], at.known))
    return [one for one in listed if one.active and _concerns(one.scope, codes, sectors, topics)]


def _concerns(scope: Scope, codes: set[str], sectors: set[str], topics: Sequence[str]) -> bool:
    if scope.topics and not set(scope.topics) & set(topics):
        return False
    if scope.everybody:
        return bool(codes)
    return not (codes.isdisjoint(scope.partners) and sectors.isdisjoint(scope.sectors))
