"""What was typed into a form, by the names of its fields."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from tracker.domain.errors import Refused
from tracker.settings import nearest

TOLD = ("title", "announced", "summary", "sequence", "zone", "published", "note")
LINKS = ("answers", "settles", "carries_out", "voids")
STATED = ("why_ended", "due", "level", "legal", "collection", "by", "says")
"""Fields of a state that go by their own name."""
PLAIN = ("from", "bloc", "through", "by", "text")
"""Fields of an event that go by their own name."""
KEYED = ("claim", "provision", "criterion", "risk", "deadline", "assessment")
"""The short key of an event goes by one of these names."""
STANDS = ("status", "standing", "outcome")
"""How a thing stands goes by one of these names."""
SOURCE = ("publisher", "kind", "title", "url", "on")
SOURCE_FIELD = re.compile(rf"source-([0-9]{{1,3}})-({'|'.join(SOURCE)})")
ROWS = 2
"""Rows for sources, to begin with."""
NAMES = (
    "csrf", "key", "expected", "action", "next", "reason", "editorial", *TOLD, "announced_time", "type", "subject",
    "new_title", "new_subject_kind", "new_actor", "new_kind", "new_authority", "new_instrument", "new_rank",
    "to", "partners", "except", "party", "scope", "until", "rate_kind", "rate", "rate_of", "rate_text",
    "short_key", "stands", "thing_title", "account", *PLAIN, *STATED, *LINKS, "more", "events",
)  # fmt: skip
"""Every field of a form, but for those of sources."""

Fields = dict[str, list[str]]
Errors = dict[str, str]
"""What is wrong, by field; under '' what belongs to none."""


class Form:
    """What was typed, by the names of the fields."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields: Fields = {name: [*values] for name, values in fields.items()}

    @classmethod
    def posted(cls, body: bytes, names: tuple[str, ...] = NAMES) -> "Form":
        """The form in the body of a request; Refused for fields that it does not have. ``names``: those it has, where
        it is not the form of a development."""
        fields: Fields = {}
        text = body.decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=2000)
        except ValueError:
            raise Refused("invalid", "this form has more fields than any form here") from None
        for name, value in pairs:
            if name not in names and not (names is NAMES and SOURCE_FIELD.fullmatch(name)):
                hint = nearest(name, names) or "leave it out"
                raise Refused("invalid", f"no form here has a field {name[:80]!r}: {hint}")
            fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
        form = cls(fields)
        for name in LINKS:  # typed, and ticked in the preview
            if given := dict.fromkeys(form.all(name)):
                form.fields[name] = [", ".join(given)]
        return form

    def __getitem__(self, name: str) -> str:
        """The text of a field; '' where there is none."""
        return next((value.strip() for value in self.fields.get(name, []) if value.strip()), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field that was chosen more than once, or typed with commas between."""
        return [
            part.strip() for value in self.fields.get(name, []) for part in value.split(",") if part.strip()
        ]

    @property
    def sources(self) -> int:
        """How many rows for sources there are."""
        numbers = [int(n[1]) for name in self.fields if (n := SOURCE_FIELD.fullmatch(name))]
        return min(max([*numbers, ROWS - 1]) + 1, 300)

    @property
    def used_sources(self) -> list[int]:
        """The rows for sources in which something is written."""
        written = [name for name in SOURCE if name != "kind"]
        return [row for row in range(self.sources) if any(self[f"source-{row}-{name}"] for name in written)]

    def more_sources(self) -> None:
        self.fields[f"source-{self.sources}-publisher"] = [""]
