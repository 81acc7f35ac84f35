"""Confirm a subscription, or that one looks after an endpoint: what it is, and one button. To look changes nothing."""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection, Engine

from tracker.delivery import endpoints, enrolment
from tracker.delivery.notices import CONFIRM, CONTACT, OWN
from tracker.delivery.sealing import Sealer, sealer
from tracker.delivery.subscriptions import Subscription
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing
from tracker.web import subscribing
from tracker.web.point import takes
from tracker.web.security import PUBLIC, check_origin
from tracker.web.subscribing import masked, private, proved

Standing = Literal["open", "confirmed", "already", "over", "stopped", "another", "ended"]
PAGE = {PUBLIC: True, **takes("key")}
CONTACTS = {PUBLIC: True, **takes("key", "you")}


@get("/subscriptions/{id:str}/confirm", opt=PAGE, sync_to_thread=True, include_in_schema=False)
def confirming(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """What is to be confirmed."""
    clock: Clock = request.app.state.clock
    lock = sealer(settings)
    proved(request, lock, CONFIRM, id)
    with reading(engine) as connection:
        one = subscribing.kept(connection, id)
        return shown(request, connection, lock, one, _standing(one, clock()))


@post("/subscriptions/{id:str}/confirm", opt=PAGE, sync_to_thread=True, include_in_schema=False)
def confirm(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """Confirm it; sent again, it says so."""
    clock: Clock = request.app.state.clock
    check_origin(request)
    lock, now = sealer(settings), clock()
    key = proved(request, lock, CONFIRM, id)
    with writing(engine) as connection:
        one = subscribing.kept(connection, id)
        standing = _standing(one, now)
        if standing == "open":
            one, standing = enrolment.confirm(connection, lock, id, key, now), "confirmed"
        return shown(request, connection, lock, one, standing)


def _standing(one: Subscription | None, now: datetime) -> Standing:
    if one is None or subscribing.over(one, now):
        return "over"
    return {"pending": "open", "active": "already", "stopped": "stopped"}[one.state]  # type: ignore[return-value]


def shown(
    request: Request[Any, Any, Any],
    connection: Connection,
    lock: Sealer,
    one: Subscription | None,
    standing: Standing,
) -> Response[str]:
    page: dict[str, Any] = {"one": one, "standing": standing, "key": subscribing.key(request)}
    if one is not None:
        page |= subscribing.in_words(connection, one) | {
            "zone": ZoneInfo(one.zone), "address": masked(one.address), "label": enrolment.channel(one.channel).label,
            "own": f"/subscriptions/{one.id}?key={lock.token(OWN, one.id)}",
        }  # fmt: skip
    return private(request, "confirm.html", page, 410 if standing in ("over", "stopped") else 200)


# ---------------------------------------------------------------- who looks after an endpoint


@get("/subscriptions/{id:str}/contact", opt=CONTACTS, sync_to_thread=True, include_in_schema=False)
def agreeing(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """Which endpoint one is to look after."""
    clock: Clock = request.app.state.clock
    lock = sealer(settings)
    proved(request, lock, CONTACT, id)
    with reading(engine) as connection:
        one = subscribing.kept(connection, id)
        return asked(request, connection, one, _agreed(request, connection, lock, one, clock()))


@post("/subscriptions/{id:str}/contact", opt=CONTACTS, sync_to_thread=True, include_in_schema=False)
def agree(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """Agree to be told when it fails; sent again, it says so."""
    return _answered(request, engine, settings, id, agrees=True)


@post("/subscriptions/{id:str}/contact/end", opt=CONTACTS, sync_to_thread=True, include_in_schema=False)
def disagree(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """Not to be told any more; sent again, it says so."""
    return _answered(request, engine, settings, id, agrees=False)


def _answered(
    request: Request[Any, Any, Any], engine: Engine, settings: Settings, id: str, *, agrees: bool
) -> Response[str]:
    check_origin(request)
    lock, now = sealer(settings), request.app.state.clock()
    proved(request, lock, CONTACT, id)
    with writing(engine) as connection:
        one = subscribing.kept(connection, id)
        standing = _agreed(request, connection, lock, one, now)
        if agrees and standing == "open":
            one, standing = enrolment.agree(connection, lock, id, _you(request), now), "confirmed"
        elif not agrees and standing in ("open", "already"):
            enrolment.disagree(connection, lock, id, _you(request))
            standing = "ended"
        return asked(request, connection, one, standing)


def _agreed(
    request: Request[Any, Any, Any], connection: Connection, lock: Sealer, one: Subscription | None, now: datetime
) -> Standing:  # fmt: skip
    standing = _standing(one, now)
    if one is None or standing in ("over", "stopped"):
        return standing
    if not enrolment.is_contact(connection, lock, one.id, _you(request)):
        return "another"
    return "already" if endpoints.agreed_contact(connection, one.id) else "open"


def _you(request: Request[Any, Any, Any]) -> str:
    return str(request.query_params.get("you", ""))


def asked(
    request: Request[Any, Any, Any], connection: Connection, one: Subscription | None, standing: Standing
) -> Response[str]:
    page: dict[str, Any] = {
        "one": one,
        "standing": standing,
        "key": subscribing.key(request),
        "you": _you(request),
    }
    if one is not None and standing not in ("another", "ended"):
        contact = endpoints.contact_of(connection, one.id)
        page |= subscribing.in_words(connection, one) | {"contact": masked(contact or "")}
    return private(request, "contact.html", page, 410 if standing in ("over", "stopped", "another") else 200)


ROUTES = (confirming, confirm, agreeing, agree, disagree)
