"""Answers that need not be sent twice: ETag and 304, and the address at which an answer can never change.

An answer about now says so (``temporal`` holds this instant), so two of them are never the same bytes: their ETag is
weak, and stands for everything but the instant. A pinned answer has a strong one, and may be kept for good.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response

from tracker.domain.views import Temporal
from tracker.domain.when import rfc3339
from tracker.read import Point
from tracker.read.moving import Moving, plain
from tracker.web.asking import moved
from tracker.web.remembered import About, Hole, remember

Content = TypeVar("Content")


class Answer(Response[Content]):
    """An answer, written already; its type is that of what it says."""


def answer(
    request: Request[Any, Any, Any],
    content: Content,
    pins: Mapping[str, Any] | None = None,
    pinned: bool = False,
    cursor: str | None = None,
    at: Point | None = None,
) -> Answer[Content]:
    """The answer to a read, or 304. ``pins``: the parameters that name its point for good, ``pinned``: they were
    given; ``cursor``: that of the next page; ``at``: its point, where it is a function of that alone and may be
    remembered."""
    raw = msgspec.json.encode(content)
    if at is not None:
        remember(request.scope, About(at, *holes(at, temporals(content), cursor), pinned))
    headers = {"ETag": etag(raw, [] if pinned else temporals(content), cursor)}
    headers["Cache-Control"] = caching(request, pinned)
    if pins is not None:
        headers["Content-Location"] = address(request, pins)
    if cursor is not None:
        unpinned = dict.fromkeys(pins or ())
        headers["Link"] = f'<{address(request, {**unpinned, "cursor": cursor})}>; rel="next"'
    return _sent(request, raw, "application/json", headers)


def file(
    request: Request[Any, Any, Any], raw: bytes, media_type: str, modified: datetime | None, at: Point
) -> Answer[Any]:
    """A document as the answer to a read, or 304: the same bytes as long as it says the same. ``modified``: when
    what it holds was last recorded. Only its ETag decides whether it is sent again: what was erased, and dates that
    have passed, change it without a record, and two records may fall into one second."""
    remember(request.scope, About(at))
    headers = {"ETag": etag(raw, []), "Cache-Control": caching(request, pinned=False)}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    return _sent(request, raw, media_type, headers)


def stored(request: Request[Any, Any, Any], raw: bytes, name: str, intact: bool, related: str) -> Answer[Any]:
    """Something that is kept under the hash of its content, its very bytes, or 304: good for ever, unless something in
    it had to be erased. ``related``: the address of what is told about it later."""
    headers = {"ETag": f'"{name}"' if intact else etag(raw, []), "Cache-Control": caching(request, intact)}
    headers["Link"] = f'<{related}>; rel="related"'
    return _sent(request, raw, "application/json", headers)


def _sent(
    request: Request[Any, Any, Any], raw: bytes, media_type: str, headers: dict[str, str]
) -> Answer[Any]:
    if request.app.state.settings.reading == "closed":
        headers["Vary"] = "Authorization, Cookie"
    if matches(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Answer(b"", status_code=304, headers=headers)
    return Answer(raw, headers=headers, media_type=media_type)


def holes(at: Point, points: Sequence[Temporal], cursor: str | None) -> tuple[list[Hole], list[Hole]]:
    """What in the body of an answer speaks of this instant, and what in its headers."""
    moving = {name for name in ("as_of", "known_at") if isinstance(getattr(at, name), Moving)}

    def hole(temporal: Temporal) -> Hole:
        def said(now: datetime) -> bytes:
            return msgspec.json.encode(msgspec.structs.replace(temporal, **dict.fromkeys(moving, now)))

        return msgspec.json.encode(temporal), said

    body = [hole(temporal) for temporal in points if moving]
    headers: list[Hole] = []
    if "as_of" in moving:
        headers.append((rfc3339(plain(at.as_of)).encode(), lambda now: rfc3339(now).encode()))
        if cursor is not None:
            following: Hole = (cursor.encode(), lambda now: moved(cursor, now).encode())
            body.append(following)
            headers.append(following)
    return body, headers


def temporals(content: Any) -> list[Temporal]:
    """The points that an answer echoes."""
    values = [getattr(content, name) for name in getattr(content, "__struct_fields__", ())]
    return [value for value in values if isinstance(value, Temporal)]


def etag(raw: bytes, fleeting: Sequence[Temporal], cursor: str | None = None) -> str:
    """A strong validator; a weak one where the answer echoes points that move with the clock (in its cursor too)."""
    if not fleeting:
        return f'"{sha256(raw).hexdigest()[:32]}"'
    covered = []
    for temporal in fleeting:
        raw = raw.replace(msgspec.json.encode(temporal), b"", 1)
        covered.append((temporal.checked_through, temporal.beyond_coverage))
    lasting = raw.replace(msgspec.json.encode(cursor), b"", 1) + msgspec.json.encode(covered)
    return f'W/"{sha256(lasting).hexdigest()[:32]}"'


def matches(asked: str, etag: str) -> bool:
    """Weak comparison, as RFC 9110 asks for here."""
    candidates = [one.strip().removeprefix("W/") for one in asked.split(",")]
    return etag.removeprefix("W/") in candidates or "*" in candidates


def caching(request: Request[Any, Any, Any], pinned: bool) -> str:
    return f"{whose(request)}, max-age=86400, immutable" if pinned else f"{whose(request)}, no-cache"


def whose(request: Request[Any, Any, Any]) -> str:
    """Who may keep an answer."""
    return "public" if request.app.state.settings.reading == "open" else "private"


def address(request: Request[Any, Any, Any], changed: Mapping[str, Any]) -> str:
    """The address asked for, with these parameters instead; None leaves one out."""
    kept = {k: v for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k not in changed}
    query = urlencode({**kept, **{k: v for k, v in changed.items() if v is not None}}, safe=":,")
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    return f"{path}?{query}" if query else path
