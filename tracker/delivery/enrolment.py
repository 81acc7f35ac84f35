"""How one comes to be told, changes it, and is forgotten.

Who asks is not yet who is told: what goes out first is a notice with a link, or a code, that only the holder of the
address gets. Asked by strangers, an address is written to at most once in 15 minutes and three times a day, and the
answer is the same whether it is known here or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Column, Connection, Index, String, Table, delete, func, select

from tracker import read
from tracker.delivery import deliveries, endpoints, notices, subscriptions
from tracker.delivery.channels import CHANNELS
from tracker.delivery.channels.channel import Address, Channel
from tracker.delivery.notices import CONFIRM, CONTACT, OWN
from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import Subscription, Wanted
from tracker.domain.errors import Problem, Refused, invalid
from tracker.schema import Instant, Serial, durable
from tracker.settings import Settings
from tracker.store import log

PAUSE = timedelta(minutes=15)
DAY = timedelta(days=1)
A_DAY = 3
"""How often strangers can have a message sent to an address: once in 15 minutes, three times a day."""
A_HOST_A_DAY = 50
"""How often in all to the addresses of one host, so that nobody can have us flood it."""
MAIL = "email"

invitations = Table(
    "invitations",
    durable,
    Column("id", Serial, primary_key=True),
    Column("address", String(64), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Index("ix_invitations_address_sent_at", "address", "sent_at"),
    comment="When an address was last written to because somebody entered it; a keyed hash of it, kept for a day.",
)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of asking. ``secret``: with which messages are signed, shown this once; None where none are."""

    subscription: Subscription
    secret: str | None


def channel(name: str) -> Channel:
    """The channel of this name. Refused where there is none."""
    found = next((one for one in CHANNELS if one.name == name), None)
    if found is None:
        raise invalid(
            "channel", f"{name!r} is not a channel; these are: {', '.join(c.name for c in CHANNELS)}"
        )
    return found


def enrol(
    connection: Connection, settings: Settings, sealer: Sealer, *, over: str = MAIL, address: str,
    wanted: Wanted, contact: str | None = None, now: datetime, by: str, confirmed: bool = False,
    stranger: bool = False,
) -> Enrolled | None:  # fmt: skip
    """Subscribe an address. Unless it counts as ``confirmed``, it is asked first. Refused names every field that is
    wrong; a subscription that is there already is refused (``conflict``), unless a ``stranger`` asks: then it is the
    address that is told. None: asked too often, or known; nothing was kept."""
    chosen = channel(over)
    found, problems = _address(chosen, address, settings)
    mailbox, more = _contact(contact, settings)
    wanted = subscriptions.checked(connection, wanted, *problems, *more)
    assert found is not None, "checked"
    if (twin := _twin(connection, chosen, found, wanted)) is not None:
        if not stranger:
            raise Refused(
                "conflict", f"{found.shown} has this subscription already ({twin.id}): nothing was added"
            )
        if _may_write(connection, sealer, found.full, now):
            _notify(connection, "known", twin, found.shown, now)
        return None
    if stranger and not _may_ask(connection, sealer, found, now):
        if found.sealed:
            raise Refused(
                "too_often",
                "this address was written to a moment ago, or too often today: nothing was added; try again later",
            )
        return None
    made = subscriptions.add(
        connection, channel=over, address=found.shown, wanted=wanted, now=now, by=by, confirmed=confirmed
    )
    secret = endpoints.new_secret() if found.signed else None
    if found.sealed:
        endpoints.add(connection, made.id, found.full, secret, mailbox, sealer)
    if not confirmed:
        _notify(connection, "confirm", made, found.shown, now)
    if mailbox and (not stranger or _may_write(connection, sealer, mailbox, now)):
        _notify(connection, "contact", made, mailbox, now, over=MAIL)
    return Enrolled(made, secret)


def confirm(connection: Connection, sealer: Sealer, id: str, token: str, now: datetime) -> Subscription:
    """The holder of the address agrees. Refused (``denied``) for a token of another."""
    if not sealer.same(token, CONFIRM, id):
        raise denied()
    return vouch(connection, id, now)


def vouch(connection: Connection, id: str, now: datetime) -> Subscription:
    """An operator says that the holder of the address agrees."""
    agreed = subscriptions.confirm(connection, id, now)
    deliveries.give_up(connection, id, "confirm", now)
    return agreed


def agree(connection: Connection, sealer: Sealer, id: str, you: str, now: datetime) -> Subscription:
    """Who is named as the one to write to when an endpoint fails agrees."""
    if not is_contact(connection, sealer, id, you):
        raise denied()
    endpoints.contact_agrees(connection, id, now)
    return subscriptions.get(connection, id)


def disagree(connection: Connection, sealer: Sealer, id: str, you: str) -> None:
    """Who is named as the one to write to does not want to be: their address is erased."""
    if not is_contact(connection, sealer, id, you):
        raise denied()
    endpoints.name_contact(connection, id, None)


def is_contact(connection: Connection, sealer: Sealer, id: str, you: str) -> bool:
    """Whether it is the token of the one who is named now: another one may be by now."""
    named = endpoints.contact_of(connection, id)
    return named is not None and sealer.same(you, CONTACT, id, named)


def owned(connection: Connection, sealer: Sealer, id: str, key: str) -> Subscription:
    """The subscription of whoever has its key. Refused (``denied``) for anybody else, whether there is one or not."""
    if not sealer.same(key, OWN, id):
        raise denied()
    return subscriptions.get(connection, id)


def denied() -> Refused:
    return Refused(
        "denied",
        "this link is not whole, or not one of ours: copy it from the message once more, or subscribe anew",
    )


def change(connection: Connection, id: str, wanted: Wanted, now: datetime) -> Subscription:
    """Another scope, another time. Refused for one that was stopped, or where the address has such a one already."""
    seen = going_on(connection, id)
    wanted = subscriptions.checked(connection, wanted)
    twin = subscriptions.twin(connection, seen.channel, seen.address, wanted)
    if twin is not None and twin.id != id:
        raise Refused(
            "conflict", f"{seen.address} has such a subscription already ({twin.id}): nothing was changed"
        )
    return subscriptions.change(connection, id, wanted, now)


def entrust(
    connection: Connection, settings: Settings, sealer: Sealer, id: str, contact: str | None, now: datetime
) -> None:
    """Name another one to write to when an endpoint fails, or nobody. Until that one agrees, nobody is; named again,
    they are asked again. Whether an address was written to a moment ago is not told: then it is not written to."""
    seen = going_on(connection, id)
    mailbox, problems = _contact(contact, settings)
    if problems:
        raise Refused("invalid", problems[0].detail, *problems)
    if seen.channel == MAIL:
        raise invalid("contact", "contact: only an endpoint has one; a mail goes to its own address")
    if mailbox == endpoints.agreed_contact(connection, id):
        return
    if mailbox and not _may_write(connection, sealer, f"contact of {id}", now, timedelta(0), A_DAY):
        raise Refused(
            "too_often", f"others were named {A_DAY} times today: nothing was changed; try again tomorrow"
        )
    endpoints.name_contact(connection, id, mailbox)
    if mailbox and _may_write(connection, sealer, mailbox, now):
        _notify(connection, "contact", seen, mailbox, now, over=MAIL)


def stop(connection: Connection, id: str) -> Subscription:
    """Stop a subscription: nothing more goes out, and its address is erased wherever it stands."""
    seen = subscriptions.get(connection, id)
    if seen.state == "stopped":
        raise Refused("conflict", f"subscription {id} is stopped already: nothing was changed")
    deliveries.cancel(connection, id)
    endpoints.erase(connection, id)
    return subscriptions.stop(connection, id)


def rotate(connection: Connection, sealer: Sealer, id: str, overlap: timedelta, now: datetime) -> str:
    """A new secret for an endpoint, shown this once; the old one signs beside it for a while."""
    seen = going_on(connection, id)
    if not timedelta(0) <= overlap <= endpoints.LONGEST_OVERLAP:
        raise invalid("hours", "hours: the old secret can go on signing for 0 to 168 hours")
    held = endpoints.get(connection, id, sealer, now)
    if held is None or not held.secrets:
        raise Refused(
            "conflict", f"messages over {channel(seen.channel).label} are not signed: there is no secret"
        )
    secret = endpoints.new_secret()
    endpoints.rotate(connection, id, secret, overlap, sealer, now)
    return secret


def test(connection: Connection, id: str, now: datetime) -> int:
    """Send a test message; the delivery it is. Not before one that is on its way has arrived or failed."""
    seen = going_on(connection, id)
    if deliveries.listed(connection, subscription=id, states=("pending", "sending"), notice="test", limit=1):
        raise Refused("conflict", "a test message is on its way already: wait until it has been tried")
    return _notify(connection, "test", seen, seen.address, now)


def again(connection: Connection, id: str, delivery: int, now: datetime) -> None:
    """Send one of its messages once more. Refused (``not_found``) for what was sent to anybody else: who holds the key
    of an endpoint must not have us write to whom he only named."""
    seen = going_on(connection, id)
    held = deliveries.get(connection, delivery)
    if (held.subscription, held.recipient) != (id, seen.address):
        raise Refused(
            "not_found", f"there is no message {delivery} to this address: take its number from the list"
        )
    deliveries.again(connection, delivery, now)


def resume(connection: Connection, id: str, now: datetime) -> Subscription:
    """A subscription that was halted goes on; what was held stays so until it is put on its way."""
    going_on(connection, id)
    subscriptions.resume(connection, id)
    return subscriptions.get(connection, id)


def going_on(connection: Connection, id: str) -> Subscription:
    """A subscription that is active. Refused (``conflict``) for one that is not confirmed yet, or was stopped."""
    seen = subscriptions.get(connection, id)
    if seen.state == "pending":
        raise Refused("conflict", "this subscription is not confirmed yet: confirm it first")
    if seen.state == "stopped":
        raise Refused("conflict", "this subscription was stopped: nothing was changed; subscribe anew")
    return seen


def tidy(connection: Connection, now: datetime) -> int:
    """Forget what nobody confirmed in time; how many that were."""
    gone = subscriptions.expired(connection, now)
    for id in gone:
        deliveries.remove(connection, id)
        endpoints.erase(connection, id)
        subscriptions.remove(connection, id)
    connection.execute(delete(invitations).where(invitations.c.sent_at <= now - DAY))
    return len(gone)


# ---------------------------------------------------------------- addresses


def _address(chosen: Channel, text: str, settings: Settings) -> tuple[Address | None, Sequence[Problem]]:
    try:
        return chosen.address(text.strip(), settings), []
    except Refused as refused:
        return None, refused.problems


def _contact(contact: str | None, settings: Settings) -> tuple[str | None, Sequence[Problem]]:
    if contact is None or not contact.strip():
        return None, []
    try:
        return channel(MAIL).address(contact.strip(), settings).full, []
    except Refused as refused:
        return None, [Problem("contact", problem.detail) for problem in refused.problems]


def _twin(connection: Connection, chosen: Channel, found: Address, wanted: Wanted) -> Subscription | None:
    """Endpoints may have as many as they like: what is listed of their addresses is not the whole."""
    return None if found.sealed else subscriptions.twin(connection, chosen.name, found.shown, wanted)


def _may_ask(connection: Connection, sealer: Sealer, found: Address, now: datetime) -> bool:
    if not found.sealed:
        return _may_write(connection, sealer, found.full, now)
    host = urlsplit(found.full).netloc
    return _may_write(connection, sealer, found.full, now) and _may_write(
        connection, sealer, host, now, timedelta(0), A_HOST_A_DAY
    )


def _may_write(
    connection: Connection, sealer: Sealer, address: str, now: datetime, pause: timedelta = PAUSE, a_day: int = A_DAY
) -> bool:  # fmt: skip
    """Whether an address may be written to because a stranger asks; it is remembered that it was."""
    hashed = sealer.token("invitation", address.lower())
    sent = connection.execute(
        select(func.count(), func.max(invitations.c.sent_at)).where(
            invitations.c.address == hashed, invitations.c.sent_at > now - DAY
        )
    ).one()
    if sent[0] >= a_day or (sent[1] is not None and sent[1] > now - pause):
        return False
    connection.execute(invitations.insert().values(address=hashed, sent_at=now))
    return True


def _notify(
    connection: Connection, kind: notices.Kind, one: Subscription, recipient: str, now: datetime,
    over: str | None = None,
) -> int:  # fmt: skip
    return deliveries.notify(
        connection, subscription=one.id, notice=notices.notice(kind, one, names(connection), log.position(connection)),
        channel=over or one.channel, recipient=recipient, now=now,
    )  # fmt: skip


def names(connection: Connection) -> dict[str, str]:
    """The partners by name."""
    return {code: who.name for code, who in read.names(connection, log.position(connection)).items()}
