"""What somebody wants to be told, as a form: what it offers, what was typed, and what is wrong with it, by field; and
how the pages of subscriptions know whom they serve."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from litestar import Request, Response
from sqlalchemy import Connection

from tracker import read
from tracker.delivery import enrolment, notices, subscriptions
from tracker.delivery.editions import HOUR
from tracker.delivery.enrolment import denied
from tracker.delivery.notices import DAYS
from tracker.delivery.schedule import WEEKDAYS
from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import Subscription, Wanted, sectors_followed
from tracker.domain.edition import about
from tracker.domain.errors import Refused
from tracker.domain.topics import TOPICS
from tracker.store import log
from tracker.web.errors import Failed
from tracker.web.form.fields import Errors, Form
from tracker.web.html import html, upper_first

Asking = Request[Any, Any, Any]

WHEN = {
    "daily": "Every day",
    "weekdays": "Monday to Friday",
    "days": "On chosen days; one of them for once a week",
    "at_once": "At once, as soon as an entry is ten minutes old",
}
WANTED = ("partners", "sectors", "topics", "when", "days", "hour", "zone", "send_empty")
"""The fields that say of what, and when."""
SEVERAL = ("partners", "sectors", "topics", "days")
"""Those of which more than one may be chosen."""
FIELDS = {"weekdays": "days"}
"""What subscriptions call by other names."""
SAID = {"weekdays": "Tick at least one day.", "hour": "Choose an hour of the day."}
"""What is said otherwise to who fills in a form."""
NO_HOUR = -1
"""For what was typed in place of one: it is refused with whatever else is wrong."""
REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


class Wrong(Exception):
    """What was typed cannot be carried out: what is wrong, by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


# ---------------------------------------------------------------- the form


def offered(connection: Connection) -> dict[str, Any]:
    """What the form offers."""
    known = log.position(connection)
    return {
        "offered": {
            "partners": {code: who.name for code, who in read.names(connection, known).items()},
            "sectors": {name: name for name in sorted(set(sectors_followed(connection, known).values()))},
            "topics": {name: upper_first(said) for name, (said, _) in TOPICS.items()},
            "when": WHEN, "days": DAYS, "hours": [f"{hour:02}" for hour in range(24)], "zones": zones(),
        }
    }  # fmt: skip


@cache
def zones() -> list[str]:
    """The time zones to choose from: those that are named by a place."""
    return ["UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in REGIONS)]


def wanted(form: Form, zone: str) -> Wanted:
    """What a form asks for; not checked against the record. ``zone``: where none is typed."""
    when, hour = form["when"] or "daily", form["hour"] or str(HOUR)
    if when not in WHEN:
        raise Wrong({"when": "Choose one of these."})
    of_day = len(hour) <= 2 and hour.isascii() and hour.isdecimal()
    return Wanted(
        partners=form.all("partners"), sectors=form.all("sectors"), topics=form.all("topics"),
        zone=form["zone"] or zone, hour=int(hour) if of_day else NO_HOUR, weekdays=_weekdays(form, when),
        at_once=when == "at_once", send_empty=form["send_empty"] == "yes",
    )  # fmt: skip


def _weekdays(form: Form, when: str) -> list[str]:
    match when:
        case "days":
            return form.all("days")
        case "weekdays":
            return [*WEEKDAYS[:5]]
        case _:
            return [*WEEKDAYS]


def filled(one: Subscription) -> Form:
    """The form that asks for what somebody has."""
    days = [*one.weekdays]
    regular = "daily" if len(days) == 7 else "weekdays" if days == [*WEEKDAYS[:5]] else "days"
    return Form({
        "partners": one.scope.partners, "sectors": one.scope.sectors, "topics": one.scope.topics,
        "when": ["at_once" if one.at_once else regular], "days": days if regular == "days" else [],
        "hour": [f"{one.hour:02}"], "zone": [one.zone], "send_empty": ["yes"] if one.send_empty else [],
    })  # fmt: skip


def told(refusal: Refused, known: Sequence[str] = WANTED) -> Errors:
    """What a refusal says, by field, in the order of those that are ``known``; what concerns none of them under ''."""
    errors: Errors = {}
    for problem in refusal.problems:
        name = FIELDS.get(problem.pointer, problem.pointer)
        detail = problem.detail.removeprefix(f"{problem.pointer}: ")
        errors.setdefault(name if name in known else "", SAID.get(problem.pointer, f"{upper_first(detail)}."))
    if not errors:
        return {"": f"{upper_first(refusal.detail)}."}
    return {name: errors[name] for name in ("", *known) if name in errors}


# ---------------------------------------------------------------- whom a page serves


def key(request: Asking) -> str:
    return str(request.query_params.get("key", ""))


def proved(request: Asking, sealer: Sealer, purpose: str, id: str) -> str:
    """The key in the address. Refused (``denied``) where it is not that of this subscription for this purpose."""
    given = key(request)
    if not sealer.same(given, purpose, id):
        raise denied()
    return given


def kept(connection: Connection, id: str) -> Subscription | None:
    """A subscription whose key was proved; None: nobody confirmed it in time, and it was forgotten."""
    try:
        return subscriptions.get(connection, id)
    except Refused:
        return None


def forgotten() -> Failed:
    return Failed(
        410,
        "gone",
        "nobody confirmed this subscription within 72 hours, and it was forgotten: subscribe anew",
    )


def over(one: Subscription, now: datetime) -> bool:
    """Whether the time is over in which it could be confirmed."""
    return one.state == "pending" and now - one.created_at > subscriptions.PENDING


def in_words(connection: Connection, one: Subscription) -> dict[str, str]:
    """What it gets, when, and the place whose clock that is by."""
    gets = about(one.scope, enrolment.names(connection))
    return {"gets": gets, "when": notices.when(one), "place": notices.place(one)}


def masked(address: str) -> str:
    """As much of an e-mail address as lets its holder know it: ``r***@example.org``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at and "/" not in address else address


def private(request: Asking, template: str, context: dict[str, Any], status: int = 200) -> Response[str]:
    """A page that only who has its link may see: kept by nobody, found by no search engine."""
    shown = html(request, template, context, status)
    shown.headers |= {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return shown


def midnight(day: str, zone: str) -> datetime:
    """The instant at which a day begins that was typed as ``since``."""
    try:
        return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone))
    except ValueError:
        raise Wrong({"since": "Write a day as 2025-04-10."}) from None
