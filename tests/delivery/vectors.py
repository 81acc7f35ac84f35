"""Addresses by which somebody could make us reach what only we can reach, as tables for whatever takes an address.

    with canaries(monkeypatch) as watched:           # listening on every address of this machine
        ...  # have `vector.at(watched.port)` entered, changed, tested, delivered to
        assert watched.hits() == 0
        assert watched.dialled == []

`AS_WRITTEN` can be refused when they are entered, `BY_NAME` only when they are used. `reaches`: a client that is not on
its guard gets to a canary by it, so that 0 hits mean something.
"""

import errno
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from tracker.delivery import destination
from tracker.settings import Settings, load

PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
"""Addresses of the public internet; nothing is ever sent there, the connection is made to end here."""
TEREDO = "2001:0:4136:e378:8000:63bf:80ff:fffe"
"""With 127.0.0.1 in it, inverted (RFC 4380)."""


@dataclass(frozen=True)
class Vector:
    """``url``: with {port} for that of the canaries; ``says``: words of the refusal; ``answers``: what the name leads
    to, the first time it is looked up, the second time, and so on."""

    id: str
    url: str
    says: str
    reaches: bool = False
    answers: tuple[tuple[str, ...], ...] = ()

    def at(self, port: int) -> str:
        return self.url.replace("{port}", str(port))


def host(text: str, says: str, reaches: bool = False) -> Vector:
    """A host in an address that is plain but for it."""
    return Vector(f"host {text!a}", f"http://{text}:{{port}}/", says, reaches)


def whole(text: str, says: str, reaches: bool = False) -> Vector:
    return Vector(f"url {ascii(text)[:60]}", text, says, reaches)


def leading(id: str, *answers: tuple[str, ...], reaches: bool = False) -> Vector:
    return Vector(
        f"name {id}", "http://hooks.example.org:{port}/", "does not lead to the public", reaches, answers
    )


OUTSIDE = "must lead to a host of the public internet"
NO_ADDRESS = "is no address"
NO_NAME = "is no host name"
NO_HOST = "is no host, with or without a port"
ASCII = "must be written in ASCII"
PLAIN = "must hold no spaces, control characters or backslashes"
WHOLE = "must be a whole address"
USER = "must hold no user name or password"
PORT = "must use port"

RANGES = (
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("::", "::ffff:ffff"),
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
"""What is not the public's, first and last address (IANA's special-purpose registries)."""

NEIGHBOURS = (
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
    "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
    "203.0.112.255", "203.0.114.0", "223.255.255.255", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::",
    "2620:4f:8000::1", "3ffe::1", PUBLIC, PUBLIC_6,
)  # fmt: skip
"""Just beside them, and others that are the public's."""

LITERALS = (
    *(host(address if "." in address else f"[{address}]", OUTSIDE) for ends in RANGES for address in ends),
    host("127.0.0.1", OUTSIDE, True),
    host("127.0.0.2", OUTSIDE, True),
    host("127.127.127.127", OUTSIDE, True),
    host("0.0.0.0", OUTSIDE, True),
    host("169.254.169.254", OUTSIDE),
    host("[::1]", OUTSIDE, True),
    host("[::]", OUTSIDE, True),
    host("[0:0:0:0:0:0:0:1]", OUTSIDE, True),
    host("[0000::0001]", OUTSIDE, True),
    host("[::0.0.0.1]", OUTSIDE, True),
    host("[::ffff:127.0.0.1]", OUTSIDE, True),
    host("[::ffff:7f00:1]", OUTSIDE, True),
    host("[::FFFF:7F00:0001]", OUTSIDE, True),
    host("[::ffff:0.0.0.0]", OUTSIDE, True),
    host("[::ffff:10.0.0.1]", OUTSIDE),
    host("[::ffff:169.254.169.254]", OUTSIDE),
    host("[::127.0.0.1]", OUTSIDE),
    host("[::ffff:0:127.0.0.1]", OUTSIDE),
    host("[64:ff9b::127.0.0.1]", OUTSIDE),
    host(f"[64:ff9b::{PUBLIC}]", OUTSIDE),
    host("[64:ff9b:1::7f00:1]", OUTSIDE),
    host("[2002:7f00:1::]", OUTSIDE),
    host("[2002:a00:1::1]", OUTSIDE),
    host(f"[{TEREDO}]", OUTSIDE),
    host("[fd00:ec2::254]", OUTSIDE),
    host("[fe80::1]", OUTSIDE),
    host("[4000::1]", OUTSIDE),
    host("[e000::1]", OUTSIDE),
)

NOTATIONS = (
    host("127.1", NO_ADDRESS, True),
    host("127.0.1", NO_ADDRESS, True),
    host("2130706433", NO_ADDRESS, True),
    host("0x7f000001", NO_ADDRESS, True),
    host("0X7F000001", NO_ADDRESS, True),
    host("0x7f.0.0.1", NO_ADDRESS, True),
    host("0x7f.0x0.0x0.0x1", NO_ADDRESS, True),
    host("0x7f.1", NO_ADDRESS, True),
    host("0177.0.0.1", NO_ADDRESS, True),
    host("0177.0.0.01", NO_ADDRESS, True),
    host("017700000001", NO_ADDRESS, True),
    host("127.0.0.0x1", NO_ADDRESS, True),
    host("127.000.000.001", NO_ADDRESS, True),
    host("0", NO_ADDRESS, True),
    host("0x0", NO_ADDRESS, True),
    host("00", NO_ADDRESS, True),
    host("0x", NO_ADDRESS),
    host("6425673729", NO_ADDRESS),
    host("4294967296", NO_ADDRESS),
    host("127.0.0.1.", NO_ADDRESS),
    host("127.0.0.1.1", NO_ADDRESS),
    host("127.0.0.256", NO_ADDRESS),
    host("256.256.256.256", NO_ADDRESS),
    host("127..0.1", NO_ADDRESS),
    host(".127.0.0.1", NO_ADDRESS),
    host("example.org.1", NO_ADDRESS),
    host("example.0x7f", NO_ADDRESS),
    host("-127.0.0.1", NO_ADDRESS),
    host("127.0.0.-1", NO_NAME),
    host("127.0.0.1%00", NO_NAME),
    host("127.0.0.1%2f.example.org", NO_NAME),
    host("%31%32%37.0.0.1", NO_ADDRESS),
    host("127.0.0.1,example.org", NO_NAME),
    host("[127.0.0.1]", NO_ADDRESS),
    host("[::1", NO_HOST),
    host("::1]", NO_HOST),
    host("::1", NO_HOST),
    host("[::1]x", NO_HOST),
    host("[::1%lo]", NO_HOST),
    host("[::1%25lo]", NO_HOST),
    host("[fe80::1%eth0]", NO_HOST),
    host("[fe80::1%251]", NO_HOST),
    host("[v1.fe80]", NO_HOST),
    host("[::ffff:0x7f.0.0.1]", NO_HOST),
    host("[::ffff:127.0.0.01]", NO_ADDRESS),
    host("[::ffff:127.1]", NO_ADDRESS),
    host("[::1::]", NO_ADDRESS),
    host("[]", NO_HOST),
    host("１２７.０.０.１", ASCII, True),
    host("127。0。0。1", ASCII, True),
    host("127．0．0．1", ASCII, True),
    host("127｡0｡0｡1", ASCII, True),
    host("①②⑦.⓪.⓪.①", ASCII, True),
    host("𝟏𝟐𝟕.0.0.1", ASCII, True),
    host("١٢٧.0.0.1", ASCII),
    host("127.0.0.1\u200b", ASCII, True),
    host("²¹³⁰⁷⁰⁶⁴³³", ASCII, True),
)

NAMES = (
    host("localhost", OUTSIDE, True),
    host("LocalHost", OUTSIDE, True),
    host("localhost.", NO_NAME),
    host("hooks.localhost", OUTSIDE),
    host("localhost.localdomain", OUTSIDE),
    host("ip6-localhost", OUTSIDE),
    host("ⓛocalhost", ASCII, True),
    host("ｌｏｃａｌｈｏｓｔ", ASCII, True),
    host("local\u00adhost", ASCII, True),
    host("loc%61lhost", NO_NAME),
    host("metadata", OUTSIDE),
    host("metadata.google.internal", OUTSIDE),
    host("kubernetes.default.svc.cluster.local", OUTSIDE),
    host("printer.local", OUTSIDE),
    host("wiki.corp", OUTSIDE),
    host("nas.lan", OUTSIDE),
    host("router.home.arpa", OUTSIDE),
    host("db", OUTSIDE),
    host("example.org.", NO_NAME),
    host("exa_mple.org", NO_NAME),
    host("-example.org", NO_NAME),
    host("example-.org", NO_NAME),
    host("example..org", NO_NAME),
    host("*.example.org", NO_NAME),
    host("example.org!", NO_NAME),
    host(f"{'a' * 64}.example.org", NO_NAME),
    host(f"{'a.' * 124}example.org", NO_NAME),
    host("münchen.example", ASCII),
    host("еxample.org", ASCII),  # the first letter is Cyrillic
    host("example․org", ASCII),  # one dot leader
    host("example.org／path", ASCII),
)

READINGS = (
    whole("http://127.0.0.1:{port}@example.org/", USER),
    whole("http://example.org@127.0.0.1:{port}/", USER),
    whole("http://example.org:80@127.0.0.1:{port}/", USER),
    whole("http://user:password@example.org/", USER),
    whole("http://@127.0.0.1:{port}/", USER),
    whole("http://:@example.org/", USER),
    whole("http://a@b@127.0.0.1:{port}/", USER),
    whole("http://example.org%40127.0.0.1:{port}/", NO_ADDRESS),
    whole("http://example.org\\@127.0.0.1:{port}/", PLAIN),
    whole("http://127.0.0.1:{port}\\@example.org/", PLAIN),
    whole("http:\\\\127.0.0.1:{port}\\", PLAIN),
    whole("http:/\\127.0.0.1:{port}/", PLAIN),
    whole("http://example.org/\\..\\", PLAIN),
    whole("http://127.0.0.1\\.example.org/", PLAIN),
    whole(" http://127.0.0.1:{port}/", PLAIN, True),
    whole("http://127.0.0.1:{port}/ ", PLAIN),
    whole("http://127.0.0.1:{port}/\n", PLAIN, True),
    whole("http://127.0.0.1 :{port}/", PLAIN),
    whole("http://exa mple.org/", PLAIN),
    whole("ht\ttp://127.0.0.1:{port}/", PLAIN, True),
    whole("http://127.0\n.0.1:{port}/", PLAIN, True),
    whole("http://127.0.0.1\t:{port}/", PLAIN, True),
    whole("http://example.org\r\nHost: localhost/", PLAIN),
    whole("http://example.org/\r\nX-Injected: yes", PLAIN),
    whole("http://127.0.0.1\0.example.org/", PLAIN),
    whole("\x01http://127.0.0.1:{port}/", PLAIN, True),
    whole("http://example.org/\x7f", PLAIN),
    whole("http://example.org/\u2028", ASCII),
    whole("http://example.org/ä", ASCII),
    whole("http://example.org/a#b", "must end before the #"),
    whole("http://example.org#@127.0.0.1:{port}/", "must end before the #"),
    whole("http://example.org/#", "must end before the #"),
    whole("http://example.org/%", "percent-encoded"),
    whole("http://example.org/%0", "percent-encoded"),
    whole("http://example.org/<a>", "percent-encoded"),
    whole("http://example.org/[::1]", "percent-encoded"),
    whole("http://127.0.0.1:{port}", OUTSIDE, True),
    whole("HTTP://127.0.0.1:{port}/", OUTSIDE, True),
    whole("http://127.0.0.1:{port}?x", OUTSIDE, True),
    whole("http:127.0.0.1:{port}/", WHOLE),
    whole("http:/127.0.0.1:{port}/", WHOLE),
    whole("http:///127.0.0.1:{port}/", WHOLE),
    whole("//127.0.0.1:{port}/", WHOLE),
    whole("127.0.0.1:{port}", WHOLE),
    whole("http://", WHOLE),
    whole("http://?x", WHOLE),
    whole("http://:{port}/", NO_NAME),
    whole("", WHOLE),
    whole("file:///etc/passwd", WHOLE),
    whole("file://localhost/etc/passwd", WHOLE),
    whole("ftp://127.0.0.1:{port}/", WHOLE, True),
    whole("gopher://127.0.0.1:6379/_SAVE", WHOLE),
    whole("dict://127.0.0.1:11211/stats", WHOLE),
    whole("ldap://127.0.0.1/", WHOLE),
    whole("ws://127.0.0.1:{port}/", WHOLE),
    whole("data:text/plain,x", WHOLE),
    whole("javascript:alert(1)", WHOLE),
    whole("unix:///var/run/docker.sock", WHOLE),
    whole("http+unix://%2Fvar%2Frun%2Fdocker.sock/", WHOLE),
    whole("url:http://127.0.0.1:{port}/", WHOLE),
    whole("<http://127.0.0.1:{port}/>", WHOLE, True),
    whole(f"http://example.org/{'a' * 2000}", "at most 2000 characters"),
    whole("http://example.org:22/", PORT),
    whole("http://example.org:25/", PORT),
    whole("http://example.org:443/", PORT),
    whole("http://example.org:6379/", PORT),
    whole("http://example.org:1/", PORT),
    whole("http://example.org:65535/", PORT),
    whole("http://example.org:0/", NO_HOST),
    whole("http://example.org:/", NO_HOST),
    whole("http://example.org:080/", NO_HOST),
    whole("http://example.org:65536/", NO_HOST),
    whole("http://example.org:99999/", NO_HOST),
    whole("http://example.org:-80/", NO_HOST),
    whole("http://example.org:+80/", NO_HOST),
    whole("http://example.org:0x50/", NO_HOST),
    whole("http://example.org:80:80/", NO_HOST),
    whole("http://127.0.0.1:{port}:80/", NO_HOST),
    whole("http://example.org:８０/", ASCII),
)


def _own() -> Iterator[str]:
    """This machine's addresses in its networks, as far as it has some that are not the public's."""
    for family, anywhere in ((socket.AF_INET, PUBLIC), (socket.AF_INET6, PUBLIC_6)):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((anywhere, 9))  # sends nothing
            if not ip_address(own := probe.getsockname()[0]).is_global:
                yield own


OWN = tuple(_own())
MACHINE = tuple(host(f"[{own}]" if ":" in own else own, OUTSIDE, True) for own in OWN)

OVER_TLS = tuple(
    replace(vector, id=f"{vector.id} over TLS", url=vector.url.replace("http:", "https:", 1), reaches=False)
    for vector in (*LITERALS, *NOTATIONS, *NAMES)
)

AS_WRITTEN = (*LITERALS, *MACHINE, *NOTATIONS, *NAMES, *READINGS, *OVER_TLS)

BY_NAME = (
    leading("to loopback", ("127.0.0.1",), reaches=True),
    leading("to loopback by IPv6", ("::1",), reaches=True),
    leading("to anything", ("0.0.0.0",), reaches=True),
    leading("to anything by IPv6", ("::",), reaches=True),
    leading("to loopback, mapped", ("::ffff:127.0.0.1",), reaches=True),
    leading("by an alias to localhost", ("127.0.0.1", "::1"), reaches=True),
    *(leading(f"to this machine, {own}", (own,), reaches=True) for own in OWN),
    leading("to a private address", ("10.0.0.1",)),
    leading("to a private address, mapped", ("::ffff:192.168.0.1",)),
    leading("to the metadata of a cloud", ("169.254.169.254",)),
    leading("to the metadata of a cloud by IPv6", ("fd00:ec2::254",)),
    leading("to shared address space", ("100.64.0.1",)),
    leading("to a link-local address", ("fe80::1",)),
    leading("to broadcast", ("255.255.255.255",)),
    leading("to multicast", ("224.0.0.1",)),
    leading("through 6to4", ("2002:7f00:1::",)),
    leading("through NAT64", ("64:ff9b::7f00:1",)),
    leading("through local NAT64", ("64:ff9b:1::a00:1",)),
    leading("through Teredo", (TEREDO,)),
    leading("through IPv4-compatible IPv6", ("::10.0.0.1",)),
    leading("to the public, then loopback", (PUBLIC, "127.0.0.1")),
    leading("to loopback, then the public", ("127.0.0.1", PUBLIC), reaches=True),
    leading("to the public by IPv6, then loopback", (PUBLIC_6, "127.0.0.1")),
    leading("to loopback by IPv6, then the public", ("::1", PUBLIC), reaches=True),
    leading("to the public and a private address", (PUBLIC_6, PUBLIC, "10.0.0.1")),
    leading(
        "to three hundred, one of them inside", (*(f"93.184.{n // 250}.{n % 250}" for n in range(300)), "::1")
    ),
    leading("inside first, to the public later", ("127.0.0.1",), (PUBLIC,), reaches=True),
)
"""What a name leads to is known only when it is used."""

CHANGING = (
    leading("to the public first, then inside", (PUBLIC,), ("127.0.0.1",), reaches=True),
    leading("to the public by IPv6 first, then inside", (PUBLIC_6,), ("::1",), reaches=True),
    leading("to the public first, then mixed", (PUBLIC,), ("127.0.0.1", PUBLIC), reaches=True),
)
"""DNS rebinding: whoever looks the name up, finds it good, and looks it up again to connect, is led inside."""

GOOD = {
    "https://hooks.example.org": ("https", "hooks.example.org", 443, "/"),
    "https://hooks.example.org/": ("https", "hooks.example.org", 443, "/"),
    "https://hooks.example.org:443/a": ("https", "hooks.example.org", 443, "/a"),
    "https://hooks.example.org:8443/a/b;c=1?d=%20&e=/?": (
        "https",
        "hooks.example.org",
        8443,
        "/a/b;c=1?d=%20&e=/?",
    ),
    "https://HOOKS.example.ORG/A": ("https", "hooks.example.org", 443, "/A"),
    "HTTPS://hooks.example.org?a": ("https", "hooks.example.org", 443, "/?a"),
    "http://hooks.example.org": ("http", "hooks.example.org", 80, "/"),
    "http://hooks.example.org:8080/x": ("http", "hooks.example.org", 8080, "/x"),
    "https://example.org/@me?to=http://127.0.0.1/": (
        "https",
        "example.org",
        443,
        "/@me?to=http://127.0.0.1/",
    ),
    "https://example.org?@127.0.0.1/": ("https", "example.org", 443, "/?@127.0.0.1/"),
    "https://example.org/..//.%2e/": ("https", "example.org", 443, "/..//.%2e/"),
    "https://xn--mnchen-3ya.example/": ("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://127.0.0.1.nip.io/": ("https", "127.0.0.1.nip.io", 443, "/"),
    "https://1.example.org/": ("https", "1.example.org", 443, "/"),
    f"https://{PUBLIC}/": ("https", PUBLIC, 443, "/"),
    f"https://[{PUBLIC_6.upper()}]:8443/": ("https", PUBLIC_6, 8443, "/"),
}
"""What is taken, and how it is read: scheme, host, port, target."""


# ---------------------------------------------------------------- what watches


@dataclass
class Canaries:
    """``dialled``: the addresses that this process began to connect to; ``asked``: the names it looked up."""

    port: int
    settings: Settings
    accepted: list[int] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    leads: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    rerouted: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By public address: where the connection ends instead; others end nowhere."""
    connect: Any = None
    own: set[int] = field(default_factory=set)

    def lead(self, name: str, *answers: Sequence[str]) -> None:
        """What looking up a name answers, in turn; the last answer stays."""
        self.leads[name] = [tuple(answer) for answer in answers]

    def hits(self) -> int:
        """How many connections were made to canaries. They are taken in turn: once one of ours was, all were."""
        with socket.socket() as ours:
            self.connect(ours, ("127.0.0.1", self.port))
            self.own.add(ours.getsockname()[1])
            ours.settimeout(10)
            ours.recv(1)
        return len([port for port in self.accepted if port not in self.own])


@contextmanager
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canaries]:
    """Listeners on every address of this machine, at a port that receivers may have; a look-up of names that answers as
    it is told; and nothing leaves this machine."""
    six = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if six else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=six, backlog=64) as listening:
        port = listening.getsockname()[1]
        watched = Canaries(port, load({"TRACKER_PLAIN_HTTP": "allowed"}))
        for scheme, ports in destination.PORTS.items():
            monkeypatch.setitem(destination.PORTS, scheme, (*ports, port))
        _stand_in(monkeypatch, watched)
        thread = Thread(target=_accept, args=[listening, watched.accepted, ready := Event()])
        thread.start()
        ready.wait()
        try:
            yield watched
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listening: socket.socket, accepted: list[int], ready: Event) -> None:
    ready.set()
    with suppress(OSError):
        while True:
            taken, peer = listening.accept()
            accepted.append(peer[1])
            with taken, suppress(OSError):
                taken.sendall(b"HTTP/1.0 200 OK\r\n\r\nyou should not see this")


def _stand_in(monkeypatch: pytest.MonkeyPatch, watched: Canaries) -> None:
    """Look-ups and connections of this process, as the two lowest calls that Python makes for them."""
    real_look_up, watched.connect = socket.getaddrinfo, socket.socket.connect

    def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        watched.asked.append(name)
        if name not in watched.leads:
            if name.encode("idna").decode().lower() in ("localhost", "ip6-localhost"):
                return real_look_up("localhost", port, *rest, **named)
            named = {"flags": socket.AI_NUMERICHOST, **named}
            return real_look_up(host, port, *rest, **named)  # what is no address leads nowhere
        answers = watched.leads[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [_found(one, int(port)) for one in answer]

    def connect(self: socket.socket, address: Any) -> None:
        watched.dialled.append((address[0], address[1]))
        found = ip_address(address[0]) if address[0][0].isdigit() or ":" in address[0] else None
        if to := watched.rerouted.get(address[0]):
            address = to if self.family == socket.AF_INET else (f"::ffff:{to[0]}", to[1])
        elif found and found.is_global:
            raise OSError(errno.ENETUNREACH, "nothing leaves this machine")
        watched.connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)


def _found(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def naive(url: str) -> None:
    """What clients do that are not on their guard: send, wherever that leads, and follow. As it is written, and as
    readers tidy it up that mean well: controls dropped, letters and digits of other scripts made ASCII."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for reading in (lambda: url, lambda: _tidied(url)):
        with suppress(Exception), opener.open(reading(), b"{}", timeout=0.5) as answer:
            answer.read()


def _tidied(url: str) -> str:
    parts = urlsplit(url)
    ascii = str(parts.hostname).encode("idna").decode()
    return parts._replace(netloc=f"{ascii}:{parts.port}").geturl()
