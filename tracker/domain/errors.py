"""How the domain says no: one exception, a stable code, and sentences that tell the user what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: where (a JSON Pointer, or a field's name), and what to do about it."""

    pointer: str
    detail: str


class Refused(Exception):
    """The request was understood and not carried out; nothing was written.

    ``code`` is stable and machine-readable: ``invalid``, ``not_found``, ``conflict`` (somebody was first),
    ``stale`` (a subject is not at the version you saw), ``key_reused`` (an idempotency key with another body),
    ``denied``, ``too_often`` or ``busy``.
    """

    def __init__(self, code: str, detail: str, *problems: Problem) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.problems = problems


def invalid(pointer: str, detail: str) -> Refused:
    """A refusal about a single field."""
    return Refused("invalid", detail, Problem(pointer, detail))
