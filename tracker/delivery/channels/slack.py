"""Slack, and chats that take the same incoming webhooks (Mattermost, Rocket.Chat): an edition as a message of text with
links. The address is the secret, so nothing is signed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from tracker.delivery import notices, outward, render
from tracker.delivery.channels.channel import Address, Parcel, outcome_of
from tracker.delivery.deliveries import Outcome
from tracker.delivery.destination import destination
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import Notice
from tracker.domain.edition import PARTS, Entry
from tracker.settings import Settings

ENTRIES = 20
"""As many entries as a message holds; the edition's page has them all."""
LONGEST = 300
"""Where a line is cut: a message holds 40,000 characters at most."""


class Slack:
    """The channel. ``limits``: of one exchange."""

    name = "slack"
    label = "Slack"
    asks = "address of the incoming webhook"
    delays = (timedelta(seconds=5), *(timedelta(minutes=minutes) for minutes in (5, 30, 120, 300, 600)))
    shared = False

    def __init__(self, limits: outward.Limits = outward.LIMITS) -> None:
        self.limits = limits

    def address(self, text: str, settings: Settings) -> Address:
        read = destination(text, settings, "address")
        return Address(full=str(read), shown=f"{read.authority} (address kept secret)", sealed=True)

    def unready(self, settings: Settings) -> str | None:
        return None

    def send(self, parcel: Parcel, settings: Settings) -> Outcome:
        body = msgspec.json.encode({"text": "\n".join(_lines(parcel, settings))})
        headers = {"Content-Type": "application/json; charset=utf-8"}
        sent = outward.post(parcel.recipient, body, headers, settings, self.limits)
        return outcome_of(sent, datetime.now(UTC))


def _lines(parcel: Parcel, settings: Settings) -> Iterable[str]:
    if isinstance(parcel.content, Notice):
        return _notice(parcel.content, parcel)
    return _edition(parcel.content, parcel, settings)


def _notice(notice: Notice, parcel: Parcel) -> Iterable[str]:
    what, where = notices.action(notice, parcel.links)
    yield f"*{_plain(notices.subject(notice))}*"
    yield from map(_plain, notices.sentences(notice))
    yield f"<{where}|{what}>"


def _edition(frozen: Frozen, parcel: Parcel, settings: Settings) -> Iterable[str]:
    edition, base = frozen.edition, settings.public_url
    yield f"*<{base}/editions/{frozen.id}|{_plain(render.subject(edition))}>*"
    limits = render.fair(edition, ENTRIES)
    for kind, heading in PARTS:
        entries, (_, most) = edition.part(kind), limits[kind]
        if entries:
            yield f"*{heading}*"
        for entry in entries[:most]:
            yield f"• <{base}/events/{entry.event}|{_plain(entry.title)}>{_said(entry)}"
        if len(entries) > most:
            yield f"and {len(entries) - most:,} more"
    yield f"_You subscribed to {_plain(edition.about)}. <{parcel.links.own}|Change or stop it>_"


def _said(entry: Entry) -> str:
    """What it changes, in a line."""
    changes = [
        ": ".join(part for part in (line.whom, line.item, line.words[0]) if part)
        + (f" (was {line.was})" if line.was else "")
        for line in entry.shown[:3]
    ]
    return f"\n    {_plain('; '.join(changes))}" if changes else ""


def _plain(text: str) -> str:
    """Without what Slack reads as markup, and no longer than a line may be."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
