"""The page of an error: what is wrong, and what to do."""

from typing import Any

from litestar import Request, Response

from tracker.web.html import anonymous

TITLES = {
    400: "This cannot be asked", 403: "This may not be done", 404: "There is no such page",
    405: "This cannot be sent here", 410: "This is no longer there", 413: "This is too large",
    422: "This cannot be taken", 429: "Too often", 500: "Something went wrong here",
    503: "Not just now", 507: "There is no room",
}  # fmt: skip
HELP = {
    404: "The address may be mistyped, or what it names is not followed here, or was not yet known at that point.",
    403: "Nothing was changed.",
    405: "This page does not take what was sent to it. Nothing was changed.",
    413: "What was sent is too large. Nothing was changed.",
    500: "Try again; if it happens again, tell whoever runs this service the time and the address.",
    503: "Try again in a few seconds. A form that you were saving may be sent again by reloading: it is saved once.",
    507: "What you were saving may be sent again by reloading, when there is room: it is saved once.",
}


def page(request: Request[Any, Any, Any], status: int, title: str, detail: str) -> Response[str]:
    """An error as a page in the look of all others."""
    context = {
        "status": status,
        "title": TITLES.get(status, title),
        "detail": detail,
        "help": HELP.get(status, ""),
    }
    return anonymous(request, "error.html", context, status)


ROUTES: tuple[Any, ...] = ()
