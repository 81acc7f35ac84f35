"""What every request and every answer goes through, those without a route too: headers for safety, a line of log."""

from time import perf_counter
from typing import Any

import structlog
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

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


def envelope(app: ASGIApp) -> ASGIApp:
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
            await app(scope, receive, sealed)
        finally:
            ms = round((perf_counter() - begun) * 1000, 1)
            log.info("answered", method=method, path=scope["path"], status=status, ms=ms)

    return enveloped


def with_safety(headers: Any) -> list[tuple[bytes, bytes]]:
    """The headers, and those for safety that are not set already."""
    there = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in SAFETY if pair[0] not in there)]
