"""A receiver of every temper: it keeps what it gets, byte for byte, and answers as it is told, or does not.

    with receiver(says(503, "later"), falls_silent()) as here:
        ...  # the first request is answered by the first script, and so on; after the last, all is well
        assert here.got[0].body == b"..."

Over TLS it shows a certificate of an authority made for the tests, which `trusting()` trusts, or a bad one.
"""

import socket
import ssl
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tracker.settings import Settings, load

NAME = "hooks.example.org"
Certificate = Literal["good", "self-signed", "wrong name", "expired"]


@dataclass(frozen=True)
class Request:
    """What came: ``head``, its bytes up to the empty line; ``name``: the host that TLS was asked for."""

    at: datetime
    head: bytes
    body: bytes
    name: str | None = None

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n")[0].decode()

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        lines = (line.split(": ", 1) for line in self.head.decode().split("\r\n")[1:])
        return {name.lower(): value for name, value in lines}


@dataclass
class Talk:
    """A connection that was taken, for a script to speak on."""

    socket: socket.socket
    over: Event

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def wait(self, seconds: float) -> None:
        """As long as nobody stops the receiver."""
        self.over.wait(seconds)

    def reset(self) -> None:
        """Hang up so that the other side learns of it as a broken connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Script = Callable[[Talk], None]


@dataclass
class Receiver:
    """``connections``: how many were made, requested or not."""

    host: str
    port: int
    certificate: Certificate | None
    scripts: list[Script]
    got: list[Request] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """By name over TLS, as certificates are for names; the name has to be made to lead here."""
        return (
            f"https://{NAME}:{self.port}/hook" if self.certificate else f"http://{self.host}:{self.port}/hook"
        )

    @property
    def settings(self) -> Settings:
        """With which this receiver, and no other, may be sent to."""
        named = (
            f"[{self.host}]:{self.port},{NAME}:{self.port}"
            if ":" in self.host
            else f"{self.host}:{self.port}"
        )
        hosts = f"{named},{NAME}:{self.port}"
        return load({"TRACKER_PRIVATE_HOSTS": hosts, "TRACKER_PLAIN_HTTP": "allowed"})


# ---------------------------------------------------------------- what it answers


def says(status: int, text: str = "", **headers: str) -> Script:
    """An answer; the names of headers with _ for -."""
    body = text.encode()
    lines = [f"HTTP/1.1 {status} Fine", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Script:
    """These bytes, whatever they are."""
    return lambda talk: talk.say(data)


def falls_silent(talk: Talk) -> None:
    """It listens, and says nothing."""
    talk.wait(60)


def resets(talk: Talk) -> None:
    talk.reset()


def trickles_headers(pause: float) -> Script:
    """A byte of the headers now and then."""
    return trickles(b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nX-Long: " + b"a" * 500 + b"\r\n\r\n", pause)


def trickles_body(pause: float) -> Script:
    """The headers at once, then a byte of the body now and then."""

    def script(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 200 Fine\r\nContent-Length: 500\r\n\r\n")
        trickles(b"b" * 500, pause)(talk)

    return script


def trickles(data: bytes, pause: float) -> Script:
    def script(talk: Talk) -> None:
        for byte in data:
            talk.say(bytes([byte]))
            talk.wait(pause)
            if talk.over.is_set():
                return

    return script


def never_ends(start: bytes, piece: bytes) -> Script:
    """The start, then the same again and again, as fast as it is taken."""

    def script(talk: Talk) -> None:
        talk.say(start)
        while not talk.over.is_set():
            talk.say(piece * 100)

    return script


ENDLESS_BODY = never_ends(b"HTTP/1.1 200 Fine\r\n\r\n", b"forever ")
ENDLESS_CHUNKS = never_ends(b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
ENDLESS_HEADERS = never_ends(b"HTTP/1.1 200 Fine\r\n", b"X-More: and more\r\n")
ENDLESS_LINE = never_ends(b"HTTP/1.1 200 ", b"Fine ")
ENDLESS_CONTINUE = never_ends(b"", b"HTTP/1.1 100 Continue\r\n\r\n")


# ---------------------------------------------------------------- how it listens


@contextmanager
def receiver(
    *scripts: Script, certificate: Certificate | None = None, host: str = "127.0.0.1", unread: bool = False
) -> Iterator[Receiver]:
    """A receiver on a port of its own. ``unread``: scripts begin before anything of the request was read."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        here = Receiver(host, listening.getsockname()[1], certificate, list(scripts))
        over, lock = Event(), Lock()
        talking: list[tuple[Thread, socket.socket]] = []

        def accept() -> None:
            while True:
                try:
                    taken, _ = listening.accept()
                except OSError:
                    return
                thread = Thread(target=converse, args=[taken])
                talking.append((thread, taken))
                thread.start()

        def converse(taken: socket.socket) -> None:
            with lock:
                here.connections += 1
                script = here.scripts.pop(0) if here.scripts else says(200, "fine")
            with suppress(OSError), taken:
                taken.settimeout(60)
                name: list[str] = []
                line = encrypted(taken, certificate, name) if certificate else taken
                with line:
                    if not unread and (request := read(line)):
                        with lock:
                            here.got.append(Request(datetime.now(UTC), *request, name[0] if name else None))
                    script(Talk(line, over))
                    with suppress(OSError):
                        line.shutdown(socket.SHUT_WR)

        accepting = Thread(target=accept)
        accepting.start()
        try:
            yield here
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread, taken in talking:
                with suppress(OSError):
                    taken.shutdown(socket.SHUT_RDWR)
                thread.join()


def read(line: socket.socket) -> tuple[bytes, bytes] | None:
    """Head and body of a request; None where the other side hung up before it was whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := line.recv(65536)):
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(one[15:]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:"))
    while len(body) < length:
        if not (more := line.recv(65536)):
            return None
        body += more
    return head, body


# ---------------------------------------------------------------- certificates


def encrypted(taken: socket.socket, certificate: Certificate, name: list[str]) -> ssl.SSLSocket:
    context = _context(certificate)
    context.sni_callback = lambda _socket, asked, _context: name.append(asked or "")
    return context.wrap_socket(taken, server_side=True)


def trusting() -> ssl.SSLContext:
    """What trusts the authority of the tests, and nobody else."""
    return ssl.create_default_context(cadata=_authority()[0].public_bytes(Encoding.PEM).decode())


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(_chain(certificate))
        context.load_cert_chain(file.name)
    return context


@cache
def _authority() -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    key = generate_private_key(SECP256R1())
    return _signed("Authority of the tests", key, None), key


@cache
def _chain(certificate: Certificate) -> bytes:
    """A certificate and its key, as PEM."""
    key = generate_private_key(SECP256R1())
    name = "other.example.org" if certificate == "wrong name" else NAME
    ended = timedelta(days=-1 if certificate == "expired" else 1)
    issuer = (key, name) if certificate == "self-signed" else (_authority()[1], "Authority of the tests")
    made = _signed(name, key, issuer, ended)
    return made.public_bytes(Encoding.PEM) + key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _signed(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: tuple[EllipticCurvePrivateKey, str] | None,
    ended: timedelta = timedelta(days=1),
) -> x509.Certificate:
    """A certificate of that name; without an issuer, an authority's."""
    now = datetime.now(UTC)
    signing, by = issuer or (key, name)
    identifier = x509.SubjectKeyIdentifier.from_public_key
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + ended)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(identifier(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        .sign(signing, SHA256())
    )
