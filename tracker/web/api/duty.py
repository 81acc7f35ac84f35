"""What goods pay: layers with reasons, and the total; and the vocabulary of goods."""

from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import DutyView, ScopeView, Temporal, View
from tracker.read import duties
from tracker.store.engine import reading
from tracker.web.asking import Asked, Listing
from tracker.web.conditional import Answer, answer

TAGS = ["duty"]
Partner = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Z]{2}$", description="Whose goods: a country by ISO 3166-1 alpha-2, followed or not, or EU.",
        schema_extra={"examples": ["GB"]},
    ),
]  # fmt: skip
OfScope = Annotated[
    str | None,
    QueryParameter(
        name="scope", max_length=64, description="Which goods, by a scope of /v1/scopes; default all-goods.",
        schema_extra={"examples": ["cars"]},
    ),
]  # fmt: skip
Hs = Annotated[
    str | None,
    QueryParameter(max_length=20, description="Which goods, by a heading of the Harmonized System: 8703, 8703.23."),
]  # fmt: skip
Direction = Annotated[
    Literal["import", "export"],
    QueryParameter(description="``import``: the partner's goods in the US; ``export``: US goods there."),
]
OfMeasure = Annotated[
    str | None, QueryParameter(max_length=120, description="Only this measure; without partner: for whom.")
]
OfAuthority = Annotated[
    str | None,
    QueryParameter(max_length=120, description="Only measures under this authority; without partner: for whom."),
]  # fmt: skip
Usmca = Annotated[bool, QueryParameter(description="Whether the goods qualify under USMCA.")]
Qualifies = Annotated[
    str | None,
    QueryParameter(
        max_length=300,
        description="Other exemptions that the goods meet, by their keys, with commas: korus,in-transit.",
    ),
]
Content = Annotated[
    str | None,
    QueryParameter(
        max_length=200, description="Shares of the value in percent, with commas: us-85,copper-40.",
        schema_extra={"examples": ["us-85"]},
    ),
]  # fmt: skip
Transshipped = Annotated[
    bool, QueryParameter(description="Whether they were passed through another country.")
]
Party = Annotated[
    str | None, QueryParameter(max_length=60, description="An importer that a ruling names: vos-selections.")
]


class Scopes(View, frozen=True):
    """The vocabulary of goods."""

    temporal: Temporal
    items: list[ScopeView]
    next: str | None


@get("/duty", summary="What goods pay, layer by layer", tags=TAGS, sync_to_thread=True)
def duty(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    partner: Partner = None,
    of_scope: OfScope = None,
    hs: Hs = None,
    direction: Direction = "import",
    measure: OfMeasure = None,
    authority: OfAuthority = None,
    usmca: Usmca = False,
    qualifies: Qualifies = None,
    content: Content = None,
    transshipped: Transshipped = False,
    party: Party = None,
) -> Answer[DutyView]:
    """The measures on some goods at a point: each with its rate, whether it counts and why, and the total in percent of
    the customs value, with and without quota. ``total`` sums what counts, the normal duty among it where that is on
    record; it is null where a layer has no stated rate. Goods are taken to qualify for nothing unless the question
    says so. By ``measure`` or ``authority`` alone: whom they reach, layer by layer."""
    question = duties.question(
        partner=partner, scope=of_scope, hs=hs, direction=direction, measure=measure, authority=authority,
        usmca=usmca, qualifies=qualifies, content=content, transshipped=transshipped, party=party,
    )  # fmt: skip
    with reading(engine) as connection:
        at = asked.point(connection)
        found = duties.asked(connection, question, at)
    return answer(request, found, asked.pins(at), asked.pinned)


@get("/scopes", summary="The vocabulary of goods", tags=TAGS, sync_to_thread=True)
def scopes(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    listing: NamedDependency[SkipValidation[Listing]],
) -> Answer[Scopes]:
    """The scopes that effects and questions name, with what each is a part of and its headings."""
    with reading(engine) as connection:
        at = listing.point(connection)
        items, following = listing.cut(duties.scopes(connection, at.known), at)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    content = Scopes(temporal=temporal, items=items, next=following)
    return answer(request, content, listing.asked.pins(at), listing.asked.pinned, following)


ROUTES = (duty, scopes)
