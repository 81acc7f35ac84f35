"""Whether what is worked out from the log is what the log gives.

The events of a subject are painted anew, in memory, by the code that paints them when they are recorded, and each row
is compared with the one that is kept. What is believed now is folded from scratch, too: another way to the same.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, FromClause, Table, create_engine, func, select

from tracker.domain.fold import Lane, Lanes, Segment
from tracker.projections.painting import Painting
from tracker.projections.said import folded
from tracker.projections.table import BELIEVED, lanes, loaded, parked, segments, turns
from tracker.schema import derived, instant
from tracker.store import log
from tracker.store.driver import Question, uncollected

PAGE = 2000
"""Events that are painted anew together, unless a single subject has more."""


class Drift(msgspec.Struct, frozen=True):
    """A subject of which something is kept that its events do not give; ``says`` is what, table by table."""

    subject: str
    says: str


def drift(connection: Connection, subjects: Iterable[str] | None = None) -> Iterator[Drift]:
    """What is not as the events say, of these subjects (None: of all, and of what no event is about)."""
    end = log.position(connection)
    with _memory() as memory:
        for some in _pages(connection, log.subject_keys(connection) if subjects is None else subjects):
            with uncollected():
                found = _of(connection, memory, some, end)
            yield from found
    if subjects is None:
        yield from _strays(connection)


@contextmanager
def _memory() -> Iterator[Connection]:
    """Empty tables of the same shape, that are gone afterwards."""
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            derived.create_all(connection)
            yield connection
    finally:
        engine.dispose()


def _pages(connection: Connection, subjects: Iterable[str]) -> Iterator[list[str]]:
    """As many subjects at a time as have so many events."""
    page, events = list[str](), 0
    for part in log.parts(subjects):
        versions = log.versions(connection, part)
        for subject in part:
            more = max(1, versions.get(subject, 0))
            if page and events + more > PAGE:
                yield page
                page, events = [], 0
            page.append(subject)
            events += more
    if page:
        yield page


def _of(connection: Connection, memory: Connection, subjects: list[str], end: int) -> list[Drift]:
    events = log.of_subjects(connection, subjects, end)
    for table in derived.tables.values():
        memory.execute(table.delete())
    painting = Painting(memory, source=connection)
    painting.apply_all(events)
    painting.write()
    its: dict[str, list[log.StoredEvent]] = {subject: [] for subject in subjects}
    for event in events:
        its[event.subject].append(event)
    kept, given = _rows(connection, subjects), _rows(memory, subjects)
    found = list[Drift]()
    for subject in subjects:
        if says := "; ".join(_differences(kept[subject], given[subject])):
            found.append(Drift(subject, says))
        elif _believed(kept[subject]["segments"]) != folded(connection, subject, its[subject]):
            found.append(Drift(subject, "segments: a fold from scratch gives others"))
    return found


def _rows(connection: Connection, subjects: list[str]) -> dict[str, dict[str, set[tuple[Any, ...]]]]:
    """What is kept of these subjects: for each, by table."""
    found = {subject: {name: set[tuple[Any, ...]]() for name in _KEPT} for subject in subjects}
    for name, question in _KEPT.items():
        for subject, *row in question.rows(connection, subjects=subjects):
            found[subject][name].add(tuple(row))
    return found


def _differences(
    kept: dict[str, set[tuple[Any, ...]]], given: dict[str, set[tuple[Any, ...]]]
) -> Iterator[str]:
    for name in _KEPT:
        counts = {
            "missing": len(given[name] - kept[name]),
            "not from its events": len(kept[name] - given[name]),
        }
        if said := [f"{count} {what}" for what, count in counts.items() if count]:
            yield f"{name}: {', '.join(said)}"


def _believed(rows: set[tuple[Any, ...]]) -> Lanes:
    """The segments that are believed now, lane by lane."""
    found: Lanes = {}
    for *names, _, start, end, _, until, state in sorted(rows, key=itemgetter(slice(6))):
        if until == BELIEVED:
            segment = Segment(instant(start), instant(end), loaded(state))
            found.setdefault(Lane(*names), []).append(segment)
    return found


def _strays(connection: Connection) -> Iterator[Drift]:
    """What is kept of subjects that no event is about, and of lanes that there are not."""
    for name, table in (("lanes", lanes), ("turns", turns), ("parked", parked)):
        there = select(log.subjects.c.id).where(log.subjects.c.key == table.c.subject).exists()
        rows = connection.execute(
            select(table.c.subject, func.count()).where(~there).group_by(table.c.subject)
        )
        for subject, count in rows:
            yield Drift(subject, f"{name}: {count} of a subject without events")
    its = select(lanes.c.id).where(lanes.c.id == segments.c.lane).exists()
    rows = connection.execute(select(segments.c.lane, func.count()).where(~its).group_by(segments.c.lane))
    for lane, count in rows:
        yield Drift(f"lane {lane}", f"segments: {count} of a lane that is not there")


def _of_subjects(table: FromClause, *columns: Column[Any], source: Table) -> Question:
    return Question(
        lambda given: (
            select(source.c.subject, *columns)
            .select_from(table)
            .where(given.among(source.c.subject, "subjects"))
        )
    )


_NAMES = (lanes.c.target, lanes.c.scope, lanes.c.basis, lanes.c.aspect)
_KEPT = {
    "lanes": _of_subjects(lanes, *_NAMES, lanes.c.partner, source=lanes),
    "segments": _of_subjects(
        lanes.join(segments, segments.c.lane == lanes.c.id), *_NAMES, segments.c.node, segments.c.valid_from,
        segments.c.valid_until, segments.c.known_from, segments.c.known_until, segments.c.state, source=lanes,
    ),
    "turns": _of_subjects(turns, turns.c.announced, turns.c.sequence, turns.c.position, source=turns),
    "parked": _of_subjects(parked, parked.c.position, source=parked),
}  # fmt: skip
"""What is asked of each table: its rows without the ids that are counted up, and without the words of an error."""
