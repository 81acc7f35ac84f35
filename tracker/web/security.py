"""Who is asking, and whether they may: an analyst's key (``Authorization: Bearer``) or a browser's session.

A session is a row in the database, named by a random token in a cookie; revoking its key ends it. Forms carry a
token worked out from the session, so that no other site can post them.
"""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException
from litestar.handlers.base import BaseRouteHandler
from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.settings import Settings
from tracker.store import access
from tracker.store.access import Analyst
from tracker.store.engine import reading, writing

COOKIE = "tracker_session"
PUBLIC = "public"
"""``opt={PUBLIC: True}`` on a handler: open to all, even where reading is closed."""
SAFE = ("GET", "HEAD", "OPTIONS")

Connection = ASGIConnection[Any, Any, Any, Any]


def analyst_of(request: Connection) -> Analyst | None:
    """The analyst who asks; None for anybody else. Looked up once a request; reads the database."""
    if "analyst" not in request.state:
        request.state.analyst = _analyst_of(request)
    found: Analyst | None = request.state.analyst
    return found


def _analyst_of(request: Connection) -> Analyst | None:
    engine: Engine = request.app.state.engine
    if key := bearer(request):
        with reading(engine) as connection:
            return access.authenticate(connection, key)
    if token := request.cookies.get(COOKIE):
        with reading(engine) as connection:
            return access.in_session(connection, token, request.app.state.clock())
    return None


def bearer(request: Connection) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None


# ---------------------------------------------------------------- guards


def analyst_only(request: Connection, _handler: BaseRouteHandler) -> None:
    """Guard of what only analysts may do."""
    check_analyst(request)


def check_analyst(request: Connection) -> None:
    """NotAuthorized for who is none. Signed in by cookie, analysts may write from our own pages alone."""
    if analyst_of(request) is None:
        raise unauthorized(request)
    if bearer(request) is None and request.scope["method"] not in SAFE:  # type: ignore[typeddict-item]
        check_origin(request)


def reader(request: Connection, handler: BaseRouteHandler) -> None:
    """Guard of everything where reading is closed: only what is public is open to all."""
    if not handler.opt.get(PUBLIC) and analyst_of(request) is None:
        raise unauthorized(request)


def unauthorized(request: Connection) -> NotAuthorizedException:
    """401 as a program sees it; a browser is sent to sign in (see errors.py)."""
    if bearer(request):
        return NotAuthorizedException(
            "the key is not known, or was revoked: ask the operator for a new one (tracker key create NAME)",
            headers={"WWW-Authenticate": 'Bearer realm="tracker", error="invalid_token"'},
        )
    return NotAuthorizedException(
        "this needs an analyst's key: send it as 'Authorization: Bearer trk_...' "
        "(the operator makes one with: tracker key create NAME)",
        headers={"WWW-Authenticate": 'Bearer realm="tracker"'},
    )


# ---------------------------------------------------------------- sessions


def sign_in(engine: Engine, settings: Settings, key: str, now: datetime) -> Cookie | None:
    """Open a session with a key: the cookie to set; None for a key that is nobody's."""
    with writing(engine) as connection:
        token = access.open_session(connection, key.strip(), now)
    return _cookie(settings, token, int(access.SESSION.total_seconds())) if token else None


def sign_out(request: Connection, settings: Settings) -> Cookie:
    """Close the session: the cookie that clears the browser's."""
    if token := request.cookies.get(COOKIE):
        with writing(request.app.state.engine) as connection:
            access.close_session(connection, token)
    return _cookie(settings, "", 0)


def _cookie(settings: Settings, token: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE, value=token, max_age=seconds, path="/", httponly=True, samesite="lax",
        secure=settings.public_url.startswith("https:"),
    )  # fmt: skip


def sign_in_page(request: Connection) -> str:
    """Where a browser signs in, to come back to what it asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(asked if request.scope['method'] == 'GET' else '/')}"  # type: ignore[typeddict-item]


def local(path: str | None) -> str:
    """A path of our own to go on to; ``/`` for anything that could lead elsewhere."""
    fits = path and path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if path and fits else "/"


# ---------------------------------------------------------------- forms


def csrf_token(request: Connection) -> str:
    """What every form carries in a field ``csrf``: worked out from the session; '' for who is not signed in."""
    token = request.cookies.get(COOKIE)
    return hmac.new(token.encode(), b"csrf", sha256).hexdigest() if token else ""


def check_csrf(request: Connection, given: str | None) -> None:
    """Refused (``denied``) for a form that is not ours, or that was made before its session ended."""
    check_origin(request)
    if not hmac.compare_digest(csrf_token(request).encode(), (given or "").encode("utf-8", "replace")):
        raise Refused(
            "denied", "this form was made before you signed in or out: load the page again, then send it"
        )


def check_origin(request: Connection) -> None:
    """Refused (``denied``) for what was sent from another site. Browsers say where a request comes from; other programs
    say nothing."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or site not in ("same-origin", "none"):
        raise Refused(
            "denied", "this was sent from another site: open the tracker itself and send it from there"
        )
