"""A writer that is killed. It tells "ready", and of each request "asked REQUEST" before it is sent and "done REQUEST
FIRST LAST" when it was acknowledged."""

from datetime import datetime
from itertools import count
from random import Random
from typing import Literal

import msgspec
from campaign.forking import tell
from campaign.steps import Steps
from domain.given import NOW, amended, at, correction, development, opened
from msgspec import Struct
from sqlalchemy import Engine

from tracker.domain.events import Withdrawal
from tracker.importing import Given, Terms, load
from tracker.record import By, Correct, Order, Withdraw, record
from tracker.store import log
from tracker.store.engine import open_engine, reading

Kind = Literal["one", "several", "correct", "withdraw", "import"]
Broken = Literal["", "acknowledges first", "in two commits", "without a key"]
"""What a broken writer does, to see that it is found out."""


class Request(Struct, frozen=True, omit_defaults=True):
    """What a writer sends. ``size``: of how many events it is to be; ``target``: the development that it mends."""

    key: str
    kind: Kind
    subject: str
    size: int = 1
    rate: int = 0
    target: str | None = None

    @property
    def subjects(self) -> list[str]:
        alone = self.kind in ("one", "correct", "withdraw")
        return [self.subject] if alone else [f"{self.subject}-{n}" for n in range(self.size)]


class Write(Struct, frozen=True, tag=True):
    """Which requests a writer makes up, and where it kills itself: in its ``request``th request, ``before`` or after
    its ``statement``th statement, at the latest with the COMMIT; None: not at all, it waits to be killed."""

    url: str
    seed: str
    request: int | None = None
    statement: int = 0
    before: bool = True
    broken: Broken = ""


# ---------------------------------------------------------------- what is sent


def order(request: Request) -> Order:
    match request.kind:
        case "one":
            return development(opened(request.subject, at(request.rate)))
        case "several":
            one, *others = request.subjects
            return development(
                opened(one, at(request.rate)),
                *(amended(one, at(request.rate + n, from_=f"2025-03-{n:02}")) for n in range(1, len(others) + 1)),
            )  # fmt: skip
        case "correct":
            return Correct(request.target or "", correction(opened(request.subject, at(request.rate))))
        case "withdraw":
            return Withdraw(request.target or "", Withdrawal(reason="It never happened"))
        case "import":
            raise ValueError("an import is no order")


def lines(request: Request) -> list[Given]:
    return [
        Given(
            f"line {n}",
            msgspec.json.encode(
                {"key": f"{request.key}-{n}", "development": development(opened(subject, at(request.rate)))}
            ),
        )
        for n, subject in enumerate(request.subjects)
    ]


class Sent(Struct, frozen=True):
    """What came of a request: its first and last position, and whether it had been recorded before."""

    first: int
    last: int
    repeated: bool
    development: str = ""


def send(engine: Engine, request: Request, now: datetime = NOW) -> Sent:
    if request.kind == "import":
        done = load(engine, lines(request), Terms("operator", now))
        return Sent(done.start + 1, done.end, repeated=done.before == request.size)
    made = record(engine, order(request), By("me", now, key=request.key))
    return Sent(made.first, made.last, made.repeated, made.development)


def made_up(seed: str, mendable: list[tuple[str, str]], number: int) -> Request:
    """The next request; ``mendable``: developments of one event so far, each with its subject."""
    chance = Random(f"{seed}/{number}")
    key, rate = (
        f"{seed}-{number}",
        number + 1,
    )  # another each time: a correction that changes nothing is refused
    kinds: list[Kind] = ["one", "several", "import"] + (["one", "correct", "withdraw"] if mendable else [])
    kind = chance.choice(kinds)
    if kind in ("correct", "withdraw"):
        target, subject = mendable[chance.randrange(len(mendable))]
        return Request(key, kind, subject, 1, rate, target)
    size = 1 if kind == "one" else chance.randrange(2, 6)
    return Request(key, kind, f"measure:us-{seed}-{number}", size, rate)


# ---------------------------------------------------------------- the writer


def write(task: Write) -> None:
    """Send requests until killed."""
    engine = open_engine(task.url)
    steps = Steps(task.statement, task.before, at_latest=True)
    steps.watch(engine)
    mendable: list[tuple[str, str]] = []
    tell("ready")
    for number in count():
        request = made_up(task.seed, mendable, number)
        text = msgspec.json.encode(request).decode()
        tell(f"asked {text}")
        if task.broken == "acknowledges first":
            with reading(engine) as connection:
                end = log.position(connection)
            tell(f"done {text} {end + 1} {end + request.size}")
        steps.begin(armed=number == task.request)
        sent = send_badly(engine, request, task.broken) if task.broken else send(engine, request)
        if task.broken != "acknowledges first":
            tell(f"done {text} {sent.first} {sent.last}")
        if request.kind == "one":
            mendable.append((sent.development, request.subject))
        elif request.kind == "withdraw":
            mendable.remove((request.target or "", request.subject))


def send_badly(engine: Engine, request: Request, broken: Broken) -> Sent:
    """Without its key, or a development of several events as several."""
    if broken == "without a key" and request.kind != "import":
        made = record(engine, order(request), By("me", NOW))
        return Sent(made.first, made.last, made.repeated, made.development)
    if broken == "in two commits" and request.kind == "several":
        for subject in request.subjects[1:]:
            record(engine, development(opened(subject, at(request.rate))), By("me", NOW))
    return send(engine, request)
