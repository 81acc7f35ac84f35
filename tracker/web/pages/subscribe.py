"""Subscribe: of what, when, and where to; with yesterday's edition as it would have been.

What is sent for a preview comes back as it was typed, and nothing is saved. A preview without an address has a link of
its own; an address never stands in one.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import RawBody
from markupsafe import Markup
from sqlalchemy import Connection, Engine

from tracker.delivery import editions, enrolment, notices, render, subscriptions
from tracker.delivery.channels import CHANNELS
from tracker.delivery.enrolment import MAIL
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Wanted
from tracker.domain.edition import Edition
from tracker.domain.errors import Refused
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing
from tracker.web import subscribing
from tracker.web.form.fields import Errors, Form
from tracker.web.html import html
from tracker.web.point import takes
from tracker.web.security import analyst_of, check_csrf
from tracker.web.subscribing import SEVERAL, WANTED, Wrong, private

WHERE = ("channel", "address", "contact")
TRAP = "leave_empty"
"""A field that people do not see; programs that fill in every form fill it in, too."""
NAMES = (*WANTED, *WHERE, TRAP, "csrf", "action")
STRANGER = "reader"
"""Who asked, where nobody is signed in."""
STATUS = {"conflict": 409, "denied": 403, "too_often": 429, "busy": 503}


@dataclass
class Outcome:
    """What came of asking: the form, what is wrong with it, and what it would have been told."""

    form: Form
    errors: Errors = field(default_factory=dict)
    edition: Edition | None = None
    status: int = 200


@get(
    "/subscribe",
    opt=takes(*(name for name in WANTED if name not in SEVERAL), "channel", "preview", many=SEVERAL),
    sync_to_thread=True,
    include_in_schema=False,
)
def asking(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], settings: NamedDependency[Settings]
) -> Response[str]:
    """The form, filled in as far as the address says (``?partners=MX&when=weekdays``); with ``&preview=yes``, what
    yesterday's edition would have said."""
    asked = request.query_params
    form = Form({name: [str(one) for one in asked.getall(name, [])] for name in (*WANTED, "channel")})
    if not asked:
        return shown(request, Outcome(form))
    return shown(request, _looked(engine, form, settings, request.app.state.clock(), "preview" in asked))


@post("/subscribe", sync_to_thread=True, include_in_schema=False)
def subscribe(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    body: RawBody,
) -> Response[str]:
    """A preview, or a subscription."""
    clock: Clock = request.app.state.clock
    form = Form.posted(body, NAMES)
    try:
        check_csrf(request, form["csrf"])
    except Refused as refusal:
        return shown(request, Outcome(form, subscribing.told(refusal), status=403))
    if form["action"] == "preview":
        return shown(request, _looked(engine, form, settings, clock(), True))
    if form[TRAP]:
        form.fields[TRAP] = []
        seen = "A field was filled in that people do not see. Look the form over, then send it again."
        return shown(request, Outcome(form, {"": seen}, status=422))
    try:
        return _enrolled(request, engine, settings, form, clock())
    except Wrong as wrong:
        return shown(request, Outcome(form, wrong.errors, status=422))
    except Refused as refusal:
        errors = subscribing.told(refusal, (*WANTED, *WHERE))
        return shown(request, Outcome(form, errors, status=STATUS.get(refusal.code, 422)))


def _enrolled(
    request: Request[Any, Any, Any], engine: Engine, settings: Settings, form: Form, now: datetime
) -> Response[str]:
    """The answer to who asked. Over e-mail it is the same whether the address is known or not; an endpoint's secret
    and page are shown this once."""
    lock, who = sealer(settings), analyst_of(request)
    wanted = subscribing.wanted(form, settings.zone.key)
    over = form["channel"] or MAIL
    with writing(engine) as connection:
        made = enrolment.enrol(
            connection, settings, lock, over=over, address=form["address"], wanted=wanted, contact=form["contact"],
            now=now, by=who.id if who else STRANGER, stranger=True,
        )  # fmt: skip
    context: dict[str, Any] = {"address": form["address"], "made": None}
    if over != MAIL and made is not None:
        own = notices.links(settings.public_url, lock, made.subscription.id).own
        context |= {
            "made": made, "own": own, "contact": form["contact"], "path": own.removeprefix(settings.public_url),
        }  # fmt: skip
    return private(request, "subscribed.html", context)


def _looked(engine: Engine, form: Form, settings: Settings, now: datetime, preview: bool) -> Outcome:
    """The form as it was typed, what is wrong with it, and what it would have been told yesterday."""
    try:
        with reading(engine) as connection:
            wanted = subscriptions.checked(connection, subscribing.wanted(form, settings.zone.key))
            edition = yesterdays(connection, wanted, now) if preview else None
    except Wrong as wrong:
        return Outcome(form, wrong.errors, status=400)
    except Refused as refusal:
        return Outcome(form, subscribing.told(refusal), status=400)
    return Outcome(form, edition=edition)


def yesterdays(connection: Connection, wanted: Wanted, now: datetime) -> Edition:
    """The edition that was due yesterday, at the hour and in the zone that are wanted."""
    day = now.astimezone(ZoneInfo(wanted.zone)).date() - timedelta(days=1)
    return editions.preview(
        connection, wanted.scope, now=now, zone=wanted.zone, hour=wanted.hour, day=day.isoformat()
    )


def shown(request: Request[Any, Any, Any], outcome: Outcome) -> Response[str]:
    engine: Engine = request.app.state.engine
    with reading(engine) as connection:
        offered = subscribing.offered(connection)
    context = {
        "form": outcome.form, "errors": outcome.errors, "edition": outcome.edition, "trap": TRAP,
        "channels": CHANNELS, "mail": MAIL,
        "body": outcome.edition and beneath(render.html_body(outcome.edition, items=render.ITEMS)),
        "permanent": f"/subscribe?{urlencode([*_asked(outcome.form), ('preview', 'yes')])}#preview",
    }  # fmt: skip
    return html(request, "subscribe.html", offered | context, outcome.status)


def beneath(body: Markup) -> Markup:
    """An edition with its headings a level lower: it stands on a page about something else."""
    lower = re.sub(r"(</?h)([1-5])\b", lambda found: f"{found[1]}{int(found[2]) + 1}", body)
    return Markup(lower)  # noqa: S704  # only tags of ours begin so: what was typed is escaped


def _asked(form: Form) -> list[tuple[str, str]]:
    """What a form says of what and when, as it stands in an address."""
    return [
        (name, value)
        for name in WANTED
        for value in (form.all(name) if name in SEVERAL else [form[name]])
        if value
    ]


ROUTES = (asking, subscribe)
