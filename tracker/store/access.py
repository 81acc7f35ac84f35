"""Who may write: analysts, their keys, and the sessions that a key opens in a browser.

Ordinary rows, so that they can be erased; the log knows an analyst by an opaque id alone. Secrets are kept as
their SHA-256: they are 256 random bits, so a slow hash would add nothing. They are looked up by that hash, which
tells a guesser nothing about a secret, however long the look-up takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex, token_urlsafe

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    delete,
    or_,
    select,
    update,
)

from tracker.domain.errors import Refused, invalid
from tracker.schema import Instant, durable

PREFIX = "trk_"
"""What every key begins with, so that scanners for leaked secrets can find one."""
SESSION = timedelta(days=14)

analysts = Table(
    "analysts",
    durable,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    comment="Who may write. Events name the id, never the name.",
)
keys = Table(
    "keys",
    durable,
    Column("id", String(40), primary_key=True),
    Column("analyst", String(40), ForeignKey(analysts.c.id), nullable=False, index=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    comment="What analysts sign in and call the API with; only the SHA-256 of the secret is kept.",
)
sessions = Table(
    "sessions",
    durable,
    Column("hash", LargeBinary, primary_key=True),
    Column("key", String(40), ForeignKey(keys.c.id), nullable=False, index=True),
    Column("expires_at", Instant, nullable=False, index=True),
    comment="Browsers that are signed in, each by a key; a revoked key ends its sessions.",
)


@dataclass(frozen=True, slots=True)
class Analyst:
    """Somebody who may write: the opaque id that events carry, and a name for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. The secret is shown once; nobody can read it again."""

    analyst: Analyst
    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed."""

    id: str
    analyst: Analyst
    created_at: datetime
    revoked_at: datetime | None


def create(connection: Connection, name: str, now: datetime) -> NewKey:
    """A new key for the analyst of this name, who is added where there is none."""
    name = name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise invalid("name", f"name {name!r}: give the analyst a name of 1 to 80 printable characters")
    known = connection.execute(select(analysts).where(analysts.c.name == name)).one_or_none()
    analyst = Analyst(known.id if known else f"analyst-{token_hex(8)}", name)
    if not known:
        connection.execute(analysts.insert().values(id=analyst.id, name=name, created_at=now))
    key = NewKey(analyst, f"key-{token_hex(6)}", PREFIX + token_urlsafe(32))
    connection.execute(
        keys.insert().values(id=key.id, analyst=analyst.id, hash=hashed(key.secret), created_at=now)
    )
    return key


def all_keys(connection: Connection) -> list[Key]:
    """Every key there is or was, oldest first."""
    rows = connection.execute(
        select(keys.c.id, keys.c.created_at, keys.c.revoked_at, analysts.c.id.label("who"), analysts.c.name)
        .join_from(keys, analysts, keys.c.analyst == analysts.c.id)
        .order_by(keys.c.created_at, keys.c.id)
    )
    return [Key(row.id, Analyst(row.who, row.name), row.created_at, row.revoked_at) for row in rows]


def revoke(connection: Connection, key_or_name: str, now: datetime) -> list[str]:
    """End a key by its id, or all keys of an analyst by name, and the sessions they opened; the ids of the keys."""
    named = select(analysts.c.id).where(analysts.c.name == key_or_name)
    ended = (
        update(keys)
        .where(keys.c.revoked_at.is_(None), or_(keys.c.id == key_or_name, keys.c.analyst.in_(named)))
        .values(revoked_at=now)
        .returning(keys.c.id)
    )
    ids = sorted(connection.scalars(ended))
    if not ids:
        raise Refused("not_found", f"no key in force has the id, or an analyst of the name, {key_or_name!r}")
    connection.execute(delete(sessions).where(sessions.c.key.in_(ids)))
    return ids


def authenticate(connection: Connection, secret: str) -> Analyst | None:
    """Whose key this is; None where it is nobody's, or revoked."""
    return _analyst(connection, keys.c.hash == hashed(secret))


def names(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The names behind the opaque ids of events; ids of nobody here are left out."""
    wanted = select(analysts.c.id, analysts.c.name).where(analysts.c.id.in_(sorted(set(ids))))
    return {row.id: row.name for row in connection.execute(wanted)}


def open_session(connection: Connection, secret: str, now: datetime) -> str | None:
    """Sign in with a key: the token of a new session; None for a key that is nobody's. Old sessions are cleared."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    wanted = select(keys.c.id).where(keys.c.hash == hashed(secret), keys.c.revoked_at.is_(None))
    key = connection.scalar(wanted)
    if key is None:
        return None
    token = token_urlsafe(32)
    connection.execute(sessions.insert().values(hash=hashed(token), key=key, expires_at=now + SESSION))
    return token


def in_session(connection: Connection, token: str, now: datetime) -> Analyst | None:
    """Whose session this is; None where it is nobody's, expired, or its key was revoked."""
    opened = select(sessions.c.key).where(sessions.c.hash == hashed(token), sessions.c.expires_at > now)
    return _analyst(connection, keys.c.id == opened.scalar_subquery())


def close_session(connection: Connection, token: str) -> None:
    """Sign out."""
    connection.execute(delete(sessions).where(sessions.c.hash == hashed(token)))


def hashed(secret: str) -> bytes:
    """The SHA-256 of a secret; any text has one."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _analyst(connection: Connection, of_key: ColumnElement[bool]) -> Analyst | None:
    wanted = (
        select(analysts.c.id, analysts.c.name)
        .join_from(keys, analysts, keys.c.analyst == analysts.c.id)
        .where(of_key, keys.c.revoked_at.is_(None))
    )
    row = connection.execute(wanted).one_or_none()
    return Analyst(row.id, row.name) if row else None
