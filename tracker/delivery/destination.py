"""Addresses that somebody gave us to send to: how one is read, and where we never go. Pure.

An address is read once, here, by a grammar (RFC 3986) that takes what is plain and refuses what two readers could read
in two ways; its parts are what is connected to, so no other parser has a say. Names say little about where they lead:
`permitted` is asked of the very address that is about to be dialled (tracker.delivery.outward).
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from re import fullmatch

from tracker.domain.errors import invalid
from tracker.settings import Settings

LONGEST = 2000
"""Characters of an address."""
PORTS: dict[str, tuple[int, ...]] = {"https": (443, 8443), "http": (80, 8080)}
"""Where web servers for the public listen, the usual one first. On others are databases, mail servers and the like."""
INSIDE = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
)
"""Endings of names that mean something within a network only (RFC 6761, 6762, 8375; ICANN on .internal)."""

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
AUTHORITY = r"(?:(?P<name>[^:\[\]]*)|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[1-9][0-9]{0,4}))?"
LETTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
TARGET = rf"(?:/{LETTER}*)?(?:\?(?:{LETTER}|\?)*)?"

DENIED_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
"""Not the public's (IANA's special-purpose registry). `is_global` alone is wrong for several in Python 3.11."""
GLOBAL_6 = IPv6Network("2000::/3")
"""All that is given out for hosts of the public. Outside lie loopback, link-local, unique local, multicast, IPv4 within
IPv6, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only and segment routing addresses."""
DENIED_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Within it: Teredo and other protocols, documentation, 6to4. Teredo and 6to4 hide an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address, read. ``inside``: the operator named the host, so it may be one of a private network."""

    scheme: str
    host: str
    port: int
    target: str
    inside: bool = False

    @property
    def authority(self) -> str:
        """What goes into the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme][0] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def destination(text: str, settings: Settings, field: str = "url") -> Destination:
    """The address, as far as it can be judged as it is written; Refused (`invalid`, about the field), saying what to
    do."""
    scheme, authority, target = _split(text, field)
    if scheme == "http" and settings.plain_http == "refused":
        raise invalid(
            field, f"{field}: must begin with https://, so that nobody on the way can read or change it"
        )
    host, port = _host_and_port(authority, field)
    at = Destination(scheme, host, port or PORTS[scheme][0], target)
    if settings.private_hosts & {(host, None), (host, at.port)}:
        return Destination(scheme, host, at.port, target, inside=True)
    if why := _elsewhere(at):
        raise invalid(field, f"{field}: {why}")
    return at


def permitted(address: IPv4Address | IPv6Address) -> bool:
    """Whether it belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in DENIED_4)
    if mapped := address.ipv4_mapped:
        return permitted(mapped)
    return address.is_global and address in GLOBAL_6 and not any(address in network for network in DENIED_6)


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is; None where it is a name."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host)
        except AddressValueError:
            continue
    return None


def _split(text: str, field: str) -> tuple[str, str, str]:
    """Scheme, authority and target. Whatever readers are known to differ about is refused by name."""
    if len(text) > LONGEST:
        raise invalid(field, f"{field}: must have at most {LONGEST} characters, and this has {len(text)}")
    if not text.isascii():
        raise invalid(
            field,
            f"{field}: must be written in ASCII: an international name as xn--..., other letters as %C3%A9",
        )
    if not fullmatch(r"[!-~]*", text) or "\\" in text:
        raise invalid(field, f"{field}: must hold no spaces, control characters or backslashes")
    shape = fullmatch(r"(https?)://([^/?#]+)([^#]*)(#.*)?", text, re.IGNORECASE)
    if shape is None:
        raise invalid(field, f"{field}: must be a whole address, such as https://hooks.example.org/trade")
    scheme, authority, target, fragment = shape.groups()
    if "@" in authority:
        raise invalid(field, f"{field}: must hold no user name or password; a token can stand after the host")
    if fragment:
        raise invalid(field, f"{field}: must end before the #: what follows it is never sent")
    if not fullmatch(TARGET, target):
        raise invalid(field, f"{field}: has characters that must be percent-encoded, such as %20 for a space")
    return scheme.lower(), authority, target if target.startswith("/") else f"/{target}"


def _host_and_port(authority: str, field: str) -> tuple[str, int | None]:
    """The host in lower case, or an address in its one canonical form."""
    found = fullmatch(AUTHORITY, authority)
    if found is None or int(found["port"] or 1) > 65535:
        raise invalid(
            field, f"{field}: {authority!r} is no host, with or without a port: write hooks.example.org:8443"
        )
    port = int(found["port"]) if found["port"] else None
    if found["v6"] is not None:
        return _canonical(IPv6Address, found["v6"], field), port
    name = found["name"].lower()
    if fullmatch(
        r"(.*\.)?(\d+|0x[0-9a-f]*)\.?", name
    ):  # what ends in a number is an address, or no host (WHATWG URL)
        return _canonical(IPv4Address, name, field), port
    if len(name) > 253 or not fullmatch(rf"{LABEL}(?:\.{LABEL})*", name):
        raise invalid(
            field,
            f"{field}: {name[:80]!r} is no host name: letters, digits and hyphens with dots between, none at the end",
        )
    return name, port


def _canonical(kind: type[IPv4Address | IPv6Address], text: str, field: str) -> str:
    try:
        return str(kind(text))
    except AddressValueError:
        raise invalid(
            field,
            f"{field}: {text[:80]!r} is no address: write 198.51.100.7, [2001:db8::7] or, better, a name",
        ) from None


def _elsewhere(at: Destination) -> str | None:
    """Why we do not go there, as far as can be seen without asking where the name leads."""
    if at.port not in PORTS[at.scheme]:
        ports = " or ".join(map(str, PORTS[at.scheme]))
        return f"must use port {ports}, not {at.port}, unless the operator names the host (TRACKER_PRIVATE_HOSTS)"
    address = literal(at.host)
    named = address is None and "." in at.host and not at.host.endswith(tuple(f".{end}" for end in INSIDE))
    if named or (address is not None and permitted(address)):
        return None
    return (
        f"must lead to a host of the public internet, and {at.host} does not, unless the operator names it "
        "(TRACKER_PRIVATE_HOSTS)"
    )
