"""What is under test: whoever keeps events, and what each can be asked to do."""

from typing import Protocol

from bench.databases import Database
from bench.history import Shape
from bench.measuring import Run


class Store(Protocol):
    """A store over a database that was empty. Facts go on from call to call, so that nothing is written twice."""

    def append(self, box: float) -> Run:
        """One development after another, each in a transaction of its own, durable before the next."""

    def bulk(self, box: float, size: int) -> Run:
        """Many developments at once, ``size`` of them in a transaction or what comes nearest to it."""

    def fill(self, shape: Shape, events: int) -> None:
        """Put in a history to replay."""

    def replay(self, box: float) -> Run:
        """Work out the state of every stream from the history; once, or as far as the box allows."""

    def count(self) -> int:
        """How many events are there, asked of the database."""

    def close(self) -> None: ...


class Subject(Protocol):
    """A module of this folder."""

    NAME: str
    KEEPS: str

    def missing(self, kind: str) -> str | None:
        """Why it cannot be measured here on this kind of database; None where it can."""

    def open(self, database: Database) -> Store: ...
