"""A mail server that takes everything and delivers nothing, for development: mails become files and pages."""

import asyncio
import re
import signal
from base64 import b64encode
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from aiosmtpd.smtp import SMTP, Envelope, Session

from tracker.domain.errors import invalid
from tracker.settings import load, make_folder
from tracker.terminal import showing
from tracker.terminal.starting import near

_ANSWER = re.compile(r"[245]\d\d [ -~]{1,400}")
_CID = re.compile(r"cid:([^\"'\s)>]+)")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")
"""What makes a link worth a line: it confirms or stops something, or is of one edition."""


class Sink:
    """What the mail server does with mails: it keeps them under the next free number. ``refusals``: how often it says
    ``answer`` to a recipient first."""

    def __init__(self, folder: Path, answer: str | None = None, refusals: float = float("inf")) -> None:
        self.folder = folder
        self.answer = answer
        self.refusals = refusals if answer else 0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer and self.refusals > 0:
            self.refusals -= 1
            showing.line(f"{address}: {self.answer}")
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Kept, and not delivered"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        file = kept(self.folder, envelope.content)
        mail: EmailMessage = message_from_bytes(envelope.content, policy=policy.default)
        showing.line(f"{', '.join(envelope.rcpt_tos)}: {mail['Subject'] or '(no subject)'}: {near(file)}")
        if (shown := page(mail)) is not None:
            file.with_suffix(".html").write_text(shown, "utf-8")
            showing.line(f"  {near(file.with_suffix('.html'))}")
        for link in links(mail):
            showing.line(f"  {link}")
        return f"250 2.0.0 Kept as {file.name}"


def mail_sink(host: str, port: int, folder: Path | None, answer: str | None, times: int | None) -> None:
    """Take mails until told to stop."""
    if answer is not None and _ANSWER.fullmatch(answer) is None:
        raise invalid(
            "--answer", f"--answer {answer!r}: write a code and words, such as '450 4.2.0 Greylisted'"
        )
    if times is not None and answer is None:
        raise invalid("--times", "--times says how often to say --answer: give that, too")
    into = folder or load().data_dir / "mails"
    make_folder(into)
    asyncio.run(_listening(Sink(into, answer, times or float("inf")), host, port))


async def _listening(sink: Sink, host: str, port: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = partial(SMTP, sink, hostname="mail-sink", ident="Mail sink", enable_SMTPUTF8=True, loop=loop)
    async with await loop.create_server(serving, host, port) as server:
        taken = server.sockets[0].getsockname()[1]
        at = f"[{host}]" if ":" in host else host
        showing.line(
            f"Mail sink: TRACKER_SMTP_URL=smtp://{at}:{taken} · mails are kept in {near(sink.folder)}"
        )
        await stop.wait()


def kept(folder: Path, mail: bytes) -> Path:
    """The file that a mail is kept in: 0001.eml, or the next number that is free."""
    numbers = [int(file.stem) for file in folder.glob("*.eml") if file.stem.isdecimal()]
    file = folder / f"{max(numbers, default=0) + 1:04}.eml"
    with file.open("xb") as new:
        new.write(mail)
    return file


def page(mail: EmailMessage) -> str | None:
    """The HTML of a mail with its pictures in it, as a browser can open it; None where it has none."""
    html = mail.get_body(("html",))
    if html is None:
        return None
    pictures = {
        str(part["Content-ID"]).strip().strip("<>"): f"data:{part.get_content_type()};base64,"
        + b64encode(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]  # a leaf's are bytes
        for part in mail.walk()
        if part["Content-ID"] and not part.is_multipart()
    }
    return _CID.sub(lambda found: pictures.get(unquote(found[1]), found[0]), str(html.get_content()))


def links(mail: EmailMessage) -> list[str]:
    """The links of the text that carry a token, each once."""
    text = mail.get_body(("plain", "html"))
    found = _LINK.findall(str(text.get_content())) if text else []
    return list(dict.fromkeys(link.rstrip(".,;:)") for link in found if _TOKEN.search(link)))
