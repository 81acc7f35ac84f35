"""The log: append-only events with dense positions in commit order.

Each append is one *commit*: events that belong together, one recorded instant, one link of the hash chain. The
position is allotted from the single row of ``head`` inside the transaction, so commit order is position order and a
follower is ``WHERE position > :checkpoint``. The database itself refuses UPDATE and DELETE, but for an erasure.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.exc import DatabaseError

from tracker.domain.events import AnyEvent, Record, Told, erased
from tracker.schema import Instant, Serial, durable, instant, micros
from tracker.store import proof
from tracker.store.driver import Change, Put, Question, by_index, in_one_go
from tracker.store.upcasts import decode

Asked = TypeVar("Asked")
LONGEST_KEY = 200
HASH = 32
"""Bytes of a hash."""
ENDLESS = 2**62
"""A position beyond every other."""
PARAMETERS = 10_000
"""So many values are given to a statement at most."""
STRETCH = 16
"""So many events of a subject are read first, from its end back."""
SUBJECTS_IN_MIND = 50_000
"""So many subjects are kept in mind at most, of a transaction that appends many events."""

head = Table(
    "head",
    durable,
    Column(
        "id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False
    ),
    Column("position", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("learnt_at", Instant, nullable=False),
    comment="The end of the log. Its lock is what makes positions dense and ordered.",
)
subjects = Table(
    "subjects",
    durable,
    Column("id", Serial, primary_key=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    comment="What events are about, and how many events each has: the optimistic lock.",
)
requests = Table(
    "requests",
    durable,
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("commit", String(36), nullable=False),
    comment="Idempotency keys: a retry finds what it did before.",
)
commits = Table(
    "commits",
    durable,
    Column("first", Serial, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False, unique=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("development", String(36), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("learnt_at", Instant, nullable=False),
    Column("logged_by", String(80), nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Index("ix_commits_learnt_at_last", "learnt_at", "last"),
    comment="One row per append call.",
)
events = Table(
    "events",
    durable,
    Column("position", Serial, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("subject", BigInteger, ForeignKey(subjects.c.id), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("type", String(60), nullable=False),
    Column("schema", Integer, nullable=False),
    Column("development", String(36), nullable=False, index=True),
    Column("commit", BigInteger, ForeignKey(commits.c.first), nullable=False),
    Column("body", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("subject", "version"),
    comment="The events; body is the exact text that was hashed.",
)
erasures = Table(
    "erasures",
    durable,
    Column("position", Serial, primary_key=True, autoincrement=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("erased_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    comment="Whose body was erased, and what the proof needs instead of it: H(salt, body).",
)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be appended."""

    id: str
    subject: str
    type: str
    schema: int
    body: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """What is shared by the events of one append call."""

    id: str
    development: str
    recorded_at: datetime
    learnt_at: datetime
    logged_by: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the log holds it. ``body`` is the exact JSON text; ``told`` and ``event`` are read from it."""

    position: int
    id: str
    subject: str
    version: int
    type: str
    schema: int
    development: str
    recorded_at: datetime
    learnt_at: datetime
    logged_by: str
    hash: bytes
    body: str
    commit: int

    @property
    def record(self) -> Record:
        if self.body:
            return decode(self.type, self.schema, self.body)
        return erased(self.type, self.subject, self.development, self.learnt_at)

    @property
    def told(self) -> Told:
        return self.record.told

    @property
    def event(self) -> AnyEvent:
        return self.record.event

    @property
    def erased(self) -> bool:
        """Whether its body was erased; then ``told`` and ``event`` say so, and nothing else."""
        return not self.body


@dataclass(frozen=True, slots=True)
class KeptCommit:
    """A commit as the log holds it: its events lie at ``first``..``last``."""

    id: str
    first: int
    last: int
    development: str
    recorded_at: datetime
    learnt_at: datetime
    logged_by: str
    chain: bytes
    key: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """What closes the body of an event: its commitment H(salt, body), and the salt; without the salt where both were
    erased, then when and why."""

    salt: bytes | None
    commitment: bytes
    erased_at: datetime | None
    reason: str | None


class AlreadyDone(Exception):
    """This idempotency key has already recorded a request, as this commit; ``same``: exactly this one."""

    def __init__(self, commit: str, same: bool) -> None:
        self.commit = commit
        self.same = same


class Appending:
    """What one write transaction appends. It locks the end of the log first: nobody else appends until the transaction
    is over, so what it reads stays true, and no two writers wait for each other in a circle. Events get their places
    in memory and reach the database with ``write``, together.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with in_one_go(connection):
            by_index(connection)
            ((position, chain, recorded_at, learnt_at),) = _END.rows(connection)
        self._end = _End(position, bytes(chain), instant(recorded_at), instant(learnt_at))
        self._subjects: dict[str, _Subject] = {}
        self._last_subject: int | None = None
        self._asked: dict[str, tuple[bytes, str] | None] = {}
        self._requests: list[tuple[Any, ...]] = []
        self._commits: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []

    def foresee(self, keys: Iterable[str], subjects: Iterable[str]) -> Iterator[None]:
        """Look up many idempotency keys and subjects at once: first they are asked for, then what comes of it is noted.
        Earlier ones, once they are written, are not all kept in mind."""
        if not self._commits:
            self._asked = {}
            if len(self._subjects) > SUBJECTS_IN_MIND:
                self._subjects = {}
        looking = [self._look_for_keys(keys), self._look_for_subjects(subjects)]
        for one in looking:
            next(one, None)
        yield
        for one in looking:
            next(one, None)

    def _look_for_keys(self, keys: Iterable[str]) -> Iterator[None]:
        if unasked := [key for key in keys if key not in self._asked]:
            answer = _REQUESTS.ask(self._connection, keys=unasked)
            yield
            found = {key: (bytes(hash), commit) for key, hash, commit in answer()}
            self._asked |= dict.fromkeys(unasked) | found

    def _look_for_subjects(self, keys: Iterable[str]) -> Iterator[None]:
        if unseen := [key for key in keys if key not in self._subjects]:
            answer = _SUBJECTS.ask(self._connection, keys=unseen)
            yield
            found = {key: (id, version) for id, key, version in answer()}
            for key in unseen:
                id, version = found.get(key, (None, 0))
                self._subjects[key] = _Subject(id, version, version)

    def unused(self, key: str, request: bytes) -> None:
        """Look whether an idempotency key is still free; AlreadyDone where it was taken before."""
        for _ in self._look_for_keys([key]):
            pass
        if (before := self._asked[key]) is not None:
            raise AlreadyDone(before[1], same=before[0] == request)

    def versions(self, keys: Collection[str]) -> dict[str, int]:
        """How many events each of these subjects has; 0 where there is no such subject."""
        for _ in self._look_for_subjects(keys):
            pass
        return {key: self._subjects[key].version for key in keys}

    def clocks(self) -> tuple[datetime, datetime]:
        """The instants that the last commit was recorded and learnt at."""
        return self._end.recorded_at, self._end.learnt_at

    def append(
        self, commit: Commit, new: Sequence[NewEvent], request: tuple[str, bytes] | None = None
    ) -> list[StoredEvent]:
        """Append events of subjects whose versions were asked for. Neither clock of the log ever goes back: a commit
        whose instants lie before the head's is given the head's. ``request``: the idempotency key, unused so far, and
        the hash of the request."""
        end, first = self._end, self._end.position + 1
        recorded_at = max(commit.recorded_at, end.recorded_at)
        learnt_at = max(commit.learnt_at, end.learnt_at)
        recorded, learnt = micros(recorded_at), micros(learnt_at)
        stored: list[StoredEvent] = []
        for position, event in enumerate(new, first):
            subject = self._grown(event.subject)
            header = proof.header(
                position, event.id, event.subject, subject.version, event.type, event.schema,
                commit.development, recorded, learnt, commit.logged_by,
            )  # fmt: skip
            hash = proof.event_hash(header, event.salt, event.body)
            body = event.body.decode()
            stored.append(
                StoredEvent(
                    position, event.id, event.subject, subject.version, event.type, event.schema,
                    commit.development, recorded_at, learnt_at, commit.logged_by, hash, body, first,
                )
            )  # fmt: skip
            self._events.append(
                (position, event.id, subject.id, subject.version, event.type, event.schema,
                 commit.development, first, body, event.salt, hash)
            )  # fmt: skip
        chain = proof.link(end.chain, [event.hash for event in stored])
        self._end = _End(stored[-1].position, chain, recorded_at, learnt_at)
        self._commits.append(
            (
                first,
                self._end.position,
                commit.id,
                commit.development,
                recorded,
                learnt,
                commit.logged_by,
                chain,
            )
        )
        if request is not None:
            key, hashed = request
            self._asked[key] = hashed, commit.id
            self._requests.append((key, hashed, commit.id))
        return stored

    def _grown(self, key: str) -> "_Subject":
        """A subject with one event more; made where it is new. Whoever appends is alone, so ids can be counted here."""
        subject = self._subjects[key]
        if subject.id is None:
            if self._last_subject is None:
                self._last_subject = _LAST_SUBJECT.rows(self._connection)[0][0] or 0
            self._last_subject = subject.id = self._last_subject + 1
        subject.version += 1
        return subject

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return len(self._events)

    def write(self) -> None:
        """Put into the database what was appended since the last time."""
        if not self._commits:
            return
        connection, end = self._connection, self._end
        grown = [(key, held) for key, held in self._subjects.items() if held.version != held.written]
        _PUT_SUBJECTS(connection, [(held.id, key, held.version) for key, held in grown if not held.written])
        _GROW(connection, [(held.version, held.id) for _, held in grown if held.written])
        _MOVE(connection, [(end.position, end.chain, micros(end.recorded_at), micros(end.learnt_at), 1)])
        _PUT_COMMITS(connection, self._commits)
        _PUT_EVENTS(connection, self._events)
        _PUT_REQUESTS(connection, self._requests)
        for _, held in grown:
            held.written = held.version
        self._requests, self._commits, self._events = [], [], []


@dataclass(slots=True)
class _Subject:
    """A subject: its row (None: it has none yet), how many events it has, and how many the database knows of."""

    id: int | None
    version: int
    written: int


class _End(NamedTuple):
    """The head of the log."""

    position: int
    chain: bytes
    recorded_at: datetime
    learnt_at: datetime


_END = Question(
    lambda _: (
        select(head.c.position, head.c.chain, head.c.recorded_at, head.c.learnt_at)
        .where(head.c.id == literal_column("1"))
        .with_for_update()
    )
)
_REQUESTS = Question(
    lambda given: select(requests.c.key, requests.c.hash, requests.c.commit).where(
        given.among(requests.c.key, "keys")
    )
)
_SUBJECTS = Question(
    lambda given: select(subjects.c.id, subjects.c.key, subjects.c.version).where(
        given.among(subjects.c.key, "keys")
    )
)
_LAST_SUBJECT = Question(lambda _: select(func.max(subjects.c.id)))
_PUT_SUBJECTS, _GROW = Put(subjects), Change(subjects, ["version"], ["id"])
_MOVE = Change(head, ["position", "chain", "recorded_at", "learnt_at"], ["id"])
_PUT_COMMITS, _PUT_EVENTS, _PUT_REQUESTS = Put(commits), Put(events), Put(requests)


_STORED: Select[Any] = (
    select(
        events.c.position, events.c.id, subjects.c.key.label("subject"), events.c.version, events.c.type,
        events.c.schema, events.c.development, commits.c.recorded_at, commits.c.learnt_at, commits.c.logged_by,
        events.c.hash, events.c.body, events.c.commit,
    )
    .join_from(events, subjects, events.c.subject == subjects.c.id)
    .join(commits, events.c.commit == commits.c.first)
    .order_by(events.c.position)
)  # fmt: skip
_OF_POSITIONS = _STORED.where(events.c.position.in_(bindparam("positions", expanding=True)))
_OF_DEVELOPMENTS = _STORED.where(
    events.c.development.in_(bindparam("developments", expanding=True)),
    events.c.position <= bindparam("until"),
)
_ONE_SUBJECT = _STORED.where(subjects.c.key == bindparam("subject")).order_by(None).order_by(events.c.version)
"""By version, which grows with the position: the index of a subject's versions leads there, not the whole log."""
_OF_SUBJECT = _ONE_SUBJECT.where(events.c.position <= bindparam("until"))
_OF_VERSIONS = _ONE_SUBJECT.where(
    events.c.version > bindparam("after"), events.c.version <= bindparam("until")
)
_VERSION_AT = (
    select(events.c.version)
    .join_from(events, subjects, events.c.subject == subjects.c.id)
    .where(subjects.c.key == bindparam("subject"), events.c.position <= bindparam("known"))
    .order_by(events.c.version.desc())
    .limit(1)
)
_OF_SUBJECTS = _STORED.where(
    subjects.c.key.in_(bindparam("subjects", expanding=True)), events.c.position <= bindparam("until")
)
_AFTER = _STORED.where(events.c.position > bindparam("after"), events.c.position <= bindparam("until")).limit(
    bindparam("limit")
)


def _stored(rows: Iterable[Row[Any]]) -> list[StoredEvent]:
    return [StoredEvent(*tuple(row)) for row in rows]


def at_positions(connection: Connection, positions: Iterable[int]) -> dict[int, StoredEvent]:
    """The events at these positions."""
    found = [_stored(connection.execute(_OF_POSITIONS, {"positions": some})) for some in parts(positions)]
    return {event.position: event for part in found for event in part}


def of_developments(connection: Connection, developments: Iterable[str], until: int) -> list[StoredEvent]:
    """All events of these developments, repairs included, up to a position."""
    found = [
        _stored(connection.execute(_OF_DEVELOPMENTS, {"developments": some, "until": until}))
        for some in parts(developments)
    ]
    return sorted((event for part in found for event in part), key=_position)


def of_subject(connection: Connection, subject: str, until: int) -> list[StoredEvent]:
    """All events of a subject up to a position, in order."""
    return _stored(connection.execute(_OF_SUBJECT, {"subject": subject, "until": until}))


def back_from(connection: Connection, event: StoredEvent, after: int) -> list[StoredEvent]:
    """The events of a subject after a position and up to this one, in order. They are read from the end, in longer and
    longer stretches: as a rule a few, of however many there are."""
    found: list[StoredEvent] = []
    first, stretch = event.version, STRETCH
    while first > 0 and (not found or found[0].position > after):
        last, first = first, max(0, first - stretch)
        asked = {"subject": event.subject, "after": first, "until": last}
        found = _stored(connection.execute(_OF_VERSIONS, asked)) + found
        stretch *= 4
    return [one for one in found if one.position > after]


def version_at(connection: Connection, subject: str, known: int) -> int:
    """How many events a subject had at a position."""
    return connection.scalar(_VERSION_AT, {"subject": subject, "known": known}) or 0


def of_subjects(connection: Connection, subjects: Iterable[str], until: int) -> list[StoredEvent]:
    """All events of these subjects up to a position, in order."""
    found = [
        _stored(connection.execute(_OF_SUBJECTS, {"subjects": some, "until": until}))
        for some in parts(subjects)
    ]
    return sorted((event for part in found for event in part), key=_position)


_position = attrgetter("position")


def parts(wanted: Iterable[Asked]) -> Iterator[list[Asked]]:
    """As many at a time as a statement takes: PostgreSQL has room for 65,535 parameters."""
    everything = list(wanted)
    for first in range(0, len(everything), PARAMETERS):
        yield everything[first : first + PARAMETERS]


def after(connection: Connection, position: int, until: int, limit: int) -> list[StoredEvent]:
    """The events after a position, in order: how everybody follows the log."""
    return _stored(connection.execute(_AFTER, {"after": position, "until": until, "limit": limit}))


def found(
    connection: Connection,
    position: int,
    until: int,
    limit: int,
    *,
    subject: str | None = None,
    type: str | None = None,
    among: ColumnElement[bool] | None = None,
) -> list[StoredEvent]:
    """Those events after a position that fit all of what is given, in order. ``among``: a condition on ``events``."""
    wanted = _AFTER
    if subject is not None:
        wanted = wanted.where(subjects.c.key == subject)
    if type is not None:
        wanted = wanted.where(events.c.type == type)
    if among is not None:
        wanted = wanted.where(among)
    return _stored(connection.execute(wanted, {"after": position, "until": until, "limit": limit}))


def by_id(connection: Connection, id: str) -> StoredEvent | None:
    """The event with this id."""
    found = _stored(connection.execute(_STORED.where(events.c.id == id)))
    return found[0] if found else None


def of_commit(connection: Connection, commit: str) -> list[StoredEvent]:
    """The events of one append call."""
    return _stored(connection.execute(_STORED.where(commits.c.id == commit)))


def development_of(connection: Connection, id: str, key: str) -> str | None:
    """The development with this id, or the one that an event or a commit of this id, or this idempotency key,
    belongs to."""
    its = (
        select(commits.c.development).where(commits.c.id == id),
        select(events.c.development).where(or_(events.c.development == id, events.c.id == id)),
        select(commits.c.development)
        .join(requests, requests.c.commit == commits.c.id)
        .where(requests.c.key == key),
    )
    return connection.execute(union_all(*its).limit(1)).scalar()


def kept_commits(connection: Connection) -> Iterator[KeptCommit]:
    """All commits in order, each with the idempotency key it was recorded by; read as they are asked for."""
    wanted = (
        select(
            commits.c.id, commits.c.first, commits.c.last, commits.c.development, commits.c.recorded_at,
            commits.c.learnt_at, commits.c.logged_by, commits.c.chain, requests.c.key,
        )
        .join_from(commits, requests, requests.c.commit == commits.c.id, isouter=True)
        .order_by(commits.c.first)
        .execution_options(yield_per=1000)
    )  # fmt: skip
    for row in connection.execute(wanted):
        yield KeptCommit(*tuple(row))


def entries(connection: Connection, start: int, count: int) -> list[bytes]:
    """The entries of the ``count`` events after position ``start``: what is proven of each (``proof``)."""
    rows = connection.execute(_PROVEN, {"after": start, "until": start + count})
    return [
        proof.entry(
            proof.header(*fields), bytes(kept) if kept is not None else proof.commitment(salt, body.encode())
        )
        for *fields, salt, body, kept in rows
    ]


def seals(connection: Connection, found: Collection[StoredEvent]) -> dict[int, Seal]:
    """What closes the bodies of these events, by position."""
    wanted = (
        select(events.c.position, events.c.salt, erasures)
        .join_from(events, erasures, erasures.c.position == events.c.position, isouter=True)
        .where(events.c.position.in_(bindparam("positions", expanding=True)))
    )
    rows = connection.execute(wanted, {"positions": [event.position for event in found]})
    held = {row[0]: row for row in rows}
    return {event.position: _seal(event, held[event.position]) for event in found}


def _seal(event: StoredEvent, row: Row[Any]) -> Seal:
    if row.commitment is not None:
        return Seal(None, bytes(row.commitment), row.erased_at, row.reason)
    return Seal(bytes(row.salt), proof.commitment(bytes(row.salt), event.body.encode()), None, None)


def commitments(connection: Connection) -> dict[int, bytes]:
    """Of the events whose body was erased, by position: what it was hashed to."""
    rows = connection.execute(select(erasures.c.position, erasures.c.commitment))
    return {row.position: bytes(row.commitment) for row in rows}


def pages(connection: Connection, size: int = 1000) -> Iterator[list[StoredEvent]]:
    """The whole log, page by page."""
    at, end = 0, position(connection)
    while page := after(connection, at, end, size):
        yield page
        at = page[-1].position


def position(connection: Connection) -> int:
    """The position of the last event; 0 for an empty log."""
    return int(connection.execute(select(head.c.position)).scalar_one())


def hold_end(connection: Connection) -> int:
    """Lock the end of the log for this transaction: nobody else appends until it is over."""
    return int(connection.execute(select(head.c.position).with_for_update()).scalar_one())


def clocks(connection: Connection) -> tuple[datetime, datetime]:
    """The instants that the last commit was recorded and learnt at."""
    row = connection.execute(select(head.c.recorded_at, head.c.learnt_at)).one()
    return row.recorded_at, row.learnt_at


def commits_before(
    connection: Connection,
    position: int,
    until: int,
    limit: int,
    *,
    subject: str | None = None,
    type: str | None = None,
    begins: Sequence[str] = (),
) -> Sequence[Row[int, str]]:
    """``first`` and ``development`` of the commits that begin before a position and end by another, the last first;
    of those developments only that hold an event about a subject, one of a type, and one whose type begins so."""
    wanted = select(commits.c.first, commits.c.development).where(
        commits.c.first < min(position, until + 1), commits.c.last <= until
    )
    its = select(events.c.position).where(
        events.c.development == commits.c.development, events.c.position <= until
    )
    if subject is not None:
        about = its.join_from(events, subjects, events.c.subject == subjects.c.id)
        wanted = wanted.where(about.where(subjects.c.key == subject).exists())
    if type is not None:
        wanted = wanted.where(its.where(events.c.type == type).exists())
    if begins:
        of_these = or_(*(events.c.type.startswith(word) for word in begins))
        wanted = wanted.where(its.where(of_these).exists())
    return connection.execute(wanted.order_by(commits.c.first.desc()).limit(limit)).all()


def known_at(connection: Connection, at: datetime) -> int:
    """The last position that the record had learnt by then; 0 where it knew nothing."""
    found = connection.execute(
        select(commits.c.last)
        .where(commits.c.learnt_at <= at)
        .order_by(commits.c.learnt_at.desc(), commits.c.last.desc())
        .limit(1)
    ).scalar()
    return found or 0


def known_since(connection: Connection, position: int) -> datetime | None:
    """When the event at this position was learnt; None for position 0."""
    # The last commit that begins by then is found by the key; asked which one spans the position, a database would look
    # at half of them.
    wanted = select(commits.c.learnt_at).where(commits.c.first <= position)
    return connection.execute(wanted.order_by(commits.c.first.desc()).limit(1)).scalar()


def originals(connection: Connection, developments: Iterable[str]) -> dict[str, int]:
    """The first position of each development: its place in the order."""
    return {
        row.development: row.first
        for row in connection.execute(
            select(events.c.development, func.min(events.c.position).label("first"))
            .where(events.c.development.in_(list(developments)))
            .group_by(events.c.development)
        )
    }


def versions(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """How many events each of these subjects has: what a writer says it has seen."""
    return {key: version for _, key, version in _SUBJECTS.rows(connection, keys=sorted(set(keys)))}


def subject_keys(connection: Connection, kind: str = "") -> list[str]:
    """Every subject that has an event, or those of one kind."""
    wanted = select(subjects.c.key).where(subjects.c.version > 0).order_by(subjects.c.key)
    return list(connection.scalars(wanted.where(subjects.c.key.startswith(f"{kind}:")) if kind else wanted))


def verify(connection: Connection, see: Callable[[bytes], None] = lambda _: None) -> Iterator[int]:
    """Check the whole log up to its end as of now: dense positions, every event's hash, its commit, the chain.
    Yields the position reached, page by page; raises proof.Broken naming the first bad position. ``see`` is given the
    entry of each event that is sound."""
    end = connection.execute(select(head.c.position, head.c.chain)).one()
    checker = proof.Checker(commitments(connection))
    while rows := _to_check(connection, checker.position, end.position):
        for row in rows:
            see(checker.check(row))
        yield checker.position
    checker.close(end.position, bytes(end.chain))
    if (stray := connection.scalar(_BEYOND_THE_HEAD)) is not None:
        raise proof.Broken(stray, "the event lies beyond what the head of the log says")
    if (stray := connection.scalar(_WITHOUT_EVENTS)) is not None:
        raise proof.Broken(stray, "a commit without events was put in")
    if (stray := connection.scalar(_NOT_FOUND_BY_ID)) is not None:
        raise proof.Broken(stray, "the id of the commit was changed: it is not found by it")


def verify_beside(connection: Connection) -> None:
    """Check what is kept beside the events for who records next: versions of subjects, the clocks of the head,
    idempotency keys. No hash holds it, and all of it follows from events that are sound; proof.Broken where it does
    not."""
    for wanted, reason in _BESIDE:
        if (wrong := connection.execute(wanted).first()) is not None:
            raise proof.Broken(wrong.position or max(position(connection), 1), reason.format(*wrong))


def _to_check(connection: Connection, after: int, until: int, limit: int = 2000) -> Sequence[Row[Any]]:
    """Events with their commits, a page at a time; one at a time where SQLite finds text in it that is none, or pages
    of its file that are damaged."""
    try:
        return connection.execute(_CHECKED, {"after": after, "until": until, "limit": limit}).all()
    except DatabaseError as error:
        if connection.dialect.name != "sqlite" or "locked" in str(error.orig):
            raise
        if limit == 1:
            raise proof.Broken(after + 1, f"it cannot be read, a column was changed: {error.orig}") from None
        return _to_check(connection, after, until, limit=1)


_CHECKED = (
    select(
        events.c.position, events.c.id, subjects.c.key, events.c.version, events.c.type, events.c.schema,
        events.c.development, type_coerce(commits.c.recorded_at, BigInteger),
        type_coerce(commits.c.learnt_at, BigInteger), commits.c.logged_by, events.c.salt, events.c.hash, events.c.body,
        commits.c.chain, commits.c.first, commits.c.last, commits.c.development,
    )
    .join_from(events, subjects, events.c.subject == subjects.c.id, isouter=True)
    .join(commits, events.c.commit == commits.c.first, isouter=True)
    .where(events.c.position > bindparam("after"), events.c.position <= bindparam("until"))
    .order_by(events.c.position)
    .limit(bindparam("limit"))
)  # fmt: skip
_PROVEN = (
    select(
        events.c.position, events.c.id, subjects.c.key, events.c.version, events.c.type, events.c.schema,
        events.c.development, type_coerce(commits.c.recorded_at, BigInteger),
        type_coerce(commits.c.learnt_at, BigInteger), commits.c.logged_by, events.c.salt, events.c.body,
        erasures.c.commitment,
    )
    .join_from(events, subjects, events.c.subject == subjects.c.id)
    .join(commits, events.c.commit == commits.c.first)
    .join(erasures, erasures.c.position == events.c.position, isouter=True)
    .where(events.c.position > bindparam("after"), events.c.position <= bindparam("until"))
    .order_by(events.c.position)
)  # fmt: skip
_BEYOND_THE_HEAD = select(func.min(events.c.position)).where(
    events.c.position > select(head.c.position).scalar_subquery()
)
_WITHOUT_EVENTS = select(func.min(commits.c.first)).where(
    # its first event lies at its own first position: found by the primary key, where "commit" has no index
    ~select(events.c.position)
    .where(events.c.position == commits.c.first, events.c.commit == commits.c.first)
    .exists()
)

_again = commits.alias()
# No hash holds the id of a commit. Its index is a second copy, which damage to the file does not change alike; "+ 0"
# has SQLite look there, and not by the key.
_NOT_FOUND_BY_ID = select(func.min(commits.c.first)).where(
    ~select(_again.c.first).where(_again.c.id == commits.c.id, _again.c.first + 0 == commits.c.first).exists()
)
_of_it = func.count(events.c.position)
_erased = erasures.c.position.between(commits.c.first, commits.c.last)
_BESIDE = (
    (
        select(func.max(events.c.position).label("position"), subjects.c.key, subjects.c.version, _of_it)
        .join_from(subjects, events, events.c.subject == subjects.c.id, isouter=True)
        .group_by(subjects.c.id)
        .having(subjects.c.version != _of_it)
        .order_by(func.max(events.c.position))
        .limit(1),
        "the version of {1} was changed: it is {2}, and its events make it {3}",
    ),
    (
        select(head.c.position)
        .join_from(head, commits, commits.c.last == head.c.position)
        .where(or_(head.c.recorded_at != commits.c.recorded_at, head.c.learnt_at != commits.c.learnt_at)),
        "the head does not say when this was recorded and learnt: its clocks were changed",
    ),
    (
        select(commits.c.last.label("position"), requests.c.key)
        .join_from(requests, commits, requests.c.commit == commits.c.id, isouter=True)
        .where(
            or_(
                commits.c.first.is_(None),
                and_(
                    func.length(requests.c.hash) != HASH, ~select(erasures.c.position).where(_erased).exists()
                ),
            )
        )
        .order_by(commits.c.last)
        .limit(1),
        "the idempotency key {1!r} has lost its commit, or the hash of its request",
    ),
)
"""What finds the first that is wrong, and what that means."""


def canonical(value: Any) -> bytes:
    """The bytes of a value as they are hashed and kept: UTF-8 JSON, keys sorted, no spaces."""
    return msgspec.json.encode(value, order="sorted")
