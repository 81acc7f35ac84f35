"""What the form offers: the types of events by group, the words for how a thing stands, and what is on record."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from tracker import read
from tracker.domain import events, values
from tracker.domain.events import kind_of
from tracker.domain.scopes import ALL_GOODS
from tracker.projections import segments
from tracker.read import subjects
from tracker.store import log
from tracker.web.form.fields import STANDS
from tracker.web.form.kinds import MEANING, TYPES

GROUPS: dict[str, tuple[type[Struct], ...]] = {
    "Measures": (events.MeasureEvent, events.ScopeDefined),
    "Rulings": (events.RulingIssued,),
    "Deals": (events.AgreementEvent,),
    "Talks and deadlines": (events.TalksEvent, events.DeadlineEvent),
    "Goals, risks and analysis": (
        events.ObjectivesSet, events.CriterionAssessed, events.RiskAssessed, events.AssessmentPublished,
    ),
    "What somebody said": (events.ClaimEvent,),
    "Partners": (events.Event,),
}  # fmt: skip


def grouped_types() -> dict[str, list[str]]:
    """The types of events by group, in the order of the catalogue."""
    found: dict[str, list[str]] = {name: [] for name in GROUPS}
    for tag, shape in TYPES.items():
        found[next(name for name, bases in GROUPS.items() if issubclass(shape, bases))].append(tag)
    return found


def _choices(*states: type[Struct]) -> list[str]:
    fields = (field for state in states for field in msgspec.structs.fields(state) if field.name in STANDS)
    return list(dict.fromkeys(word for field in fields for word in _words(field.type)))


def _words(hint: Any) -> Iterable[str]:
    for part in getattr(hint, "__args__", ()):
        if isinstance(part, str):
            yield part
        else:
            yield from _words(part)


HOW_IT_STANDS = {
    "Measure": _choices(values.MeasureState), "Deal": _choices(values.AgreementState),
    "Provision": _choices(values.ProvisionState), "Claim": _choices(values.ClaimState),
    "Talks": _choices(values.TalksState), "Deadline": _choices(values.DeadlineState, values.DeadlineOutcome),
    "Criterion": _choices(values.CriterionState), "Risk": _choices(values.RiskState),
}  # fmt: skip
"""The words for how each kind of thing may stand."""
FIXED = {"types": grouped_types(), "meaning": MEANING, "stands": HOW_IT_STANDS}
"""What is offered whatever is on record."""
NOTHING = {**FIXED, "subjects": [], "followed": [], "scopes": [], "links": []}


def offered(connection: Connection) -> dict[str, Any]:
    """What the form suggests: subjects by title, partners, goods, claims and provisions to link to."""
    known = log.position(connection)
    keys = log.subject_keys(connection)
    titles = read.titles(connection, keys, known)
    places = segments.places(connection)
    goods = subjects.vocabulary(connection, known)
    scopes = {ALL_GOODS, *goods, *(lane.scope for _, lane in places if lane.scope)}
    return FIXED | {
        "subjects": [(key, titles.get(key, key)) for key in sorted(keys) if kind_of(key) != "scope"],
        "followed": list(read.names(connection, known).values()),
        "scopes": [(scope, goods.title(scope)) for scope in sorted(scopes)],
        "links": sorted(_linkable((subject, lane.basis, lane.aspect) for subject, lane in places)),
    }


def _linkable(places: Iterable[tuple[str, str, str]]) -> set[str]:
    found = set()
    for subject, basis, aspect in places:
        if claim := basis.removeprefix("claim:") if basis.startswith("claim:") else "":
            found.add(f"{subject}#{claim}")
        if aspect.startswith("provision:"):
            found.add(f"{subject}#{aspect.removeprefix('provision:')}")
    return found
