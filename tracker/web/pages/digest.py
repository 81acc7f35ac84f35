"""What today's digest would say, for partners or sectors of one's choice; and the editions that were cut."""

from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup
from msgspec.structs import replace
from sqlalchemy import Engine

from tracker import read
from tracker.delivery import editions, render
from tracker.delivery.subscriptions import sectors_followed
from tracker.domain.edition import PARTS, Edition, Kind, Scope
from tracker.domain.errors import Problem, Refused, invalid
from tracker.read import subjects
from tracker.settings import Settings
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.web.conditional import caching, matches
from tracker.web.html import html
from tracker.web.point import takes

PART = ("part", "first")


@get(
    "/digest",
    opt=takes("day", *PART, many=["partners", "sectors"]),
    sync_to_thread=True,
    include_in_schema=False,
)
def digest(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], settings: NamedDependency[Settings]
) -> Response[str]:
    """A preview: ``?partners=GB&partners=MX&sectors=Energy&day=2025-08-01``; without more, today's for everybody."""
    clock: Clock = request.app.state.clock
    asked = request.query_params
    wanted = Scope(partners=_chosen(request, "partners"), sectors=_chosen(request, "sectors"))
    day, error, body = asked.get("day", "").strip(), "", None
    with reading(engine) as connection:
        known = log.position(connection)
        context = {
            "followed": list(read.names(connection, known).values()),
            "sectors": sorted(set(sectors_followed(connection, known).values())),
            "cut": editions.listed(connection, limit=20),
        }
        try:
            wanted = replace(wanted, sectors=subjects.sectors(connection, wanted.sectors, known, "sectors"))
            shown = editions.preview(connection, wanted, now=clock(), zone=settings.zone.key, day=day or None)
            body = _body(request, shown, lambda number: _inline(shown, number))
        except Refused as refusal:
            error = refusal.detail
    page = {
        "scope": wanted, "day": day, "error": error, "body": body, "whole": _whole(request),
        "query": "" if error else urlencode({"partners": wanted.partners, "sectors": wanted.sectors}, doseq=True),
    }  # fmt: skip
    return html(request, "digest.html", context | page, 400 if error else 200)


def _body(request: Request[Any, Any, Any], shown: Edition, picture: render.Picture) -> Markup:
    """As much of a digest as a mail holds, with links to the rest; or, with ``?part=late&first=40``, that part from
    an entry on."""
    asked = request.query_params
    part, first = asked.get("part"), asked.get("first", "0")

    def more(kind: Kind, after: int) -> str:
        return _address(request, ("part", kind), ("first", str(after)))

    if part is None:
        return render.html_body(shown, items=render.ITEMS, more=more, picture=picture)
    kind = next((kind for kind, _ in PARTS if kind == part), None)
    if kind is None:
        raise invalid("part", f"part: a digest has these: {', '.join(kind for kind, _ in PARTS)}")
    if not (first.isascii() and first.isdecimal() and len(first) < 10):
        raise invalid("first", "first: write the number of the entry to begin after, such as 40")
    return render.html_part(shown, kind, int(first), more, picture)


def _inline(shown: Edition, number: int) -> str:
    """A picture as its own address: a preview is kept nowhere."""
    return f"data:image/png;base64,{b64encode(_drawn(shown, number)).decode()}"


def _drawn(shown: Edition, number: int) -> bytes:
    from tracker.delivery import picture  # Pillow is loaded by who draws

    return picture.png(shown.charts[number - 1])


def _address(request: Request[Any, Any, Any], *added: tuple[str, str]) -> str:
    """This digest, with a part of it or as a whole."""
    asked = request.query_params.multi_items()
    kept = [(name, value) for name, value in asked if name not in PART]
    return f"{request.url.path}?{urlencode([*kept, *added])}"


def _whole(request: Request[Any, Any, Any]) -> str | None:
    """Where all of it is, if this is one part."""
    return _address(request) if "part" in request.query_params else None


def _chosen(request: Request[Any, Any, Any], name: str) -> list[str]:
    return list(dict.fromkeys(v.strip() for v in request.query_params.getall(name, []) if v.strip()))


@get("/editions/{id:str}", opt=takes(*PART), sync_to_thread=True, include_in_schema=False)
def edition(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str]
) -> Response[str]:
    """An edition as it was frozen, with a word on what was corrected since."""
    with reading(engine) as connection:
        frozen = editions.get(connection, id)
        mended = [
            read.story(connection, development, log.position(connection)).entry
            for development in editions.repaired_since(connection, id)
        ]
    body = _body(request, frozen.edition, lambda number: f"/editions/{id}/charts/{number}.png")
    context = {"frozen": frozen, "mended": mended, "body": body, "whole": _whole(request)}
    return html(request, "edition.html", context)


@get("/editions/{id:str}/charts/{name:str}", sync_to_thread=True, include_in_schema=False)
def chart(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """A chart of an edition, ``1.png`` the first: the very picture that was mailed."""
    with reading(engine) as connection:
        shown = editions.get(connection, id).edition
    names = [f"{number}.png" for number in range(1, len(shown.charts) + 1)]
    if name not in names:
        raise Refused(
            "not_found",
            f"this edition has no chart {name!r}; "
            + (f"it has {', '.join(names)}" if names else "it has none"),
            Problem("name", "no such chart"),
        )
    drawn = _drawn(shown, names.index(name) + 1)
    headers = {"ETag": f'"{sha256(drawn).hexdigest()[:32]}"', "Cache-Control": caching(request, pinned=True)}
    if matches(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    return Response(drawn, media_type="image/png", headers=headers)


ROUTES = (digest, edition, chart)
