"""What a page is asked, read from its address: strictly, and above all the point that it is about
(``?as_of=&known_at=``), and how the page speaks of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from sqlalchemy import Connection

from tracker import read
from tracker.domain import words
from tracker.domain.errors import Refused
from tracker.domain.when import rfc3339
from tracker.read import Point
from tracker.read.moving import Moving, plain
from tracker.settings import nearest
from tracker.web.asking import CONTROL
from tracker.web.errors import Failed

AXES = ("as_of", "known_at", "known_position")
ONCE, MANY = "once", "many"


def takes(*once: str, many: Sequence[str] = ()) -> dict[str, Any]:
    """``opt=takes("sort", many=["partners"])``: the parameters of a page; those of ``many`` may be given again."""
    return {ONCE: (*once, *many), MANY: many}


def strict(request: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of pages: no parameter that the page does not take, none twice, no control characters."""
    if CONTROL.search(request.scope["path"]):
        raise Failed(400, "invalid", "the address holds a control character: remove it")
    known: tuple[str, ...] = handler.opt.get(ONCE, ())
    many = handler.opt.get(MANY, ())
    given = list(request.query_params.multi_items())
    for name, value in given:
        if name not in known:
            these = nearest(name, known) or (f"it takes {', '.join(known)}" if known else "it takes nothing")
            raise Failed(400, "invalid", f"this page does not take {name[:80]!r} after the '?'; {these}")
        if CONTROL.search(str(value)):
            raise Failed(400, "invalid", f"{name} holds a control character: remove it")
    for name, times in Counter(name for name, _ in given).items():
        if times > 1 and name not in many:
            raise Failed(400, "invalid", f"{name} is given {times} times: give it once")


@dataclass(frozen=True, slots=True)
class Bar:
    """What the bar on top of a page shows: the words typed, what is wrong with them, and where its links lead."""

    as_of: str
    known_at: str
    known_position: str
    error: str
    others: Mapping[str, str]
    pinned: Mapping[str, str]

    @property
    def now(self) -> bool:
        """Whether the page shows the present, as known at present."""
        return not self.kept

    @property
    def kept(self) -> dict[str, str]:
        """What the links of the page carry on."""
        asked = {"as_of": self.as_of, "known_at": self.known_at, "known_position": self.known_position}
        return {} if self.error else {name: text for name, text in asked.items() if text}

    @property
    def says(self) -> str:
        """The point in words: ``on 1 May 2025, as known now``."""
        on = f"on {words.stated(self.as_of)}" if self.as_of else "now"
        if self.known_position:
            return f"{on}, as known at position {self.known_position} of the log"
        return f"{on}, as known {'on ' + words.stated(self.known_at) if self.known_at else 'now'}"


def asked(request: Request[Any, Any, Any], connection: Connection, moving: bool = False) -> tuple[Point, Bar]:
    """The point that the address names and the bar that shows it. Where it names none that can be, the present,
    and the bar says what is wrong."""
    clock, zone = request.app.state.clock, request.app.state.settings.zone.key
    now = Moving.at(clock()) if moving else clock()
    typed = {name: (request.query_params.get(name) or "").strip()[:40] for name in AXES}
    error = ""
    try:
        point = read.point(
            connection, now=now, zone=zone, as_of=typed["as_of"] or None,
            known_at=typed["known_at"] or None, known_position=_position(typed["known_position"]),
        )  # fmt: skip
    except Refused as refusal:
        error = _named(refusal.detail)
        point = read.point(connection, now=now, zone=zone)
    others = {k: v for k, v in request.query_params.items() if k not in (*AXES, "page") and v}
    pinned = {"as_of": rfc3339(plain(point.as_of)), "known_position": str(point.known)}
    return point, Bar(**typed, error=error, others=others, pinned=pinned)


def rememberable(bar: Bar, at: Point) -> bool:
    """Whether nothing on a page says this instant: its permanent link does where only knowledge was named."""
    at.as_of.astimezone(UTC)  # pages show their instant to the minute
    return not bar.error and (bar.now or not isinstance(at.as_of, Moving))


def _named(detail: str) -> str:
    """What is wrong, in the words of the bar."""
    for name, label in (("as_of", "state on"), ("known_at", "as known on"), ("known_position", "position")):
        detail = detail.replace(name, label)
    return detail


def _position(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused("invalid", f"known_position {text!r} is not a position in the log: give a whole number")
    return int(text)
