"""From an analyst's form to the record: preview and save, with what goes wrong told beside its field."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response
from litestar.response import Redirect
from sqlalchemy import Connection

from tracker import read
from tracker.delivery.reach import reached
from tracker.domain import words
from tracker.domain.errors import Refused
from tracker.domain.events import Development
from tracker.domain.paint import announced
from tracker.domain.parse import parse
from tracker.domain.views import ChangeView, Fit, Preview, Story
from tracker.read import LATE, chores
from tracker.record import By, Correct, Order, Recorded, record, rehearse
from tracker.store import log
from tracker.store.engine import reading
from tracker.web.changes import Line, by_partner
from tracker.web.form import offers, pointing
from tracker.web.form.command import command
from tracker.web.form.fields import Errors, Form
from tracker.web.html import subjects_in
from tracker.web.security import analyst_of, check_csrf, csrf_token, unauthorized

Asking = Request[Any, Any, Any]
STATUS = {"stale": 409, "conflict": 409, "key_reused": 409, "busy": 503}


@dataclass
class Looked:
    """What a preview shows: the changes, what holds again at each end, what is erased, and who would be told. ``late``:
    when it was announced, if that is long ago; ``unsourced``: nobody is named who says so. ``seen``: the versions of
    the subjects that it was made from. ``fits``: links that may belong to it."""

    effects: list[Line]
    resumes: list[Line]
    erases: list[tuple[datetime | None, list[Line]]]
    late: datetime | None
    unsourced: bool
    told: list[str]
    titles: dict[str, str]
    seen: dict[str, int] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)


@dataclass
class Outcome:
    """What came of sending a form: where to go on, or what to show with it."""

    form: Form
    errors: Errors = field(default_factory=dict)
    looked: Looked | None = None
    status: int = 200
    saved: str = ""


def sent(request: Asking, form: Form, ordered: Callable[[Form], Order], done: str) -> Outcome:
    """Do what the form asks: one more row for sources, a preview, or save. ``ordered`` makes the order, or refuses
    with pointers into the command; ``done`` is the word for what was saved."""
    if analyst_of(request) is None:
        lost = (
            "You are not signed in any more. Sign in in another tab, then send this again: nothing is lost."
        )
        return Outcome(form, {"": lost}, status=403)
    try:
        check_csrf(request, form["csrf"])
    except Refused:
        again = "This form was made before you signed in, or elsewhere. Look it over, then send it again."
        return Outcome(form, {"": again}, status=403)
    if form["action"] == "add-source":
        form.more_sources()
        return Outcome(form)
    try:
        return _carried_out(request, form, ordered(form), done)
    except Wrong as wrong:
        return Outcome(form, wrong.errors, status=422)
    except Refused as refusal:
        if refusal.code == "not_found":
            raise
        return _refused(request, form, ordered, refusal)


class Wrong(Exception):
    """The form cannot be an order: what is wrong, by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


def _carried_out(request: Asking, form: Form, order: Order, done: str) -> Outcome:
    engine, now = request.app.state.engine, request.app.state.clock()
    who = analyst_of(request)
    assert who is not None, "checked by the caller"
    if form["action"] == "save":
        by = By(who.id, now, form["key"] or None, expected=_expected(form))
        recorded = record(engine, order, by)
        return Outcome(form, saved=f"/events/{recorded.development}?saved={done}")
    looked = rehearse(engine, order, By(who.id, now), lambda c, made: look(c, made, order, request))
    return Outcome(form, looked=looked)


def _refused(request: Asking, form: Form, ordered: Callable[[Form], Order], refusal: Refused) -> Outcome:
    errors = pointing.told(form, refusal)
    if refusal.code == "key_reused":
        form.fields["key"] = [new_key()]
        errors = {
            "": "This form was saved before, saying something else. To save this as well, send it again."
        }
    if refusal.code != "stale":
        return Outcome(form, errors, status=STATUS.get(refusal.code, 422))
    form.fields["action"], form.fields["expected"] = ["preview"], []
    again = _carried_out(request, form, ordered(form), "")
    again.errors = {"": f"{refusal.detail}. Below is what this would do now: look it over, then save."}
    again.status = 409
    return again


def _expected(form: Form) -> dict[str, int] | None:
    pairs = (text.rpartition("=") for text in form.fields.get("expected", []))
    return {
        subject: int(version) for subject, _, version in pairs if re.fullmatch(r"[0-9]{1,15}", version)
    } or None


def new_key() -> str:
    """An idempotency key: what makes a form that is sent twice record once."""
    return f"form-{uuid4().hex}"


# ---------------------------------------------------------------- orders


def development(form: Form) -> Development:
    """The development that a form stands for."""
    said, errors = command(form)
    if errors:
        raise Wrong(errors)
    return parse(Development, msgspec.json.encode(said))


# ---------------------------------------------------------------- preview


def look(connection: Connection, recorded: Recorded, order: Order, request: Asking) -> Looked:
    """What came of an order that is about to be taken back."""
    seen = read.preview(connection, recorded)
    first = recorded.events[0]
    at = announced(first.told, first.subject).at
    erases: dict[datetime | None, dict[str, list[ChangeView]]] = {}
    for code, gone in seen.erases.items():
        for one in gone:
            erases.setdefault(one.later, {}).setdefault(code, []).append(one.change)
    changes = [c for held in seen.effects.values() for c in held]
    named = subjects_in(word for change in changes for word in change.words)
    versions: dict[str, int] = {}
    for event in recorded.events:
        versions[event.subject] = min(versions.get(event.subject, event.version), event.version) - 1
    late = isinstance(order, Development) and recorded.events[0].learnt_at - at >= LATE
    quiet = isinstance(order, Correct) and order.command.editorial
    said = (
        order.command.development
        if isinstance(order, Correct)
        else order
        if isinstance(order, Development)
        else None
    )
    return Looked(
        effects=by_partner(seen.effects),
        resumes=by_partner({code: [one.change for one in held] for code, held in seen.resumes.items()}),
        erases=[(later, by_partner(held)) for later, held in erases.items()],
        late=at if late else None,
        unsourced=said is not None and not said.sources,
        told=[] if quiet else told(connection, seen, recorded, request),
        titles=read.titles(connection, named, recorded.last),
        seen=versions,
        fits=chores.fits(connection, recorded),
    )


def told(connection: Connection, seen: Preview, recorded: Recorded, request: Asking) -> list[str]:
    """Whom a digest would tell: the addresses of the subscriptions that it concerns."""
    zone = request.app.state.settings.zone.key
    at = read.point(connection, now=request.app.state.clock(), zone=zone)
    return sorted(one.address for one in reached(connection, seen, recorded.development, at))


# ---------------------------------------------------------------- what the form's page needs


def story(request: Asking, id: str) -> Story:
    """The development to mend; for analysts alone where reading is closed."""
    if request.app.state.settings.reading == "closed" and analyst_of(request) is None:
        raise unauthorized(request)
    with reading(request.app.state.engine) as connection:
        return read.story(connection, id, log.position(connection))


def offered(request: Asking) -> dict[str, Any]:
    """What the form offers; nothing of the record to who is not signed in."""
    if analyst_of(request) is None:
        return offers.NOTHING
    with reading(request.app.state.engine) as connection:
        return offers.offered(connection)


def context(request: Asking, outcome: Outcome) -> dict[str, Any]:
    """What the template of a form needs."""
    form, errors = outcome.form, outcome.errors
    return {
        "form": form, "errors": errors, "looked": outcome.looked, "sources": form.sources,
        "titles": outcome.looked.titles if outcome.looked else {}, "words": words,
        "key": form["key"] or new_key(), "csrf": csrf_token(request),
        "expected": outcome.looked.seen if outcome.looked else _expected(form) or {},
    }  # fmt: skip


def answered(outcome: Outcome, page: Callable[[Outcome], Response[Any]]) -> Response[Any]:
    """On to what was saved, or the form again."""
    return Redirect(outcome.saved, status_code=303) if outcome.saved else page(outcome)


def wrong(errors: Mapping[str, str]) -> None:
    """Refuse a form whose fields cannot be an order."""
    if errors:
        raise Wrong(dict(errors))
