"""Handing commands to the record, one or many, in earnest or to see what they would do."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tracker import importing, mapping, read
from tracker.domain.errors import Refused, invalid
from tracker.domain.events import Correction, Development, Withdrawal
from tracker.domain.parse import parse
from tracker.domain.views import Fit, Preview
from tracker.importing import LONGEST_LINE, Given, Imported, Terms, load, named, read_lines
from tracker.projections import segments
from tracker.read import chores
from tracker.record import By, Correct, Order, Recorded, Withdraw, record, rehearse
from tracker.store import log
from tracker.store.engine import reading
from tracker.terminal import opening, showing
from tracker.terminal.refusing import database

WHO = "operator"
"""Who logged what came in by the command line, in the envelope of its events."""
NAMESPACE = "cli:"
"""What the idempotency keys of the command line begin with."""
KEYS = importing.KEYS | {NAMESPACE: "the --key that it was logged with"}
"""By which keys a development can be named here."""
FEW = 500
"""Events of an import of which a dry run says what each partner would see."""


def development(file: BinaryIO) -> Development:
    """The development in a file."""
    raw = file.read(LONGEST_LINE + 1)
    if len(raw) > LONGEST_LINE:
        raise Refused(
            "invalid",
            f"{file.name}: is longer than {LONGEST_LINE:,} bytes: for many commands there is 'tracker import'",
        )
    try:
        return parse(Development, raw)
    except Refused as refusal:
        raise Refused(refusal.code, f"{file.name}: {refusal.detail}") from None


def hand_in(
    command: Development | Correction | Withdrawal,
    key: str | None,
    dry_run: bool,
    as_json: bool,
    which: str = "",
) -> None:
    """Record a command (``which``: of which development it is about), or show what it would change. What is recorded
    is told as recorded, also where the database fails before its effects can be read."""
    failing: SQLAlchemyError | None = None
    with opening.to_record() as opened:
        with reading(opened.engine) as connection:
            order = _order(connection, command, which)
        by = By(WHO, opened.clock(), f"{NAMESPACE}{key}" if key else None)
        try:
            if dry_run:
                recorded, seen, fits = rehearse(opened.engine, order, by, _look)
            else:
                recorded, fits = record(opened.engine, order, by), []
        except Refused as refusal:
            if refusal.code == "key_reused":
                detail = f"--key {key!r} was used for something else: give what is new a key of its own"
                raise Refused(refusal.code, detail) from None
            raise
        if not dry_run:
            try:
                with reading(opened.engine) as connection:
                    seen = read.preview(connection, recorded)
            except SQLAlchemyError as error:
                seen, failing = Preview(effects={}, resumes={}, erases={}), error
    if failing is not None:
        click.echo(
            f"tracker: it is recorded, but its effects could not be read: {database(failing)}", err=True
        )
    if as_json:
        showing.json(_answer(recorded, seen, dry_run) | {"effects_read": failing is None, "fits": fits})
        return
    showing.line(_headline(recorded, dry_run))
    if failing is None and not recorded.repeated:
        showing.preview(seen, ZoneInfo(opened.zone))
    if fits:
        showing.heading("Links that may belong to it")
        showing.bullets(f'"{fit.link}": ["{fit.to}"]  {fit.says}' for fit in fits)


def _look(connection: Connection, recorded: Recorded) -> tuple[Recorded, Preview, list[Fit]]:
    return recorded, read.preview(connection, recorded), chores.fits(connection, recorded)


def _order(connection: Connection, command: Development | Correction | Withdrawal, which: str) -> Order:
    match command:
        case Development():
            return command
        case Correction():
            return Correct(named(connection, which, "ID", KEYS), command)
        case Withdrawal():
            return Withdraw(named(connection, which, "ID", KEYS), command)


def _headline(recorded: Recorded, dry_run: bool) -> str:
    if recorded.repeated:
        return f"This was recorded before, as development {recorded.development}; nothing was recorded now."
    if dry_run:
        return "Nothing was recorded; this is what would change."
    return f"Recorded as development {recorded.development}, {_positions(recorded.first, recorded.last)}."


def _positions(first: int, last: int) -> str:
    return f"position {first}" if first == last else f"positions {first} to {last}"


def _answer(recorded: Recorded, seen: Preview, dry_run: bool) -> dict[str, object]:
    """What the API answers."""
    events = [
        {
            "id": event.id,
            "position": event.position,
            "subject": event.subject,
            "version": event.version,
            "type": event.type,
        }
        for event in recorded.events
    ]
    where = (recorded.development, recorded.first, recorded.last)
    development, first, last = (None, None, None) if dry_run else where
    return {
        "dry_run": dry_run, "development": development, "first_position": first, "last_position": last,
        "events": [] if dry_run else events, "repeated": recorded.repeated, **msgspec.structs.asdict(seen),
    }  # fmt: skip


# ---------------------------------------------------------------- many


@dataclass(frozen=True, slots=True)
class Taken:
    """How an import is taken: as learnt at its time or now; a table by its format, with what it does not say."""

    as_learnt: bool
    format: str | None = None
    given: Sequence[str] = ()


def hand_in_many(file: BinaryIO, taken: Taken, dry_run: bool, as_json: bool) -> None:
    """Import a file of commands, or show what it would change."""
    with _whole(file) as (whole, size):
        lines: Iterable[Given] = read_lines(whole)
        if taken.format is not None:
            lines = mapping.lines_of(whole, mapping.load_format(taken.format), _pairs(taken.given))
        total = size if taken.format is None else sum(len(line.text) for line in lines)
        with opening.to_write() as opened, showing.progress("Importing", total) as bar:
            terms = Terms(
                WHO, opened.clock(), taken.as_learnt, behind=taken.format is not None,
                after=lambda given: bar.advance(bar.task_ids[0], len(given.text)),
            )  # fmt: skip
            if dry_run:
                imported, seen = importing.rehearse(opened.engine, lines, terms, _look_at_many)
            else:
                imported, seen = load(opened.engine, lines, terms), None
    if as_json:
        showing.json(
            {"dry_run": dry_run, "new": imported.new, "before": imported.before, "events": imported.events}
        )
        return
    before = f"{imported.before:,} recorded before"
    if not imported.new:
        showing.line(f"{before}, 0 new.")
    elif dry_run:
        showing.line(
            f"Nothing was recorded. {imported.new:,} would be, as {showing.many(imported.events, 'event')}; {before}."
        )
    else:
        where = _positions(imported.start + 1, imported.end)
        showing.line(
            f"Recorded {imported.new:,} as {showing.many(imported.events, 'event')}, {where}; {before}."
        )
    if seen is not None:
        showing.preview(seen, ZoneInfo(opened.zone))


def _pairs(given: Iterable[str]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in given)
    for name, value in pairs.items():
        if not (name and value):
            raise invalid("--given", f"{name!r} is no NAME=VALUE: write published=2026-05-01")
    return pairs


@contextmanager
def _whole(file: BinaryIO) -> Iterator[tuple[BinaryIO, int]]:
    """The file, and its size. What comes through a pipe is kept until its end, so that a slow sender does not make
    everybody who records wait."""
    if stat.S_ISREG((found := os.fstat(file.fileno())).st_mode):
        yield file, found.st_size
        return
    with TemporaryFile() as kept:
        copyfileobj(file, kept)
        size = kept.tell()
        kept.seek(0)
        yield cast(BinaryIO, kept), size


def _look_at_many(connection: Connection, imported: Imported) -> tuple[Imported, Preview | None]:
    if not 0 < imported.events <= FEW:
        return imported, None
    changes = segments.changed(connection, imported.start + 1, imported.end)
    events = log.after(connection, imported.start, imported.end, FEW)
    seen = read.preview(connection, Recorded("", events, changes))
    return imported, Preview(effects=seen.effects, resumes={}, erases={})
