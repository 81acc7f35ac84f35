"""What a change can be about: the kinds among which a reader of digests chooses. Pure."""

from collections.abc import Iterable

from tracker.domain.events import AnyEvent, DevelopmentCorrected

TOPICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "measures": ("tariffs and other measures", ("measure.", "investigation.")),
    "rulings": ("rulings of courts", ("ruling.",)),
    "agreements": ("agreements and what they provide", ("agreement.", "provision.")),
    "talks": (
        "talks, goals and assessments",
        ("talks.", "objectives.", "criterion.", "risk.", "assessment."),
    ),
    "deadlines": ("deadlines", ("deadline.",)),
    "claims": ("what each side says", ("statement.", "claim.")),
    "partners": ("partners and what is said of them", ("partner.", "bloc.", "scope.")),
}
"""The topics by name: each in words, and what the types of its events begin with."""


def topics_of(events: Iterable[AnyEvent]) -> list[str]:
    """What the events of a development are about, in any of its versions."""
    facts = [
        fact
        for event in events
        for fact in (event.now if isinstance(event, DevelopmentCorrected) else [event])
    ]
    types = {str(fact.__struct_config__.tag) for fact in facts}
    return [name for name, (_, begins) in TOPICS.items() if any(type.startswith(begins) for type in types)]
