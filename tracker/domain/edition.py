"""An edition: the frozen content of one digest, as people and programs see it, and how it is summed up in a line.

Everything that is said is in here, words included, so that a mail, a page and a resend years later say the same.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from msgspec import structs

from tracker.domain import words
from tracker.domain.topics import TOPICS
from tracker.domain.views import View

Kind = Literal["took_effect", "fell_through", "new", "late", "corrected", "withdrawn", "coming"]


PARTS: tuple[tuple[Kind, str], ...] = (
    ("took_effect", "Took effect"),
    ("fell_through", "Did not come as scheduled"),
    ("new", "New"),
    ("late", "Added late"),
    ("corrected", "Corrections"),
    ("withdrawn", "Withdrawn"),
    ("coming", "Coming up"),
)
"""The parts of an edition in their order, and their headings."""


class Scope(View, frozen=True):
    """Whom a digest is about: these partners, and all whose profile names one of these sectors; empty: everybody
    who is followed. What reaches a partner through its blocs, or because it reaches everyone, is part of it.
    ``topics``: what its readers want to hear about (see ``topics``); empty: all."""

    partners: list[str] = []
    sectors: list[str] = []
    topics: list[str] = []

    @property
    def everybody(self) -> bool:
        return not self.partners and not self.sectors


class Mark(View, frozen=True):
    """Where an edition stands on both axes: the world at ``as_of``, the record up to ``position``."""

    as_of: datetime
    position: int


class Line(View, frozen=True):
    """One change, the same for ``partners``: over [starts, ends) fields go from ``before`` to ``after``, as known from
    ``position`` on: laid over one another in this order, the lines of all editions give what is known.

    In words: ``whom`` it concerns, the ``title`` of the subject and, within it, the ``item`` (goods, a provision),
    ``words`` for what matters first, ``was`` for how that stood before, and ``terms`` for the rest. ``quiet``: there
    for programs that follow the state; another line says it to people.
    """

    partners: list[str]
    position: int
    whom: str
    title: str
    item: str
    when: str
    words: list[str]
    was: str
    terms: list[str]
    note: str | None
    subject: str
    aspect: str
    key: str
    scopes: list[str]
    claim: str | None
    starts: datetime | None
    ends: datetime | None
    before: dict[str, Any]
    after: dict[str, Any]
    quiet: bool = False


class Level(View, frozen=True):
    """What is paid from ``starts`` on, in percent: one figure, or between two (within a quota and beyond it; "up to");
    None where it is not known. ``words``: the same as people say it."""

    starts: datetime
    low: float | None
    high: float | None
    words: str


class Threat(View, frozen=True):
    """A rate that somebody named and that is not law, over [starts, ends) as far as they named that."""

    percent: float
    starts: datetime
    ends: datetime | None


class Chart(View, frozen=True):
    """What goods pay over [since, until) of world time, and what of that is news: drawn, and in ``words``.

    The goods of ``scopes`` from ``partners``, which all pay the same; ``export``: American goods there; ``measure``:
    what that one alone charges, where the goods are a list of its own. ``now``: as known to this edition; what comes
    after ``as_of`` is scheduled. ``was``: as known to the edition before, where that differs. ``marks``: when that
    changes which is told here. ``notes``: what the figures leave out. ``subjects``: whatever has a say in it.
    """

    partners: list[str]
    scopes: list[str]
    export: bool
    measure: str | None
    title: str
    words: str
    notes: list[str]
    zone: str
    since: datetime
    until: datetime
    as_of: datetime
    now: list[Level]
    was: list[Level]
    threats: list[Threat]
    marks: list[datetime]
    subjects: list[str]


class Named(View, frozen=True):
    """A development by its title, with the id of its first event."""

    development: str
    event: str
    title: str


class Entry(View, frozen=True):
    """A development in a digest: what of it is told here, and why it stands in this part.

    ``dates``: when it happened, and when it was logged where that matters. ``when``: what the lines have in common.
    ``positions``: the events that this entry tells. ``also``: other developments told in the same entry.
    ``held``: too young to be cut into an edition (a preview shows it). ``topics``: what it is about. ``quiet``: there
    for programs that follow the state; nothing of it is for the readers of this edition. ``untold``: it was logged and
    withdrawn since the last edition, so that nobody had heard of it.
    """

    kind: Kind
    development: str
    event: str
    title: str
    summary: str | None
    dates: str
    when: str
    day: str
    partners: list[str]
    positions: list[int]
    sources: list[dict[str, Any]]
    reason: str | None = None
    note: str | None = None
    also: list[Named] = []
    lines: list[Line] = []
    held: bool = False
    topics: list[str] = []
    quiet: bool = False
    untold: bool = False
    charts: list[Chart] = []

    @property
    def shown(self) -> list[Line]:
        """The lines that are for people."""
        return [line for line in self.lines if not line.quiet]


class Edition(View, frozen=True):
    """The difference between two marks for a scope, in parts, each in the order in which it happened."""

    day: str
    zone: str
    scope: Scope
    about: str
    partners: list[str]
    since: Mark
    until: Mark
    took_effect: list[Entry]
    fell_through: list[Entry]
    new: list[Entry]
    late: list[Entry]
    corrected: list[Entry]
    withdrawn: list[Entry]
    coming: list[Entry]
    unchecked: list[str]
    editorial: int = 0

    def part(self, kind: Kind) -> list[Entry]:
        """The entries of a part that are for people."""
        entries: list[Entry] = getattr(self, kind)
        return [entry for entry in entries if not entry.quiet]

    @property
    def charts(self) -> list[Chart]:
        """All that it draws, in its order."""
        return [chart for kind, _ in PARTS for entry in self.part(kind) for chart in entry.charts]

    @property
    def told(self) -> list[Entry]:
        """What happened since the last edition; without what is coming up."""
        return [entry for kind, _ in PARTS if kind != "coming" for entry in self.part(kind)]

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not self.told

    @property
    def bare(self) -> bool:
        """Whether it tells nothing, not even to programs that follow the state."""
        return not any(getattr(self, kind) for kind, _ in PARTS if kind != "coming")


def about(scope: Scope, names: Mapping[str, str]) -> str:
    """What a scope covers, in words. ``names``: of the partners in it, by code."""
    topics = ", ".join(TOPICS[topic][0] for topic in scope.topics if topic in TOPICS)
    whom = "all partners" if scope.everybody else _whom(scope, names)
    return f"{whom}: {topics}" if topics else whom


def _whom(scope: Scope, names: Mapping[str, str]) -> str:
    chosen = ", ".join(words.the(name) for code, name in names.items() if code in scope.partners)
    affected = (
        f"partners with {' or '.join(scope.sectors)} among the sectors affected" if scope.sectors else ""
    )
    return " and ".join(part for part in (chosen, affected) if part)


def without(edition: Edition, development: str, subjects: Collection[str]) -> Edition:
    """An edition that no longer says what an erased development said: its entries are empty, and no line or chart tells
    how one of its subjects stood."""

    def entry(told: Entry) -> Entry:
        also = [structs.replace(n, title="Erased") if n.development == development else n for n in told.also]
        lines = [line for line in told.lines if line.subject not in subjects]
        charts = [chart for chart in told.charts if not {*chart.subjects} & {*subjects}]
        if told.development != development:
            return structs.replace(told, also=also, lines=lines, charts=charts)
        return Entry(
            kind=told.kind, development=development, event=told.event, title="Erased", summary=None, dates="", when="",
            day=edition.day, partners=told.partners, positions=told.positions, sources=[], also=also, held=told.held,
            quiet=told.quiet, untold=told.untold,
        )  # fmt: skip

    return structs.replace(edition, **{kind: [*map(entry, getattr(edition, kind))] for kind, _ in PARTS})


def headline(edition: Edition) -> str:
    """What changed, in a line: ``2 changes of state, 1 correction (EU, JP)``."""
    n = {kind: len(edition.part(kind)) for kind, _ in PARTS}
    untold = sum(1 for entry in edition.part("withdrawn") if entry.untold)
    moved = sum(1 for entry in edition.part("new") if entry.shown)
    parts = [
        _count(n["took_effect"] + moved, "change of state", "changes of state"),
        _count(n["new"] - moved, "other entry", "other entries"),
        _count(n["late"], "entry added late", "entries added late"),
        _count(n["fell_through"], "scheduled change fell through", "scheduled changes fell through"),
        _count(n["corrected"], "correction", "corrections"),
        _count(n["withdrawn"] - untold, "withdrawal", "withdrawals"),
        _count(untold, "entry withdrawn before it was told", "entries withdrawn before they were told"),
    ]
    said = ", ".join(part for part in parts if part)
    return f"{said}{_about(edition)}" if said else "nothing changed"


def short_day(day: str) -> str:
    """``12 Mar``."""
    on = date.fromisoformat(day)
    return f"{on.day} {on:%b}"


def _count(n: int, one: str, more: str) -> str:
    return "" if n == 0 else f"{n:,} {one if n == 1 else more}"


def _about(edition: Edition) -> str:
    codes = sorted(_codes(edition.told))
    if not codes:
        return ""
    if edition.scope.everybody and len(codes) == len(edition.partners) > 4:
        return " (all partners)"
    return f" ({', '.join(codes[:4])}{f', {len(codes) - 4} more' if len(codes) > 4 else ''})"


def _codes(entries: Iterable[Entry]) -> set[str]:
    return {code for entry in entries for code in entry.partners}
