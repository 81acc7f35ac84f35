"""How a page is made: its template, what all pages share, and how dates and words are written on it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from markupsafe import Markup

from tracker.domain import words
from tracker.domain.countries import COUNTRIES
from tracker.domain.events import actor_of, kind_of
from tracker.domain.when import BEGINNING, FOREVER, rfc3339, zone_of
from tracker.web import assets
from tracker.web.security import analyst_of, csrf_token

HERE = Path(__file__).parent
SUBJECT = re.compile(r"\b(?:measure|agreement|authority|partner):[A-Za-z0-9_-]+")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'none'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Vary": "Cookie",
}
"""On every page: nothing inline, nothing from elsewhere, in nobody's frame."""


def html(
    request: Request[Any, Any, Any], template: str, context: Mapping[str, Any], status: int = 200
) -> Response[str]:
    """A page from its template, for whoever asks."""
    return anonymous(
        request, template, {"analyst": analyst_of(request), "csrf": csrf_token(request), **context}, status
    )


def anonymous(
    request: Request[Any, Any, Any], template: str, context: Mapping[str, Any], status: int = 200
) -> Response[str]:
    """A page that does not ask who is looking, and so needs no database."""
    shared = {"analyst": None, "csrf": "", "here": request.url.path, "zone": request.app.state.settings.zone}
    shown = environment().get_template(template).render({**shared, **context})
    return Response(shown, status_code=status, media_type="text/html", headers=dict(HEADERS))


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "account": account, "at": at, "day": day, "field_label": field_label, "label": label, "party": party,
        "path": subject_path, "bound": bound, "plural": plural, "pretty": pretty, "rate": words.rate,
        "scope": words.scope_of,
        "second": second, "short": short, "stated": words.stated, "titled": titled, "upper_first": upper_first,
        "web": web_only,
        "said_as": lambda value, name: words.said(name, value),
    }  # fmt: skip
    made.globals |= {
        "static": assets.url,
        "version": version("negotiation-tracker"),
        "link": link,
        "words": words,
        "account": account,
    }
    return made


# ---------------------------------------------------------------- dates


@pass_context
def at(context: Context, instant: datetime | None, subject: str = "", stated: str | None = None) -> Markup:
    """An instant as ``<time>``: the day, and the hour where it is not midnight; what was ``stated`` less precisely, in
    those words. The days of an actor elsewhere begin at its own midnight: an instant that is midnight there is written
    as that day."""
    if instant is None or instant <= BEGINNING or instant >= FOREVER:
        return Markup("")
    if stated:
        return Markup('<time datetime="{}">{}</time>').format(rfc3339(instant), words.stated(stated))
    there = local(instant, context["zone"], subject)
    hour = (
        ""
        if (there.hour, there.minute) == (0, 0)
        else Markup(' <span class="hour">{:%H:%M}</span>').format(there)
    )
    return Markup('<time datetime="{}">{} {:%b %Y}{}</time>').format(rfc3339(instant), there.day, there, hour)


@pass_context
def second(context: Context, instant: datetime | None) -> Markup:
    """An instant as ``<time>``, to the second."""
    if instant is None:
        return Markup("")
    there = instant.astimezone(context["zone"])
    shown = Markup('<time datetime="{}">{} {:%b %Y} <span class="hour">{:%H:%M:%S}</span></time>')
    return shown.format(rfc3339(instant), there.day, there, there)


def bound(time: Markup, word: str) -> Markup:
    """``until <time>``; what says "by ..." needs no word."""
    return Markup(words.bound(str(time), word))  # noqa: S704 made above, escaped


@pass_context
def day(context: Context, instant: datetime, subject: str = "") -> str:
    """An instant as plain text: ``9 April 2025, 00:01``."""
    there = local(instant, context["zone"], subject)
    return words.day(instant, there.tzinfo)  # type: ignore[arg-type]


def local(instant: datetime, zone: ZoneInfo, subject: str = "") -> datetime:
    """An instant on the clock it is written by: the tracker's, or the actor's where it is midnight there."""
    here = instant.astimezone(zone)
    if subject and (here.hour, here.minute) != (0, 0):
        there = instant.astimezone(ZoneInfo(zone_of(actor_of(subject))))
        if (there.hour, there.minute) == (0, 0):
            return there
    return here


# ---------------------------------------------------------------- words


def label(name: str) -> str:
    """A stable value or type as a label: ``Under way``, ``Measure announced``."""
    return upper_first(name.replace("_", " ").replace(".", " "))


def field_label(name: str) -> str:
    """A field of a form by name: ``Short key``, ``Source 1 address``."""
    if source := re.fullmatch(r"source-(\d+)-(\w+)", name):
        return f"Source {int(source[1]) + 1} {'address' if source[2] == 'url' else source[2]}"
    return label(name)


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def party(code: str) -> str:
    """A partner, bloc or target by name."""
    return {"everyone": "all partners", "each_of": "all it names already"}.get(code) or words.name_of(code)


def account(name: str) -> str:
    """Whose account a claim is, by its key: ``vn-account`` is ``Vietnam``."""
    side = name.removesuffix("-account").upper()
    told = words.name_of(side) if side in COUNTRIES or side == "EU" else words.scope_of(name)
    return upper_first(told)


def pretty(value: Any) -> str:
    """A value as JSON to read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def short(text: str, length: int = 12) -> str:
    """The beginning of an id or hash."""
    return text if len(text) <= length else text[:length] + "…"


def web_only(url: str | None) -> str | None:
    """A link that may be followed; None for anything but the web."""
    return url if url and re.match(r"https?://[^\s]+$", url) else None


@pass_context
def titled(context: Context, text: str) -> str:
    """A text whose subject keys are replaced by the titles that the page knows."""
    return titled_by(text, context.get("titles", {}))


def titled_by(text: str, titles: Mapping[str, str]) -> str:
    """A text whose subject keys are replaced by these titles."""
    return SUBJECT.sub(lambda found: titles.get(found[0], found[0]), text)


def subjects_in(texts: Iterable[str]) -> set[str]:
    """The subject keys that texts name."""
    return {key for text in texts for key in SUBJECT.findall(text)}


# ---------------------------------------------------------------- addresses


def subject_path(subject: str) -> str:
    """Where a subject has its page."""
    key = subject.partition("#")[0].partition(":")[2]
    match kind_of(subject):
        case "measure":
            return f"/measures/{key}"
        case "agreement":
            return f"/agreements/{key}"
        case "authority":
            return f"/authorities/{key}"
        case _:
            return f"/partners/{key}" if key in COUNTRIES or key == "EU" else "/"


@pass_context
def link(context: Context, path: str, **query: object) -> str:
    """An address on this site that keeps the point the page is about, unless ``now=True``."""
    kept: Mapping[str, str] = {} if query.pop("now", False) else context.get("kept", {})
    asked = {k: str(v) for k, v in {**kept, **query}.items() if v not in (None, "")}
    path, _, anchor = path.partition("#")
    return path + (f"?{urlencode(asked)}" if asked else "") + (f"#{anchor}" if anchor else "")
