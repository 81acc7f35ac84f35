"""Subscriptions and what was sent to them, looked after on a screen."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from tracker.delivery import deliveries as kept
from tracker.delivery import editions, enrolment, notices, sender, subscriptions
from tracker.delivery.deliveries import Delivery, State
from tracker.delivery.sealing import sealer
from tracker.domain.errors import invalid
from tracker.domain.when import moment, rfc3339
from tracker.store.engine import reading, writing
from tracker.terminal import opening, outbox, showing


def show(id: str, as_json: bool) -> None:
    """One subscription."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        one = subscriptions.get(connection, id)
        page = notices.links(opened.settings.public_url, sealer(opened.settings), id).own
    if as_json:
        showing.json(outbox.shape(one) | {"page": page})
        return
    showing.line(f"{one.id}: {one.address or '(erased)'} over {one.channel}, {one.state}")
    showing.line(f"Gets {outbox.scope(one)}, {notices.when(one)}.")
    if one.failures:
        showing.line(
            f"{one.failures} attempts in a row have failed, since {_at(one.failing_since, opened.zone)}."
        )
    if one.halted_because:
        showing.line(f"Halted on {_at(one.halted_at, opened.zone)}: {one.halted_because}.")
    if one.state != "stopped":
        showing.line(f"Its page: {page}")


def confirm(id: str, as_json: bool) -> None:
    """An operator vouches for its address."""
    with opening.to_record() as opened, writing(opened.engine) as connection:
        one = enrolment.vouch(connection, id, opened.clock())
    if as_json:
        showing.json(outbox.shape(one))
    else:
        showing.line(f"{one.id} is confirmed: {one.address} gets {outbox.scope(one)}, {notices.when(one)}.")


def test(id: str, as_json: bool) -> None:
    """Put a test message on its way."""
    with opening.to_record() as opened:
        with writing(opened.engine) as connection:
            one = kept.get(connection, enrolment.test(connection, id, opened.clock()))
        _on_its_way(one, sender.unready(opened.settings).get(one.channel), as_json)


def resume(id: str, since: str | None, as_json: bool) -> None:
    """Go on, and send what did not arrive."""
    with opening.to_record() as opened, writing(opened.engine) as connection:
        one = enrolment.resume(connection, id, opened.clock())
        number = 0
        if since is not None:
            number = kept.recover(connection, id, _instant(since, opened.zone), opened.clock())
    if as_json:
        showing.json(outbox.shape(one) | {"deliveries": number})
    else:
        showing.line(f"{one.id} goes on; {number} deliveries were put on their way again.")


def rotate(id: str, hours: int, as_json: bool) -> None:
    """A new secret."""
    with opening.to_record() as opened, writing(opened.engine) as connection:
        now, overlap = opened.clock(), timedelta(hours=hours)
        secret = enrolment.rotate(connection, sealer(opened.settings), id, overlap, now)
    if as_json:
        showing.json({"secret": secret, "old_until": now + overlap})
    else:
        showing.line(f"The new secret, shown this once: {secret}")
        showing.line(f"The old one signs beside it until {rfc3339(now + overlap)}.")


def contact(id: str, address: str | None, as_json: bool) -> None:
    """Another one to write to when an endpoint fails, or nobody."""
    with opening.to_record() as opened, writing(opened.engine) as connection:
        enrolment.entrust(connection, opened.settings, sealer(opened.settings), id, address, opened.clock())
        one = subscriptions.get(connection, id)
    if as_json:
        showing.json(outbox.shape(one))
    elif address is None:
        showing.line(f"Nobody is written to when {one.address} fails.")
    else:
        showing.line(
            f"If {address} can be written to, a message that asks them is on its way; until then nobody is."
        )


def deliveries(subscription: str | None, states: Sequence[str], limit: int, as_json: bool) -> None:
    """What was sent."""
    wanted = [state for state in get_args(State) if state in states]
    if unknown := {*states} - {*wanted}:
        raise invalid(
            "--state",
            f"--state: {', '.join(sorted(unknown))} is no state; these are: {', '.join(get_args(State))}",
        )
    with opening.to_read() as opened, reading(opened.engine) as connection:
        found = kept.listed(connection, subscription=subscription, states=wanted, limit=limit)
        unready = sender.unready(opened.settings)
        named = {one.id: _name(connection, one) for one in found}
    if as_json:
        items = [_shape(one, unready.get(one.channel)) for one in found]
        showing.json({"items": items, "next": None})
        return
    showing.table(
        "delivery", "subscription", "to", "what", "since", "stands", firm=["delivery", "subscription"],
        rows=[
            (
                str(one.id), one.subscription, one.recipient or "(erased)", named[one.id],
                _at(one.created_at, opened.zone), kept.standing(one, unready.get(one.channel)),
            )
            for one in found
        ],
    )  # fmt: skip


def delivery(number: int, as_json: bool) -> None:
    """One, with every attempt."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        one = kept.get(connection, number)
        tries = kept.attempts_of(connection, number)
        what = _name(connection, one)
        unready = sender.unready(opened.settings).get(one.channel)
    if as_json:
        showing.json(_shape(one, unready) | {"tries": msgspec.to_builtins(tries)})
        return
    showing.line(
        f"{one.id}: {what}, to {one.recipient or '(erased)'} over {one.channel} ({one.subscription})"
    )
    showing.line(f"{kept.standing(one, unready)}; known there as {one.reference}")
    for tried in tries:
        took = f", {tried.milliseconds} ms" if tried.milliseconds is not None else ""
        code = f" {tried.code}" if tried.code is not None else ""
        said = f": {tried.answer}" if tried.answer else ""
        under_way = one.state == "sending" and tried.number == one.attempts
        outcome = tried.outcome or ("under way" if under_way else "no end on record: its worker went away")
        showing.line(f"  {tried.number}. {_at(tried.started_at, opened.zone)}{took}: {outcome}{code}{said}")
    if one.next_attempt_at is not None:
        showing.line(f"Tried next at {_at(one.next_attempt_at, opened.zone)}.")


def resend(number: int, as_json: bool) -> None:
    """Send one again."""
    with opening.to_record() as opened:
        with writing(opened.engine) as connection:
            one = kept.get(connection, number)
            enrolment.going_on(connection, one.subscription)
            kept.again(connection, number, opened.clock())
            one = kept.get(connection, number)
        _on_its_way(one, sender.unready(opened.settings).get(one.channel), as_json)


def _on_its_way(one: Delivery, unready: str | None, as_json: bool) -> None:
    if as_json:
        showing.json(_shape(one, unready))
    else:
        showing.line(f"Delivery {one.id} is on its way: {kept.standing(one, unready)}.")


def _name(connection: Connection, one: Delivery) -> str:
    return f"notice: {one.notice}" if one.edition is None else editions.get(connection, one.edition).headline


def _shape(one: Delivery, unready: str | None) -> dict[str, Any]:
    shape: dict[str, Any] = msgspec.to_builtins(one)
    return shape | {"standing": kept.standing(one, unready)}


def _at(at: datetime | None, zone: str) -> str:
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def _instant(since: str, zone: str) -> datetime:
    try:
        return moment(since, zone).at
    except ValueError:
        raise invalid("--since", f"--since: {since!r} is no day or instant: write it as 2025-04-10") from None
