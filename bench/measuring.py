"""What is measured: runs in a time box, in turn, and the rows that come of their medians."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Protocol, TypeVar

from bench.databases import Place

Name = TypeVar("Name")
Thing = TypeVar("Thing")
RAW, OURS = "raw driver", "this project"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. ``box``: seconds a cell has in each round. ``patience``: seconds after which a work begins
    no further round. ``file``: events in a file to import; ``events``: how many a rebuild reads; ``sizes``: how many
    the log holds when a state is asked for; ``long``: how many a subject has. ``names``: the subjects; empty: all."""

    folder: Path
    box: float
    rounds: int
    patience: float
    file: int
    events: int
    sizes: Sequence[int]
    long: int
    subscriptions: int
    scopes: int
    names: Sequence[str] = ()

    def within(self, folder: Path) -> "Plan":
        """The same, with another folder to keep things in."""
        return replace(self, folder=folder)


@dataclass(frozen=True, slots=True)
class Run:
    """One time box: how many were done, in how many seconds, and how long each took."""

    done: int
    seconds: float
    each: Sequence[float] = ()

    @property
    def rate(self) -> float:
        return self.done / self.seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of a subject's runs, and all of them."""

    value: float
    all: Sequence[float]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        return cls(median(values), values)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached. None: it could not be told, as what it is compared with was left out."""

    text: str
    reached: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a work on a database, with a figure for each subject; ``left_out``: why not."""

    work: str
    database: str
    unit: str
    figures: Mapping[str, Figure]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def aiming(self, goals: Sequence[Goal]) -> "Row":
        """The same row with its goals."""
        return replace(self, goals=goals)

    def ratio(self, subject: str, to: str = RAW) -> float | None:
        """One subject's figure in terms of another's, the median over the rounds: what slowed the machine down in one
        of them slowed both. None where one of them was left out."""
        if subject not in self.figures or to not in self.figures:
            return None
        pairs = zip(self.figures[subject].all, self.figures[to].all, strict=True)
        return median(one / other for one, other in pairs)


class Work(Protocol):
    """A module of works."""

    TITLE: str

    def measure(self, plan: Plan, place: Place) -> Sequence[Row]:
        """The rows of a work on a kind of database."""


def in_turn(plan: Plan, subjects: Mapping[Name, Callable[[], Thing]]) -> dict[Name, list[Thing]]:
    """Round by round, every subject once in each: what slows the machine down for a while slows all of them. No
    further round begins once patience is at its end."""
    runs: dict[Name, list[Thing]] = {name: [] for name in subjects}
    begun = perf_counter()
    for number in range(plan.rounds):
        if number and perf_counter() - begun > plan.patience:
            break
        for name, run in subjects.items():
            runs[name].append(run())
    return runs


def boxed(given: Iterator[Thing], do: Callable[[Thing], int], box: float) -> Run:
    """Do one after another until the box is full; what each is given is made outside the clock. ``do`` says how many
    it has done."""
    done, spent, each = 0, 0.0, list[float]()
    while spent < box:
        one = next(given)
        begun = perf_counter()
        done += do(one)
        each.append(perf_counter() - begun)
        spent += each[-1]
    return Run(done, spent, each)


def once(do: Callable[[], int]) -> Run:
    """Do the whole of something, however long it takes."""
    begun = perf_counter()
    done = do()
    return Run(done, perf_counter() - begun)


def rates(runs: Mapping[str, Sequence[Run]]) -> dict[str, Figure]:
    """How many a second, for each subject."""
    return {name: Figure.of([run.rate for run in its]) for name, its in runs.items()}


def at_least(text: str, reached: float | None, wanted: float) -> Goal:
    return Goal(text, reached, None if reached is None else reached >= wanted)


def at_most(text: str, reached: float | None, wanted: float) -> Goal:
    return Goal(text, reached, None if reached is None else reached <= wanted)
