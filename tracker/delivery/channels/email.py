"""E-mail: an edition as a message in text and HTML, and one exchange with the mail server (RFC 5321, 5322, 3834).

The same edition for the same recipient is the same message, byte for byte, however often it is sent. Nothing in it
calls home. It is stopped by one click (RFC 8058), or on the page that it links to.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from socket import SHUT_RDWR
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from tracker.delivery import notices, render
from tracker.delivery.channels.channel import Address as Taken
from tracker.delivery.channels.channel import Parcel
from tracker.delivery.deliveries import Outcome
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import Links, Notice
from tracker.delivery.outward import why
from tracker.domain.edition import Chart
from tracker.domain.errors import invalid
from tracker.settings import MailServer, Settings

ANSWER_SECONDS = 20.0
"""How long the server may take for one answer."""
TAKING_SECONDS = 60.0
"""How long the server may take over the mail itself: many look through it first (RFC 5321, 4.5.3.2.6)."""
EXCHANGE_SECONDS = 90.0
"""How long the whole exchange may take, however the answers trickle."""
LOCAL = ("localhost", "127.0.0.1", "::1")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]")


class _Written(EmailPolicy):
    """Addresses and ids in headers stand as they are, be they longer than a line. Python would encode them, and nobody
    decodes that there (RFC 2047, 5)."""

    def fold(self, name: str, value: Any) -> Any:
        if name.lower() not in AS_THEY_ARE:
            return super().fold(name, value)
        fits = len(name) + len(value) + 2 <= (self.max_line_length or len(value))
        return f"{name}: {value if fits else f'{self.linesep} '.join(value.split())}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> Any:
        if name.lower() not in AS_THEY_ARE:
            return super().fold_binary(name, value)
        return self.fold(name, value).encode("ascii")


AS_THEY_ARE = ("to", "message-id", "references", "list-id", "list-unsubscribe", "content-id")
WRITTEN = _Written(linesep="\r\n")


class Email:
    """The channel."""

    name = "email"
    label = "E-mail"
    asks = "E-mail address"
    delays = tuple(timedelta(minutes=m) for m in (5, 15, 30, 60, 2 * 60, 4 * 60, 8 * 60, 16 * 60, 24 * 60))
    shared = True

    def __init__(
        self,
        answer_seconds: float = ANSWER_SECONDS,
        exchange_seconds: float = EXCHANGE_SECONDS,
        taking_seconds: float = TAKING_SECONDS,
    ) -> None:
        self.answer_seconds = answer_seconds
        self.exchange_seconds = exchange_seconds
        self.taking_seconds = taking_seconds

    def address(self, text: str, settings: Settings) -> Taken:
        local, _, domain = text.rpartition("@")
        if (
            len(text) > 254
            or len(local) > 64
            or not (_LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain))
        ):
            raise invalid("address", f"{text!r} is not an e-mail address: write it as name@example.org")
        return Taken(full=text, shown=text)

    def unready(self, settings: Settings) -> str | None:
        return None if settings.smtp_url else "no mail server set (TRACKER_SMTP_URL)"

    def send(self, parcel: Parcel, settings: Settings) -> Outcome:
        assert settings.smtp_url is not None, "unready"
        return self.exchange(message(parcel, settings), settings.smtp_url)

    def exchange(self, mail: EmailMessage, server: MailServer) -> Outcome:
        """One exchange. What a server refuses before it was asked about this mail is no fault of the mail."""
        sender, recipient = (mail[name].addresses[0].addr_spec for name in ("From", "To"))
        try:
            with self._connected(server, sender.rpartition("@")[2]) as smtp:
                outcome = self._handed_over(smtp, sender, recipient, mail.as_bytes())
                if outcome.result != "unknown" and smtp.sock is not None:
                    smtp.sock.settimeout(self.answer_seconds)
                    with suppress(smtplib.SMTPException, OSError):  # however it says goodbye
                        smtp.quit()
                return outcome
        except smtplib.SMTPResponseException as error:
            return Outcome("deferred", _text(error.smtp_error), error.smtp_code, reached=False)
        except (smtplib.SMTPException, OSError) as error:
            return Outcome("deferred", f"the mail server cannot be spoken to: {_why(error)}", reached=False)

    def _handed_over(self, smtp: smtplib.SMTP, sender: str, recipient: str, mail: bytes) -> Outcome:
        """The mail's part of the exchange. Once its last byte is out and no answer came, nobody knows."""
        code, answer = smtp.mail(sender)
        if code // 100 != 2:
            return _refused(code, answer, ours=False)
        code, answer = smtp.rcpt(recipient)
        if code // 100 != 2:
            return _refused(code, answer)
        code, answer = smtp.docmd("DATA")
        if code != 354:
            return _refused(code, answer)
        try:
            smtp.send(_dotted(mail))
            if smtp.sock is not None:
                smtp.sock.settimeout(self.taking_seconds)
            code, answer = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            return Outcome("unknown", f"no answer after the mail was handed over ({_why(error)})")
        return Outcome("accepted", _text(answer), code) if code // 100 == 2 else _refused(code, answer)

    @contextmanager
    def _connected(self, server: MailServer, domain: str) -> Iterator[smtplib.SMTP]:
        """A session, ready for a mail; cut off when the whole exchange takes too long."""
        context = ssl.create_default_context()
        made = (
            smtplib.SMTP_SSL(timeout=self.answer_seconds, local_hostname=domain, context=context)
            if server.tls
            else smtplib.SMTP(timeout=self.answer_seconds, local_hostname=domain)
        )
        made._host = server.host  # type: ignore[attr-defined]  # the name that TLS checks; set by the constructor alone
        watch = Timer(self.exchange_seconds, _hang_up, [made])
        watch.daemon = True
        watch.start()
        try:
            code, answer = made.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, answer)
            made.ehlo_or_helo_if_needed()
            if not server.tls and made.has_extn("starttls"):
                made.starttls(context=context)
                made.ehlo()
            if server.user is not None:
                if not (server.tls or made.has_extn("starttls") or _encrypted(made) or server.host in LOCAL):
                    raise smtplib.SMTPException(
                        "the server offers no encryption, and the password is not sent in the clear: use smtps://"
                    )
                made.login(server.user, server.password or "")
            yield made
        finally:
            watch.cancel()
            made.close()


def message(parcel: Parcel, settings: Settings) -> EmailMessage:
    """An edition or a notice as a message. All of it follows from what is frozen: sent again, it is the same."""
    if isinstance(parcel.content, Notice):
        return _notice(parcel, parcel.content, settings)
    return _edition(parcel, parcel.content, settings)


def _edition(parcel: Parcel, frozen: Frozen, settings: Settings) -> EmailMessage:
    edition = frozen.edition
    base, id = settings.public_url, frozen.id
    mail, sender = _addressed(parcel, settings, render.subject(edition))
    if parcel.previous:
        mail["References"] = message_id(parcel.previous, sender.domain)
    mail["List-Id"] = f"Trade talks <digest.{_host(settings)}>"
    mail["List-Unsubscribe"] = f"<{parcel.links.stop}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    closing = _closing(edition.about, parcel.links)
    told = render.text(edition, base=base, id=id, closing=closing, items=render.ITEMS)
    mail.set_content(told, cte="quoted-printable")
    cids = [f"chart-{n}.{id[:32]}@{sender.domain}" for n in range(1, len(edition.charts) + 1)]
    page = render.mail_html(
        edition, base=base, id=id, closing=closing, picture=lambda number: f"cid:{cids[number - 1]}"
    )
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    shown = [(cid, chart) for cid, chart in zip(cids, edition.charts, strict=True) if f'"cid:{cid}"' in page]
    if shown:
        _add_pictures(mail, shown, f"=_html_{parcel.reference}")
    mail.set_boundary(f"=_{parcel.reference}")
    return mail


def _notice(parcel: Parcel, notice: Notice, settings: Settings) -> EmailMessage:
    mail, _ = _addressed(parcel, settings, notices.subject(notice))
    mail.set_content(render.notice_text(notice, parcel.links), cte="quoted-printable")
    mail.add_alternative(render.notice_html(notice, parcel.links), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{parcel.reference}")
    return mail


def _addressed(parcel: Parcel, settings: Settings, subject: str) -> tuple[EmailMessage, Address]:
    """The part of a message that does not depend on what it says; and who sends it."""
    sender = _sender(settings.mail_from)
    mail = EmailMessage(policy=WRITTEN)
    mail["Subject"] = subject
    mail["From"] = sender
    mail["To"] = Address(addr_spec=parcel.recipient)
    mail["Date"] = format_datetime(parcel.at.replace(microsecond=0))
    mail["Message-ID"] = message_id(parcel.reference, sender.domain)
    mail["Auto-Submitted"] = "auto-generated"
    return mail, sender


def _add_pictures(mail: EmailMessage, shown: Sequence[tuple[str, Chart]], boundary: str) -> None:
    """The pictures that the HTML shows, beside it (RFC 2387): nothing is loaded from elsewhere."""
    from tracker.delivery import picture  # Pillow is loaded by who draws

    (_, html) = mail.iter_parts()
    assert isinstance(html, EmailMessage)
    for cid, chart in shown:
        html.add_related(
            picture.png(chart), "image", "png", cid=f"<{cid}>", disposition="inline",
            filename=f"{cid.partition('.')[0]}.png",
        )  # fmt: skip
    html.set_param("type", "text/html")
    html.set_boundary(boundary)


def message_id(reference: str, domain: str) -> str:
    """The id of a message: the same for the same edition and recipient."""
    return f"<{reference}@{domain}>"


def _refused(code: int, answer: bytes | str, ours: bool = True) -> Outcome:
    """What a refusal means; ``ours``: it is about this mail or its recipient. Before these were named, or where the
    server closes (421), it says nothing of them: others fare no better now, and nothing is given up."""
    if code == 421 or not ours:
        return Outcome("deferred", _text(answer), code, reached=False)
    return Outcome("rejected" if code // 100 == 5 else "deferred", _text(answer), code)


def _dotted(mail: bytes) -> bytes:
    """The mail as DATA takes it: CRLF, leading dots doubled, a dot at the end (RFC 5321, 4.5.2)."""
    lines = mail.replace(b"\r\n", b"\n").split(b"\n")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return stuffed.removesuffix(b"\r\n") + b"\r\n.\r\n"


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, smtplib.SMTPException) else why(error)


def _hang_up(smtp: smtplib.SMTP) -> None:
    if smtp.sock is not None:
        with suppress(OSError):
            smtp.sock.shutdown(SHUT_RDWR)


def _encrypted(smtp: smtplib.SMTP) -> bool:
    return isinstance(smtp.sock, ssl.SSLSocket)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _sender(mail_from: str) -> Address:
    header: Any = HeaderRegistry()("From", mail_from)
    found: Address = header.addresses[0]
    return found


def _host(settings: Settings) -> str:
    return str(urlsplit(settings.public_url).hostname).replace(":", "-")


def _closing(about: str, links: Links) -> list[str]:
    return [
        f"You get this because you subscribed to {about}. Dates are those of the country that acts.",
        f"Change or stop it: {links.own}",
    ]
