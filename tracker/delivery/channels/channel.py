"""What a channel is: it knows what addresses it takes, carries a message to a recipient, and says how that went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from tracker.delivery import outward
from tracker.delivery.deliveries import Outcome
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import Links, Notice
from tracker.delivery.outward import Answer, NoAnswer
from tracker.settings import Settings


@dataclass(frozen=True, slots=True)
class Parcel:
    """An edition or a notice for one recipient, put on its way ``at`` an instant. ``reference`` is the same over all
    attempts; ``previous`` that of the edition which the recipient got before; ``secrets`` sign it, the newest first."""

    content: Frozen | Notice
    recipient: str
    reference: str
    previous: str | None
    links: Links
    at: datetime
    secrets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """An address as a channel takes it. ``shown``: how it is listed; ``sealed``: whether what leads there must not be
    readable in the database; ``signed``: whether messages are signed with a secret of its own."""

    full: str
    shown: str
    sealed: bool = False
    signed: bool = False


class Channel(Protocol):
    """A failure is an outcome, not an exception."""

    @property
    def name(self) -> str:
        """What subscriptions call it."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def asks(self) -> str:
        """What address it asks for, in words: ``E-mail address``."""

    @property
    def delays(self) -> Sequence[timedelta]:
        """How long it waits after the first attempt that failed, the second, ...: as many as it makes again."""

    @property
    def shared(self) -> bool:
        """Whether everything goes through one server of ours: where that does not answer, the others need not try."""

    def address(self, text: str, settings: Settings) -> Address:
        """The address; Refused (about ``address``), saying what to write, where it is none."""

    def unready(self, settings: Settings) -> str | None:
        """Why nothing can be sent as things are set; None where it can."""

    def send(self, parcel: Parcel, settings: Settings) -> Outcome:
        """Try once, within two minutes."""


def outcome_of(answer: Answer | NoAnswer, now: datetime) -> Outcome:
    """What came of an exchange. Whatever is not 2xx is tried again: an endpoint that is being mended says all sorts of
    things. Only 410 is for good."""
    if isinstance(answer, NoAnswer):
        result: Any = "unknown" if answer.sent else "deferred"
        return Outcome(result, answer.detail, reached=answer.sent, milliseconds=answer.milliseconds)
    taken = answer.status // 100 == 2
    where = f" (leads to {answer.headers['location']})" if "location" in answer.headers else ""
    return Outcome(
        "accepted" if taken else "rejected" if answer.status == 410 else "deferred", answer.excerpt + where,
        answer.status, retry_after=outward.asked_to_wait(answer, now), gone=answer.status == 410,
        milliseconds=answer.milliseconds,
    )  # fmt: skip
