"""The world of these tests: a record, a clock that stands still until it is moved, and mail servers of every temper."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from ssl import SSLContext
from typing import Any

import msgspec
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from tracker.delivery import enrolment
from tracker.delivery.enrolment import Enrolled
from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import Subscription, Wanted
from tracker.domain.events import Correction, Development, Withdrawal
from tracker.record import By, Correct, Withdraw, record
from tracker.settings import MailServer, Settings
from tracker.store.engine import open_engine, writing
from tracker.store.migrate import migrate

TARIFF = "measure:us-tariff"
MORNING = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
"""Monday 10 March 2025, 08:00 in New York."""


KEY = bytes(32)
SEALER = Sealer([KEY])


@dataclass
class Clock:
    """Shows what it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class World:
    """A record with Mexico, China and a tariff on both, kept since 1 March 2025."""

    engine: Engine
    clock: Clock
    logged: list[str] = field(default_factory=list)
    settings: Settings = field(default_factory=lambda: settings(None))

    def log(self, *events: dict[str, Any], announced: str | None = None, title: str = "What happened") -> str:
        on = announced or self.clock.now.date().isoformat()
        command = msgspec.convert({"title": title, "announced": on, "events": list(events)}, Development)
        self.logged.append(record(self.engine, command, By("ana", self.clock())).development)
        return self.logged[-1]

    def rate(self, percent: float, target: str = "MX", title: str = "Rate") -> str:
        """Log that the tariff has this rate from now on."""
        effect = {"target": target, "set": {"rate": {"percent": percent}}}
        return self.log({"type": "measure.amended", "subject": TARIFF, "effects": [effect]}, title=title)

    def correct(
        self, id: str, percent: float, target: str = "MX", title: str = "Rate", editorial: bool = False
    ) -> None:
        effect = {"target": target, "set": {"rate": {"percent": percent}}}
        events = [{"type": "measure.amended", "subject": TARIFF, "effects": [effect]}]
        told = {"title": title, "announced": self.clock.now.date().isoformat(), "events": events}
        given = {"reason": "We misread it", "development": told, "editorial": editorial}
        command = msgspec.convert(given, Correction)
        record(self.engine, Correct(id, command), By("ana", self.clock()))

    def withdraw(self, id: str) -> None:
        record(self.engine, Withdraw(id, Withdrawal(reason="It never happened")), By("ana", self.clock()))

    def subscribe(
        self, address: str = "reader@example.org", over: str = "email", **wanted: Any
    ) -> Subscription:
        """A subscription that is confirmed already."""
        made = self.enrol(address, over, confirmed=True, **wanted)
        assert made is not None
        return made.subscription

    def enrol(
        self, address: str, over: str = "email", *, confirmed: bool = False, stranger: bool = False,
        contact: str | None = None, **wanted: Any,
    ) -> Enrolled | None:  # fmt: skip
        with writing(self.engine) as connection:
            return enrolment.enrol(
                connection, self.settings, SEALER, over=over, address=address, wanted=Wanted(**wanted), contact=contact,
                now=self.clock(), by="operator", confirmed=confirmed, stranger=stranger,
            )  # fmt: skip


def begin(engine: Engine) -> list[str]:
    """The developments that the record of a world begins with, into a database that is migrated."""
    here = World(engine, Clock(datetime(2025, 3, 1, 15, 0, tzinfo=UTC)))
    for code, name in (("MX", "Mexico"), ("CN", "China")):
        about = {"name": name}
        here.log({"type": "partner.registered", "subject": f"partner:{code}", "about": about}, title=name)
    rates = [{"target": code, "set": {"rate": {"percent": 25}}} for code in ("MX", "CN")]
    here.log(
        {"type": "measure.announced", "subject": TARIFF, "about": {"title": "A tariff"}, "effects": rates}
    )
    return here.logged


def going_on(url: str, logged: list[str]) -> World:
    """The world on the day before ``MORNING``, over a database in which it has begun."""
    return World(open_engine(url), Clock(MORNING - timedelta(days=1)), [*logged])


def world(url: str) -> World:
    """A new world in an empty database."""
    engine = open_engine(url)
    migrate(engine)
    return World(engine, Clock(MORNING - timedelta(days=1)), begin(engine))


# ---------------------------------------------------------------- mail servers


@dataclass
class Server:
    """A mail server that keeps what it takes. ``answers``: what it says to MAIL, to RCPT and after DATA, one per mail;
    then all is well. "drop": it takes the mail and hangs up without a word; "hang": it says nothing for a long time."""

    sender_answers: list[str] = field(default_factory=list)
    recipient_answers: list[str] = field(default_factory=list)
    data_answers: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    port: int = 0

    @property
    def settings(self) -> Settings:
        return settings(MailServer("127.0.0.1", self.port, tls=False))

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.sender_answers.pop(0) if self.sender_answers else "250 Fine"
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipient_answers.pop(0) if self.recipient_answers else "250 Fine"
        if answer == "hang":
            await asyncio.sleep(1.5)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.data_answers.pop(0) if self.data_answers else "250 Taken"
        if answer == "hang":
            await asyncio.sleep(1.5)
            answer = "250 Taken at last"
        if answer == "drop" or answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
        return answer


@contextmanager
def mail_server(
    host: str = "127.0.0.1", tls: SSLContext | None = None, starttls: SSLContext | None = None, **temper: Any
) -> Iterator[Server]:
    """A mail server on a port of its own; ``tls``: from the first byte."""
    with socket.create_server((host, 0)) as found:
        port = found.getsockname()[1]
    handler = Server(**temper, port=port)
    controller = Controller(handler, hostname=host, port=port, ssl_context=tls, tls_context=starttls)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


def settings(server: MailServer | None = None) -> Settings:
    return Settings(
        smtp_url=server, mail_from="Trade talks <tracker@example.org>", public_url="https://tracker.example.org",
        data_dir=Path("/nonexistent"), secret_key=(KEY,),
    )  # fmt: skip
