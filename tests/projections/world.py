"""A database that histories are recorded in, one after another, and what is asked of its segments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from domain import oracle
from domain.given import NOW, WITHDRAWAL
from domain.histories import Step, opening
from sqlalchemy import Engine, event, text

from tracker.domain.errors import Refused
from tracker.domain.events import Correction, Development
from tracker.domain.fold import Lane, Segment, fold
from tracker.drift import drift
from tracker.projections import segments
from tracker.projections.said import contributions
from tracker.projections.table import dumped
from tracker.record import By, Correct, Order, Recorded, Withdraw, record
from tracker.schema import derived, durable
from tracker.store import log
from tracker.store.engine import open_engine, reading
from tracker.store.log import StoredEvent
from tracker.store.migrate import migrate

TICK = timedelta(microseconds=1)


class World:
    """One database, emptied for each history."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _careless)
        migrate(self.engine)

    def empty(self) -> None:
        """As it was after migrating. The database refuses to forget, so it is told not to."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            sqlite = connection.dialect.name == "sqlite"
            for table in ("events", "commits", "checkpoints", "erasures"):
                if sqlite:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_delete"))
                else:
                    connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            for table in (*reversed(derived.sorted_tables), *reversed(durable.sorted_tables)):
                if table.name not in ("head", "builds"):
                    connection.execute(table.delete())
            connection.execute(
                log.head.update().values(
                    position=0, chain=bytes(32), recorded_at=oracle.ALWAYS, learnt_at=oracle.ALWAYS
                )
            )

    def play(self, steps: Iterable[Step]) -> "Played":
        """Record a history. What is refused as nothing new is left out; any other refusal is an error."""
        self.empty()
        played = Played(self.engine)
        for step in steps:
            played.take(step)
        return played


@dataclass
class Played:
    """A history that was recorded: what the oracle needs, and what was answered on the way."""

    engine: Engine
    commits: list[oracle.Commit] = field(default_factory=list)
    developments: list[str] = field(default_factory=list)
    answers: dict[int, bytes] = field(default_factory=dict)

    def take(self, step: Step) -> Recorded | None:
        order = self.order(step)
        try:
            recorded = record(self.engine, order, By("me", NOW))
        except Refused as refused:
            if refused.code == "conflict":
                return None
            raise
        self.note(step, order, recorded.events)
        with reading(self.engine) as connection:
            for event in recorded.events:
                self.answers[event.position] = answer(segments.known(connection, None, event.position))
        return recorded

    def order(self, step: Step) -> Order:
        told = step.told and {**step.told, "events": self._opened(step.told["events"])}
        if step.kind == "withdraw":
            return Withdraw(self.developments[step.which], WITHDRAWAL)
        command = msgspec.convert(told, Development)
        if step.kind == "log":
            return command
        return Correct(self.developments[step.which], Correction(reason="wrong", development=command))

    def note(self, step: Step, order: Order, events: Sequence[StoredEvent]) -> None:
        development = events[0].development
        if step.kind == "log":
            self.developments.append(development)
        match order:
            case Development():
                said: Any = order
            case Correct(_, command):
                said = command.development
            case Withdraw(_, command):
                said = command
        at = [(stored.position, stored.subject) for stored in events]
        self.commits.append(oracle.Commit(step.kind, development, oracle.plain(said), at))

    @property
    def last(self) -> int:
        return self.commits[-1].positions[-1][0] if self.commits else 0

    @property
    def concerns(self) -> list[str]:
        """The subject of the event at each position; the first is that of position 1."""
        return [subject for commit in self.commits for _, subject in commit.positions]

    def _made(self, events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The events, a claim that nobody made made instead of closed."""
        made: set[tuple[str, str]] = set()
        with reading(self.engine) as connection:
            for row in segments.known(connection, None, log.position(connection)):
                made.add((row.subject, row.lane.basis.removeprefix("claim:")))
        for given in events:
            claim = (given["subject"], given.get("claim", "threat"))
            closes = given["type"] == "claim.closed"
            yield {**given, "type": "statement.made"} if closes and claim not in made else given
            made.add(claim)

    def _opened(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The events, each saying what its subject is where nobody has yet; behind an opener where its type cannot."""
        seen, out = set(self.concerns), []
        for given in self._made(events):
            if given["subject"] in seen:
                out.append(given)
                continue
            opens = opening(given, "first")
            out += [opens] if "about" in opens else [_opener(given["subject"]), given]
            seen.add(given["subject"])
        return out


def _opener(subject: str) -> dict[str, Any]:
    types = {
        "measure": "measure.amended", "agreement": "agreement.amended", "authority": "ruling.issued",
        "partner": "partner.registered",
    }  # fmt: skip
    kind = subject.partition(":")[0]
    about = {"name": "A partner"} if kind == "partner" else {"title": "first"}
    return opening({"type": types[kind], "subject": subject, "about": about}, "first")


def answer(rows: Iterable[segments.Row]) -> bytes:
    """What the table says at one known position, as bytes."""
    said = [
        [row.subject, row.partner, row.lane, str(row.segment.start), str(row.segment.end), row.known_from,
         dumped(row.segment.state)]
        for row in rows
    ]  # fmt: skip
    return b"\n".join(sorted(map(msgspec.json.encode, said)))


def _careless(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


# ---------------------------------------------------------------- what must hold

Table = dict[str, dict[Lane, list[Segment]]]


def tables(played: Played) -> Iterator[tuple[int, Table]]:
    """The segments as known at every position, by subject and lane, in order of time."""
    with reading(played.engine) as connection:
        rows = segments.ever_known(connection, None, played.last)
    rows.sort(key=lambda row: row.segment.start)
    for position in range(played.last + 1):
        table: Table = {}
        for row in rows:
            if row.known_from <= position < row.known_until:
                table.setdefault(row.subject, {}).setdefault(row.lane, []).append(row.segment)
        yield position, table


def assert_true_everywhere(played: Played) -> None:
    """At every known position, the segments say what the oracle says, at each edge and a moment to either side. An
    event changes nothing but its own subject."""
    before: Table = {}
    for position, table in tables(played):
        concerned = played.concerns[position - 1] if position else ""
        for subject in {*table, *before, concerned} - {""}:
            if subject != concerned:
                assert table.get(subject) == before.get(subject), (position, subject)
            else:
                truth = oracle.Oracle(played.commits, subject, position)
                _assert_same(truth, table.get(subject, {}), (position, subject))
        before = table


def _assert_same(truth: oracle.Oracle, held: dict[Lane, list[Segment]], where: object) -> None:
    assert {tuple(lane) for lane in held} == {tuple(lane) for lane in truth.lanes}, where
    for lane, run in held.items():
        assert_canonical(run)
        its = oracle.Lane(*lane)
        edges = truth.edges(its) | {edge for s in run for edge in (s.start, s.end)}
        for at in sorted({a for e in edges for a in around(e)}):
            assert shown(run, at) == truth.state(its, at), (where, lane, at)


def around(edge: datetime) -> list[datetime]:
    return [
        at for at in (edge, edge - TICK if edge > oracle.ALWAYS else edge, edge + TICK) if at < oracle.NEVER
    ]


def shown(run: Sequence[Segment], at: datetime) -> dict[str, list[oracle.Layer]]:
    """What segments say at an instant, in the oracle's words."""
    found = [segment.state for segment in run if segment.start <= at < segment.end]
    assert len(found) <= 1, "segments overlap"
    return {
        name: [oracle.Layer(*layer) for layer in layers] for state in found for name, layers in state.items()
    }


def assert_canonical(run: Sequence[Segment]) -> None:
    """In order, nothing empty, nothing overlapping, and no two neighbours that say the same."""
    for segment in run:
        assert segment.start < segment.end
        assert segment.state
    for one, next in pairwise(run):
        assert one.end <= next.start
        assert one.end < next.start or one.state != next.state


def assert_as_from_scratch(played: Played) -> None:
    """At every known position, the segments are those of a fold of all that was known by then."""
    concerned = ["", *played.concerns]
    with reading(played.engine) as connection:
        for position, table in tables(played):
            if position:
                subject = concerned[position]
                said = contributions(connection, subject, position)
                assert table.get(subject, {}) == fold(said), (position, subject)
        assert list(drift(connection)) == []


def assert_past_answers_stand(played: Played) -> None:
    """What was answered for a known position is answered still, byte for byte."""
    with reading(played.engine) as connection:
        for position, given in played.answers.items():
            assert answer(segments.known(connection, None, position)) == given, position
