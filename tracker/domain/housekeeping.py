"""What an analyst should look at so that the record stays true: pure, from what is known of one partner at a point.

A chore is no fault: a claim may rightly lie open, and an old rate may be meant to come back. Each says since when it
is so, by which event, and what to log.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.events import (
    HOME,
    InvestigationOpened,
    Logged,
    MeasureEvent,
    MeasureProposed,
    actor_of,
    kind_of,
)
from tracker.domain.history import MAIN, Facts, History, Item, value
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import Chore, Fit, title_of
from tracker.domain.when import FOREVER, over, zone_of

WHOM, RATE = "{whom}", "{rate}"
UNCHECKED = timedelta(days=14)
ANSWERED = timedelta(days=42)
"""How long after a measure another may be an answer to it."""
KINDS = {
    "open_claim": "Claims that lie open", "promise": "Promises still announced", "returns": "Old rates that come back",
    "deadline": "Deadlines that have passed", "review": "Reviews that were due", "unchecked": "Partners not checked",
}  # fmt: skip
"""The kinds of chores, as headings."""


def chores(seen: History, at: datetime, zone: ZoneInfo, *, own: bool = False) -> list[Chore]:
    """What there is to do about a partner at a point; days are those of ``zone``. ``own``: only what is said of the
    partner by name. ``says`` holds WHOM where the partner's name goes, and RATE where the key, the rate that comes
    back, does."""
    found = _Found(seen, at, zone, own)
    return [*found.claims(), *found.promises(), *found.returning(), *found.deadlines(), *found.reviews()]


def unchecked(code: str, name: str, through: str | None, at: datetime) -> Chore | None:
    """Whether a partner was last looked at too long ago (``through`` a day, or never)."""
    since = None if through is None else ended(through, f"partner:{code}")
    if since is not None and at - since < UNCHECKED:
        return None
    told = f"since {words.stated(through)}" if through else "yet"
    return Chore(
        kind="unchecked", subject=f"partner:{code}", title=name, key="", partners=[code], since=since,
        says=f"Nobody has looked for news of {name} {told}: silence may not mean that nothing changed.",
        log={"type": "partner.checked", "subject": f"partner:{code}"},
    )  # fmt: skip


def ended(text: str, subject: str) -> datetime:
    """When a date that was stated of a subject is over, where its actor sits."""
    return over(text, zone_of(actor_of(subject)))


def fitting(event: Logged, seen: History, at: datetime) -> Iterator[Fit]:
    """The links that fit an event about a measure, given what was known of a partner before it: claims that lie open
    on the measure, provisions still announced that change it, and what a partner's new measure may answer."""
    if not isinstance(event, MeasureEvent) or isinstance(event, InvestigationOpened):
        return
    items = seen.items(at)
    if event.claim is None and not isinstance(event, MeasureProposed):
        for item in items:
            if item.key.subject == event.subject and item.key.claim and _open(item):
                yield _fit("settles", item, item.key.claim, words.scope_of(item.key.claim))
            elif item.get("changes") == event.subject and item.get("status") == "announced":
                title = item.get("title") or words.scope_of(item.key.name)
                yield _fit("carries_out", item, item.key.name, title)
    if actor_of(event.subject) == seen.partner and not event.links.answers:
        recent = [item for item in items if _of_home(item) and at - ANSWERED <= item.since <= at]
        for item in sorted(recent, key=lambda item: item.since, reverse=True)[:5]:
            yield _fit("answers", item, "", "")


def _fit(link: str, item: Item, key: str, what: str) -> Fit:
    title = title_of(item.key.subject, item.about)
    to = f"{item.key.subject}#{key}" if key else item.key.subject
    return Fit(link=link, to=to, says=f"{title}: {what}" if what else title)


def _of_home(item: Item) -> bool:
    return (
        kind_of(item.key.subject) == "measure" and item.key.aspect == "state" and item.key.claim is None
        and item.actor == HOME and item.get("status") in ("announced", "in_force")
        and item.about.get("kind") != "normal"
    )  # fmt: skip


class _Found:
    def __init__(self, seen: History, at: datetime, zone: ZoneInfo, own: bool) -> None:
        self._seen, self._at, self._zone = seen, at, zone
        self._items = seen.items(at)
        vias = {seen.partner}
        self._mine = [i for i in self._items if not own or vias & {fact.via for fact in i.facts.values()}]

    # -------------------------------------------------------- claims

    def claims(self) -> Iterator[Chore]:
        """Claims that lie open though an instrument came since, or a date they name has passed."""
        done: set[tuple[str, str]] = set()
        for item in self._mine:
            claim = item.key.claim
            if claim is None or not _open(item) or (item.key.subject, claim) in done:
                continue
            since, stated = self._since(item), self._passed(item)
            if since is None and stated is None:
                continue
            done.add((item.key.subject, claim))
            why = [
                f"the date it names, {words.stated(stated)}, has passed" if stated else "",
                f"{title_of(since.key.subject, since.about)} has changed since" if since else "",
            ]
            what = f"“{item.get('says')}”, said of {_of(item)}," if item.get("says") else (
                f"What was threatened of {_of(item)} ({words.scope_of(claim)})"
            )  # fmt: skip
            yield self._chore(
                "open_claim", item, claim,
                f"{what} lies open since {self._day(item.since, item)}: {' and '.join(filter(None, why))}. Say what "
                "became of it.",
                {"type": "claim.closed", "subject": item.key.subject, "short_key": claim,
                 "stands": "settled" if since else "lapsed"},
                _newest(since) if since else None,
            )  # fmt: skip

    def _since(self, claim: Item) -> Item | None:
        """What an instrument has said later of the same measure or deal; of what is said of a partner, its deal in
        writing, or the measures on the goods (or, on all goods, at the rate) that were named."""
        fits = self._of_partner if kind_of(claim.key.subject) == "partner" else self._of_subject
        later = [
            item
            for item in self._items
            if item.key.claim is None
            and item.key.aspect == "state"
            and _newest(item) > claim.position
            and fits(item, claim)
        ]
        return max(later, key=_newest, default=None)

    def _of_subject(self, item: Item, claim: Item) -> bool:
        goods = claim.key.scope in ("", item.key.scope) or item.key.scope in self._seen.scopes.up(
            claim.key.scope
        )
        return item.key.subject == claim.key.subject and goods

    def _of_partner(self, item: Item, claim: Item) -> bool:
        goods, rate = claim.get("scope") or ALL_GOODS, claim.get("rate")
        if kind_of(item.key.subject) == "agreement":
            return rate is None and goods == ALL_GOODS and bool(item.get("in_writing"))
        return item.key.scope == goods and (
            goods != ALL_GOODS or (rate is not None and item.get("rate") == rate)
        )

    def _passed(self, item: Item) -> str | None:
        named = [item.get(name) for name in ("starts", "ends")]
        return next((text for text in named if text and ended(text, item.key.subject) <= self._at), None)

    # -------------------------------------------------------- deals

    def promises(self) -> Iterator[Chore]:
        """Provisions that are still announced though their measure has the rate they promise, or their day passed."""
        for item in self._mine:
            if item.key.family != "provision" or item.get("status") != "announced":
                continue
            title = item.get("title") or words.scope_of(item.key.name)
            log = {"type": "provision.changed", "subject": item.key.subject, "short_key": item.key.name}
            if (done := self._done(item)) is not None:
                said = (
                    f"{title_of(done.key.subject, done.about)} has had it since {self._day(done.since, done)}"
                )
                yield self._chore(
                    "promise", item, item.key.name,
                    f"“{title}” of {_of(item)} still stands as announced, but {said}.",
                    log | {"stands": "in_force"}, done.position,
                )  # fmt: skip
            elif item.get("due") and ended(item.get("due"), item.key.subject) <= self._at:
                yield self._chore(
                    "promise", item, item.key.name,
                    f"“{title}” of {_of(item)} was due {words.stated(item.get('due'))} and still stands as "
                    "announced.",
                    log,
                )  # fmt: skip

    def _done(self, promise: Item) -> Item | None:
        after = promise.get("after")
        if not after:
            return None
        applied = [
            item
            for item in self._items
            if item.key.subject == promise.get("changes") and item.key.claim is None
            and item.get("status") == "in_force" and (item.get("rate") or {}).get("percent") == after.get("percent")
            and after.get("percent") is not None and _newest(item) > promise.position
        ]  # fmt: skip
        return max(applied, key=_newest, default=None)

    # -------------------------------------------------------- time

    def returning(self) -> Iterator[Chore]:
        """Where a pause or a temporary rate ends and what an older event said holds again."""
        done: set[tuple[str, datetime]] = set()
        for item in sorted(self._mine, key=lambda item: item.key.scope != ALL_GOODS):
            if item.key.claim or item.key.aspect != "state" or item.till >= FOREVER:
                continue
            then = self._seen.facts(item.key, item.till)
            if value(then, "status") != "in_force" or value(then, "exempt") or not _older(item.facts, then):
                continue
            if (item.key.subject, item.till) in done:
                continue
            done.add((item.key.subject, item.till))
            rate = value(then, "rate")
            scope = f" on {words.scope_of(item.key.scope)}" if item.key.scope not in ("", ALL_GOODS) else ""
            yield self._chore(
                "returns", item, words.rate(rate) if rate and not rate.get("unknown") else "the rate it had",
                f"On {self._day(item.till, item)} {title_of(item.key.subject, item.about)}{scope} is back at {RATE} "
                f"for {WHOM}, unless something else is logged.",
                {"type": "measure.paused" if item.get("status") == "paused" else "measure.amended",
                 "subject": item.key.subject, "partners": self._seen.partner},
                max(fact.position for fact in then.values()),
            )  # fmt: skip

    def deadlines(self) -> Iterator[Chore]:
        for item in self._mine:
            due = item.get("due")
            if item.key.family != "deadline" or item.get("status") != "open" or not due:
                continue
            if ended(due, item.key.subject) <= self._at:
                title = item.get("title") or words.scope_of(item.key.name)
                yield self._chore(
                    "deadline", item, item.key.name,
                    f"The deadline “{title}” ({WHOM}) passed on {words.stated(due)} and stands as open: met, missed, "
                    "cancelled or moved?",
                    {"type": "deadline.closed", "subject": item.key.subject, "short_key": item.key.name},
                )  # fmt: skip

    def reviews(self) -> Iterator[Chore]:
        for item in self._mine:
            due = item.get("review_on")
            if due and item.get("status") != "ended" and ended(due, item.key.subject) <= self._at:
                yield self._chore(
                    "review", item, item.key.scope,
                    f"{title_of(item.key.subject, item.about)} for {WHOM} was to be reviewed on {words.stated(due)}: "
                    "what came of it? Clear review_on, or give the new date.",
                    {"type": "measure.amended", "subject": item.key.subject, "partners": self._seen.partner},
                )  # fmt: skip

    # --------------------------------------------------------

    def _day(self, at: datetime, item: Item) -> str:
        """A day of the zone, or of who acts, where it begins there."""
        there = ZoneInfo(zone_of(actor_of(item.key.subject)))
        local = at.astimezone(there)
        return words.day(at, there if (local.hour, local.minute) == (0, 0) else self._zone)

    def _chore(
        self, kind: str, item: Item, key: str, says: str, log: dict[str, str], because: int | None = None
    ) -> Chore:
        return Chore(
            kind=kind, subject=item.key.subject, title=title_of(item.key.subject, item.about), key=key,
            partners=[self._seen.partner], says=says[:1].upper() + says[1:], since=item.since,
            caused_by=item.position, because=because, log={name: text for name, text in log.items() if text},
        )  # fmt: skip


def _open(item: Item) -> bool:
    """Whether a claim waits for what becomes of it."""
    if item.key.aspect == "claim":
        return bool(item.get("outcome") == "open")
    return bool(item.get("status") == "threatened")


def _newest(item: Item) -> int:
    """The newest event that moved an instrument's standing."""
    return max((fact.position for name, fact in item.facts.items() if name in MAIN), default=item.position)


def _older(now: Facts, then: Facts) -> bool:
    """Whether a status or rate that changes goes back to what an older event said."""
    moved = [name for name in MAIN if value(now, name) != value(then, name)]
    return any(name in now and name in then and then[name].position < now[name].position for name in moved)


def _of(item: Item) -> str:
    return (
        WHOM
        if kind_of(item.key.subject) == "partner"
        else f"{title_of(item.key.subject, item.about)}, {WHOM}"
    )
