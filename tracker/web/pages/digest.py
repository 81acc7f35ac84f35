"""What today's digest would say, for partners or sectors of one's choice; and the editions that were cut."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Engine

from tracker import read
from tracker.delivery import editions, render
from tracker.delivery.subscriptions import sectors_followed
from tracker.domain.edition import Scope
from tracker.domain.errors import Refused
from tracker.settings import Settings
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.web.html import html


@get("/digest", sync_to_thread=True, include_in_schema=False)
def digest(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], settings: NamedDependency[Settings]
) -> Response[str]:
    """A preview: ``?partners=GB&partners=MX&sectors=Energy&day=2025-08-01``; without more, today's for everybody."""
    clock: Clock = request.app.state.clock
    asked = request.query_params
    wanted = Scope(partners=_chosen(request, "partners"), sectors=_chosen(request, "sectors"))
    day, error, body = asked.get("day", "").strip()[:40], "", None
    with reading(engine) as connection:
        known = log.position(connection)
        context = {
            "followed": list(read.names(connection, known).values()),
            "sectors": sorted(set(sectors_followed(connection, known).values())),
            "cut": editions.listed(connection, limit=20),
        }
        try:
            shown = editions.preview(connection, wanted, now=clock(), zone=settings.zone.key, day=day or None)
            body = render.html_body(shown)
        except Refused as refusal:
            error = refusal.detail
    page = {"scope": wanted, "day": day, "error": error, "body": body}
    return html(request, "digest.html", context | page, 400 if error else 200)


def _chosen(request: Request[Any, Any, Any], name: str) -> list[str]:
    return list(dict.fromkeys(v.strip()[:80] for v in request.query_params.getall(name, []) if v.strip()))[
        :50
    ]


@get("/editions/{id:str}", sync_to_thread=True, include_in_schema=False)
def edition(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str]
) -> Response[str]:
    """An edition as it was frozen, with a word on what was corrected since."""
    with reading(engine) as connection:
        frozen = editions.get(connection, id if id.isprintable() else "")
        mended = [
            read.story(connection, development, log.position(connection)).entry
            for development in editions.repaired_since(connection, id)
        ]
    context = {"frozen": frozen, "mended": mended, "body": render.html_body(frozen.edition)}
    return html(request, "edition.html", context)


ROUTES = (digest, edition)
