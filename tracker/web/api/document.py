"""The OpenAPI document, made from the handlers: their signatures, their words, and the structs they speak in; and a
page to read it on, served without anybody else's server."""

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, KwargDefinition, PathParameter, QueryParameter
from litestar.routes import HTTPRoute
from litestar.types import Empty
from litestar.typing import FieldDefinition

from tracker.domain.events import Record
from tracker.web import assets
from tracker.web.asking import BODY, DONE, FILE, KEYS, STREAMED, fields, sent_as
from tracker.web.conditional import Answer, answer
from tracker.web.errors import MEDIA_TYPE, ProblemDetails
from tracker.web.streaming import MEDIA_TYPE as STREAM
from tracker.web.streaming import message

REF = "#/components/schemas/{name}"
READS = (400, 404, 503)
WRITES = (400, 401, 403, 404, 409, 412, 413, 415, 422, 503, 507)
ASKS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
ABOUT = """
Where trade talks stand, what changed and since when, by which source, and what was believed at any time.

**Two axes.** Every read takes `as_of` (world time) and `known_at` or `known_position` (record time), and echoes the
point in `temporal`; `Content-Location` is the address that names the point for good. **Lists** are
`{"items": [...], "next": cursor or null}`, with `Link: rel="next"`. **Reads** carry an ETag; send it back as
`If-None-Match`. **Writes** need an analyst's key, take `Idempotency-Key`, `If-Match` and `dry_run=true`
(see `docs/writing.md`).
**Errors** are `application/problem+json` (RFC 9457), one shape for every status.
"""
TAGS = {
    "partners": "Who is followed, and where things stand with them.",
    "measures": "Tariffs, bans, quotas, taxes, and how each stands for whom.",
    "agreements": "Deals, their provisions, and what each side says of them.",
    "authorities": "Laws that measures are taken under, and what courts made of them.",
    "negotiations": "Talks, goals, risks, deadlines, commitments.",
    "duty": "What goods pay, layer by layer, and the goods that have a name.",
    "sources": "What sources say beside our record, and where they disagree.",
    "housekeeping": "What an analyst should look at.",
    "events": "The log, as it was recorded.",
    "proof": "That history was not rewritten; `/log/checkpoint` and `/log/tile/...` as c2sp.org/tlog-tiles has them.",
    "stream": "The log, as it grows.",
    "feeds": "What is new and what is coming, to subscribe to: see `docs/feeds.md`.",
    "developments": "What analysts log, correct and withdraw.",
    "subscriptions": "Who is told what changed, where and when, and what came of it.",
    "editions": "Digests as they were cut, and what the next would say.",
    "schemas": "The types of events.",
    "service": "Whether the service lives.",
}
HEADERS = {
    "ETag": "Validator, for `If-None-Match`.",
    "Content-Location": "The address that names this point for good.",
    "Link": 'The next page, `rel="next"`.',
}

FILE_HEADERS = {
    "ETag": "Validator, for `If-None-Match`.",
    "Last-Modified": "When something in it was last recorded.",
}


def document(app: Litestar) -> dict[str, Any]:
    """The document of the application's documented handlers."""
    operations = list(operations_of(app))
    shapes = [Record, ProblemDetails, *(shape for *_, handler in operations for shape in shapes_of(handler))]
    _, components = msgspec.json.schema_components(shapes, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler in operations:
        paths.setdefault(path, {})[method] = operation(method, handler)
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Negotiation tracker",
            "version": version("negotiation-tracker"),
            "description": ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Problem": problem("What went wrong, and what to do")},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An analyst's key: `trk_...`"},
                "subscription": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The key of one subscription: its holder gets it with every message, as `key` in "
                    "the link to its page.",
                },
            },
        },
    }
    return dict(in_markdown(made))


def operations_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Path, method and handler of all that is documented."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in sorted(route.route_handler_map.items()):
                if handler.tags and handler.resolve_include_in_schema():
                    yield route.path_format, method.lower(), handler


def shapes_of(handler: HTTPRouteHandler) -> list[Any]:
    """The types that a handler takes and gives in bodies."""
    return [*([handler.opt[BODY]] if BODY in handler.opt else []), answered(handler)]


def answered(handler: HTTPRouteHandler) -> Any:
    """What a handler answers: the content of its ``Answer``, or of a message of its stream."""
    if STREAMED in handler.opt:
        return handler.opt[STREAMED]
    given = handler.parsed_return_field
    return given.inner_types[0].annotation if given.inner_types else given.annotation


def operation(method: str, handler: HTTPRouteHandler) -> dict[str, Any]:
    name = handler.handler_name.rpartition(".")[2]
    made: dict[str, Any] = {
        "operationId": name,
        "summary": handler.summary,
        "description": getdoc(getattr(handler.fn, "func", handler.fn)) or "",
        "tags": list(handler.tags or ()),
        "parameters": parameters(handler),
        "responses": responses(method, handler, name),
        "security": security(handler),
    }
    if BODY in handler.opt:
        content = {"schema": schema(handler.opt[BODY]), "examples": examples().get(f"{name} request", {})}
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    return made


def security(handler: HTTPRouteHandler) -> list[dict[str, list[str]]]:
    """Who may: who writes needs a key; who reads, where reading is closed."""
    if KEYS in handler.opt:
        return [{name: []} if name else {} for name in handler.opt[KEYS]]
    return [{"key": []}] if BODY in handler.opt else [{}, {"key": []}]


def parameters(handler: HTTPRouteHandler) -> list[dict[str, Any]]:
    kinds = (("path", PathParameter), ("query", QueryParameter), ("header", HeaderParameter))
    return [parameter(place, field) for place, kind in kinds for field in fields(handler, kind)]


def parameter(place: str, field: FieldDefinition) -> dict[str, Any]:
    given = field.kwarg_definition
    assert isinstance(given, KwargDefinition)
    bare = [t for t in field.inner_types if t.annotation is not type(None)] if field.is_optional else [field]
    limits = {
        "minimum": given.ge, "maximum": given.le, "minLength": given.min_length, "maxLength": given.max_length,
        "pattern": given.pattern, "default": None if field.default is Empty else field.default,
    }  # fmt: skip
    shape = {**msgspec.json.schema(bare[0].annotation), **{k: v for k, v in limits.items() if v is not None}}
    made = {"name": sent_as(field), "in": place, "required": place == "path", "schema": shape}
    said = {"description": given.description, **(given.schema_extra or {})}
    shape.update({"examples": said.pop("examples")} if "examples" in said else {})
    return {**made, **{k: v for k, v in said.items() if v is not None}}


def responses(method: str, handler: HTTPRouteHandler, name: str) -> dict[str, Any]:
    if STREAMED in handler.opt:
        return {"200": streamed(handler), **problems(READS)}
    content: dict[str, Any] = {"schema": schema(answered(handler))}
    if name in examples():
        content["examples"] = examples()[name]
    media_type = handler.opt.get(FILE, "application/json")
    good: dict[str, Any] = {"description": "The answer", "content": {media_type: content}}
    if DONE in handler.opt:
        return {str(handler.status_code): {**good, "description": handler.opt[DONE]}, **problems(ASKS)}
    if method == "post":
        located = {"Location": {"description": "The development", "schema": {"type": "string"}}}
        made = {
            "201": {**good, "headers": located, "description": "Recorded"},
            "200": {**good, "description": "Rehearsed"},
        }
        return {**made, **problems(WRITES)}
    if "service" in (handler.tags or ()):
        return {"200": good, **problems((503,))}
    told = FILE_HEADERS if FILE in handler.opt else HEADERS
    good["headers"] = {k: {"description": words, "schema": {"type": "string"}} for k, words in told.items()}
    return {"200": good, "304": {"description": "As you have it"}, **problems(READS)}


def streamed(handler: HTTPRouteHandler) -> dict[str, Any]:
    each = {"contentMediaType": "application/json", "contentSchema": schema(handler.opt[STREAMED])}
    shape = {"type": "string", "description": "Messages, each with ``id`` and ``data``", **each}
    content = {"schema": shape, "example": "".join(_messages())}
    return {"description": "Server-sent events, until it ends", "content": {STREAM: content}}


def _messages() -> Iterator[str]:
    for shown in examples().get("events", {}).values():
        for event in shown["value"]["items"]:
            yield message(event["position"], event).decode()


def problems(statuses: tuple[int, ...]) -> dict[str, Any]:
    shared = {"$ref": "#/components/responses/Problem"}
    return {**{str(status): problem(HTTPStatus(status).phrase) for status in statuses}, "default": shared}


def problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {MEDIA_TYPE: {"schema": schema(ProblemDetails)}}}


def schema(shape: Any) -> dict[str, Any]:
    """A reference to the component of a struct; other types in place."""
    (made,), _ = msgspec.json.schema_components([shape], ref_template=REF)
    return made


def in_markdown(value: Any) -> Any:
    """Descriptions as Markdown has them: docstrings write code between double backticks."""
    match value:
        case dict():
            return {
                key: part.replace("``", "`")
                if key == "description" and isinstance(part, str)
                else in_markdown(part)
                for key, part in value.items()
            }
        case list():
            return [in_markdown(part) for part in value]
        case _:
            return value


@cache
def examples() -> Mapping[str, Any]:
    """Requests and answers, by operation: taken from the founding history."""
    found = Path(__file__).with_name("examples.json")
    return dict(msgspec.json.decode(found.read_bytes())) if found.exists() else {}


# ---------------------------------------------------------------- served


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi(request: Request[Any, Any, Any]) -> Answer[dict[str, Any]]:
    """The document."""
    state = request.app.state
    if "document" not in state:
        state.document = document(request.app)
    return answer(request, state.document)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of the negotiation tracker</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<noscript>This page needs JavaScript; the document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<div id="docs"></div>
<script src="{bundle}"></script>
<script src="{preset}"></script>
<script src="{start}"></script>
</body>
</html>
"""


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs() -> Response[str]:
    """Swagger UI, from our own files."""
    vendor = "vendor/swagger-ui/"
    shown = PAGE.format(
        icon=assets.url(vendor + "favicon-32x32.png"), style=assets.url(vendor + "swagger-ui.css"),
        bundle=assets.url(vendor + "swagger-ui-bundle.js"), start=assets.url("docs.js"),
        preset=assets.url(vendor + "swagger-ui-standalone-preset.js"),
    )  # fmt: skip
    return Response(shown, media_type="text/html", headers={"Cache-Control": "no-cache"})


ROUTES = (openapi, docs)
