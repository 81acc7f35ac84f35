"""What is on its way to those who are told, and what does not arrive: for whoever runs the service."""

from datetime import datetime, timedelta
from typing import Any, get_args

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from sqlalchemy import Connection, Engine

from tracker.delivery import deliveries, dispatch, enrolment, sender, subscriptions
from tracker.delivery.deliveries import Delivery, State
from tracker.delivery.subscriptions import Subscription
from tracker.domain.errors import Refused, invalid
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing
from tracker.web import delivered, subscribing
from tracker.web.form.fields import Form
from tracker.web.html import html
from tracker.web.point import takes
from tracker.web.security import analyst_only, check_csrf

PAGE = 50
"""Deliveries on a page."""
FEW = 20
"""At most so many of a kind that needs looking at."""
LATELY = timedelta(days=7)
"""How far back what was given up is shown."""
STATES: tuple[State, ...] = get_args(State)
NAMES = ("csrf",)


@get(
    "/deliveries", opt=takes("subscription", "state", "before"), guards=[analyst_only], sync_to_thread=True,
    include_in_schema=False,
)  # fmt: skip
def overview(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], settings: NamedDependency[Settings]
) -> Response[str]:
    """All of it; with ``?subscription=`` and ``?state=``, the deliveries of one subscription, or in one state."""
    clock: Clock = request.app.state.clock
    asked = request.query_params
    id, state, before = asked.get("subscription", "").strip(), _state(request), _before(request)
    unready = sender.unready(settings)
    with reading(engine) as connection:
        found = deliveries.listed(
            connection,
            subscription=id or None,
            states=[state] if state else (),
            before=before,
            limit=PAGE + 1,
        )
        page: dict[str, Any] = {
            "one": subscriptions.get(connection, id) if id else None, "states": STATES, "state": state,
            "found": delivered.sent(connection, found[:PAGE], unready), "unready": unready, "first": before is None,
            "older": found[PAGE - 1].id if len(found) > PAGE else None,
        }  # fmt: skip
        if page["one"] is not None:
            page |= subscribing.in_words(connection, page["one"])
        if not id and not state and before is None:
            page |= _standing(connection, unready, clock())
    return html(request, "deliveries.html", {"standing": None} | page)


def _standing(connection: Connection, unready: dict[str, str], now: datetime) -> dict[str, Any]:
    """What needs looking at."""
    known = {one.id: one for one in subscriptions.listed(connection)}
    due = deliveries.overdue(connection, now, FEW)
    lost = deliveries.given_up(connection, now - LATELY, FEW)
    return {
        "standing": deliveries.counts(connection),
        "late": [(known[one.subscription], one.due_at) for one in dispatch.missing(connection, now)],
        "halted": [one for one in known.values() if one.halted_at],
        "failing": [one for one in known.values() if one.failures and not one.halted_at],
        "due": delivered.sent(connection, due, unready), "lost": delivered.sent(connection, lost, unready), "few": FEW,
    }  # fmt: skip


def _state(request: Request[Any, Any, Any]) -> State | None:
    asked = str(request.query_params.get("state", "")).strip()
    if asked and asked not in STATES:
        raise invalid("state", f"state {asked[:40]!r} is none of a delivery; these are: {', '.join(STATES)}")
    return next((one for one in STATES if one == asked), None)


def _before(request: Request[Any, Any, Any]) -> int | None:
    asked = str(request.query_params.get("before", ""))
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 16):
        raise invalid("before", "before: this is none of our pages: take the link to older deliveries")
    return int(asked) if asked else None


@get(
    "/deliveries/{id:str}",
    opt=takes("again"),
    guards=[analyst_only],
    sync_to_thread=True,
    include_in_schema=False,
)
def delivery(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str]
) -> Response[str]:
    """One, with every attempt."""
    return shown(request, engine, _number(id))


@post("/deliveries/{id:str}", guards=[analyst_only], sync_to_thread=True, include_in_schema=False)
def again(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str], body: RawBody
) -> Response[Any]:
    """Send it once more."""
    clock: Clock = request.app.state.clock
    check_csrf(request, Form.posted(body, NAMES)["csrf"])
    number = _number(id)
    try:
        with writing(engine) as connection:
            deliveries.get(connection, number)
            deliveries.again(connection, number, clock())
    except Refused as refusal:
        if refusal.code != "conflict":
            raise
        return shown(request, engine, number, refusal.detail, 409)
    return Redirect(f"/deliveries/{number}?again=yes", status_code=303)


def shown(
    request: Request[Any, Any, Any], engine: Engine, number: int, error: str = "", status: int = 200
) -> Response[str]:
    unready = sender.unready(request.app.state.settings)
    with reading(engine) as connection:
        held: Delivery = deliveries.get(connection, number)
        one: Subscription = subscriptions.get(connection, held.subscription)
        (sent,) = delivered.sent(connection, [held], unready, tries=True)
        page = subscribing.in_words(connection, one)
    page_of = {
        "it": sent, "one": one, "label": enrolment.channel(held.channel).label, "outcomes": delivered.OUTCOMES,
        "excerpt": delivered.EXCERPT, "error": error, "done": "again" in request.query_params,
    }  # fmt: skip
    return html(request, "delivery.html", page | page_of, status)


def _number(id: str) -> int:
    if not (id.isascii() and id.isdecimal() and len(id) < 16):
        raise Refused("not_found", f"there is no delivery {id[:40]!r}: take it from the list at /deliveries")
    return int(id)


ROUTES = (overview, delivery, again)
