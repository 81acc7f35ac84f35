"""The pages, one file and one template each."""

from tracker.web.pages import about, board, event, partner

ROUTES = (*board.ROUTES, *partner.ROUTES, *event.ROUTES, *about.ROUTES)
