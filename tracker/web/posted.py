"""What a program sends: JSON, of one shape, strictly."""

from typing import Any, TypeVar

import msgspec
from litestar import Request

from tracker.domain.errors import Refused
from tracker.domain.parse import parse
from tracker.web.errors import Failed, Wrong

Shape = TypeVar("Shape")


def posted(request: Request[Any, Any, Any], shape: type[Shape], raw: bytes) -> Shape:
    """What a body holds: 415 for another media type, 400 for what is no JSON, 422 for JSON that does not fit."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Failed(
            415, "unsupported_media_type",
            f"a body of type {media_type or '(none)'} is not read here: send JSON as Content-Type: application/json",
            Wrong(header="Content-Type", detail="send application/json"), headers={"Accept-Post": "application/json"},
        )  # fmt: skip
    try:
        return parse(shape, raw)
    except Refused as refusal:
        if not is_json(raw):
            raise Failed(400, "malformed", refusal.detail, Wrong(pointer="", detail=refusal.detail)) from None
        raise


def is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (msgspec.ValidationError, RecursionError):  # a number out of range, brackets without end
        return True
    except ValueError:
        return False
    return True
