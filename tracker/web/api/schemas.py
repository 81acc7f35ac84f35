"""The schemas of the events: what can be logged, as JSON Schema."""

from typing import Any, get_args

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from tracker.domain.errors import Refused
from tracker.domain.events import AnyEvent
from tracker.domain.views import View
from tracker.settings import nearest
from tracker.store.upcasts import version_of
from tracker.web.conditional import Answer, answer

TAGS = ["schemas"]
CLASSES: dict[str, Any] = {str(event.__struct_config__.tag): event for event in get_args(AnyEvent)}


class SchemaRef(View, frozen=True):
    """A type of event: its meaning, its version today, and where its schema is."""

    type: str
    version: int
    meaning: str
    href: str


class Schemas(View, frozen=True):
    """The types of events."""

    items: list[SchemaRef]
    next: None = None


@get("/schemas", summary="The types of events", tags=TAGS, sync_to_thread=False)
def schemas(request: Request[Any, Any, Any]) -> Answer[Schemas]:
    """What can happen: every type of event, in a few words."""
    items = [
        SchemaRef(
            type=type, version=version_of(type), meaning=event.__doc__ or "", href=f"/v1/schemas/{type}"
        )
        for type, event in sorted(CLASSES.items())
    ]
    return answer(request, Schemas(items=items))


@get("/schemas/{type:str}", summary="The schema of a type of event", tags=TAGS, sync_to_thread=False)
def schema(request: Request[Any, Any, Any], type: FromPath[str]) -> Answer[dict[str, Any]]:
    """The JSON Schema (2020-12) of an event of this type, as it stands among the ``events`` of a development."""
    if type not in CLASSES:
        hint = nearest(type, tuple(CLASSES)) or "/v1/schemas lists them"
        raise Refused("not_found", f"there is no type of event {type!r}; {hint}")
    (root,), parts = msgspec.json.schema_components([CLASSES[type]], ref_template="#/$defs/{name}")
    return answer(
        request, {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": parts}
    )


ROUTES = (schemas, schema)
