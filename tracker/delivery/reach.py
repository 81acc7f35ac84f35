"""Whom a change that is about to be recorded would reach: asked before saving, never while recording."""

from sqlalchemy import Connection

from tracker import read
from tracker.delivery import subscriptions
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import Scope
from tracker.domain.paint import EVERYONE
from tracker.domain.views import Preview
from tracker.read import Point


def reached(connection: Connection, seen: Preview, at: Point) -> list[Subscription]:
    """The subscriptions whose next digest would tell of these effects."""
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
    return [one for one in listed if _concerns(one.scope, codes, sectors)]


def _concerns(scope: Scope, codes: set[str], sectors: set[str]) -> bool:
    if scope.everybody:
        return bool(codes)
    return not (codes.isdisjoint(scope.partners) and sectors.isdisjoint(scope.sectors))
