"""The types of events as the form knows them: what each means, and which fields it and its state have."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from tracker.domain.events import AgreementEvent, ClaimEvent, Logged, MeasureEvent, RulingIssued
from tracker.domain.values import AgreementState, ClaimState, LegalState, MeasureState, ProvisionState

TYPES: dict[str, type[Struct]] = {str(event.__struct_config__.tag): event for event in Logged.__args__}
"""The types of events that can be logged, by name."""
MEANING = {
    tag: re.sub("``(.+?)``", "“\\1”", " ".join((event.__doc__ or "").split())) for tag, event in TYPES.items()
}
"""What each type says, in the words of the catalogue."""
STATES: tuple[tuple[type[Struct], type[Struct]], ...] = (
    (MeasureEvent, MeasureState), (RulingIssued, LegalState), (ClaimEvent, ClaimState),
    (AgreementEvent, AgreementState),
)  # fmt: skip
"""What the effects of an event set."""


def names(shape: type[Struct]) -> set[str]:
    """The fields of a shape, as JSON names them."""
    return set(shape.__struct_encode_fields__)


def state_names(shape: type[Struct], *, provision: bool) -> set[str]:
    """The fields of the state that an event sets; ``provision``: that of a provision, where it is about a deal."""
    hints: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(shape)}
    if provision and issubclass(shape, AgreementEvent):
        return names(ProvisionState)
    if "set" in hints:
        return names(hints["set"])
    return next((names(state) for base, state in STATES if issubclass(shape, base)), set())
