"""What the tracker is, its words, and how to read its dates."""

from typing import Any

from litestar import Request, Response, get

from tracker.web.html import html
from tracker.web.security import PUBLIC


@get("/about", opt={PUBLIC: True}, sync_to_thread=True, include_in_schema=False)
def about(request: Request[Any, Any, Any]) -> Response[str]:
    return html(request, "about.html", {})


ROUTES = (about,)
