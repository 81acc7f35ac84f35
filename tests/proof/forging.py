"""Somebody who may do anything to the database: change a column, or write a whole other history with every hash, the
chain and the head as they should be."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, text

from tracker.store import log, proof
from tracker.store.engine import writing
from tracker.store.log import commits, erasures, events, head, subjects

TRIGGERS = {
    "events": ("no_update", "no_delete", "no_replace"),
    "commits": ("no_update", "no_delete", "no_replace"),
    "checkpoints": ("no_update", "no_delete", "no_replace"),
    "erasures": ("no_update", "no_delete", "no_replace"),
}


@dataclass(frozen=True)
class Written:
    """An event without its place."""

    id: str
    subject: str
    type: str
    schema: int
    body: str
    salt: bytes
    kept: bytes | None
    """The commitment, where the body was erased."""

    @property
    def commitment(self) -> bytes:
        return self.kept or proof.commitment(self.salt, self.body.encode())


@dataclass(frozen=True)
class Group:
    """A commit."""

    id: str
    development: str
    recorded_at: int
    learnt_at: int
    logged_by: str
    events: Sequence[Written]


@dataclass
class History:
    """What was recorded, apart from places and hashes; each change takes a position."""

    groups: list[Group] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(group.events) for group in self.groups)

    def place(self, position: int) -> tuple[int, int]:
        for number, group in enumerate(self.groups):
            if position <= len(group.events):
                return number, position - 1
            position -= len(group.events)
        raise IndexError(position)

    def at(self, position: int) -> Written:
        number, within = self.place(position)
        return self.groups[number].events[within]

    def put(self, position: int, *instead: Written) -> None:
        """Other events in the place of one; a commit without events is none."""
        number, within = self.place(position)
        group = self.groups[number]
        changed = [*group.events[:within], *instead, *group.events[within + 1 :]]
        self.groups[number : number + 1] = [replace(group, events=changed)] if changed else []

    def edit(self, position: int) -> None:
        was = self.at(position)
        other = {"type": "another"} if was.kept else {"body": was.body.replace('"title":"', '"title":"Not: ')}
        assert replace(was, **other) != was
        self.put(position, replace(was, **other))

    def delete(self, position: int) -> None:
        self.put(position)

    def insert(self, position: int) -> None:
        was = self.at(position)
        self.put(position, replace(was, id=was.id[::-1]), was)

    def swap(self, one: int, other: int) -> None:
        first, second = self.at(one), self.at(other)
        self.put(one, second)
        self.put(other, first)

    def truncate(self, size: int) -> None:
        while self.size > size:
            self.delete(self.size)


class Forger:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with writing(engine) as connection:
            for table, names in TRIGGERS.items():
                for name in names:
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{name}")

    def run(self, *statements: str) -> None:
        """Statements, with the keys pointing where they like."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(text(statement.replace(":", "\\:")))
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.exec_driver_sql("BEGIN")

    def history(self) -> History:
        with writing(self.engine) as connection:
            return History([_group(connection, row) for row in connection.execute(text(_COMMITS))])

    def write(self, history: History) -> None:
        """The log is this history, and always was."""
        with writing(self.engine) as connection:
            for table in (events, commits, erasures):
                connection.execute(table.delete())
            connection.execute(subjects.update().values(version=0))
            _write(connection, history)

    def unsigned(self) -> None:
        """The tree and the checkpoints are gone: the next signature is over what is there."""
        self.run("DELETE FROM tiles", "DELETE FROM checkpoints")


_COMMITS = (
    'SELECT "first", "last", id, development, recorded_at, learnt_at, logged_by FROM commits ORDER BY "first"'
)
_EVENTS = (
    "SELECT e.id, s.key, e.type, e.schema, e.body, e.salt, x.commitment FROM events e "
    "JOIN subjects s ON s.id = e.subject LEFT JOIN erasures x ON x.position = e.position "
    "WHERE e.position BETWEEN :first AND :last ORDER BY e.position"
)
_ERASE = "INSERT INTO erasures VALUES (:position, :commitment, :erased_at, :reason)"


def _group(connection: Connection, row: Any) -> Group:
    first, last, *rest = row
    held = connection.execute(text(_EVENTS), {"first": first, "last": last})
    return Group(*rest, events=[Written(*one) for one in held])


def _write(connection: Connection, history: History) -> None:
    keys = {key: id for id, key in connection.execute(text("SELECT id, key FROM subjects"))}
    versions = dict.fromkeys(keys, 0)
    position, chain = 0, proof.GENESIS
    for group in history.groups:
        hashes, first, rows = [], position + 1, []
        for event in group.events:
            position, versions[event.subject] = position + 1, versions[event.subject] + 1
            header = proof.header(
                position, event.id, event.subject, versions[event.subject], event.type, event.schema,
                group.development, group.recorded_at, group.learnt_at, group.logged_by,
            )  # fmt: skip
            hashes.append(sha256(proof.entry(header, event.commitment)).digest())
            if event.kept:
                row = {"position": position, "commitment": event.kept, "erased_at": 0, "reason": "ordered"}
                connection.execute(text(_ERASE), row)
            rows.append(
                {
                    "position": position, "id": event.id, "subject": keys[event.subject], "type": event.type,
                    "version": versions[event.subject], "schema": event.schema, "development": group.development,
                    "commit": first, "body": event.body, "salt": event.salt, "hash": hashes[-1],
                }
            )  # fmt: skip
        chain = proof.link(chain, hashes)
        connection.execute(
            text(
                'INSERT INTO commits ("first", "last", id, development, recorded_at, learnt_at, logged_by, chain) '
                "VALUES (:first, :last, :id, :development, :recorded_at, :learnt_at, :logged_by, :chain)"
            ),
            {
                "first": first, "last": position, "id": group.id, "development": group.development,
                "recorded_at": group.recorded_at, "learnt_at": group.learnt_at, "logged_by": group.logged_by,
                "chain": chain,
            },
        )  # fmt: skip
        connection.execute(events.insert(), rows)
    for key, version in versions.items():
        connection.execute(subjects.update().where(subjects.c.key == key).values(version=version))
    connection.execute(head.update().values(position=position, chain=chain))
    assert log.position(connection) == position
