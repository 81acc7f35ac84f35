"""Stop a subscription: a page with one button, and the same address for the button in a mail program (RFC 8058).

A mail provider posts from elsewhere, without cookies: what proves that it may is the key in the address alone.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Engine

from tracker.delivery import enrolment
from tracker.delivery.notices import OWN
from tracker.delivery.sealing import sealer
from tracker.domain.errors import Refused
from tracker.settings import Settings
from tracker.store.engine import reading, writing
from tracker.web import subscribing
from tracker.web.point import takes
from tracker.web.security import PUBLIC
from tracker.web.subscribing import masked, private, proved

PAGE = {PUBLIC: True, **takes("key")}


@get("/subscriptions/{id:str}/stop", opt=PAGE, sync_to_thread=True, include_in_schema=False)
def stopping(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """What is to be stopped."""
    key = proved(request, sealer(settings), OWN, id)
    with reading(engine) as connection:
        one = subscribing.kept(connection, id)
        words = subscribing.in_words(connection, one) if one else {}
    if one is None or one.state == "stopped":
        return private(request, "stop.html", {"one": None})
    return private(request, "stop.html", {"one": one, "key": key, "address": masked(one.address), **words})


@post("/subscriptions/{id:str}/stop", opt=PAGE, sync_to_thread=True, include_in_schema=False)
def stop(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    id: FromPath[str],
) -> Response[str]:
    """Stop it, whatever the body says; what was stopped before stays so."""
    proved(request, sealer(settings), OWN, id)
    with writing(engine) as connection:
        try:
            enrolment.stop(connection, id)
        except Refused as refusal:
            if refusal.code not in ("conflict", "not_found"):
                raise
    return private(request, "stop.html", {"one": None})


ROUTES = (stopping, stop)
