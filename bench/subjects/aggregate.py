"""Aggregates of `eventsourcing`, as its tutorial writes them: a class with decorated methods, an application that saves
them. Aggregates are kept in memory between two events: nothing is loaded to append. No snapshots, no cache."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import cycle, islice
from typing import Any
from uuid import UUID, uuid5

import msgspec

from bench.databases import Database
from bench.history import SHORT_LIVES, Fact, Shape, story
from bench.measuring import Run, boxed
from bench.subjects import recorder
from bench.subjects.recorder import MOST, STREAMS, environment

NAME = "eventsourcing aggregate"
KEEPS = recorder.KEEPS
missing = recorder.missing

if find_spec("eventsourcing"):
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Measure(Aggregate):
        @event("Announced")
        def __init__(self, stream: str, development: dict[str, Any]) -> None:
            self.lanes: dict[Any, Any] = {}
            self._paint(development)

        @staticmethod
        def create_id(stream: str) -> UUID:
            return uuid5(STREAMS, stream)

        @event("Told")
        def tell(self, development: dict[str, Any]) -> None:
            self._paint(development)

        def _paint(self, development: dict[str, Any]) -> None:
            told = development["events"][0]
            for effect in told["effects"]:
                place = effect.get("target", "each_of"), effect.get("scope")
                held = self.lanes.get(place, {})
                self.lanes[place] = {**held, "type": told["type"], **effect.get("set", {})}


class Aggregates:
    def __init__(self, database: Database) -> None:
        self._application = Application[UUID](environment(database))
        self._held: dict[str, Measure] = {}
        self._facts = story(SHORT_LIVES)
        self._most = MOST[database.kind]

    def append(self, box: float) -> Run:
        return boxed(self._facts, lambda fact: self._save([fact]), box)

    def bulk(self, box: float, size: int) -> Run:
        return boxed(iter(lambda: list(islice(self._facts, size)), []), self._save, box)

    def _save(self, facts: list[Fact]) -> int:
        for begin in range(0, len(facts), self._most):
            told = {id(one): one for one in map(self._told, facts[begin : begin + self._most])}
            self._application.save(*told.values())
        return len(facts)

    def _told(self, fact: Fact) -> "Measure":
        development = msgspec.to_builtins(fact.development)
        if fact.version == 1:
            self._held[fact.stream] = Measure(fact.stream, development)
        else:
            self._held[fact.stream].tell(development)
        return self._held[fact.stream]

    def fill(self, shape: Shape, events: int) -> None:
        self._save(list(islice(story(shape), events)))

    def replay(self, box: float) -> Run:
        return boxed(self._streams(), self._get, box)

    def _streams(self) -> Iterator[UUID]:
        return cycle([measure.id for measure in self._held.values()])

    def _get(self, stream: UUID) -> int:
        measure: Measure = self._application.repository.get(stream)
        assert measure.lanes
        return int(measure.version)

    def count(self) -> int:
        return self._application.recorder.max_notification_id() or 0

    def close(self) -> None:
        self._application.close()


open = Aggregates
