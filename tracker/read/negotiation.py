"""The talks with a partner and what they have brought: how each stands, and what moved it, by which event."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from tracker.domain import words
from tracker.domain.course import Step, course
from tracker.domain.events import kind_of
from tracker.domain.fold import Contribution
from tracker.domain.history import Item, Key
from tracker.domain.paint import Paint
from tracker.domain.views import NAMING, Deadline, Goal, Move, Negotiation, Talks, bounded, item_view
from tracker.domain.when import over, zone_of
from tracker.projections.said import contributions
from tracker.read.partners import causes, checked, deals_among, history, names, partner
from tracker.read.point import Point, temporal


def negotiation(connection: Connection, code: str, at: Point) -> Negotiation:
    """Where the talks with a partner (or with a bloc of it) stand at a point."""
    name = partner(connection, code, at.known)
    items = history(connection, code, at.known).items(at.as_of)
    courses = Courses(connection, at)
    own = [item for item in items if kind_of(item.key.subject) == "partner"]

    def of(family: str) -> list[Item]:
        return [item for item in own if item.key.family == family]

    talks = [_talks(item, courses.of_item(item)) for item in of("talks")]
    focus = next(iter(of("focus")), None)
    criteria = [_goal(item, courses.of_item(item)) for item in of("criterion")]
    risks = [_goal(item, courses.of_item(item)) for item in of("risk")]
    dates = [deadline(item, courses.of_item(item), at.as_of) for item in of("deadline")]
    deals = deals_among(items)
    parts: list[Talks | Goal | Deadline] = [*talks, *criteria, *risks, *dates]
    positions = {move.position for one in parts for move in one.moves}
    positions |= {p for deal in deals for view in (deal.agreement, *deal.provisions, *deal.accounts)
                  for p in view.causes.values()}  # fmt: skip
    positions |= {fact.position for fact in focus.facts.values()} if focus else set()
    return Negotiation(
        temporal=temporal(connection, at, checked(connection, code, at.known)),
        partner=name,
        focus=item_view(focus) if focus else None,
        talks=next((one for one in talks if one.via == code), next(iter(talks), None)),
        criteria=criteria,
        risks=risks,
        deadlines=sorted(dates, key=lambda one: (one.due_at is None, one.due_at or at.as_of, one.key)),
        deals=deals,
        causes=causes(connection, positions),
    )


class Courses:
    """The courses of items: what each subject was said to be, read once."""

    def __init__(self, connection: Connection, at: Point) -> None:
        self._connection, self._at = connection, at
        self._held: dict[str, list[Contribution]] = {}

    def steps(self, subject: str, wanted: Callable[[Paint], bool]) -> list[Step]:
        """What moved something of a subject, as told by the point."""
        if subject not in self._held:
            self._held[subject] = contributions(self._connection, subject, self._at.known)
        return [step for step in course(self._held[subject], wanted) if step.announced <= self._at.as_of]

    def of_item(self, item: Item) -> list[Move]:
        """What moved an item."""
        key = item.key
        whom = {fact.via for fact in item.facts.values()}

        def wanted(paint: Paint) -> bool:
            return paint.aspect == key.aspect and paint.basis == key.basis and paint.target in whom

        return moves(self.steps(key.subject, wanted), key.family)


def moves(steps: Sequence[Step], family: str) -> list[Move]:
    """Steps in words."""
    return [
        Move(
            told_at=step.announced, from_=bounded(step.start), until=bounded(step.end), position=step.position,
            before=_seen(step.before), after=_seen(step.after), words=_said(step, family),
        )
        for step in steps
    ]  # fmt: skip


def _said(step: Step, family: str) -> list[str]:
    name = NAMING.get(family, "")
    after = {k: v for k, v in step.after.items() if k != name or name in step.before}
    whole = {"amount": step.now["amount"]} if "so_far" in after and step.now.get("amount") else {}
    said = words.change(whole | step.before, whole | after, family)
    if family == "talks" and "status" not in step.after:
        return ["held", *said]
    return said or ["said again"]


def _seen(fields: Mapping[str, object]) -> dict[str, object]:
    return {k: v for k, v in fields.items() if v is not None and k not in words.HIDDEN}


def _talks(item: Item, moved: list[Move]) -> Talks:
    return Talks(
        via=item.via, status=item.get("status"), level=item.get("level"), text=item.get("text"),
        since=bounded(item.since), caused_by=item_view(item).set_by, moves=moved,
    )  # fmt: skip


def _goal(item: Item, moved: list[Move]) -> Goal:
    return Goal(
        key=item.key.name, text=str(item.get("text") or words.scope_of(item.key.name)),
        standing=str(item.get("standing", "open")), evidence=item.get("evidence"), since=bounded(item.since),
        caused_by=item.position, moves=moved,
    )  # fmt: skip


def deadline(item: Item, moved: list[Move], at: datetime) -> Deadline:
    """A deadline at an instant, with the dates at which it stood before."""
    key, due, stamp = item.key, item.get("due"), item.get("due_at")
    status = str(item.get("status", "open"))
    return Deadline(
        partner=key.subject.partition(":")[2], subject=key.subject, key=key.name,
        title=str(item.get("title") or words.scope_of(key.name)), due=due,
        due_at=None if stamp is None else datetime.fromtimestamp(stamp, UTC), status=status,
        passed=status == "open" and due is not None and over(due, zone_of(item.actor)) <= at,
        earlier=[move.before["due"] for move in moved if "due" in move.before], text=item.get("text"),
        caused_by=item.position, moves=moved,
    )  # fmt: skip


def deadlines(connection: Connection, at: Point, code: str | None = None) -> list[Deadline]:
    """The deadlines at a point, by date: of all partners, or of one and of the blocs it is in."""
    followed = names(connection, at.known)
    if code is not None:
        partner(connection, code, at.known)
        followed = {code: followed[code]}
    courses = Courses(connection, at)
    found: dict[Key, Deadline] = {}
    for each in followed:
        seen = history(connection, each, at.known)
        for item in seen.items(at.as_of, lambda key: key.family == "deadline"):
            if code is not None or item.key.subject == f"partner:{each}":
                found[item.key] = deadline(item, courses.of_item(item), at.as_of)
    return sorted(
        found.values(), key=lambda one: (one.due_at is None, one.due_at or at.as_of, one.partner, one.key)
    )
