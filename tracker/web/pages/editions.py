"""The page of all editions: what digests said, day by day, with those in which nothing changed."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.delivery import editions as kept
from tracker.delivery.editions import Listed
from tracker.domain.edition import about
from tracker.domain.errors import Refused
from tracker.schema import instant, micros
from tracker.store import log
from tracker.store.engine import reading
from tracker.web.asking import Before, opened_before, written
from tracker.web.html import html
from tracker.web.point import takes

PAGE = 50


@get("/editions", opt=takes("partner", "changed", "cursor"), sync_to_thread=True, include_in_schema=False)
def editions(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """The last cut first. ``partner``: those whose scope names it; ``changed``: without those in which nothing
    changed."""
    asked = {
        name: value.strip()
        for name in ("partner", "changed")
        if (value := request.query_params.get(name, ""))
    }
    code, cursor = asked.get("partner", "").upper(), request.query_params.get("cursor")
    before = opened_before(cursor) if cursor else None
    error, found = "", list[Listed]()
    with reading(engine) as connection:
        known = log.position(connection)
        followed = read.names(connection, known)
        try:
            if code:
                read.partner(connection, code, known)
            found = kept.listed(
                connection, partner=code or None, empty="changed" not in asked, limit=PAGE + 1,
                before=None if before is None else (instant(before.as_of), before.id),
            )  # fmt: skip
        except Refused as refusal:
            error = refusal.detail
    shown, more = found[:PAGE], len(found) > PAGE
    names = {code: one.name for code, one in followed.items()}
    context = {
        "shown": [(one, about(one.scope, names)) for one in shown], "followed": followed, "code": code,
        "changed": "changed" in asked, "error": error, "newest": _address(asked) if cursor else "",
        "older": _address(asked, written(Before(micros(shown[-1].cut_at), shown[-1].id))) if more else "",
    }  # fmt: skip
    return html(request, "editions.html", context, 400 if error else 200)


def _address(asked: dict[str, str], cursor: str = "") -> str:
    query = urlencode({**asked, **({"cursor": cursor} if cursor else {})})
    return f"/editions?{query}" if query else "/editions"


ROUTES = (editions,)
