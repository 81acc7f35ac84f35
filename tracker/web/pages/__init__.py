"""The pages, one file and one template each: the map of the site."""

from litestar import Router

from tracker.web.pages import (
    about,
    board,
    confirm,
    conflicts,
    correct,
    deadlines,
    deliveries,
    digest,
    duty,
    editions,
    event,
    housekeeping,
    log,
    partner,
    sign_in,
    stop,
    subject,
    subscribe,
    subscription,
    withdraw,
)
from tracker.web.point import strict

PAGES = (
    *board.ROUTES, *partner.ROUTES, *event.ROUTES, *subject.ROUTES, *duty.ROUTES, *deadlines.ROUTES, *digest.ROUTES,
    *editions.ROUTES,
    *conflicts.ROUTES, *housekeeping.ROUTES, *log.ROUTES, *correct.ROUTES, *withdraw.ROUTES, *sign_in.ROUTES,
    *about.ROUTES, *subscribe.ROUTES, *confirm.ROUTES, *stop.ROUTES, *deliveries.ROUTES, *subscription.ROUTES,
)  # fmt: skip
# Behind a router: Litestar 2.25 registers an application's own handlers of one path (GET and POST) twice, and a
# sync handler that is registered twice answers with a coroutine.
ROUTES = (Router("/", route_handlers=PAGES, guards=[strict]),)
