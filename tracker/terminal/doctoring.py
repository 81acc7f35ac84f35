"""A look at the record: whether it is sound, and what there is to do."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import rich_click as click
from sqlalchemy import Connection

from tracker import read, rebuilding
from tracker.delivery import deliveries
from tracker.domain.housekeeping import KINDS
from tracker.drift import drift
from tracker.projections import segments
from tracker.read import chores
from tracker.store import followers, log, tree
from tracker.store.engine import reading
from tracker.store.migrate import migrations, release
from tracker.store.proof import Broken
from tracker.terminal import opening, showing
from tracker.terminal.checking import not_as_told

SAMPLE = 40
"""Subjects that are worked out again; 'tracker verify' takes them all."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. ``sound`` false is a fault; ``says`` is what was found, and what to do."""

    check: str
    sound: bool
    says: str


def doctor(partner: str | None, axes: Mapping[str, Any], as_json: bool) -> int:
    """Print what was found; 1 where something is wrong."""
    with opening.to_read() as opened, reading(opened.engine) as connection:
        checks = [*_checks(connection)]
        at = opened.point(connection, **axes)
        found = chores.listed(connection, at, partner)
        temporal = read.temporal(connection, at, read.coverage(connection, at.known))
    sound = all(check.sound for check in checks)
    if as_json:
        showing.json({"sound": sound, "checks": checks, "temporal": temporal, "items": found, "next": None})
        return 0 if sound else 1
    for check in checks:
        said = f"{check.check}: {check.says}"
        if check.sound:
            showing.line(said)
        else:
            click.echo(f"tracker: {said}", err=True)
    showing.line(showing.point(temporal))
    for kind, heading in KINDS.items():
        if its := [chore for chore in found if chore.kind == kind]:
            showing.heading(f"{heading} ({len(its)})")
            showing.bullets(f"{chore.says} [{chore.log['type']} {chore.subject}]" for chore in its)
    if not found:
        showing.line("There is nothing to do.")
    return 0 if sound else 1


def _checks(connection: Connection) -> Iterator[Check]:
    late = _late(connection)
    yield Check("schema", not late, late or "up to date")
    try:
        for _ in tree.verify(connection):
            pass
        yield Check("log", True, f"{log.position(connection)} events, chain whole")
    except Broken as broken:
        yield Check("log", False, str(broken))
        return
    subjects = log.subject_keys(connection)
    some = subjects[:: len(subjects) // SAMPLE + 1]
    drifted = [*drift(connection, some)]
    again = f"{len(some)} of {len(subjects)} subjects worked out again"
    yield Check("segments", not drifted, not_as_told(drifted) if drifted else again)
    yield from _read_models(connection)
    waiting = deliveries.counts(connection)
    said = ", ".join(f"{count} {state}" for state, count in sorted(waiting.items()) if state != "accepted")
    yield Check("deliveries", True, said or "none waits, none failed")
    yield from _relays(connection)


def _relays(connection: Connection) -> Iterator[Check]:
    """How far each stream was filled when its relay last noted it."""
    end = log.position(connection)
    for name, position in followers.all_reached(connection).items():
        said = "no event behind"
        if missing := log.at_positions(connection, [position + 1]):
            since = missing[position + 1].recorded_at
            said = f"{end - position} behind; what comes next was recorded {since:%Y-%m-%d %H:%M} UTC"
        yield Check(f"relay {name}", True, f"has reached position {position}, {said}")


def _read_models(connection: Connection) -> Iterator[Check]:
    """Whether what is worked out is so by this release's code, from every event; and how far a new build has come."""
    stale = rebuilding.due(connection)
    said = "made by other code than this release has: run 'tracker rebuild', or let 'tracker serve' do it"
    if (build := rebuilding.built(connection, "building")) is not None:
        lag = log.position(connection) - build.position
        said = f"{said}; a build has reached position {build.position}, {lag} events behind"
    elif not stale:
        said = "made by this release, no event behind: they follow in the transaction that records"
    live = rebuilding.built(connection)
    if live is not None and not live.code:
        said = "they may hold what was erased: run 'tracker rebuild', then 'tracker erase' once more"
    yield Check("read models", not (rebuilding.unusable(connection) or (live and not live.code)), said)
    unread = segments.all_parked(connection)
    first = f": the first at position {unread[0].position} ({unread[0].reason})" if unread else ""
    found = (
        f"{len(unread)} events cannot be read by this release{first}; mend that, then run 'tracker rebuild'"
    )
    yield Check("parked", not unread, found if unread else "no event")


def _late(connection: Connection) -> str:
    """What is missing in the schema of the database; '' where nothing is."""
    newest, held = migrations()[-1], release(connection)
    return "" if held == newest else f"is at {held}, not {newest}: any command that records migrates it"
