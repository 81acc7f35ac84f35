"""The published catalogue of events: what can happen, as JSON Schema with an example."""

from functools import cache
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import PathParameter, QueryParameter

from tracker import catalogue
from tracker.domain.errors import Refused
from tracker.domain.views import View
from tracker.settings import nearest, shipped
from tracker.web.conditional import Answer, answer

TAGS = ["schemas"]
EventType = Annotated[
    str, PathParameter(description="A type of event.", schema_extra={"examples": ["measure.paused"]})
]
OfVersion = Annotated[
    int | None, QueryParameter(ge=1, le=10_000, description="An older version of it; default the newest.")
]


class SchemaRef(View, frozen=True):
    """A type of event: its meaning, the versions it has had, and where the schema of the newest is."""

    type: str
    meaning: str
    versions: list[int]
    href: str


class Schemas(View, frozen=True):
    """The types of events."""

    items: list[SchemaRef]
    next: None = None


@get("/schemas", summary="The types of events", tags=TAGS, sync_to_thread=False)
def schemas(request: Request[Any, Any, Any]) -> Answer[Schemas]:
    """What can happen: every type of event, in a sentence."""
    return answer(request, Schemas(items=list(published().values())))


@get("/schemas/{type:str}", summary="The schema of a type of event", tags=TAGS, sync_to_thread=False)
def schema(
    request: Request[Any, Any, Any], type: EventType, version: OfVersion = None
) -> Answer[dict[str, Any]]:
    """The JSON Schema (2020-12) of an event of this type as it stands among the ``events`` of a development, with an
    example."""
    found = published().get(type)
    if found is None:
        hint = nearest(type, tuple(published())) or "/v1/schemas lists them"
        raise Refused("not_found", f"there is no type of event {type!r}; {hint}")
    wanted = version or found.versions[-1]
    if wanted not in found.versions:
        raise Refused(
            "not_found", f"{type} has no version {wanted}; it has {', '.join(map(str, found.versions))}"
        )
    return answer(request, kept(type, wanted))


@cache
def published() -> dict[str, SchemaRef]:
    """The types in the catalogue, by name."""
    return {
        entry["type"]: SchemaRef(
            type=entry["type"], meaning=entry["meaning"], href=f"/v1/schemas/{entry['type']}",
            versions=[one["version"] for one in entry["versions"]],
        )
        for entry in catalogue.index(shipped("events"))["types"]
    }  # fmt: skip


@cache
def kept(type: str, version: int) -> dict[str, Any]:
    """A schema as it was published, and its example with it."""
    folder = shipped("events") / type
    example = msgspec.json.decode((folder / f"v{version}.example.json").read_bytes())
    found: dict[str, Any] = msgspec.json.decode((folder / f"v{version}.schema.json").read_bytes())
    return {**found, "examples": [example]}


ROUTES = (schemas, schema)
