"""What can be set from outside: each field of `Settings` is the TRACKER_* variable of its name."""

import binascii
import ipaddress
import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from email.headerregistry import Address, HeaderRegistry
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "TRACKER_"
FOR_TESTS = "TRACKER_TEST_"
KEY_BYTES = 32
RECORD = "tracker.db"

Reading = Literal["open", "closed"]
Durability = Literal["checked", "unchecked"]
PlainHttp = Literal["refused", "allowed"]
LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(Exception):
    """TRACKER_* variables that cannot be used; the message is one line that names each and its remedy."""


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    tls: bool  # from the first byte (smtps); otherwise STARTTLS where the server offers it
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def load(environ: Mapping[str, str] = os.environ) -> "Settings":
    """Read the settings; an empty variable counts as unset. A SettingsError names all that is wrong."""
    problems = [unknown(name) for name in sorted(environ) if is_unknown(name)]
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name = variable(setting.name)
        value = environ.get(name, "").strip()
        if not value:
            continue
        try:
            values[setting.name] = setting.metadata["parse"](value)
        except ValueError as error:
            shown = name if setting.metadata["secret"] else f"{name}={one_line(value)}"
            problems.append(f"{shown}: {error}")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(**values)


def variable(field_name: str) -> str:
    return PREFIX + field_name.upper()


def is_unknown(name: str) -> bool:
    return name.startswith(PREFIX) and not name.startswith(FOR_TESTS) and name not in VARIABLES


def unknown(name: str) -> str:
    return f"{name}: is not a setting; {nearest(name, VARIABLES) or 'these are: ' + ', '.join(VARIABLES)}"


def nearest(word: str, known: tuple[str, ...]) -> str:
    return "".join(f"did you mean {match}?" for match in get_close_matches(word, known, n=1, cutoff=0.8))


def one_line(value: str) -> str:
    return value if value.isprintable() else repr(value)


# Parsers: the text of a variable in, its value out, ValueError("must be ...") for people to read.


def host_name(value: str) -> str:
    if is_address(value) or re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", value):
        return value
    raise ValueError("must be a host name or an address, without a port")


def is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        # isascii: int() would also take digits of other scripts. The length keeps int() cheap.
        if value.isascii() and value.isdigit() and len(value) < 10 and lowest <= int(value) <= highest:
            return int(value)
        raise ValueError(f"must be a whole number from {lowest} to {highest}")

    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() in allowed:
            return value.lower()
        raise ValueError(f"must be {', '.join(allowed[:-1])} or {allowed[-1]}")

    return parse


def data_folder(value: str) -> Path:
    folder = Path(value).expanduser().absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"must be a folder, and {there} is a file")
    written = os.access(there, os.W_OK | os.X_OK)
    if not written and not (folder / RECORD).exists():  # a record that is there can be read
        raise ValueError(f"must be a folder to write in, and {there} is read-only")
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone. One that is there stays as it is."""
    for missing in reversed([above for above in folder.parents if not above.exists()]):
        missing.mkdir(0o700, exist_ok=True)
    folder.mkdir(0o700, exist_ok=True)


def database(value: str) -> URL:
    wanted = ValueError("must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise wanted from None
    if url.drivername == "sqlite" and not url.host and url.database not in (None, "", ":memory:"):
        return url.set(database=str(Path(str(url.database)).absolute()))
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise wanted


def time_zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        suggestion = nearest(value, tuple(available_timezones())) or "such as Europe/Paris"
        raise ValueError(f"must be an IANA time zone; {suggestion}") from None


def instant(value: str) -> datetime:
    with suppress(ValueError, OverflowError):
        when = datetime.fromisoformat(value)
        if when.tzinfo is not None and "T" in value:
            return when.astimezone(UTC)
    raise ValueError("must be an instant with its offset, such as 2025-09-01T00:00:00Z")


def web_address(value: str) -> str:
    url = split(value, "http", "https")
    if url is None or url.username:
        raise ValueError("must be the address people type, such as https://tracker.example.org")
    return value.rstrip("/")


def mail_server(value: str) -> MailServer:
    url = split(value, "smtp", "smtps")
    if url is None or url.path.strip("/"):
        raise ValueError("must be smtp://USER:PASSWORD@HOST:PORT or smtps://...")
    tls = url.scheme == "smtps"
    return MailServer(
        host=str(url.hostname),
        port=url.port or (465 if tls else 587),
        tls=tls,
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def split(value: str, *schemes: str) -> SplitResult | None:
    """The parts of such an address; None where it is none, or has a query or a fragment."""
    try:
        url = urlsplit(value)
        url.port  # noqa: B018  # raises where it is no port
    except ValueError:
        return None
    plain = value.isprintable() and " " not in value and not (url.query or url.fragment)
    return url if plain and url.scheme in schemes and url.hostname else None


def sender(value: str) -> str:
    header = HeaderRegistry()("From", value if value.isprintable() else "")
    addresses: list[Address] = [*getattr(header, "addresses", [])]
    if header.defects or len(addresses) != 1 or not addresses[0].domain:
        raise ValueError("must be one address, such as Tracker <tracker@example.org>")
    return str(header)


def named_hosts(value: str) -> frozenset[tuple[str, int | None]]:
    """Host names in lower case and addresses in canonical form, each with its port, or None for any."""
    return frozenset(named_host(one.strip()) for one in value.split(","))


def named_host(value: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?", value)
    host = (found[1] or found[2]) if found else value
    with suppress(ValueError):
        return canonical(host), whole(1, 65535)(found[3]) if found and found[3] else None
    raise ValueError("must be hosts with commas between, such as hooks.intranet, 10.1.2.3:8080, [fd00::7]")


def canonical(host: str) -> str:
    return str(ipaddress.ip_address(host)) if is_address(host) else host_name(host).lower()


def secret_keys(value: str) -> tuple[bytes, ...]:
    return tuple(secret_key(one.strip()) for one in value.split(","))


def secret_key(value: str) -> bytes:
    """Only of that length: a key that is easy to remember is easy to find."""
    with suppress(binascii.Error, ValueError):
        plain = value.translate({ord("-"): "+", ord("_"): "/"})
        key = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise ValueError("must be 32 random bytes in base64, as `openssl rand -base64 32` makes them")


def reads(parse: Callable[[str], Any], about: str, default: Any = None, *, secret: bool = False) -> Any:
    metadata = {"parse": parse, "about": about, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    host: str = reads(host_name, "address the web server listens on", "127.0.0.1")
    port: int = reads(whole(1, 65535), "port the web server listens on", 8000)
    public_url: str = reads(web_address, "address of the service in mails and feeds; else http://HOST:PORT")
    data_dir: Path = reads(data_folder, "folder of every file of the service; else ./var")
    database_url: URL = reads(
        database, "SQLite or PostgreSQL; else tracker.db in the data folder", secret=True
    )
    zone: ZoneInfo = reads(time_zone, "time zone of the days of the service", ZoneInfo("America/New_York"))
    clock: datetime | None = reads(instant, "when the service believes it starts, on an empty database")
    reading: Reading = reads(one_of(*get_args(Reading)), "who may read: anyone, or keys", "open")
    smtp_url: MailServer | None = reads(mail_server, "mail server; unset, no mail is sent", secret=True)
    mail_from: str = reads(sender, "sender of mails", "Negotiation tracker <tracker@localhost>")
    private_hosts: frozenset[tuple[str, int | None]] = reads(
        named_hosts, "hosts that may be sent to although they are not the public's", frozenset()
    )
    plain_http: PlainHttp = reads(
        one_of(*get_args(PlainHttp)), "whether what leaves may go without encryption", "refused"
    )
    secret_key: tuple[bytes, ...] = reads(
        secret_keys, "seals secrets of others; several: the first seals, all open", (), secret=True
    )
    durability: Durability = reads(
        one_of(*get_args(Durability)), "whether a database that a power cut can rob is refused", "checked"
    )
    threads: int = reads(whole(1, 256), "requests worked on at the same time", 16)
    log_format: LogFormat = reads(one_of(*get_args(LogFormat)), "form of the log on stderr", "console")
    log_level: LogLevel = reads(one_of(*get_args(LogLevel)), "least severe line of the log", "info")

    def __post_init__(self) -> None:
        """Settings that follow from others."""
        self._default("public_url", f"http://{authority(self.host)}:{self.port}")
        self._default("data_dir", Path("var").absolute())
        self._default("database_url", URL.create("sqlite", database=str(self.data_dir / RECORD)))

    def _default(self, name: str, value: Any) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)


VARIABLES = tuple(variable(setting.name) for setting in fields(Settings))


def authority(host: str) -> str:
    """The host as a URL on this machine has it: nobody can visit 0.0.0.0."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def shipped(folder: Literal["events", "fixtures", "formats", "migrations"]) -> Path:
    """A folder shipped with the package: inside it when installed, beside it in the repository."""
    package = Path(__file__).parent
    return package / folder if (package / folder).is_dir() else package.parent / folder
