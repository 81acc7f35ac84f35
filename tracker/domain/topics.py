"""What a change can be about: the kinds among which a reader of digests chooses. Pure."""

from collections.abc import Iterable

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


def topics_of(types: Iterable[str]) -> set[str]:
    """The topics of events by their types; of repairs, those of what they repair."""
    return {name for type in types for name, (_, begins) in TOPICS.items() if type.startswith(begins)}
