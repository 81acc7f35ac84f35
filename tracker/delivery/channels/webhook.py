"""Webhooks: an edition or a notice as a CloudEvent (1.0, structured mode), signed by Standard Webhooks.

At least once: a message is repeated, the same bytes under the same ``webhook-id``, until the endpoint takes it with a
status of 200 to 299; the signature covers the time of the attempt as well. Order is not promised: ``sequence`` says up
to which position of the log a message tells.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from tracker.delivery import notices, outward, signing
from tracker.delivery.channels.channel import Address, Parcel, outcome_of
from tracker.delivery.deliveries import Outcome
from tracker.delivery.destination import destination
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import Notice
from tracker.domain.when import rfc3339
from tracker.settings import Settings

LARGEST = 512 * 1024
"""Bytes of an edition in a message at most; of a larger one the message holds the address."""
TYPES = "negotiation-tracker"


class Webhook:
    """The channel. ``limits``: of one exchange."""

    name = "webhook"
    label = "Webhook"
    asks = "https address of the endpoint"
    delays = (
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30),
        *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
    )  # fmt: skip
    shared = False

    def __init__(self, limits: outward.Limits = outward.LIMITS) -> None:
        self.limits = limits

    def address(self, text: str, settings: Settings) -> Address:
        read = destination(text, settings, "address")
        return Address(full=str(read), shown=str(read).partition("?")[0][:320], sealed=True, signed=True)

    def unready(self, settings: Settings) -> str | None:
        return None

    def send(self, parcel: Parcel, settings: Settings) -> Outcome:
        body = message(parcel, settings)
        now = datetime.now(UTC)
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        headers |= signing.headers(parcel.reference, now, body, parcel.secrets)
        outcome = outcome_of(outward.post(parcel.recipient, body, headers, settings, self.limits), now)
        agreed = outcome.result == "accepted" and _answers(outcome.answer, parcel.links.token)
        return replace(outcome, confirmed=agreed)


def _answers(answer: str, token: str) -> bool:
    """Whether it answers the challenge: what gives back all that it is sent, the link to confirm with it, agrees to
    nothing."""
    return token in answer and f"?key={token}" not in answer


def message(parcel: Parcel, settings: Settings) -> bytes:
    """The body: the same however often it is sent."""
    content = parcel.content
    said = _notice(content, parcel) if isinstance(content, Notice) else _edition(content, settings)
    event = {
        "specversion": "1.0", "id": parcel.reference, "source": settings.public_url, "type": f"{TYPES}.{said.kind}",
        "time": rfc3339(parcel.at), "datacontenttype": "application/json",
        "sequence": str(said.position).zfill(12), "subscription": parcel.links.subscription, "data": said.data,
    }  # fmt: skip
    return msgspec.json.encode(event)


class _Said(NamedTuple):
    kind: str
    position: int
    data: dict[str, Any]


def _edition(frozen: Frozen, settings: Settings) -> _Said:
    fits = len(frozen.content.encode()) <= LARGEST
    data = {
        "edition": frozen.id, "url": f"{settings.public_url}/editions/{frozen.id}", "headline": frozen.headline,
        "content": msgspec.Raw(frozen.content.encode()) if fits else None,
    }  # fmt: skip
    return _Said("edition", frozen.edition.until.position, data)


def _notice(notice: Notice, parcel: Parcel) -> _Said:
    _, where = notices.action(notice, parcel.links)
    data = {
        "text": " ".join(notices.sentences(notice)),
        "gets": notice.gets,
        "when": notice.when,
        "url": where,
    }
    if notice.kind == "confirm":
        return _Said("challenge", notice.position, {"challenge": parcel.links.token, **data})
    return _Said(notice.kind, notice.position, data)
