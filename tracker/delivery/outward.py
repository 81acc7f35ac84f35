"""The one way by which the service makes an HTTP request to an address that somebody else gave.

Whoever gives an address must not be able to reach through us what only we can reach. So the name is looked up once,
where the connection is made; if any answer is not the public's, nothing is sent; and what is dialled is the very
address that was looked at, with the name still in the Host header and in the certificate that is asked for. Nothing of
the environment (proxies, .netrc) has a say, nothing is followed, no cookie is kept, nothing is decompressed.

However slowly the other side answers, and whatever it answers, an exchange ends in time and gives a value. HTTP itself
is httpcore's; below it lies a line of ours, which knows when the exchange must end.
"""

import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Literal

import httpcore2
import structlog

from tracker.delivery.destination import Destination, destination, permitted
from tracker.domain.errors import Refused
from tracker.settings import Settings

log = structlog.get_logger()

AGENT = "negotiation-tracker"
KEPT_HEADERS = ("content-type", "location", "retry-after")
HEADERS_BYTES = 64 * 1024
"""As much as is read beside what is kept of the answer."""
TRIED = 4
"""So many of the addresses of a name are dialled, one after another."""

Kind = Literal["forbidden", "unresolved", "unreachable", "certificate", "late", "broken"]
"""Why there is no answer: we do not go there; the name leads nowhere; nobody listens; the certificate is not that of
the host, or of nobody we trust; time ran out; the connection broke, or what came is not HTTP."""
Found = tuple[socket.AddressFamily, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one exchange. ``connect_seconds``: for the connection and its encryption; ``exchange_seconds``: for all."""

    connect_seconds: float = 5.0
    exchange_seconds: float = 15.0
    kept_bytes: int = 16 * 1024


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers``: those of KEPT_HEADERS that came, by name in lower case. ``excerpt``: the beginning
    of the body as printable text; ``whole``: it is all of it."""

    status: int
    milliseconds: int
    excerpt: str
    whole: bool
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back, or nothing that can be read. ``sent``: something of the request had left, so it may have
    arrived; where it is False, it has not."""

    kind: Kind
    detail: str
    milliseconds: int
    sent: bool


class Ended(Exception):
    """The exchange ended without an answer; caught where it began."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail


def post(
    url: str, body: bytes, headers: Mapping[str, str], settings: Settings,
    limits: Limits = LIMITS, trusted: ssl.SSLContext | None = None,
) -> Answer | NoAnswer:  # fmt: skip
    """POST a body, once."""
    return exchange("POST", url, headers, body, settings, limits, trusted)


def exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes, settings: Settings,
    limits: Limits = LIMITS, trusted: ssl.SSLContext | None = None,
) -> Answer | NoAnswer:  # fmt: skip
    """One request and its answer. ``headers``: beside Host, Content-Length and the like; ``trusted``: whose
    certificates are, other than those of this machine (SSL_CERT_FILE)."""
    line = Line(limits)
    try:
        to = destination(url, settings)
        line.connect(to, trusted or _trusted())
        return _exchanged(line, method, to, headers, body)
    except Refused as refused:
        ended = Ended("forbidden", refused.detail)
    except Ended as error:
        ended = error
    except httpcore2.RemoteProtocolError as error:
        ended = Ended("broken", f"what came back is not HTTP: {error}")
    finally:
        line.close()
    return NoAnswer(ended.kind, printable(ended.detail), line.milliseconds, line.sent)


def asked_to_wait(answer: Answer, now: datetime) -> timedelta | None:
    """How long the receiver asks to be left alone (Retry-After: seconds or a date; RFC 9110, 10.2.3); never negative,
    None where it does not say, or not so that it can be understood."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        return timedelta(seconds=int(asked))
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(until.replace(tzinfo=until.tzinfo or UTC) - now, timedelta())


def printable(text: str) -> str:
    """Without what a page, a terminal or a database stumbles over."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _exchanged(line: "Line", method: str, to: Destination, headers: Mapping[str, str], body: bytes) -> Answer:
    ours = {
        "Host": to.authority, "User-Agent": AGENT, "Accept-Encoding": "identity", "Connection": "close",
        "Content-Length": str(len(body)),
    }  # fmt: skip
    sent = [*ours.items(), *headers.items()]
    url = httpcore2.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.target)
    with httpcore2.HTTP11Connection(url.origin, line).stream(
        method, url, headers=sent, content=body
    ) as response:
        received = {name.lower().decode("latin-1"): value for name, value in response.headers}
        kept, whole = _read(response.iter_stream(), line.limits.kept_bytes)
        return Answer(
            response.status, line.milliseconds, _excerpt(kept, received.get("content-encoding")), whole,
            {name: printable(received[name].decode("latin-1"))[:1000] for name in KEPT_HEADERS if name in received},
        )  # fmt: skip


def _read(body: Iterable[bytes], most: int) -> tuple[bytes, bool]:
    """The beginning of a body, and whether that is all of it. The status has come by then, so the receiver has
    decided: a body that breaks off or comes too slowly changes nothing."""
    kept = bytearray()
    try:
        for chunk in body:
            kept += chunk
            if len(kept) > most:
                return bytes(kept[:most]), False
    except (Ended, httpcore2.RemoteProtocolError):
        return bytes(kept), False
    return bytes(kept), True


def _excerpt(body: bytes, encoding: bytes | None) -> str:
    if encoding not in (None, b"", b"identity"):
        return f"({len(body)} bytes, encoded as {printable(encoding.decode('latin-1'))[:40]})"
    return printable(body.decode("utf-8", "replace").replace("\r\n", "\n"))


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that this machine trusts, read once: that takes longer than most exchanges."""
    return ssl.create_default_context()


class Line(httpcore2.NetworkStream):
    """One connection for one exchange, which ends in time. What httpcore says of time-outs is not listened to."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.sent = limits, False
        self._began = monotonic()
        self._ends = self._began + limits.exchange_seconds
        self._unread = limits.kept_bytes + HEADERS_BYTES
        self._socket: socket.socket | None = None

    @property
    def milliseconds(self) -> int:
        return round((monotonic() - self._began) * 1000)

    def connect(self, to: Destination, trusted: ssl.SSLContext) -> None:
        """Look the host up, see that nothing of it lies inside, dial that, and agree on encryption."""
        found = looked_up(to.host, to.port, self.limits.exchange_seconds)
        if not to.inside and not all(permitted(ip_address(address[0])) for _, address in found):
            # Whoever gave the name is not told where it leads: that would map the inside for him.
            log.warning("refused_to_connect", host=to.host, addresses=sorted({at[0] for _, at in found}))
            raise Ended("forbidden", f"{to.host} does not lead to the public internet")
        until = min(self._ends, monotonic() + self.limits.connect_seconds)
        self._socket = _dialled(found[:TRIED], until)
        if to.scheme == "https":
            self._socket = _encrypted(self._ready(until), to.host, trusted)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unread <= 0:
            raise Ended("broken", f"more than {HEADERS_BYTES // 1024} KiB of headers came")
        try:
            data = self._ready(self._ends).recv(min(max_bytes, self._unread))
        except TimeoutError:
            raise self._late from None
        except OSError as error:
            raise Ended("broken", f"the connection broke before an answer came ({why(error)})") from None
        self._unread -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = memoryview(buffer)
        try:
            while left:
                self.sent = True
                left = left[self._ready(self._ends).send(left) :]
        except TimeoutError:
            raise self._late from None
        except OSError as error:
            # It may have answered before it closed: httpcore goes on and reads.
            raise httpcore2.WriteError(why(error)) from None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _ready(self, until: float) -> socket.socket:
        """The socket, which waits no longer than that."""
        assert self._socket is not None, "connected"
        if (left := until - monotonic()) <= 0:
            raise self._late
        self._socket.settimeout(left)
        return self._socket

    @property
    def _late(self) -> Ended:
        return Ended("late", f"no answer came within {self.limits.exchange_seconds:g} seconds")


def _dialled(found: Sequence[Found], until: float) -> socket.socket:
    """A connection to the first of these that takes one; each has its share of the time."""
    failed = OSError("no address")
    for number, (family, address) in enumerate(found):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(max(until - monotonic(), 0.001) / (len(found) - number))
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect(address)
        except OSError as error:
            made.close()
            failed = error
        else:
            return made
    raise Ended("unreachable", f"no connection could be made ({why(failed)})")


def _encrypted(plain: socket.socket, host: str, trusted: ssl.SSLContext) -> socket.socket:
    try:
        return trusted.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Ended("certificate", f"its certificate is not to be trusted: {error.verify_message}") from None
    except TimeoutError:
        raise Ended("late", "it took too long to agree on encryption") from None
    except OSError as error:
        raise Ended("broken", f"no encrypted connection can be made ({why(error)})") from None


def looked_up(host: str, port: int, seconds: float) -> list[Found]:
    """The addresses of a host, each once. The system's look-up cannot be stopped: one that hangs is left to itself."""
    answers: SimpleQueue[list[Found] | Ended] = SimpleQueue()
    Thread(target=lambda: answers.put(_look_up(host, port)), name="look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise Ended("late", f"it took too long to look up {host}") from None
    if isinstance(answer, Ended):
        raise answer
    return answer


def _look_up(host: str, port: int) -> list[Found] | Ended:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        return Ended("unresolved", f"{host} cannot be looked up ({why(error)})")
    unique: list[Found] = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    return unique or Ended("unresolved", f"{host} has no address")


def why(error: Exception) -> str:
    """What went wrong with a connection, without numbers of errors and lines of source."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    said = error.strerror if isinstance(error, OSError) else None
    return said or type(error).__name__
