"""What every request and every answer goes through, those without a route too: headers for safety, a line of log."""

from time import perf_counter
from typing import Any

import structlog
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tracker.web.conditional import matches
from tracker.web.remembered import Headers, Remembered

log = structlog.get_logger()

CONTENT = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFETY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", CONTENT.encode()),
)


def envelope(app: ASGIApp, remembered: Remembered | None = None) -> ASGIApp:
    """The application, with safety headers on each answer and one line of log for it: no query, headers or body. HEAD
    is answered as GET, without the body."""

    async def enveloped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        begun, status, over = perf_counter(), 500, False
        method = scope["method"]
        head = method == "HEAD"
        if head:
            scope["method"] = HttpMethod.GET

        async def sealed(message: Message) -> None:
            nonlocal status, over
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = with_safety(message["headers"])
            elif head and message["type"] == "http.response.body":
                if over:
                    return
                message["body"], message["more_body"], over = b"", False, True
            await send(message)

        try:
            if remembered is None or scope["method"] != HttpMethod.GET:
                await app(scope, receive, sealed)
            else:
                await _from_memory(app, remembered, scope, receive, sealed)
        finally:
            ms = round((perf_counter() - begun) * 1000, 1)
            log.info("answered", method=method, path=scope["path"], status=status, ms=ms)

    return enveloped


async def _from_memory(
    app: ASGIApp, remembered: Remembered, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer as before where that holds; else have it worked out, and keep it."""
    if remembered.asked_before(scope):
        if (found := await remembered.found(scope)) is not None:
            await _again(scope, send, *found)
            return
        with remembered.making(scope):
            await _worked_out(app, remembered, scope, receive, send)
    else:
        await _worked_out(app, remembered, scope, receive, send)


async def _worked_out(
    app: ASGIApp, remembered: Remembered, scope: Scope, receive: Receive, send: Send
) -> None:
    started: Message | None = None

    async def kept(message: Message) -> None:
        nonlocal started
        if message["type"] == "http.response.start":
            started = message if message["status"] == 200 else None
        elif started is not None and message["type"] == "http.response.body" and not message.get("more_body"):
            remembered.keep(scope, [*started["headers"]], message["body"])  # type: ignore[typeddict-item]
        await send(message)

    await app(scope, receive, kept)


async def _again(scope: Scope, send: Send, headers: Headers, body: bytes) -> None:
    given = {name: value for name, value in scope["headers"] if name == b"if-none-match"}
    etag = dict(headers).get(b"etag", b"").decode("latin-1")
    status = 200
    if etag and matches(given.get(b"if-none-match", b"").decode("latin-1"), etag):
        status, body = 304, b""
        headers = [
            (name, value) for name, value in headers if name not in (b"content-type", b"content-length")
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def with_safety(headers: Any) -> list[tuple[bytes, bytes]]:
    """The headers, and those for safety that are not set already."""
    there = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in SAFETY if pair[0] not in there)]
