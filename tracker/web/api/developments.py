"""Developments: what analysts log, correct and withdraw. ``dry_run=true`` shows what would come of it."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter, RawBody, SkipValidation
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker import read
from tracker.delivery.reach import reached
from tracker.domain.errors import Refused
from tracker.domain.events import Correction, Development, Withdrawal
from tracker.domain.views import ChangeView, Entry, Erasure, Fit, Preview, Resumption, Temporal, Version, View
from tracker.read import Point, chores
from tracker.record import By, Correct, Order, Recorded, Withdraw, record, rehearse
from tracker.store import log
from tracker.store.clock import Clock
from tracker.store.engine import reading
from tracker.store.trouble import said, trouble
from tracker.web.asking import BODY, Asked
from tracker.web.conditional import Answer, answer
from tracker.web.errors import Failed, Wrong
from tracker.web.posted import posted
from tracker.web.security import analyst_of, analyst_only

logger = structlog.get_logger()

TAGS = ["developments"]
DevelopmentId = Annotated[str, PathParameter(description="The id of a development.")]

DryRun = Annotated[
    bool,
    QueryParameter(
        description="Do it all, show what comes of it, and take it back: nothing is recorded, nobody told."
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=1000,
        description='The versions of subjects that you have seen, such as ``"measure:us-ieepa-fentanyl-mx@3"``; the '
        "number alone where there is one subject. 412 where one has moved on.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=log.LONGEST_KEY,
        description="Your name for this request. Sent again with the same body it records nothing and answers as it "
        "first did; with another body it is refused. A dry run looks whether it was used, and does not use it.",
    ),
]


class EventRef(View, frozen=True):
    """An event that was recorded: where it stands in the log, and the version its subject has by it."""

    id: str
    position: int
    subject: str
    version: int
    type: str


class Outcome(View, frozen=True, kw_only=True):
    """What came of an order. ``effects``: before -> after per partner; ``resumes``: what holds again where an effect
    ends; ``erases``: scheduled changes that no longer happen then. A dry run has no development and no positions; it
    says how many subscriptions would be ``told``, and which links would fit that are not there: ``fits``. Where its key
    was used before for the same request it says what came of that (``repeated``).
    ``effects_read``: false where it was recorded, and the database failed before they could be read: then ``effects``,
    ``resumes`` and ``erases`` are empty here, and the development's own address has them."""

    dry_run: bool
    development: str | None
    first_position: int | None
    last_position: int | None
    events: list[EventRef]
    repeated: bool
    told: int | None = None
    effects: dict[str, list[ChangeView]]
    resumes: dict[str, list[Resumption]]
    erases: dict[str, list[Erasure]]
    effects_read: bool = True
    fits: list[Fit] = []


class DevelopmentNow(View, frozen=True):
    """A development in all its versions, each with what it changed for whom. ``seen``: the version of each of its
    subjects, for an ``If-Match``."""

    temporal: Temporal
    entry: Entry
    versions: list[Version]
    seen: dict[str, int]


@post(
    "/developments", summary="Log a development", tags=TAGS, guards=[analyst_only], sync_to_thread=True,
    opt={BODY: Development},
)  # fmt: skip
def log_development(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    clock: NamedDependency[SkipValidation[Clock]],
    body: RawBody,
    dry_run: DryRun = False,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer[Outcome]:
    """What happened, told by whom, and what it means: one event or more, recorded together."""
    order = posted(request, Development, body)
    expected = versions(if_match, {event.subject for event in order.events})
    return carry_out(engine, order, By(writer(request), clock(), idempotency_key, expected=expected), dry_run)


@post(
    "/developments/{id:str}/corrections", summary="Correct a development", tags=TAGS, guards=[analyst_only],
    sync_to_thread=True, opt={BODY: Correction},
)  # fmt: skip
def correct_development(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    clock: NamedDependency[SkipValidation[Clock]],
    id: DevelopmentId,
    body: RawBody,
    dry_run: DryRun = False,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer[Outcome]:
    """Our record was wrong: say what it should have said, as a whole, and why. It keeps its place in the order; what
    was believed before stays readable. Where a *source* changed its mind, log a new development instead."""
    order = Correct(id, posted(request, Correction, body))
    named = {event.subject for event in order.command.development.events}
    expected = versions(if_match, named | subjects_of(engine, id))
    return carry_out(engine, order, By(writer(request), clock(), idempotency_key, expected=expected), dry_run)


@post(
    "/developments/{id:str}/withdrawals", summary="Withdraw a development", tags=TAGS, guards=[analyst_only],
    sync_to_thread=True, opt={BODY: Withdrawal},
)  # fmt: skip
def withdraw_development(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    clock: NamedDependency[SkipValidation[Clock]],
    id: DevelopmentId,
    body: RawBody,
    dry_run: DryRun = False,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Answer[Outcome]:
    """Our record should not have been made: it no longer counts, and stays readable. A correction brings it back."""
    order = Withdraw(id, posted(request, Withdrawal, body))
    expected = versions(if_match, subjects_of(engine, id))
    return carry_out(engine, order, By(writer(request), clock(), idempotency_key, expected=expected), dry_run)


@get("/developments/{id:str}", summary="One development, with its versions", tags=TAGS, sync_to_thread=True)
def development(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    asked: NamedDependency[SkipValidation[Asked]],
    id: DevelopmentId,
) -> Answer[DevelopmentNow]:
    """A development by its id, as it stands, and every version of it: who recorded it when, what it said (``said`` is
    a command to correct and send back), and what it changed."""
    with reading(engine) as connection:
        at = asked.point(connection)
        story = read.story(connection, id, at.known)
        content = DevelopmentNow(
            temporal=read.temporal(connection, at, read.coverage(connection, at.known)),
            entry=story.entry, versions=story.versions, seen=story.seen,
        )  # fmt: skip
    return answer(request, content, asked.pins(at), asked.pinned)


# ---------------------------------------------------------------- what comes in


_VERSION = re.compile(
    r'(?:W/)?"(?:(?P<subject>[a-z]+:[A-Za-z0-9_-]+)@)?(?P<quoted>\d{1,15})"|(?P<bare>\d{1,15})'
)


def versions(if_match: str | None, subjects: set[str]) -> dict[str, int] | None:
    """The versions of subjects that the writer has seen."""
    if if_match is None:
        return None
    seen: dict[str, int] = {}
    for part in if_match.split(","):
        match = _VERSION.fullmatch(part.strip())
        if match is None or (not match["subject"] and len(subjects) != 1):
            known = " or ".join(f'"{subject}@3"' for subject in sorted(subjects)[:3])
            detail = f"If-Match {part.strip()!r} names no version of a subject: write {known or 'a version'}"
            raise Failed(400, "invalid", detail, Wrong(header="If-Match", detail=detail))
        subject, version = match["subject"] or min(subjects), int(match["quoted"] or match["bare"])
        if seen.setdefault(subject, version) != version:
            detail = f"If-Match names versions {seen[subject]} and {version} of {subject}: name the one you have seen"
            raise Failed(400, "invalid", detail, Wrong(header="If-Match", detail=detail))
    return seen


def subjects_of(engine: Engine, development: str) -> set[str]:
    """The subjects that a development has had."""
    with reading(engine) as connection:
        return {
            event.subject
            for event in log.of_developments(connection, [development], log.position(connection))
        }


def writer(request: Request[Any, Any, Any]) -> str:
    """The id of the analyst who writes."""
    analyst = analyst_of(request)
    assert analyst is not None, "the guard lets nobody else pass"
    return analyst.id


# ---------------------------------------------------------------- what comes of it


def carry_out(engine: Engine, order: Order, by: By, dry_run: bool) -> Answer[Outcome]:
    """Record an order, or rehearse it, and tell what came of it."""
    try:
        if dry_run:
            look = partial(rehearsed, order, by.now)
            return Answer(rehearse(engine, order, by, look), status_code=200)
        recorded = record(engine, order, by)
    except Refused as refusal:
        if refusal.code == "stale":
            raise with_what_changed(engine, refusal, by.expected or {}) from None
        raise
    content = outcome(recorded, preview(engine, recorded))
    headers = {"Location": f"/v1/developments/{recorded.development}", "Cache-Control": "no-store"}
    return Answer(content, status_code=201, headers=headers)


def preview(engine: Engine, recorded: Recorded) -> Preview | None:
    """What came of what was recorded; None where the database fails by now. Recorded it is all the same."""
    try:
        with reading(engine) as connection:
            return read.preview(connection, recorded)
    except SQLAlchemyError as error:
        found = trouble(error)
        logger.error(
            "effects_not_read", position=recorded.last, trouble=found and found.code, error=said(error),
            exc_info=None if found else error,
        )  # fmt: skip
        return None


def outcome(recorded: Recorded, seen: Preview | None) -> Outcome:
    known = seen or Preview(effects={}, resumes={}, erases={})
    return Outcome(
        dry_run=False, development=recorded.development, first_position=recorded.first, last_position=recorded.last,
        events=[
            EventRef(id=e.id, position=e.position, subject=e.subject, version=e.version, type=e.type)
            for e in recorded.events
        ],
        repeated=recorded.repeated, told=None, effects=known.effects, resumes=known.resumes, erases=known.erases,
        effects_read=seen is not None,
    )  # fmt: skip


def rehearsed(order: Order, now: datetime, connection: Connection, recorded: Recorded) -> Outcome:
    """What would come of an order: nothing has a place in the log, but what was recorded before with its key. What is
    editorial is told to nobody."""
    seen = read.preview(connection, recorded)
    if recorded.repeated:
        return msgspec.structs.replace(outcome(recorded, seen), dry_run=True, told=0)
    quiet = isinstance(order, Correct) and order.command.editorial
    told = (
        0
        if quiet
        else len(reached(connection, seen, recorded.development, Point(now, recorded.last, now, "UTC")))
    )
    return msgspec.structs.replace(
        outcome(recorded, seen), dry_run=True, development=None, first_position=None, last_position=None, events=[],
        told=told, fits=chores.fits(connection, recorded),
    )  # fmt: skip


def with_what_changed(engine: Engine, refusal: Refused, seen: Mapping[str, int]) -> Failed:
    """412, naming for each subject the events that its writer has not seen."""
    wrong = []
    with reading(engine) as connection:
        for subject, version in seen.items():
            events = log.of_subject(connection, subject, log.position(connection))
            missed = [
                f"{e.type} {e.told.title!r} (position {e.position})" for e in events if e.version > version
            ]
            if version != len(events):
                detail = f"{subject} has version {len(events)} now; since version {version}: {', '.join(missed) or '-'}"
                wrong.append(Wrong(header="If-Match", detail=detail))
    return Failed(412, "stale", refusal.detail, *wrong)


ROUTES = (log_development, development, correct_development, withdraw_development)
