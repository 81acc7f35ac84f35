"""Endpoints: the addresses of subscriptions that are told over HTTP, with the secrets that go with them.

An address may itself be a secret (whoever knows that of a chat can write there), so both lie sealed. After a rotation
the old secret signs beside the new one for a while.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_bytes

from sqlalchemy import Column, Connection, ForeignKey, String, Table, Text, delete, select, update

from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import subscriptions
from tracker.schema import Instant, durable

OVERLAP = timedelta(hours=24)
"""How long an old secret goes on signing, unless said otherwise."""
LONGEST_OVERLAP = timedelta(days=7)

endpoints = Table(
    "endpoints",
    durable,
    Column("subscription", String(40), ForeignKey(subscriptions.c.id), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text),
    Column("old_secret", Text),
    Column("old_until", Instant),
    Column("contact", String(320)),
    Column("contact_confirmed_at", Instant),
    comment="Addresses that are told over HTTP, sealed, with their secrets; contact: who is told of failures.",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint, opened: its address and the secrets that sign now, the newest first. ``contact``: who agreed to be
    written to when it fails."""

    url: str
    secrets: tuple[str, ...]
    contact: str | None


def new_secret() -> str:
    """A secret to sign with, as Standard Webhooks has them: ``whsec_`` and 32 random bytes in base64."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def add(
    connection: Connection,
    subscription: str,
    url: str,
    secret: str | None,
    contact: str | None,
    sealer: Sealer,
) -> None:
    """Keep the endpoint of a subscription."""
    connection.execute(
        endpoints.insert().values(
            subscription=subscription, url=sealer.seal(url), secret=sealer.seal(secret) if secret else None,
            contact=contact,
        )
    )  # fmt: skip


def get(connection: Connection, subscription: str, sealer: Sealer, now: datetime) -> Endpoint | None:
    """The endpoint of a subscription; None where it has none."""
    row = connection.execute(select(endpoints).where(endpoints.c.subscription == subscription)).one_or_none()
    if row is None:
        return None
    sealed = [row.secret, row.old_secret if row.old_until and row.old_until > now else None]
    return Endpoint(
        sealer.open(row.url),
        tuple(sealer.open(one) for one in sealed if one),
        row.contact if row.contact_confirmed_at else None,
    )


def rotate(
    connection: Connection, subscription: str, secret: str, overlap: timedelta, sealer: Sealer, now: datetime
) -> None:
    """From now on another secret signs; the one before it signs beside it for a while."""
    connection.execute(
        update(endpoints)
        .where(endpoints.c.subscription == subscription)
        .values(old_secret=endpoints.c.secret, old_until=now + overlap, secret=sealer.seal(secret))
    )


def seal_anew(connection: Connection, sealer: Sealer) -> int:
    """Seal with the first key what was sealed with another; how many addresses and secrets that were. OtherKey where a
    key is missing; then nothing was changed."""
    changed = 0
    for name in ("url", "secret", "old_secret"):
        column = endpoints.c[name]
        held = connection.execute(select(endpoints.c.subscription, column).where(column.is_not(None))).all()
        for subscription, text in held:
            if sealer.is_old(text):
                new = {name: sealer.seal(sealer.open(text))}
                mine = endpoints.c.subscription == subscription, column == text
                changed += connection.execute(update(endpoints).where(*mine).values(new)).rowcount
    return changed


def contact_of(connection: Connection, subscription: str) -> str | None:
    """Who is to be asked whether it may be written to."""
    return connection.scalar(select(endpoints.c.contact).where(endpoints.c.subscription == subscription))


def agreed_contact(connection: Connection, subscription: str) -> str | None:
    """Who agreed to be written to when it fails; without opening what is sealed."""
    return connection.scalar(
        select(endpoints.c.contact).where(
            endpoints.c.subscription == subscription, endpoints.c.contact_confirmed_at.is_not(None)
        )
    )


def name_contact(connection: Connection, subscription: str, contact: str | None) -> None:
    """Another one is to be asked, or nobody is to be written to."""
    connection.execute(
        update(endpoints)
        .where(endpoints.c.subscription == subscription)
        .values(contact=contact, contact_confirmed_at=None)
    )


def contact_agrees(connection: Connection, subscription: str, now: datetime) -> None:
    """Who was named as the one to write to agrees."""
    connection.execute(
        update(endpoints)
        .where(endpoints.c.subscription == subscription, endpoints.c.contact.is_not(None))
        .values(contact_confirmed_at=now)
    )


def erase(connection: Connection, subscription: str) -> None:
    """Forget the address, the secrets and the contact of a subscription."""
    connection.execute(delete(endpoints).where(endpoints.c.subscription == subscription))
