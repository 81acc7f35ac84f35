"""Sign in with an analyst's key, and out again."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import RawBody
from litestar.response import Redirect
from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.settings import Settings
from tracker.web import security
from tracker.web.form.fields import Form
from tracker.web.html import html, upper_first
from tracker.web.point import takes
from tracker.web.security import PUBLIC


@get("/sign-in", opt={PUBLIC: True, **takes("next")}, sync_to_thread=True, include_in_schema=False)
def ask(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for the key; ``?next=`` is where to go on to."""
    return shown(request, security.local(request.query_params.get("next")))


@post("/sign-in", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def enter(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    body: RawBody,
) -> Response[Any]:
    """Open a session and go on."""
    form = Form.posted(body)
    onward = security.local(form["next"])
    try:
        security.check_csrf(request, form["csrf"])
    except Refused as refusal:
        return shown(request, onward, f"{upper_first(refusal.detail)}.", 403)
    if not form["key"]:
        return shown(request, onward, "Type your key: it begins with trk_.", 422)
    cookie = security.sign_in(engine, settings, form["key"], request.app.state.clock())
    if cookie is None:
        wrong = "This key is not known here, or was revoked. Look whether it was copied whole, or ask the operator."
        return shown(request, onward, wrong, 403)
    return Redirect(onward, status_code=303, cookies=[cookie])


@post("/sign-out", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def leave(
    request: Request[Any, Any, Any], settings: NamedDependency[Settings], body: RawBody
) -> Response[Any]:
    """Close the session."""
    security.check_csrf(request, Form.posted(body)["csrf"])
    return Redirect("/", status_code=303, cookies=[security.sign_out(request, settings)])


def shown(request: Request[Any, Any, Any], onward: str, error: str = "", status: int = 200) -> Response[Any]:
    return html(request, "sign_in.html", {"next": onward, "error": error}, status)


ROUTES = (ask, enter, leave)
