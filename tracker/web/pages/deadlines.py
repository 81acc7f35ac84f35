"""The page of deadlines: those of all partners by date, what passed and what is open, with the dates they had."""

from itertools import groupby
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.domain import words
from tracker.domain.views import Commitment, Deadline
from tracker.domain.when import stated_on
from tracker.read import subjects
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.html import html
from tracker.web.point import AXES, takes

STATUSES = ("open", "met", "missed", "cancelled", "closed")


@get("/deadlines", opt=takes(*AXES, "partner", "status"), sync_to_thread=True, include_in_schema=False)
def deadlines(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """The deadlines set by the page's point, and what is promised by a date."""
    chosen = {name: request.query_params.get(name, "") for name in ("partner", "status")}
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        code = chosen["partner"].upper() or None
        found = read.deadlines(connection, at, code)
        promised = [one for one in subjects.commitments(connection, at, code) if one.due and not one.claim]
        causes = read.causes(connection, {move.position for one in found for move in one.moves})
        partners = read.names(connection, at.known)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    found = [one for one in found if chosen["status"] in ("", one.status)]
    ahead = [one for one in found if one.status == "open" and not one.passed]
    waits = [
        one for one in promised if chosen["status"] in ("", "open") and one.status in (None, "announced")
    ]
    context = {
        "bar": bar, "kept": bar.kept, "chosen": chosen, "partners": partners, "statuses": STATUSES, "causes": causes,
        "temporal": temporal, "count": len(found), "ahead": by_month(ahead),
        "over": by_month([one for one in found if one not in ahead][::-1]), "promised": waits,
    }  # fmt: skip
    return html(request, "deadlines.html", context, 400 if bar.error else 200)


def by_month(found: list[Deadline]) -> list[tuple[str, list[Deadline]]]:
    """Deadlines under the months that they fall in, in the order given."""
    return [(month, [*held]) for month, held in groupby(found, _month)]


def _month(one: Deadline | Commitment) -> str:
    return words.stated(f"{stated_on(one.due):%Y-%m}") if one.due else "Without a date"


ROUTES = (deadlines,)
