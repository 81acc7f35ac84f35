"""Digests and subscriptions on a screen."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import rich_click as click

from tracker.delivery import deliveries, editions, enrolment, notices, render, sender
from tracker.delivery import subscriptions as kept
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Subscription, Wanted
from tracker.domain import words
from tracker.domain.edition import Scope
from tracker.read import subjects
from tracker.store import log
from tracker.store.engine import reading, writing
from tracker.terminal import opening, showing

WHO = "operator"


def digest(
    partners: Sequence[str], sectors: Sequence[str], day: str | None, whole: bool, as_json: bool
) -> None:
    """What a digest would say: as much of it as a mail holds, or the whole."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        named = subjects.sectors(connection, sectors, log.position(connection), "--sector")
        scope = Scope(partners=[code.upper() for code in partners], sectors=named)
        edition = editions.preview(connection, scope, now=opened.clock(), zone=opened.zone, day=day)
    if as_json:
        showing.json(edition)
    else:
        items = None if whole else render.ITEMS
        told = render.text(edition, items=items, more=lambda part, first: "tracker digest --all")
        click.echo(showing.plain(told).plain, nl=False)


def subscribe(
    address: str, as_json: bool, zone: str | None, over: str, contact: str | None, confirmed: bool, **wanted: Any
) -> None:  # fmt: skip
    """Add a subscription."""
    with opening.to_record() as opened:
        asked = Wanted(zone=zone or opened.zone, **wanted)
        lock = sealer(opened.settings)
        with writing(opened.engine) as connection:
            made = enrolment.enrol(
                connection, opened.settings, lock, over=over, address=address, wanted=asked, contact=contact,
                now=opened.clock(), by=WHO, confirmed=confirmed,
            )  # fmt: skip
        assert made is not None, "an operator is told why not"
        one = made.subscription
        unready = sender.unready(opened.settings).get(over)
        own = notices.links(opened.settings.public_url, lock, one.id).own
    if as_json:
        showing.json(shape(one) | {"page": own, "secret": made.secret})
        return
    waits = "" if confirmed else " once that is confirmed (a message that asks for it is on its way)"
    showing.line(f"{one.id}: {one.address} gets {scope(one)}, {notices.when(one)}{waits}.")
    showing.line(f"Its page: {own}")
    if made.secret:
        showing.line(f"Its secret, shown this once: {made.secret}")
    if unready:
        click.echo(f"It leaves by a service that is set up for it; here: {unready}", err=True)


def subscriptions(stopped: bool, as_json: bool) -> None:
    """All subscriptions, each with where its last delivery stands."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        unready = sender.unready(opened.settings)
        found = kept.listed(connection, stopped=stopped)
        last = {
            one.id: deliveries.listed(connection, subscription=one.id, to=one.address, limit=1)
            for one in found
        }
    standing = {
        id: deliveries.standing(held[0], unready.get(held[0].channel)) for id, held in last.items() if held
    }
    if as_json:
        showing.json({"items": [shape(one) | {"last": standing.get(one.id)} for one in found], "next": None})
        return
    showing.table(
        "subscription", "address", "gets", "next", "last", firm=["subscription"],
        rows=[
            (
                one.id, one.address or "(erased)", scope(one), _due(one) if one.active else one.state,
                standing.get(one.id, ""),
            )
            for one in found
        ],
    )  # fmt: skip


def unsubscribe(id: str, as_json: bool) -> None:
    """Stop one."""
    with opening.to_read() as opened, writing(opened.engine) as connection:
        stopped = enrolment.stop(connection, id)
    if as_json:
        showing.json({"stopped": stopped.id})
    else:
        showing.line(f"{stopped.id} is stopped, and its address erased.")


def scope(one: Subscription) -> str:
    whom = "all partners" if one.scope.everybody else ", ".join([*one.scope.partners, *one.scope.sectors])
    return f"{whom}: {', '.join(one.scope.topics)}" if one.scope.topics else whom


def _due(one: Subscription) -> str:
    if one.halted_because is not None:
        return f"halted: {one.halted_because}"
    if one.at_once:
        return "at once"
    return f"{words.day(one.due_at, ZoneInfo(one.zone))} ({one.zone})"


def shape(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id, "channel": one.channel, "address": one.address, "scope": one.scope, "zone": one.zone,
        "hour": one.hour, "weekdays": one.weekdays, "at_once": one.at_once, "send_empty": one.send_empty,
        "state": one.state, "told": one.told, "due_at": one.due_at, "created_at": one.created_at,
        "created_by": one.created_by, "confirmed_at": one.confirmed_at, "failures": one.failures,
        "failing_since": one.failing_since, "halted_at": one.halted_at, "halted_because": one.halted_because,
    }  # fmt: skip
