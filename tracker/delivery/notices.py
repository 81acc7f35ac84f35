"""Notices: what the tracker itself has to say to who subscribed, or wants to, beside the editions.

Frozen like an edition: what was put on its way says the same however often it is sent. The links that prove who one is
are no part of it: they are worked out when it is rendered, and stored nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import about

Kind = Literal["confirm", "known", "contact", "test", "failing", "halted"]

CONFIRM, OWN, CONTACT = "confirm", "own", "contact"
"""What the tokens of links are for."""


class Notice(Struct, frozen=True):
    """A notice: its kind; what the subscription ``gets`` and ``when``, in words; and ``facts``, sentences about what
    happened. ``position``: where the log ended."""

    kind: Kind
    gets: str
    when: str
    facts: list[str] = []
    position: int = 0


@dataclass(frozen=True, slots=True)
class Links:
    """Where one confirms, looks at, changes and stops a subscription: addresses that only we and the recipient know.
    ``token``: what confirms it; ``key``: what opens its page."""

    subscription: str
    confirm: str
    contact: str
    own: str
    stop: str
    token: str
    key: str


def links(base: str, sealer: Sealer, id: str, contact: str = "") -> Links:
    """The links of a subscription; ``contact``: who is asked whether it may be written to, who alone can agree."""
    token, key, asked = (sealer.token(purpose, id) for purpose in (CONFIRM, OWN, CONTACT))
    you = sealer.token(CONTACT, id, contact)
    at = f"{base}/subscriptions/{id}"
    return Links(
        subscription=id, confirm=f"{at}/confirm?key={token}", contact=f"{at}/contact?key={asked}&you={you}",
        own=f"{at}?key={key}", stop=f"{at}/stop?key={key}", token=token, key=key,
    )  # fmt: skip


def subject(notice: Notice) -> str:
    """A line that says what it is."""
    match notice.kind:
        case "confirm":
            return "Confirm your subscription to trade talks"
        case "known":
            return "You are subscribed to trade talks already"
        case "contact":
            return "Confirm that you look after an endpoint"
        case "test":
            return "Test message from the negotiation tracker"
        case "failing":
            return "Your endpoint does not take our messages"
        case "halted":
            return "Your subscription is halted"


def sentences(notice: Notice) -> Sequence[str]:
    """What it says, without its link, a paragraph each."""
    match notice.kind:
        case "confirm":
            return [
                f"Somebody, we hope it was you, asked to be told here about {notice.gets}, {notice.when}.",
                "Nothing is sent until you confirm that. If it was not you, do nothing: in 72 hours it is forgotten.",
            ]
        case "known":
            return [
                f"Somebody, we hope it was you, asked that you be told about {notice.gets}, {notice.when}.",
                "You have this subscription already, and nothing was changed.",
            ]
        case "contact":
            return [
                f"An endpoint is to be told here about {notice.gets}, {notice.when}.",
                "Somebody, we hope it was you, named this address as the one to write to when it fails.",
                "Nothing more is sent until you confirm that; and you can stop it again by the same link.",
            ]
        case "test":
            return [f"This is a test. It would be told about {notice.gets}, {notice.when}."]
        case "failing":
            return [
                f"The endpoint that is told about {notice.gets} did not take our messages.",
                *notice.facts,
            ]
        case "halted":
            return [
                f"The endpoint that is told about {notice.gets} is sent nothing more.",
                *notice.facts,
                "What is due meanwhile is held.",
                "On the page of the subscription its owner has it go on, and what was held sent, for 30 days.",
            ]


def action(notice: Notice, links: Links) -> tuple[str, str]:
    """What one can do about it, in words, and where."""
    match notice.kind:
        case "confirm":
            return "Confirm", links.confirm
        case "contact":
            return "Confirm", links.contact
        case "failing" | "halted":  # it goes to who looks after the endpoint: the subscription is not theirs
            return "Look at what you are written to for", links.contact
        case _:
            return "Look at the subscription", links.own


def notice(kind: Kind, one: Subscription, names: Mapping[str, str], position: int, *facts: str) -> Notice:
    """A notice about a subscription as it stands. ``names``: of partners, by code; ``position``: the end of the log."""
    return Notice(kind, about(one.scope, names), when(one), [*facts], position)


def when(one: Subscription) -> str:
    """``every day at 08:00 (New York)``."""
    if one.at_once:
        return "as soon as it is ten minutes old"
    match list(one.weekdays):
        case [*days] if len(days) == 7:
            on = "every day"
        case ["mon", "tue", "wed", "thu", "fri"]:
            on = "on weekdays"
        case [day]:
            on = f"every {DAYS[day]}"
        case days:
            on = "on " + ", ".join(DAYS[day] for day in days)
    return f"{on} at {one.hour:02}:00 ({place(one)})"


def place(one: Subscription) -> str:
    """By which it tells the time: ``New York``."""
    return one.zone.rpartition("/")[2].replace("_", " ")


DAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
    "sun": "Sunday",
}  # fmt: skip
