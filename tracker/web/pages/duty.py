"""What goods pay, on a page: the total, the layers with their reasons, and what is only said."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import Refused, invalid
from tracker.domain.views import DutyView, ScopeView
from tracker.read import duties
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.html import html
from tracker.web.point import AXES, takes

GOODS = ("partner", "scope", "hs", "direction", "usmca", "qualifies", "content", "transshipped")


@get("/duty", opt=takes(*AXES, *GOODS), sync_to_thread=True, include_in_schema=False)
def duty(request: Request[Any, Any, Any], engine: NamedDependency[Engine]) -> Response[str]:
    """The duty on a partner's goods at a point, or the form to ask for one."""
    typed = {name: (request.query_params.get(name) or "").strip()[:200] for name in GOODS}
    found: DutyView | None = None
    error = ""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        followed, goods = read.names(connection, at.known), duties.scopes(connection, at.known)
        if typed["partner"]:
            try:
                found = duties.asked(connection, _question(typed), at)
            except Refused as refusal:
                error = refusal.detail
    context = {
        "bar": bar, "kept": bar.kept, "typed": typed, "found": found, "error": error, "followed": followed,
        "goods": by_kind(goods),
    }  # fmt: skip
    return html(request, "duty.html", context, 400 if error or bar.error else 200)


def _question(typed: dict[str, str]) -> duties.Question:
    return duties.question(
        partner=typed["partner"], scope=typed["scope"] or None, hs=typed["hs"] or None,
        direction=_one_of("direction", typed, "import", "export") or "import", usmca=_ticked("usmca", typed),
        qualifies=typed["qualifies"], content=typed["content"] or None,
        transshipped=_ticked("transshipped", typed),
    )  # fmt: skip


def _one_of(name: str, typed: dict[str, str], *choices: str) -> str:
    if typed[name] not in ("", *choices):
        raise invalid(name, f"{name} {typed[name]!r} is not known: it is {' or '.join(choices)}, or left out")
    return typed[name]


def _ticked(name: str, typed: dict[str, str]) -> bool:
    return _one_of(name, typed, "on", "true", "false") in ("on", "true")


def by_kind(scopes: list[ScopeView]) -> list[tuple[int, ScopeView]]:
    """The scopes as an outline: each under the one that it is a part of, with how deep it lies."""
    parts: dict[str, list[ScopeView]] = {}
    for one in scopes:
        parts.setdefault(one.within[0] if one.within else "", []).append(one)

    def under(scope: str, depth: int) -> list[tuple[int, ScopeView]]:
        held = sorted(parts.get(scope, []), key=lambda one: one.title)
        return [line for one in held for line in [(depth, one), *under(one.scope, depth + 1)]]

    return under("all-goods", 0)


ROUTES = (duty,)
