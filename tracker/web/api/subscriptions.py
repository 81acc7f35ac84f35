"""Subscriptions: who is told what changed, over which channel and when, and what came of each message.

Anybody may subscribe; nothing is sent before the holder of the address has confirmed. Who holds the key of a
subscription looks at it, changes and stops it; so does an analyst.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import PathParameter, QueryParameter, RawBody, SkipValidation
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection, Engine

from tracker.delivery import deliveries, editions, enrolment, notices, sender, subscriptions
from tracker.delivery.deliveries import Attempt, Delivery
from tracker.delivery.schedule import WEEKDAYS
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Subscription, Wanted
from tracker.domain.edition import Edition
from tracker.domain.errors import Problem, Refused
from tracker.domain.views import View
from tracker.settings import Settings
from tracker.store.clock import Clock
from tracker.store.engine import reading, writing
from tracker.web.asking import BODY, DONE, KEYS, Cursor, Limit, Next, opened, written
from tracker.web.conditional import Answer
from tracker.web.errors import Failed
from tracker.web.posted import posted
from tracker.web.security import PUBLIC, analyst_of, analyst_only, bearer, check_analyst

TAGS = ["subscriptions"]
OWNERS = (
    "this needs the key of the subscription, or an analyst's: send it as 'Authorization: Bearer ...'; the link to the "
    "page of a subscription holds its key"
)
LOOK_AT_MAIL = (
    "If it can be written to, a message with a link is on its way to this address. Nothing is sent before the link is "
    "opened and the subscription confirmed, within 72 hours."
)
ANSWER_CHALLENGE = (
    "A challenge is on its way to this endpoint: it confirms by answering 2xx with the text in 'challenge', or you do, "
    "with the link beside it, within 72 hours. Keep key and secret: nobody can show them again."
)
OWNED = {PUBLIC: True, KEYS: ("subscription", "key")}
SubscriptionId = Annotated[str, PathParameter(description="The id of a subscription.")]
DeliveryId = Annotated[int, PathParameter(description="The number of a delivery.", ge=1, le=2**53)]
Stopped = Annotated[bool, QueryParameter(description="Those that were stopped, too.")]


class Ask(View, frozen=True, forbid_unknown_fields=True):
    """What is asked for: an ``address`` (of e-mail, or an https address) over a ``channel``, and of what and when. No
    ``partners`` and no ``sectors``: all that are followed. ``topics``: only these kinds of change; none: all.
    ``at_once``: as soon as an entry is ten minutes old, whatever ``hour``, ``zone`` and ``weekdays`` say.
    ``send_empty``: also when nothing changed. ``contact``: the e-mail address of who looks after an endpoint; it is
    written to when that fails."""

    address: Annotated[str, Meta(max_length=2000)]
    channel: str = "email"
    partners: list[str] = []
    sectors: list[str] = []
    topics: list[str] = []
    hour: int = 8
    zone: str | None = None
    weekdays: list[str] = msgspec.field(default_factory=lambda: [*WEEKDAYS])
    at_once: bool = False
    send_empty: bool = False
    contact: Annotated[str, Meta(max_length=320)] | None = None


class Look(Ask, frozen=True, forbid_unknown_fields=True):
    """What would be asked for; the ``address`` may be left out."""

    address: Annotated[str, Meta(max_length=2000)] = ""


class Change(View, frozen=True, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays as it is. ``contact``: another one who is written to when an
    endpoint fails, once that one has confirmed; null: nobody."""

    partners: list[str] | UnsetType = UNSET
    sectors: list[str] | UnsetType = UNSET
    topics: list[str] | UnsetType = UNSET
    hour: int | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    weekdays: list[str] | UnsetType = UNSET
    at_once: bool | UnsetType = UNSET
    send_empty: bool | UnsetType = UNSET
    contact: Annotated[str, Meta(max_length=320)] | None | UnsetType = UNSET


class Confirmation(View, frozen=True, forbid_unknown_fields=True):
    """``token``: what the message that asked for it holds."""

    token: Annotated[str, Meta(max_length=200)]


class Rotation(View, frozen=True, forbid_unknown_fields=True):
    """``hours``: how long the old secret goes on signing beside the new one."""

    hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Recovery(View, frozen=True, forbid_unknown_fields=True):
    """``since``: of which editions on, at most 30 days back."""

    since: Annotated[datetime, Meta(tz=True)]


class Asked(View, frozen=True):
    """What came of asking. Of an endpoint, its ``id``, the ``key`` of the subscription, the address of its ``page``,
    and the ``secret`` with which its messages are signed, each shown this once. Of e-mail nothing: that goes to the
    address alone, whether it was known here or not."""

    detail: str
    id: str | None = None
    key: str | None = None
    page: str | None = None
    secret: str | None = None


class SubscriptionNow(View, frozen=True):
    """A subscription. ``state``: pending, active or stopped. ``told_as_of`` and ``told_position``: up to where it was
    told, in the world and in the log. ``failures``: attempts in a row that failed; ``halted_at``: since when what is
    due is held, and ``halted_because`` why."""

    id: str
    channel: str
    address: str
    state: subscriptions.State
    partners: list[str]
    sectors: list[str]
    topics: list[str]
    when: str
    hour: int
    zone: str
    weekdays: list[str]
    at_once: bool
    send_empty: bool
    told_as_of: datetime
    told_position: int
    due_at: datetime | None
    created_at: datetime
    confirmed_at: datetime | None
    failures: int
    failing_since: datetime | None
    halted_at: datetime | None
    halted_because: str | None


class Subscriptions(View, frozen=True):
    """Subscriptions, oldest first."""

    items: list[SubscriptionNow]
    next: str | None


class DeliveryNow(View, frozen=True):
    """A message on its way: of an ``edition`` by its id, or a ``notice`` of this kind. ``reference``: what it is known
    by over all attempts (``webhook-id``; the beginning of a mail's ``Message-ID``). ``standing``: its state in
    words."""

    id: int
    edition: str | None
    notice: str | None
    channel: str
    reference: str
    state: deliveries.State
    standing: str
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


class Deliveries(View, frozen=True):
    """Deliveries, newest first."""

    items: list[DeliveryNow]
    next: str | None


class Try(View, frozen=True):
    """An attempt: when, how it ended, the other side's status code and the beginning of its answer (kept from who has
    not confirmed yet). No ``outcome``: it is under way, or its worker went away."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: deliveries.Result | None
    code: int | None
    milliseconds: int | None
    answer: str | None


class DeliveryTried(View, frozen=True):
    """A delivery with every attempt at it, in order."""

    delivery: DeliveryNow
    tries: list[Try]


class NewSecret(View, frozen=True):
    """A secret, shown this once; the one before it signs beside it until ``old_until``."""

    secret: str
    old_until: datetime


class Recovered(View, frozen=True):
    """How many deliveries were put on their way again."""

    deliveries: int


@post(
    "/subscriptions", summary="Subscribe", tags=TAGS, sync_to_thread=True, status_code=202,
    opt={BODY: Ask, DONE: "Asked for: its holder confirms", KEYS: ("", "key")},
)  # fmt: skip
def subscribe(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    body: RawBody,
) -> Answer[Asked]:
    """Asks to be told. A mail holds a link that confirms; an endpoint is sent a challenge, and confirms by answering
    with what it holds. An address is asked at most once in 15 minutes and three times a day. The answer about an
    e-mail address is the same whether it is known here or not."""
    ask = posted(request, Ask, body)
    analyst = analyst_of(request)
    locks = sealer(settings)
    with pointed(), writing(engine) as connection:
        made = enrolment.enrol(
            connection, settings, locks, over=ask.channel, address=ask.address, wanted=wanted(ask, settings),
            contact=ask.contact, now=clock(), by=analyst.id if analyst else "reader", stranger=True,
        )  # fmt: skip
    if ask.channel == enrolment.MAIL:
        return kept(Asked(detail=LOOK_AT_MAIL))
    assert made is not None, "of an endpoint it is said why not"
    links = notices.links(settings.public_url, locks, made.subscription.id)
    return kept(
        Asked(
            detail=ANSWER_CHALLENGE,
            id=made.subscription.id,
            key=links.key,
            page=links.own,
            secret=made.secret,
        )
    )


@post(
    "/subscriptions/previews", summary="Preview a subscription", tags=TAGS, sync_to_thread=True, status_code=200,
    opt={BODY: Look, DONE: "What it would have been told", KEYS: ("", "key")},
)  # fmt: skip
def preview(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    body: RawBody,
) -> Answer[Edition]:
    """The edition that such a subscription would have got yesterday. Nothing is kept; the address is not looked at."""
    asked = wanted(posted(request, Look, body), settings)
    now = clock()
    with pointed(), reading(engine) as connection:
        checked = subscriptions.checked(connection, asked)
        yesterday = now.astimezone(ZoneInfo(checked.zone)).date() - timedelta(days=1)
        content = editions.preview(
            connection,
            checked.scope,
            now=now,
            zone=checked.zone,
            hour=checked.hour,
            day=yesterday.isoformat(),
        )
    return kept(content)


@get(
    "/subscriptions", summary="All subscriptions", tags=TAGS, guards=[analyst_only], sync_to_thread=True,
    opt={DONE: "The answer", KEYS: ("key",)},
)  # fmt: skip
def all_subscriptions(
    engine: NamedDependency[Engine], stopped: Stopped = False, limit: Limit = 50, cursor: Next = None
) -> Answer[Subscriptions]:
    """Who is told, with what waits to be confirmed: for analysts."""
    first = opened(cursor).reached if cursor else 0
    with reading(engine) as connection:
        found = subscriptions.listed(connection, stopped=stopped)
    items = [shown(one) for one in found[first : first + limit]]
    return kept(Subscriptions(items=items, next=after(first + limit) if first + limit < len(found) else None))


@get(
    "/subscriptions/{id:str}", summary="One subscription", tags=TAGS, sync_to_thread=True,
    opt={DONE: "The answer", **OWNED},
)  # fmt: skip
def subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    id: SubscriptionId,
) -> Answer[SubscriptionNow]:
    """What it is told, when, and whether it works."""
    with reading(engine) as connection:
        return kept(shown(mine(request, connection, settings, id)))


@patch(
    "/subscriptions/{id:str}", summary="Change a subscription", tags=TAGS, sync_to_thread=True,
    opt={BODY: Change, DONE: "Changed", **OWNED},
)  # fmt: skip
def change_subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
    body: RawBody,
) -> Answer[SubscriptionNow]:
    """Another scope, another time. Up to where it was told stays: nothing is told twice, nothing is left out."""
    with pointed(), writing(engine) as connection:
        seen = mine(request, connection, settings, id)
        change = posted(request, Change, body)
        done = enrolment.change(connection, id, changed(seen, change), clock())
        if change.contact is not UNSET:
            enrolment.entrust(connection, settings, sealer(settings), id, change.contact, clock())
        return kept(shown(done))


@delete(
    "/subscriptions/{id:str}", summary="Stop a subscription", tags=TAGS, sync_to_thread=True, status_code=200,
    opt={DONE: "Stopped", **OWNED},
)  # fmt: skip
def stop_subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    id: SubscriptionId,
) -> Answer[SubscriptionNow]:
    """Nothing more is sent, and its address is erased."""
    with writing(engine) as connection:
        mine(request, connection, settings, id)
        enrolment.stop(connection, id)
        return kept(shown(subscriptions.get(connection, id)))


@post(
    "/subscriptions/{id:str}/confirmations", summary="Confirm a subscription", tags=TAGS, sync_to_thread=True,
    status_code=200, opt={BODY: Confirmation, DONE: "Confirmed", PUBLIC: True, KEYS: ("",)},
)  # fmt: skip
def confirm_subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
    body: RawBody,
) -> Answer[SubscriptionNow]:
    """Its holder agrees, with the token that only the address was sent. From now on it is told what is recorded from
    now on."""
    token = posted(request, Confirmation, body).token
    with writing(engine) as connection:
        return kept(shown(enrolment.confirm(connection, sealer(settings), id, token, clock())))


@post(
    "/subscriptions/{id:str}/tests", summary="Send a test message", tags=TAGS, sync_to_thread=True, status_code=202,
    opt={DONE: "On its way", **OWNED},
)  # fmt: skip
def test_subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
) -> Answer[DeliveryNow]:
    """A message like any other, that says it is a test."""
    with writing(engine) as connection:
        mine(request, connection, settings, id)
        number = enrolment.test(connection, id, clock())
        return kept(sent(deliveries.get(connection, number), settings))


@post(
    "/subscriptions/{id:str}/secrets", summary="Make a new secret", tags=TAGS, sync_to_thread=True, status_code=201,
    opt={BODY: Rotation, DONE: "Made", **OWNED},
)  # fmt: skip
def rotate_secret(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
    body: RawBody,
) -> Answer[NewSecret]:
    """From now on messages are signed with another secret, and for a while with the old one as well."""
    now = clock()
    with writing(engine) as connection:
        mine(request, connection, settings, id)
        overlap = timedelta(hours=posted(request, Rotation, body).hours)
        secret = enrolment.rotate(connection, sealer(settings), id, overlap, now)
    return kept(NewSecret(secret=secret, old_until=now + overlap))


@post(
    "/subscriptions/{id:str}/resumptions", summary="Go on after a halt", tags=TAGS, sync_to_thread=True,
    status_code=200, opt={DONE: "It goes on", **OWNED},
)  # fmt: skip
def resume_subscription(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
) -> Answer[SubscriptionNow]:
    """A subscription that was halted is sent what is due from now on; what was held stays held, see recoveries."""
    with writing(engine) as connection:
        mine(request, connection, settings, id)
        return kept(shown(enrolment.resume(connection, id, clock())))


@post(
    "/subscriptions/{id:str}/recoveries", summary="Send what did not arrive", tags=TAGS, sync_to_thread=True,
    status_code=202, opt={BODY: Recovery, DONE: "On their way", **OWNED},
)  # fmt: skip
def recover_deliveries(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
    body: RawBody,
) -> Answer[Recovered]:
    """All editions since an instant that were held, refused or given up are put on their way, under the same ids."""
    with pointed(), writing(engine) as connection:
        mine(request, connection, settings, id)
        since = posted(request, Recovery, body).since
        enrolment.going_on(connection, id)
        return kept(Recovered(deliveries=deliveries.recover(connection, id, since, clock())))


@get(
    "/subscriptions/{id:str}/deliveries", summary="What was sent", tags=TAGS, sync_to_thread=True,
    opt={DONE: "The answer", **OWNED},
)  # fmt: skip
def sent_deliveries(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    id: SubscriptionId,
    limit: Limit = 50,
    cursor: Next = None,
) -> Answer[Deliveries]:
    """Every message to a subscription, newest first, and where it stands."""
    before = opened(cursor).reached if cursor else None
    with reading(engine) as connection:
        mine(request, connection, settings, id)
        found = deliveries.listed(connection, subscription=id, before=before, limit=limit + 1)
    items = [sent(one, settings) for one in found[:limit]]
    return kept(Deliveries(items=items, next=after(items[-1].id) if len(found) > limit else None))


@get(
    "/subscriptions/{id:str}/deliveries/{number:int}", summary="One delivery, with its attempts", tags=TAGS,
    sync_to_thread=True, opt={DONE: "The answer", **OWNED},
)  # fmt: skip
def sent_delivery(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    id: SubscriptionId,
    number: DeliveryId,
) -> Answer[DeliveryTried]:
    """When it was tried, and what came back."""
    with reading(engine) as connection:
        seen = mine(request, connection, settings, id)
        found = one_of(connection, id, number)
        tries = [tried(one, shown=seen.active) for one in deliveries.attempts_of(connection, number)]
    return kept(DeliveryTried(delivery=sent(found, settings), tries=tries))


@post(
    "/subscriptions/{id:str}/deliveries/{number:int}/repeats", summary="Send one again", tags=TAGS, sync_to_thread=True,
    status_code=202, opt={DONE: "On its way", **OWNED},
)  # fmt: skip
def repeat_delivery(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[SkipValidation[Settings]],
    clock: NamedDependency[SkipValidation[Clock]],
    id: SubscriptionId,
    number: DeliveryId,
) -> Answer[DeliveryNow]:
    """The same bytes under the same id, whatever came of it before."""
    with writing(engine) as connection:
        mine(request, connection, settings, id)
        enrolment.again(connection, id, number, clock())
        return kept(sent(deliveries.get(connection, number), settings))


# ---------------------------------------------------------------- who asks, and for what


def mine(
    request: Request[Any, Any, Any], connection: Connection, settings: Settings, id: str
) -> Subscription:
    """The subscription, for who has its key, or for an analyst."""
    key = bearer(request)
    if key is None or not sealer(settings).same(key, notices.OWN, id):
        try:
            check_analyst(request)
        except NotAuthorizedException as error:
            raise Failed(401, "unauthorized", OWNERS, headers=error.headers) from None
    return subscriptions.get(connection, id)


def wanted(ask: Ask, settings: Settings) -> Wanted:
    return Wanted(
        partners=ask.partners, sectors=ask.sectors, topics=ask.topics, zone=ask.zone or settings.zone.key,
        hour=ask.hour, weekdays=ask.weekdays, at_once=ask.at_once, send_empty=ask.send_empty,
    )  # fmt: skip


def changed(seen: Subscription, change: Change) -> Wanted:
    """What is wanted once this is changed."""
    now: dict[str, Any] = {
        "partners": seen.scope.partners, "sectors": seen.scope.sectors, "topics": seen.scope.topics, "zone": seen.zone,
        "hour": seen.hour, "weekdays": seen.weekdays, "at_once": seen.at_once, "send_empty": seen.send_empty,
    }  # fmt: skip
    new = {name: value for name in now if (value := getattr(change, name)) is not UNSET}
    return Wanted(**(now | new))


@contextmanager
def pointed() -> Iterator[None]:
    """What is wrong with a field is told with a pointer into the body."""
    try:
        yield
    except Refused as refusal:
        problems = [Problem(f"/{one.pointer}", one.detail) for one in refusal.problems]
        raise Refused(refusal.code, refusal.detail, *problems) from None


# ---------------------------------------------------------------- what is answered


def kept(content: Any) -> Answer[Any]:
    """An answer that is nobody else's, and is kept by nobody."""
    headers = {"Cache-Control": "no-store"}
    return Answer(msgspec.json.encode(content), headers=headers, media_type="application/json")


def shown(one: Subscription) -> SubscriptionNow:
    return SubscriptionNow(
        id=one.id, channel=one.channel, address=one.address, state=one.state, partners=one.scope.partners,
        sectors=one.scope.sectors, topics=one.scope.topics, when=notices.when(one), hour=one.hour, zone=one.zone,
        weekdays=list(one.weekdays), at_once=one.at_once, send_empty=one.send_empty, told_as_of=one.told.as_of,
        told_position=one.told.position, due_at=one.due_at if one.active else None, created_at=one.created_at,
        confirmed_at=one.confirmed_at, failures=one.failures, failing_since=one.failing_since,
        halted_at=one.halted_at, halted_because=one.halted_because,
    )  # fmt: skip


def sent(one: Delivery, settings: Settings) -> DeliveryNow:
    return DeliveryNow(
        id=one.id, edition=one.edition, notice=one.notice, channel=one.channel, reference=one.reference,
        state=one.state, standing=deliveries.standing(one, sender.unready(settings).get(one.channel)),
        attempts=one.attempts, next_attempt_at=one.next_attempt_at, created_at=one.created_at,
        settled_at=one.settled_at,
    )  # fmt: skip


def tried(one: Attempt, *, shown: bool) -> Try:
    return Try(
        number=one.number, started_at=one.started_at, ended_at=one.ended_at, outcome=one.outcome, code=one.code,
        milliseconds=one.milliseconds, answer=one.answer if shown else None,
    )  # fmt: skip


def one_of(connection: Connection, id: str, number: int) -> Delivery:
    """A delivery of this subscription."""
    found = deliveries.get(connection, number)
    if found.subscription != id:
        raise Refused("not_found", f"there is no delivery {number}: take the id from the list")
    return found


def after(reached: int) -> str:
    """The cursor of a list that is about no point in time."""
    return written(Cursor(0, 0, reached))


ROUTES = (
    subscribe, preview, all_subscriptions, subscription, change_subscription, stop_subscription, confirm_subscription,
    test_subscription, rotate_secret, resume_subscription, recover_deliveries, sent_deliveries, sent_delivery,
    repeat_delivery,
)  # fmt: skip
