"""Correct our record of a development: the form with what it says now, a reason, and the same preview."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, RawBody

from tracker.domain.errors import Refused
from tracker.domain.events import Correction
from tracker.domain.views import Story
from tracker.record import Correct
from tracker.web import recording
from tracker.web.form import pointing
from tracker.web.form.fields import Form
from tracker.web.form.filled import filled
from tracker.web.html import html
from tracker.web.recording import Outcome, Wrong, answered, context, offered, sent
from tracker.web.security import PUBLIC, analyst_only


@get("/events/{id:str}/correct", guards=[analyst_only], sync_to_thread=True, include_in_schema=False)
def correcting(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[Any]:
    """The form, filled with the latest version."""
    story = recording.story(request, id)
    form = filled(story.versions[-1].said)
    form.fields["expected"] = [f"{subject}={version}" for subject, version in story.seen.items()]
    return shown(request, story, Outcome(form))


@post("/events/{id:str}/correct", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def correct(request: Request[Any, Any, Any], id: FromPath[str], body: RawBody) -> Response[Any]:
    """Preview or save the correction."""
    story = recording.story(request, id)
    outcome = sent(request, Form.posted(body), lambda form: ordered(story, form), "corrected")
    return answered(outcome, lambda shown_as: shown(request, story, shown_as))


def ordered(story: Story, form: Form) -> Correct:
    """The order to correct, every field that is wrong named."""
    errors = (
        {} if form["reason"] else {"reason": "Say why our record was wrong: it is shown with the correction."}
    )
    try:
        development = recording.development(form)
    except Wrong as wrong:
        raise Wrong(wrong.errors | errors) from None
    except Refused as refusal:
        raise Wrong(pointing.told(form, refusal) | errors) from None
    recording.wrong(errors)
    command = Correction(reason=form["reason"], development=development, editorial=form["editorial"] == "yes")
    return Correct(story.entry.development, command)


def shown(request: Request[Any, Any, Any], story: Story, outcome: Outcome) -> Response[Any]:
    page = {"correcting": story.entry, "action": f"/events/{story.entry.development}/correct"}
    return html(request, "log.html", context(request, outcome) | offered(request) | page, outcome.status)


ROUTES = (correcting, correct)
