"""What became of what was sent, as pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from tracker.delivery import deliveries, editions, notices
from tracker.delivery.deliveries import Attempt, Delivery
from tracker.delivery.notices import Kind, Notice

EXCERPT = 2000
"""As many characters of an answer as a page shows."""
OUTCOMES = {
    "accepted": "accepted",
    "deferred": "not taken",
    "rejected": "refused for good",
    "unknown": "no answer: it may have arrived",
    None: "under way, or its worker went away",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery: ``what`` was sent, in a line; where it stands; every try, where these may be seen."""

    delivery: Delivery
    what: str
    standing: str
    tries: Sequence[Attempt] = ()

    @property
    def going(self) -> bool:
        """Whether it is tried again."""
        return self.delivery.state in ("pending", "deferred", "unknown") and bool(
            self.delivery.next_attempt_at
        )


def sent(
    connection: Connection, found: Sequence[Delivery], unready: Mapping[str, str], *, tries: bool = False
) -> list[Sent]:
    """Deliveries to be shown. ``unready``: why channels cannot send."""
    headlines = editions.headlines(connection, {one.edition for one in found if one.edition})
    return [
        Sent(
            one, headlines[one.edition] if one.edition else notice(one.notice),
            deliveries.standing(one, unready.get(one.channel)),
            deliveries.attempts_of(connection, one.id) if tries else (),
        )
        for one in found
    ]  # fmt: skip


def notice(kind: str | None) -> str:
    """What a notice is called; one whose recipient is erased has no kind any more."""
    return notices.subject(Notice(cast(Kind, kind), "", "")) if kind else "A notice"
