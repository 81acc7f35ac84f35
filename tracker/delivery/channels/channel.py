"""What a channel is: something that takes an edition to one recipient, and says how that went."""

from dataclasses import dataclass
from typing import Protocol

from tracker.delivery.deliveries import Outcome
from tracker.delivery.editions import Frozen
from tracker.settings import Settings


@dataclass(frozen=True, slots=True)
class Parcel:
    """An edition for one recipient. ``reference`` is the same over all attempts; ``previous`` that of the edition
    which the recipient got before."""

    edition: Frozen
    recipient: str
    reference: str
    previous: str | None


class Channel(Protocol):
    """A failure is an outcome, not an exception."""

    @property
    def name(self) -> str:
        """What subscriptions call it."""

    def unready(self, settings: Settings) -> str | None:
        """Why nothing can be sent as things are set; None where it can."""

    def send(self, parcel: Parcel, settings: Settings) -> Outcome:
        """Try once, within two minutes."""
