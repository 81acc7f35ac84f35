"""Export: the whole log as JSON Lines, in flat memory.

``events`` hands out what the log holds, each body byte for byte, with all that is needed to check its hash.
``commands`` gives what was ordered: imported into an empty database with --as-learnt, it makes the same record again.
What was erased has no command: the version that stands takes the place of the first, or nothing does.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection

from tracker.domain.events import Development, DevelopmentCorrected, DevelopmentWithdrawn, Logged, Told
from tracker.domain.when import rfc3339
from tracker.importing import NAMESPACE, Line, logged, repaired
from tracker.store import log
from tracker.store.log import KeptCommit, StoredEvent
from tracker.store.upcasts import TOLD, type_of, version_of

REPAIRS = ("development.corrected", "development.withdrawn")


class Kept(Struct, frozen=True, kw_only=True):
    """An event as it is kept. ``hash`` is H(header, H(salt, body)) and ``chain`` H(previous chain, hashes of the
    commit), all SHA-256; the header is the JSON array of the fields from ``position`` to ``logged_by``, instants in
    microseconds since 1970. ``body`` is the exact text that was hashed. Of an erased event neither body nor salt is
    there, and ``commitment`` is H(salt, body)."""

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
    commit: str
    salt: str
    hash: str
    chain: str
    commitment: str | UnsetType = UNSET
    body: msgspec.Raw


def events(connection: Connection) -> Iterator[bytes]:
    """Every event, a line each."""
    for commit, stored in _commits(connection):
        seals = log.seals(connection, stored)
        for event in stored:
            yield msgspec.json.encode(
                Kept(
                    position=event.position, id=event.id, subject=event.subject, version=event.version,
                    type=event.type, schema=event.schema, development=event.development,
                    recorded_at=event.recorded_at, learnt_at=event.learnt_at, logged_by=event.logged_by,
                    commit=commit.id, salt=(seals[event.position].salt or b"").hex(), hash=event.hash.hex(),
                    chain=commit.chain.hex(), body=msgspec.Raw(event.body.encode() or b"null"),
                    commitment=seals[event.position].commitment.hex() if event.erased else UNSET,
                )
            )  # fmt: skip


def commands(connection: Connection) -> Iterator[bytes]:
    """Every command, a line each, in the order in which they were recorded."""
    firsts: dict[str, str] = {}  # development -> the key of the line that logs it
    opened: set[str] = set()
    for commit, stored in _unerased(connection):
        key = (
            (commit.key or "").removeprefix(NAMESPACE)
            if (commit.key or "").startswith(NAMESPACE)
            else commit.id
        )
        first = firsts.setdefault(commit.development, key)
        yield msgspec.json.encode(_line(key, first, rfc3339(commit.learnt_at), stored, opened))
        opened |= {event.subject for event in stored}


def _line(key: str, first: str, learnt_at: str, stored: Sequence[StoredEvent], opened: set[str]) -> Line:
    facts = [event.event for event in stored]
    match facts[0]:
        case DevelopmentWithdrawn(reason=reason):
            return Line(key=key, learnt_at=learnt_at, withdraws=first, reason=reason)
        case DevelopmentCorrected(reason=reason, editorial=editorial):
            now = in_order(repaired(facts), opened)
            whole, schemas = _whole(stored[0].told, now), _schemas(now)
            if key == first:  # it takes the place of what was erased
                return Line(key=key, learnt_at=learnt_at, development=whole, schemas=schemas)
            return Line(
                key=key, learnt_at=learnt_at, corrects=first, reason=reason, editorial=editorial, development=whole,
                schemas=schemas,
            )  # fmt: skip
        case _:
            events = logged(facts)
            return Line(
                key=key,
                learnt_at=learnt_at,
                development=_whole(stored[0].told, events),
                schemas=_schemas(events),
            )


def _unerased(connection: Connection) -> Iterator[tuple[KeptCommit, list[StoredEvent]]]:
    """The commits that still say something. In the place of an erased one that began a development stands the version
    that says it now; an event that comes later may build on it."""
    begun, moved = set[str](), set[int]()
    for commit, stored in _commits(connection):
        first = commit.development not in begun
        if first and (stored[0].erased or stored[0].type in REPAIRS):
            instead = _instead(connection, commit)
            moved |= {event.commit for event in instead}
        else:
            instead = [] if stored[0].erased or commit.first in moved else stored
        if instead:
            begun.add(commit.development)
            yield commit, instead


def _instead(connection: Connection, commit: KeptCommit) -> list[StoredEvent]:
    """The next version of a development that was neither erased nor withdraws it."""
    later = [
        event
        for event in log.of_developments(connection, [commit.development], log.ENDLESS)
        if event.position > commit.last and not event.erased and event.type != REPAIRS[1]
    ]
    return [event for event in later if event.commit == later[0].commit]


def _whole(told: Told, events: list[Logged]) -> Development:
    return Development(**msgspec.structs.asdict(told), events=events)


def _schemas(events: Iterable[Logged]) -> dict[str, int]:
    """The versions that a line is written in: a later release will know another."""
    return {name: version_of(name) for name in sorted({TOLD, *map(type_of, events)})}


def in_order(events: Iterable[Logged], opened: set[str]) -> list[Logged]:
    """The events of a correction, which keeps them by subject, so that what one links to is opened before it. On
    each subject their order stays."""
    waiting, ordered, there = [*events], list[Logged](), set(opened)
    while waiting:
        heads = {event.subject: i for i, event in reversed([*enumerate(waiting)])}
        at = next((i for i in sorted(heads.values()) if _linked(waiting[i]) <= there), 0)
        ordered.append(waiting.pop(at))
        there.add(ordered[-1].subject)
    return ordered


def _linked(event: Logged) -> set[str]:
    links = (link.partition("#")[0] for held in msgspec.structs.astuple(event.links) for link in held)
    return {link for link in links if ":" in link}


def _commits(connection: Connection) -> Iterator[tuple[KeptCommit, list[StoredEvent]]]:
    end = log.position(connection)
    events = (event for page in log.pages(connection) for event in page)
    for commit in log.kept_commits(connection):
        if commit.last > end:
            return
        yield commit, [*islice(events, commit.last - commit.first + 1)]
