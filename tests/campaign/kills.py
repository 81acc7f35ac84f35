"""Kills writers, and looks after each death whether the record is what its writers were told it is."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import msgspec
from campaign.forking import Violated, Zygote
from campaign.writer import Broken, Request, Write, send
from sqlalchemy import Connection, Engine, text

from tracker.drift import drift
from tracker.store import log
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

LONGEST = 6, 0.01
"""How many requests at most a writer has acknowledged, and how many seconds more it lives at most, when it is killed at
a random instant; a request takes a few milliseconds."""
COMMIT = 999
"""More statements than any request has: the COMMIT is meant."""
WHOLE_EVERY = 100
SAMPLE = 100


@dataclass
class Death:
    """What a writer told before it was killed: what was acknowledged, with its positions, and what was not."""

    done: list[tuple[Request, int, int]]
    pending: Request | None


def killed(zygote: Zygote, task: Write, instant: tuple[int, float] | None = None) -> Death:
    """A writer's life: to its step, or so many seconds after so many requests were acknowledged."""
    death = Death([], None)
    for word, rest in zygote.life(task):
        if word == "asked":
            death.pending = msgspec.json.decode(rest, type=Request)
        elif word == "done":
            text, first, last = rest.rsplit(" ", 2)
            death.done.append((msgspec.json.decode(text, type=Request), int(first), int(last)))
            death.pending = None
        if word in ("ready", "done") and instant is not None and len(death.done) == instant[0]:
            time.sleep(instant[1])
            zygote.kill()
    return death


@dataclass
class Record:
    """The record and what is known of it: where each acknowledged request must lie."""

    engine: Engine
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    end: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def after(self, death: Death) -> None:
        """All that was acknowledged is there, whole; what was not is there whole or not at all, and sent again it is
        recorded once."""
        silent(self.engine)
        with reading(self.engine) as connection:
            found = self._tail(connection)
            for request, first, last in death.done:
                self._there(request, first, last, found)
            was_there = self._pending(death.pending, found)
            self.end += len(found)
            touched = {subject for request in _all(death) for subject in request.subjects}
            self._folded(connection, touched)
        if death.pending is not None:
            self._again(death.pending, was_there)
        self.counts["acknowledged"] += len(death.done)

    def whole(self, chance: Random) -> None:
        """The whole log, and a sample of the segments."""
        with reading(self.engine) as connection:
            for _ in log.verify(connection):
                pass
            found = {kept.key: (kept.first, kept.last) for kept in log.kept_commits(connection) if kept.key}
            lost = {key: place for key, place in self.places.items() if found.get(key) != place}
            if lost or len(found) != len(self.places):
                raise Violated(f"lost {lost}, or recorded by nobody {found.keys() - self.places.keys()}")
            subjects = log.subject_keys(connection)
            self._folded(connection, chance.sample(subjects, min(SAMPLE, len(subjects))))
        self.counts["the whole log checked"] += 1

    def _tail(self, connection: Connection) -> dict[int, int]:
        """The events after what is known: position -> commit."""
        end = log.position(connection)
        tail = log.after(connection, self.end, end + 1000, end - self.end + 1000)
        if [event.position for event in tail] != [*range(self.end + 1, end + 1)]:
            raise Violated(f"positions after {self.end} are not dense up to {end}")
        return {event.position: event.commit for event in tail}

    def _there(self, request: Request, first: int, last: int, found: dict[int, int]) -> None:
        """An acknowledged request lies where its writer was told."""
        commits = [found.pop(position, None) for position in range(first, last + 1)]
        alone = request.kind != "import"
        if commits != [first if alone else position for position in range(first, last + 1)]:
            raise Violated(f"{request} was acknowledged at {first} to {last}, and is not there")
        if len(commits) != request.size:
            raise Violated(f"{request} is to be {request.size} events, and is {len(commits)}")
        self.end += len(commits)
        self._remember(request, first, last)

    def _pending(self, request: Request | None, found: dict[int, int]) -> bool:
        """Whether the request that was not acknowledged is there; there must be nothing else."""
        if found and (request is None or len(found) != request.size):
            raise Violated(f"{sorted(found)} is nothing that was asked, or a part of {request}")
        self.counts["under way, and recorded" if found else "under way, and not recorded"] += (
            request is not None
        )
        return bool(found)

    def _again(self, request: Request, was_there: bool) -> None:
        for before in (was_there, True):
            sent = send(self.engine, request)
            if sent.repeated != before:
                raise Violated(f"{request} sent again: had it been there {before}, and yet {sent}")
        with reading(self.engine) as connection:
            end = log.position(connection)
        if end != self.end + (0 if was_there else request.size):
            raise Violated(f"{request} was recorded twice, or in part")
        self._remember(request, end - request.size + 1, end)
        self.end = end

    def _remember(self, request: Request, first: int, last: int) -> None:
        if request.kind == "import":
            for n in range(request.size):
                self.places[f"import:{request.key}-{n}"] = (first + n, first + n)
        else:
            self.places[request.key] = (first, last)

    def _folded(self, connection: Connection, subjects: "set[str] | list[str]") -> None:
        if wrong := [*drift(connection, sorted(subjects))]:
            raise Violated(f"the segments of {wrong} are not what their events say")


def silent(engine: Engine) -> None:
    """Wait until PostgreSQL has noticed the death: a COMMIT that was on its way may still be done."""
    end = time.monotonic() + 60
    while engine.dialect.name == "postgresql" and _others(engine):
        assert time.monotonic() < end, "somebody else uses the database"
        time.sleep(0.002)


def _others(engine: Engine) -> int:
    with reading(engine) as connection:  # one transaction would always see the same
        return int(connection.scalar(_OTHERS) or 0)


_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def _all(death: Death) -> Iterator[Request]:
    yield from (request for request, _, _ in death.done)
    if death.pending is not None:
        yield death.pending


def kill_writers(zygote: Zygote, url: str, kills: int, seed: str, broken: Broken = "") -> Counter[str]:
    """Kill so many writers on an empty database, half of them at random instants, half at steps; what was counted.
    Violated where the record is not what was promised."""
    chance = Random(seed)
    record = Record(open_engine(url))
    migrate(record.engine)
    for number in range(kills):
        if number % 2:
            record.engine.dispose()  # who opens it next finds it as the dead left it
        record.after(_kill(zygote, url, f"{seed}-{number}", chance, record.counts, broken))
        if number % WHOLE_EVERY == 0 or number == kills - 1:
            record.whole(chance)
    record.counts["events"] = record.end
    record.engine.dispose()
    return record.counts


def _kill(zygote: Zygote, url: str, seed: str, chance: Random, counts: Counter[str], broken: Broken) -> Death:
    if chance.random() < 0.5:
        counts["killed at a random instant"] += 1
        instant = chance.randrange(LONGEST[0] + 1), chance.random() * LONGEST[1]
        return killed(zygote, Write(url, seed, broken=broken), instant)
    statement = chance.choice([COMMIT, chance.randrange(1, 25)])
    before = chance.random() < 0.5
    where = "the COMMIT" if statement == COMMIT else "a statement"
    counts[f"killed {'before' if before else 'after'} {where}"] += 1
    return killed(zygote, Write(url, seed, chance.randrange(4), statement, before, broken))
