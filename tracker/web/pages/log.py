"""The analyst's form: log what happened, look at what it would change, save."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import RawBody

from tracker.web import recording
from tracker.web.form.fields import Form
from tracker.web.html import html
from tracker.web.point import takes
from tracker.web.recording import Outcome, answered, context, offered, sent
from tracker.web.security import PUBLIC, analyst_only

PREFILLED = (
    "type", "subject", "partners", "title", "announced", "short_key", "stands", "answers", "settles", "carries_out",
)  # fmt: skip
"""What the address of the form may fill in."""


@get("/log", opt=takes(*PREFILLED), guards=[analyst_only], sync_to_thread=True, include_in_schema=False)
def new(request: Request[Any, Any, Any]) -> Response[Any]:
    """An empty form, dated today."""
    today = request.app.state.clock().astimezone(request.app.state.settings.zone).date().isoformat()
    given = {name: [request.query_params[name]] for name in PREFILLED if name in request.query_params}
    to = {"to": ["partners"]} if "partners" in given else {}
    return shown(request, Outcome(Form({"announced": [today]} | to | given)))


@post("/log", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def log(request: Request[Any, Any, Any], body: RawBody) -> Response[Any]:
    """Preview or save. Who is asking is looked at inside, so that nothing typed is lost."""
    outcome = sent(request, Form.posted(body), recording.development, "logged")
    return answered(outcome, lambda shown_as: shown(request, shown_as))


def shown(request: Request[Any, Any, Any], outcome: Outcome) -> Response[Any]:
    page = {"correcting": None, "action": "/log"}
    return html(request, "log.html", context(request, outcome) | offered(request) | page, outcome.status)


ROUTES = (new, log)
