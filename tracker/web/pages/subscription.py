"""The page of a subscription, for whoever has its link: what it is told, what was sent, and what can be done about it.

The link is all there is to an account. So the page is kept by nobody, everything is done by POST, nobody but the
subscription's own address is written to from here, and what an endpoint answered is shown only once it has agreed:
before that, who entered its address may be anybody.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from sqlalchemy import Connection, Engine

from tracker.delivery import deliveries, endpoints, enrolment, sender
from tracker.delivery.endpoints import Endpoint
from tracker.delivery.enrolment import MAIL
from tracker.delivery.notices import OWN
from tracker.delivery.sealing import Sealer, sealer
from tracker.delivery.subscriptions import Subscription
from tracker.domain.errors import Refused, invalid
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing
from tracker.web import delivered, subscribing
from tracker.web.form.fields import Errors, Form
from tracker.web.point import takes
from tracker.web.security import PUBLIC, check_origin
from tracker.web.subscribing import WANTED, Wrong, forgotten, private, proved

PAGE = 20
"""Deliveries on a page."""
OTHERS = ("code", "since", "hours", "contact")
NAMES = (*WANTED, *OTHERS, "delivery", "action")
STATUS = {"conflict": 409, "denied": 403, "not_found": 404, "too_often": 429, "busy": 503}
DONE = {
    "changed": "Changed. What was told already is not told again, and nothing is left out.",
    "confirmed": "Confirmed. From now on it is told what is recorded.",
    "resumed": "It goes on. What was held stays so until it is sent.",
    "recovered": "What did not arrive is on its way.",
    "nothing": "There was nothing that had not arrived.",
    "tested": "A test message is on its way.",
    "again": "It is on its way once more.",
    "asked": "If they can be written to, a message that asks them is on its way. Nobody is written to before that.",
    "nobody": "Nobody is written to when it fails.",
}


@dataclass
class Outcome:
    """What came of a form: the word for what was done, or what is wrong; a secret, which is shown this once."""

    form: Form | None = None
    errors: Errors = field(default_factory=dict)
    done: str = ""
    secret: str | None = None
    status: int = 200


@get(
    "/subscriptions/{id:str}", opt={PUBLIC: True, **takes("key", "before", "done")}, sync_to_thread=True,
    include_in_schema=False,
)  # fmt: skip
def subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """How it stands; ``?before=`` pages through what was sent."""
    lock = sealer(settings)
    proved(request, lock, OWN, id)
    done = DONE.get(request.query_params.get("done", ""), "")
    with reading(engine) as connection:
        return shown(request, connection, lock, id, Outcome(done=done))


@post(
    "/subscriptions/{id:str}", opt={PUBLIC: True, **takes("key", "before", "done")}, sync_to_thread=True,
    include_in_schema=False,
)  # fmt: skip
def act(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
    body: RawBody,
) -> Response[Any]:
    """Do what one of its buttons says."""
    clock: Clock = request.app.state.clock
    check_origin(request)
    lock = sealer(settings)
    key = proved(request, lock, OWN, id)
    form = Form.posted(body, NAMES)
    try:
        with writing(engine) as connection:
            outcome = _done(connection, lock, id, form, settings, clock())
            if outcome.secret:  # shown this once: it is not made unless it can be shown
                return shown(request, connection, lock, id, outcome)
    except Wrong as wrong:
        outcome = Outcome(form, wrong.errors, status=422)
    except Refused as refusal:
        errors = subscribing.told(refusal, (*WANTED, *OTHERS))
        outcome = Outcome(form, errors, status=STATUS.get(refusal.code, 422))
    if outcome.done:
        return Redirect(f"/subscriptions/{id}?key={key}&done={outcome.done}", status_code=303)
    with reading(engine) as connection:
        return shown(request, connection, lock, id, outcome)


def _done(
    connection: Connection, lock: Sealer, id: str, form: Form, settings: Settings, now: datetime
) -> Outcome:
    match form["action"]:
        case "change":
            enrolment.change(connection, id, subscribing.wanted(form, settings.zone.key), now)
            return Outcome(done="changed")
        case "confirm":
            return Outcome(done=_confirmed(connection, lock, id, form["code"], now))
        case "resume":
            enrolment.resume(connection, id, now)
            return Outcome(done="resumed")
        case "recover":
            return Outcome(done=_recovered(connection, id, form["since"], now))
        case "test":
            enrolment.test(connection, id, now)
            return Outcome(done="tested")
        case "rotate":
            overlap = timedelta(hours=_whole(form["hours"], "hours", 3))
            return Outcome(secret=enrolment.rotate(connection, lock, id, overlap, now))
        case "entrust":
            enrolment.entrust(connection, settings, lock, id, form["contact"], now)
            return Outcome(done="asked" if form["contact"].strip() else "nobody")
        case "again":
            enrolment.again(connection, id, _whole(form["delivery"], ""), now)
            return Outcome(done="again")
        case _:
            raise invalid("action", "nothing was chosen that could be done here: use one of the buttons")


def _confirmed(connection: Connection, lock: Sealer, id: str, code: str, now: datetime) -> str:
    try:
        enrolment.confirm(connection, lock, id, code, now)
    except Refused as refusal:
        if refusal.code != "denied":
            raise
        raise Wrong({"code": "This is not the code: copy it whole from the message."}) from None
    return "confirmed"


def _recovered(connection: Connection, id: str, since: str, now: datetime) -> str:
    """Send what did not arrive since a day; one that was halted goes on first."""
    seen = enrolment.going_on(connection, id)
    start, kept = subscribing.midnight(since, seen.zone), now - deliveries.KEPT
    first = kept.astimezone(ZoneInfo(seen.zone)).date()
    if start.date() < first:
        raise Wrong({"since": f"What did not arrive is kept for 30 days: give {first.isoformat()} or later."})
    if seen.halted_at is not None:
        enrolment.resume(connection, id, now)
    return "recovered" if deliveries.recover(connection, id, max(start, kept), now) else "nothing"


def _whole(text: str, name: str, digits: int = 15) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= digits):
        raise Wrong({name: "Write a whole number."})
    return int(text)


def shown(
    request: Request[Any, Any, Any], connection: Connection, lock: Sealer, id: str, outcome: Outcome
) -> Response[str]:
    clock: Clock = request.app.state.clock
    now, before = clock(), _before(request)
    one = subscribing.kept(connection, id)
    if one is None or subscribing.over(one, now):
        raise forgotten()
    unready = sender.unready(request.app.state.settings)
    found = deliveries.listed(connection, subscription=id, before=before, limit=PAGE + 1)
    held = endpoints.get(connection, id, lock, now)
    context = {
        **subscribing.offered(connection), **subscribing.in_words(connection, one),
        "sent": delivered.sent(connection, found[:PAGE], unready, tries=one.active),
    }  # fmt: skip
    context |= {
        "one": one, "key": subscribing.key(request), "zone": ZoneInfo(one.zone), "mail": MAIL,
        "label": enrolment.channel(one.channel).label, "unready": unready.get(one.channel),
        "signed": held is not None and bool(held.secrets), "contact": held and held.contact,
        "named": _named(outcome.form, held), "form": _typed(outcome.form, one), "errors": outcome.errors,
        "done": outcome.done, "secret": outcome.secret,
        "since": _since(outcome.form, one, now), "hours": (outcome.form and outcome.form["hours"]) or "24",
        "first": before is None, "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "outcomes": delivered.OUTCOMES, "excerpt": delivered.EXCERPT,
    }  # fmt: skip
    return private(request, "subscription.html", context, outcome.status)


def _typed(form: Form | None, one: Subscription) -> Form:
    """What stands in the form of what is wanted: what was typed into it, else what is."""
    return form if form is not None and form["action"] == "change" else subscribing.filled(one)


def _named(form: Form | None, held: Endpoint | None) -> str:
    """What stands in the field of who looks after an endpoint."""
    if form is not None and form["action"] == "entrust":
        return form["contact"]
    return (held and held.contact) or ""


def _since(form: Form | None, one: Subscription, now: datetime) -> str:
    """The day from which on something may not have arrived: when it began to fail, as far back as anything is kept."""
    if form is not None and form["since"]:
        return form["since"]
    began = one.failing_since or one.halted_at or now
    return max(began, now - deliveries.KEPT).astimezone(ZoneInfo(one.zone)).date().isoformat()


def _before(request: Request[Any, Any, Any]) -> int | None:
    text = str(request.query_params.get("before", ""))
    if text and not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise invalid("before", "before: this is none of our pages: take the link to older messages")
    return int(text) if text else None


ROUTES = (subscription, act)
