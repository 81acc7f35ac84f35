"""The pages of sources: what they say beside the record, and where the two cannot both be right."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.domain import words
from tracker.domain.errors import Refused
from tracker.domain.when import FOREVER
from tracker.read import accounts, disputes
from tracker.read.accounts import Sought
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.changes import flat
from tracker.web.html import html
from tracker.web.point import AXES, takes

MOST = 300
"""Rows on a page; who wants more asks for less at a time, or the API."""


@get(
    "/conflicts", opt=takes(*AXES, "source", "partner", "holding"), sync_to_thread=True, include_in_schema=False
)  # fmt: skip
def conflicts(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """Where accounts cannot both be right, until the page's point."""
    chosen = {name: request.query_params.get(name, "") for name in ("source", "partner", "holding")}
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        context = _shared(connection, at, bar, chosen)
        found, causes = disputes.disputes(connection, at, _sought(chosen))
    found = [one for one in found if one.holds or not chosen["holding"]]
    context |= {
        "covered": [one for one in found if not one.beyond_coverage][:MOST], "causes": causes, "count": len(found),
        "beyond": [one for one in found if one.beyond_coverage][:MOST],
    }  # fmt: skip
    return html(request, "conflicts.html", context, 400 if bar.error else 200)


@get(
    "/statements", opt=takes(*AXES, "source", "partner", "said_by"), sync_to_thread=True, include_in_schema=False
)  # fmt: skip
def statements(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """What sources say of the page's point, by when they said it."""
    chosen = {name: request.query_params.get(name, "") for name in ("source", "partner", "said_by")}
    wrong = ""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        context = _shared(connection, at, bar, chosen)
        try:
            by = accounts.said_by(chosen["said_by"] or None, at, "said_by")
        except Refused as refusal:
            wrong, by = refusal.detail.removeprefix("said_by: "), FOREVER
        found, causes = accounts.statements(connection, at, _sought(chosen), by)
    rows = [(one, _says(one)) for one in found]
    context |= {"rows": rows[:MOST], "count": len(rows), "causes": causes, "wrong": wrong}
    return html(request, "statements.html", context, 400 if bar.error or wrong else 200)


def _says(one: accounts.Statement) -> str:
    return "; ".join(words.change({}, flat({k: v for k, v in one.state.items() if k not in ("by", "title")})))


def _sought(chosen: dict[str, str]) -> Sought:
    return Sought(chosen["source"] or None, chosen["partner"] or None)


def _shared(connection: Any, at: read.Point, bar: point.Bar, chosen: dict[str, str]) -> dict[str, Any]:
    names = read.names(connection, at.known)
    return {
        "bar": bar, "kept": bar.kept, "chosen": chosen, "sources": accounts.sources(connection),
        "partners": names.values(),
    }  # fmt: skip


ROUTES = (conflicts, statements)
