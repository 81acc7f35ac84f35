"""What an analyst should look at, on a page: each in a sentence, with a link to the form."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import Refused
from tracker.domain.housekeeping import KINDS
from tracker.domain.views import Chore
from tracker.read import chores
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.html import html
from tracker.web.point import AXES, takes


@get("/housekeeping", opt=takes(*AXES, "partner"), sync_to_thread=True, include_in_schema=False)
def housekeeping(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """All chores at a point, or those about one partner."""
    code = (request.query_params.get("partner") or "").strip().upper()[:10]
    found: list[Chore] = []
    error = ""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        followed = read.names(connection, at.known)
        try:
            found = chores.listed(connection, at, code or None)
        except Refused as refusal:
            error = refusal.detail
        causes = read.causes(
            connection, {p for c in found for p in (c.caused_by, c.because) if p is not None}
        )
    kinds = {heading: [c for c in found if c.kind == kind] for kind, heading in KINDS.items()}
    context = {
        "bar": bar, "kept": bar.kept, "code": code, "followed": followed, "error": error, "causes": causes,
        "kinds": {heading: held for heading, held in kinds.items() if held}, "form": form,
    }  # fmt: skip
    return html(request, "housekeeping.html", context, 400 if error or bar.error else 200)


def form(chore: Chore) -> str:
    """The address of the form, filled in as far as can be told."""
    return f"/log?{urlencode(chore.log)}"


ROUTES = (housekeeping,)
