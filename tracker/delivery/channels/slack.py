"""Slack, and chats that take the same incoming webhooks (Mattermost, Rocket.Chat): an edition as a message of text with
links. The address is the secret, so nothing is signed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from tracker.delivery import notices, outward, render
from tracker.delivery.channels.channel import Address, Parcel, outcome_of
from tracker.delivery.deliveries import Outcome
from tracker.delivery.destination import destination
from tracker.delivery.notices import Links, Notice
from tracker.domain.edition import Entry
from tracker.settings import Settings

MOST = 4_000
"""Characters of a message: what is longer, chats cut, split in two or refuse. The edition's page has it all."""
SIZES = ((20, 5), (15, 4), (10, 3), (7, 2), (7, 1), (7, 0))
"""So many entries, with so many lines each; the first that fits is sent."""
LONGEST = 300
"""Where a line is cut."""


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
        body = msgspec.json.encode({"text": text(parcel, settings)})
        headers = {"Content-Type": "application/json; charset=utf-8"}
        sent = outward.post(parcel.recipient, body, headers, settings, self.limits)
        return outcome_of(sent, datetime.now(UTC))


def text(parcel: Parcel, settings: Settings) -> str:
    """The message: of a long edition as much as fits into one."""
    if isinstance(parcel.content, Notice):
        return "\n".join(_notice(parcel.content, parcel))
    said, edition, id = "", parcel.content.edition, parcel.content.id
    for items, lines in SIZES:
        seen = render.shown(edition, base=settings.public_url, id=id, items=items)
        said = "\n".join(_edition(seen, parcel.links, lines))
        if len(said) <= MOST:
            break
    return said


def _notice(notice: Notice, parcel: Parcel) -> Iterable[str]:
    what, where = notices.action(notice, parcel.links)
    yield f"*{_plain(notices.subject(notice))}*"
    yield from map(_plain, notices.sentences(notice))
    yield f"<{where}|{what}>"


def _edition(seen: render.Shown, links: Links, lines: int) -> Iterable[str]:
    edition = seen.edition
    yield f"*<{seen.whole}|{_plain(render.subject(edition))}>*"
    for part in seen.parts:
        yield f"\n*{part.heading}*"
        for day, entries in part.days:
            if day:
                yield f"_{day}_"
            for entry in entries:
                yield from _entry(seen, entry, lines)
        if part.hidden:
            yield f"<{part.more}|and {part.hidden:,} more>"
    if edition.unchecked:
        yield f"\n{_plain(render.unchecked(edition))}"
    yield f"\n_You get this because you subscribed to {_plain(edition.about)}._ <{links.own}|Change or stop it>"


def _entry(seen: render.Shown, entry: Entry, lines: int) -> Iterable[str]:
    yield f"• <{seen.event(entry)}|{_plain(entry.title)}>"
    if lines == 0:
        return
    for also in entry.also:
        yield f"    and: {_plain(also.title)}"
    if dates := seen.dates(entry):
        yield f"    {_plain(dates)}"
    if entry.reason:
        yield f"    Reason: {_plain(entry.reason)}"
    told = [render.line_text(line, block) for block in seen.blocks(entry) for line in block.lines]
    yield from (f"    – {_plain(line)}" for line in told[:lines])
    if (more := len(entry.shown) - lines) > 0:
        yield f"    – and {more:,} more"


def _plain(text: str) -> str:
    """Without what chats read as markup or as a call to everybody, and no longer than a line may be."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    safe = cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return safe.replace("@", "@\N{WORD JOINER}")
