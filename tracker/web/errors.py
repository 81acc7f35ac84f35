"""Every error, turned into an answer in one place: problem+json (RFC 9457) for programs, a page for browsers.

The page is ``app.state.error_page(request, status, title, detail) -> Response``.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, get_origin

import structlog
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import HTTPException, NotAuthorizedException, ValidationException
from litestar.response import Redirect
from msgspec import Struct
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from tracker.domain.errors import Refused
from tracker.settings import SettingsError
from tracker.store.trouble import said, trouble
from tracker.web.security import sign_in_page

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
STATUS = {
    "invalid": 422, "not_found": 404, "conflict": 409, "stale": 412, "key_reused": 422, "denied": 403,
    "too_often": 429, "busy": 503,
}  # fmt: skip
"""The statuses of a refusal; one that is ``invalid`` outside the body, in a parameter or a header, is 400."""
HEADERS = {"expected": "If-Match", "key": "Idempotency-Key"}
"""What the record calls by other names."""


class Sorry(NamedTuple):
    """What is answered while the database fails; ``seconds``: after how many to come back."""

    status: int
    code: str
    seconds: int
    detail: str


WAIT = {429: "900", 503: "1"}
"""Seconds after which one may come again."""
DATABASE_FAILS = {
    "": Sorry(503, "unavailable", 5, "the database cannot be reached or is busy: try again in a few seconds"),
    "outcome_unknown": Sorry(
        503, "outcome_unknown", 5,
        ("the database failed while this was being recorded, and whether it was is not known: send it again with the "
         "same Idempotency-Key and it is recorded once; sent without one, look first"),
    ),
    "full": Sorry(507, "storage_full", 60, "the disk is full, and nothing was recorded: send it again later"),
    "read_only": Sorry(
        503, "read_only", 60, "the database takes no writes now, and nothing was recorded: send it again later",
    ),
    "damaged": Sorry(503, "damaged", 600, "the database is damaged: whoever runs this service has to restore it"),
    "moved": Sorry(
        503, "moved", 60,
        "the database is not where it was: whoever runs this service has to put it back, or to start it again",
    ),
    "no_read_models": Sorry(
        503, "not_ready", 5,
        "a table is missing: whoever runs this service has to run 'tracker migrate', and then 'tracker rebuild'",
    ),
    "not_migrated": Sorry(
        503, "not_ready", 5, "the database was not migrated: whoever runs this service has to run 'tracker migrate'",
    ),
}  # fmt: skip
"""By the code of a trouble (all others: "")."""
WITH_KEY = (
    "; nothing was recorded, and sent with an Idempotency-Key it is recorded once however often it is sent"
)
API = ("/v1", "/openapi.json", "/healthz", "/readyz", "/static", "/log/", "/feeds")


KINDS = {"int": "a whole number", "bool": "true or false", "str": "text"}
DETAILS = {
    404: "there is nothing at this address: /docs lists what there is",
    405: "this address does not take that method: /docs lists what it takes",
    413: "the body is larger than 1 MB: send less at once",
}
"""What to do about errors that the framework raises."""


class Wrong(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing wrong: where (a JSON Pointer into the body, or the name of a parameter or header) and the remedy."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """An error (RFC 9457). ``code`` is stable; ``detail`` says what to do; ``errors`` names each thing wrong."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[Wrong] = []


class Failed(Exception):
    """An answer other than the one asked for, decided in web/: its status, a stable code, what to do."""

    def __init__(
        self, status: int, code: str, detail: str, *errors: Wrong, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers


def refused(request: Request[Any, Any, Any], refusal: Refused) -> Response[Any]:
    wrong = [_wrong(problem.pointer, problem.detail) for problem in refusal.problems]
    status = STATUS[refusal.code]
    if refusal.code == "invalid" and wrong and all(one.pointer is None for one in wrong):
        status = 400
    headers = {"Retry-After": WAIT[status]} if status in WAIT else {}
    return answer(request, status, refusal.code, refusal.detail, wrong, headers)


def _wrong(where: str, detail: str) -> Wrong:
    if where in HEADERS:
        return Wrong(header=HEADERS[where], detail=detail)
    is_pointer = where == "" or where.startswith("/")
    return Wrong(pointer=where, detail=detail) if is_pointer else Wrong(parameter=where, detail=detail)


def failed(request: Request[Any, Any, Any], failure: Failed) -> Response[Any]:
    return answer(request, failure.status, failure.code, failure.detail, [*failure.errors], failure.headers)


def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    status = error.status_code
    if isinstance(error, NotAuthorizedException) and wants_page(request):
        return Redirect(sign_in_page(request), status_code=303)
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    return answer(request, status, code, DETAILS.get(status, error.detail), [], error.headers)


def invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """What Litestar says of parameters, in the words of the one who typed them."""
    wrong = [_said(request, one) for one in (error.extra if isinstance(error.extra, list) else ())]
    return answer(request, 400, "invalid", wrong[0].detail if wrong else error.detail, wrong, None)


def _said(request: Request[Any, Any, Any], one: Mapping[str, Any]) -> Wrong:
    what = _choices(request, one) or remedy(str(one["message"]))
    if one.get("source") == ParamType.HEADER:
        name = str(one["key"]).replace("_", "-").title()
        return Wrong(header=name, detail=f"{name} {what}")
    name = str(one["key"]).rstrip("_")  # from_ is how Python must call it
    given = {**request.query_params, **request.path_params}
    return Wrong(parameter=name, detail=f"{name} {str(given.get(name, ''))!r} {what}")


def _choices(request: Request[Any, Any, Any], one: Mapping[str, Any]) -> str:
    """What there is to choose from, where a parameter takes one of some words."""
    taken = request.route_handler.parsed_fn_signature.parameters.get(str(one["key"]))
    parts = [taken, *taken.inner_types] if taken else []
    words = [str(word) for part in parts if get_origin(part.annotation) is Literal for word in part.args]
    return f"is none of these: {', '.join(words)}" if words else ""


def remedy(message: str) -> str:
    """``Expected `int` <= 200`` as what to do."""
    unit = " characters" if "of length" in message else ""
    if bound := re.search(r"(<=|>=) (\d+)", message):
        return f"is out of bounds: give at {'most' if bound[1] == '<=' else 'least'} {bound[2]}{unit}"
    if form := re.search("matching regex '(.*)'", message):
        return f"does not have its form: it must fit {form[1]}"
    if message.endswith("encoded date"):
        return "is not understood: give a day, such as 2025-04-10"
    kind = re.match(r"Expected `(\w+)", message)
    return f"is not understood: give {KINDS.get(kind[1] if kind else '', 'something else')}"


def database_failed(request: Request[Any, Any, Any], error: SQLAlchemyError) -> Response[Any]:
    """A database that fails in a known way is told in a line; anything else is a mistake of ours."""
    found = trouble(error)
    if found is None and not isinstance(error, OperationalError | InterfaceError):
        return unexpected(request, error)
    known = found.code if found else None
    log.error("database_failed", trouble=known, error=said(error), exc_info=None if found else error)
    status, code, seconds, detail = sorry(error)
    if code == "unavailable" and takes_key(request):
        detail += WITH_KEY
    return answer(request, status, code, detail, [], {"Retry-After": str(seconds)})


def takes_key(request: Request[Any, Any, Any]) -> bool:
    """Whether what is asked for may be sent with an ``Idempotency-Key``."""
    return "idempotency_key" in request.route_handler.parsed_fn_signature.parameters


def sorry(error: SQLAlchemyError) -> Sorry:
    """The answer for a database that fails like this."""
    found = trouble(error)
    return DATABASE_FAILS.get(found.code if found else "", DATABASE_FAILS[""])


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("failed", method=request.method, path=request.url.path, exc_info=error)
    detail = "something went wrong here, not with your request; it has been logged"
    return answer(request, 500, "internal", detail, [], None)


def answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    detail: str,
    errors: list[Wrong],
    headers: Mapping[str, str] | None,
) -> Response[Any]:
    """The one shape of every error."""
    title = HTTPStatus(status).phrase
    kept = {**(headers or {}), "Cache-Control": "no-store"}
    if wants_page(request):
        shown: Response[Any] = request.app.state.error_page(request, status, title, detail)
        shown.headers.update(kept)
        return shown
    problem = ProblemDetails(title=title, status=status, code=code, detail=detail, errors=errors)
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=kept)


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person is looking: outside the API, with a browser."""
    return not request.url.path.startswith(API) and "text/html" in request.headers.get("accept", "")


def badly_set(request: Request[Any, Any, Any], error: SettingsError) -> Response[Any]:
    """The service was started with settings that this cannot be done with: whoever runs it is told which."""
    log.error("badly_set", detail=str(error))
    detail = "this service lacks a setting that this needs: whoever runs it finds in its log which"
    return answer(request, 503, "not_ready", detail, [], {"Retry-After": "60"})


HANDLERS: dict[Any, Any] = {
    Refused: refused,
    Failed: failed,
    ValidationException: invalid,
    HTTPException: http,
    SQLAlchemyError: database_failed,
    SettingsError: badly_set,
    Exception: unexpected,
}
