from tracker.web.api import health

ROUTES = (*health.ROUTES,)
