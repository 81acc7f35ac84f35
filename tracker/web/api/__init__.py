from litestar import Router

from tracker.web.api import (
    agreements,
    authorities,
    conflicts,
    developments,
    document,
    duty,
    editions,
    events,
    feeds,
    health,
    housekeeping,
    measures,
    negotiations,
    partners,
    proof,
    schemas,
    statements,
    subscriptions,
)
from tracker.web.asking import ASKED, strict

V1 = (
    *partners.ROUTES,
    *measures.ROUTES,
    *agreements.ROUTES,
    *authorities.ROUTES,
    *negotiations.ROUTES,
    *duty.ROUTES,
    *housekeeping.ROUTES,
    *statements.ROUTES,
    *conflicts.ROUTES,
    *events.ROUTES,
    *developments.ROUTES,
    *editions.ROUTES,
    *subscriptions.ROUTES,
    *schemas.ROUTES,
    *proof.ROUTES,
)
ROUTES = (
    Router("/v1", route_handlers=V1, dependencies=ASKED, guards=[strict]),
    Router("/feeds", route_handlers=feeds.ROUTES, dependencies=feeds.GIVEN, guards=[strict]),
    Router("/", route_handlers=[*health.ROUTES, *document.ROUTES, *proof.FILES], guards=[strict]),
)
