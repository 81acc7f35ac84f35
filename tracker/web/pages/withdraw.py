"""Withdraw our record of a development: a reason, and what comes of it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, RawBody

from tracker.domain.events import Withdrawal
from tracker.domain.views import Story
from tracker.record import Withdraw
from tracker.web import recording
from tracker.web.form.fields import Form
from tracker.web.html import html
from tracker.web.recording import Outcome, answered, context, sent
from tracker.web.security import PUBLIC, analyst_only


@get("/events/{id:str}/withdraw", guards=[analyst_only], sync_to_thread=True, include_in_schema=False)
def withdrawing(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[Any]:
    """The form: a reason."""
    story = recording.story(request, id)
    expected = [f"{subject}={version}" for subject, version in story.seen.items()]
    return shown(request, story, Outcome(Form({"expected": expected})))


@post("/events/{id:str}/withdraw", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def withdraw(request: Request[Any, Any, Any], id: FromPath[str], body: RawBody) -> Response[Any]:
    """Preview or save the withdrawal."""
    story = recording.story(request, id)
    outcome = sent(request, Form.posted(body), lambda form: ordered(story, form), "withdrawn")
    return answered(outcome, lambda shown_as: shown(request, story, shown_as))


def ordered(story: Story, form: Form) -> Withdraw:
    reason = form["reason"]
    recording.wrong({} if reason else {"reason": "Say why it should not stand: the reason is shown with it."})
    recording.wrong({} if len(reason) <= 4000 else {"reason": "Shorten this to 4,000 characters."})
    return Withdraw(story.entry.development, Withdrawal(reason=reason))


def shown(request: Request[Any, Any, Any], story: Story, outcome: Outcome) -> Response[Any]:
    return html(request, "withdraw.html", context(request, outcome) | {"entry": story.entry}, outcome.status)


ROUTES = (withdrawing, withdraw)
