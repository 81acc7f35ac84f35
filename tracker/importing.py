"""Import: commands as JSON Lines, recorded all or none.

    lines -> parse -> Recording, one after another in one write transaction -> Imported, or Rejected

A line that is refused does not stop the reading: the others are tried as well, so that one run names all that is
wrong. A line's key makes it safe to repeat.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, BinaryIO, TypeVar

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Engine

from tracker.domain.errors import Problem, Refused, invalid
from tracker.domain.events import (
    HOME,
    AnyEvent,
    Correction,
    Development,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    Withdrawal,
)
from tracker.domain.paint import announced, read
from tracker.domain.parse import parse
from tracker.domain.values import Text, When
from tracker.domain.when import zone_of
from tracker.record import By, Correct, Order, Recording, Withdraw, same
from tracker.store import log
from tracker.store.driver import uncollected
from tracker.store.engine import writing
from tracker.store.log import AlreadyDone
from tracker.store.upcasts import TOLD, lift, lift_logged, version_of

NAMESPACE = "import:"
"""What the idempotency keys of imported lines begin with."""
LONGEST_LINE = 1_000_000
MOST_ERRORS = 20
BATCH = 500
"""Lines that are looked up and written together."""
UUID = 36
"""The length of one as text: of the id of a commit, which the keys of an export may be."""
BOM = b"\xef\xbb\xbf"

Seen = TypeVar("Seen")
Reference = Annotated[str, Meta(min_length=1, max_length=log.LONGEST_KEY)]


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One command of an import. It logs (``development``), corrects (``corrects``, ``reason``, ``development``) or
    withdraws (``withdraws``, ``reason``): by the key of an earlier line, in whatever import, or by an id. ``schemas``
    states the versions that its events are written in; see ``understood``."""

    key: Annotated[str, Meta(min_length=1, max_length=log.LONGEST_KEY - len(NAMESPACE))]
    learnt_at: When | None = None
    corrects: Reference | None = None
    withdraws: Reference | None = None
    reason: Text | None = None
    editorial: bool = False
    development: Development | None = None
    schemas: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Given:
    """The text of a line, and where it stands, in words ("line 3")."""

    where: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: lines recorded now and lines recorded before; the events lie after ``start``, to ``end``."""

    new: int
    before: int
    start: int
    end: int

    @property
    def events(self) -> int:
        return self.end - self.start


class Rejected(Exception):
    """Nothing was recorded: ``errors`` has a sentence for each bad line; ``more`` bad ones are not listed, and
    ``following`` could not be judged as they build on a bad one."""

    def __init__(self, errors: Sequence[str], more: int, following: int) -> None:
        super().__init__(errors[0])
        self.errors = errors
        self.more = more
        self.following = following


@dataclass(frozen=True, slots=True)
class Terms:
    """Who imports and when. ``as_learnt``: the record can claim to have known when the line says, or else when the
    development was announced; an operator's privilege. ``behind``: where the log has learnt later things already, as
    soon after them as can be, instead of not at all. ``after``: told after each line."""

    who: str
    now: datetime
    as_learnt: bool = False
    behind: bool = False
    after: Callable[[Given], None] = lambda _: None


def load(engine: Engine, lines: Iterable[Given], terms: Terms) -> Imported:
    """Record all lines in one transaction; Rejected leaves nothing behind."""
    with writing(engine) as connection:
        return load_in(connection, lines, terms)


def rehearse(
    engine: Engine, lines: Iterable[Given], terms: Terms, look: Callable[[Connection, Imported], Seen]
) -> Seen:
    """Do the real thing, look at what came of it, and take it all back."""
    with writing(engine) as connection:
        with connection.begin_nested() as attempt:
            seen = look(connection, load_in(connection, lines, terms))
            attempt.rollback()
        return seen


def load_in(connection: Connection, lines: Iterable[Given], terms: Terms) -> Imported:
    """Record all lines inside the caller's write transaction, which Rejected must end."""
    recording = Recording(connection)
    start, new, before = log.position(connection), 0, 0
    bad = _Bad()
    for batch in _batches(lines):
        with uncollected():
            read = [_read(given) for given in batch]
            recording.foresee(
                (NAMESPACE + line.key, line.development) for line in read if isinstance(line, Line)
            )
            for given, line in zip(batch, read, strict=True):
                try:
                    if isinstance(line, Refused):
                        raise line
                    if line is not None:
                        repeated = _record(connection, recording, line, terms)
                        new, before = new + (not repeated), before + repeated
                except Refused as refusal:
                    recording.write()
                    bad.found(connection, given, refusal)
                terms.after(given)
            recording.write()
    if bad.errors:
        raise Rejected(bad.errors, bad.more, bad.following)
    return Imported(new, before, start, log.position(connection))


def _batches(lines: Iterable[Given]) -> Iterator[list[Given]]:
    """The lines, as many at a time as are looked up together; none after one that shows that this is no text."""
    batch, size = list[Given](), 0
    for given in lines:
        batch.append(given)
        size += len(given.text)
        if b"\0" in given.text:
            break
        if len(batch) == BATCH or size > LONGEST_LINE:
            yield batch
            batch, size = [], 0
    yield batch


def _read(given: Given) -> Line | Refused | None:
    """What a line says; None where it is blank."""
    if len(given.text.rstrip(b"\r\n")) > LONGEST_LINE:
        return invalid("", f"is longer than {LONGEST_LINE:,} bytes: a command is one line")
    if b"\0" in given.text:
        return invalid("", "holds a zero byte: this is no text, give JSON Lines")
    try:
        return understood(given.text) if given.text.strip() else None
    except Refused as refusal:
        return refusal


def understood(text: bytes) -> Line:
    """A line in today's shape. Where it states ``schemas``, each event is taken to be in the version of its type there
    (or 1). Where it does not, in today's; or else, as in a file from before versions were stated, all in version 1."""
    try:
        stated = msgspec.json.decode(text, type=_Stated)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return parse(Line, text)
    if stated.schemas is not None:
        return parse(Line, _lifted(text, stated, stated.schemas))
    try:
        return parse(Line, text)
    except Refused as refusal:
        try:
            return parse(Line, _lifted(text, stated, {}))
        except Refused:
            raise refusal from None


class _Typed(Struct):
    type: str


class _Development(Struct):
    events: list[_Typed]


class _Stated(Struct):
    """What a line says of versions, and of what."""

    development: _Development | None = None
    schemas: dict[str, int] | None = None


def _lifted(text: bytes, stated: _Stated, versions: Mapping[str, int]) -> bytes:
    """A line whose events, of these versions, are lifted to today's."""
    names = {TOLD, *(event.type for event in stated.development.events)} if stated.development else set()
    if all(versions.get(name, 1) == version_of(name) for name in names):
        return text
    data = msgspec.json.decode(text)
    told, events = data["development"], data["development"].pop("events")
    try:
        lifted = lift(TOLD, versions.get(TOLD, 1), told) | {"events": lift_logged(events, versions)}
    except (LookupError, TypeError, AttributeError):  # it is no such event: parse says so
        return text
    return msgspec.json.encode(data | {"development": lifted})


def read_lines(file: BinaryIO) -> Iterator[Given]:
    """The lines of a file, in flat memory: of one that is too long only the beginning is kept."""
    number = 0
    while text := file.readline(LONGEST_LINE + 3):
        number += 1
        rest = text
        while not rest.endswith(b"\n") and (rest := file.readline(LONGEST_LINE)):
            pass
        yield Given(f"line {number}", text.removeprefix(BOM) if number == 1 else text)


# ---------------------------------------------------------------- one line


def _record(connection: Connection, recording: Recording, line: Line, terms: Terms) -> bool:
    """Record a line; whether it had been recorded before."""
    if len(line.key) == UUID or line.corrects is not None or line.withdraws is not None:
        recording.write()  # it may name what came before
    order = _order(connection, line)
    if len(line.key) == UUID and (
        stored := log.of_commit(connection, line.key)
    ):  # an export of this very record
        if same(order, stored):
            return True
        raise invalid(
            "/key", f"{line.key!r} is the id of another command in this log: give this one a key of its own"
        )
    learnt_at = _learnt(recording, line, terms)
    try:
        recording.carry_out(order, By(terms.who, terms.now, NAMESPACE + line.key, learnt_at))
    except AlreadyDone:
        return True
    except Refused as refusal:
        raise _within(line, refusal) from None
    return False


def _order(connection: Connection, line: Line) -> Order:
    given = {
        name for name in ("corrects", "withdraws", "reason", "development") if getattr(line, name) is not None
    }
    if given == {"development"} and line.development and not line.editorial:
        return line.development
    if given == {"corrects", "reason", "development"} and line.corrects and line.development:
        id = named(connection, line.corrects, "/corrects")
        return Correct(
            id, Correction(reason=line.reason or "", development=line.development, editorial=line.editorial)
        )
    if given == {"withdraws", "reason"} and line.withdraws and not line.editorial:
        return Withdraw(named(connection, line.withdraws, "/withdraws"), Withdrawal(reason=line.reason or ""))
    raise invalid(
        "", "a line has 'key' and: to log, 'development'; to correct, 'corrects', 'reason' and 'development' (and "
        "'editorial'); to withdraw, 'withdraws' and 'reason'",
    )  # fmt: skip


KEYS = {NAMESPACE: "the key of the line that it was imported by"}


def named(connection: Connection, reference: str, pointer: str, keys: Mapping[str, str] = KEYS) -> str:
    """The id of the development that its own id, an event's id or a key names. ``keys``: what the keys that count begin
    with, and what they are called."""
    there = (log.development_of(connection, reference, begins + reference) for begins in keys)
    found = next(filter(None, there), None) if reference.isprintable() else None
    if found is None:
        raise Refused(
            "not_found",
            f"{reference!r} names no development: give its id, the id of one of its events, or "
            f"{' or '.join(keys.values())}",
            Problem(
                pointer, f"{reference!r} is neither the key of an earlier line nor the id of a development"
            ),
        )
    return found


def _learnt(recording: Recording, line: Line, terms: Terms) -> datetime | None:
    if not terms.as_learnt:
        if line.learnt_at is not None:
            raise invalid(
                "/learnt_at", f"{line.learnt_at!r} says when the record knew: import with --as-learnt, or leave it "
                "out and the clock counts",
            )  # fmt: skip
        return None
    development = line.development
    if line.learnt_at is not None:
        zone = (development and development.zone) or zone_of(HOME)
        return read(line.learnt_at, zone, "/learnt_at").at
    if development is None or line.corrects is not None:
        raise invalid(
            "/learnt_at",
            "is missing: with --as-learnt, a correction or a withdrawal says when the record learnt it",
        )
    at, last = learnt(development), recording.learnt_at()
    if terms.behind:
        return max(at, last)
    # A day begins at another instant in each zone: what was announced on the same day was learnt on that day.
    by_day = announced(development, development.events[0].subject).precision == "day"
    return last if by_day and at < last < at + timedelta(days=1) else at


def learnt(development: Development) -> datetime:
    """When this record can have known of a development: at its announcement. Where no hour is told, not before that
    day has begun at home, or a day that begins earlier abroad would be known the day before."""
    told = announced(development, development.events[0].subject)
    if told.precision == "minute":
        return told.at
    return max(told.at, read(development.announced, zone_of(HOME), "announced").at)


def _within(line: Line, refusal: Refused) -> Refused:
    """A refusal with the pointers of the line instead of those of the order."""
    if refusal.code == "key_reused":
        return invalid(
            "/key", f"{line.key!r} stands for another command already: give this one a key of its own"
        )
    below = "/development" if isinstance(line.development, Development) and line.corrects is None else ""
    moved = [
        Problem(f"{below}{p.pointer}" if p.pointer.startswith("/") else f"/{p.pointer}", p.detail)
        for p in refusal.problems
    ]
    return Refused(refusal.code, refusal.detail, *moved)


def logged(facts: Iterable[AnyEvent]) -> list[Logged]:
    """The facts of a commit that logs."""
    return [fact for fact in facts if not isinstance(fact, DevelopmentCorrected | DevelopmentWithdrawn)]


def repaired(facts: Iterable[AnyEvent]) -> list[Logged]:
    """What a correction says instead, over all subjects."""
    return [now for fact in facts if isinstance(fact, DevelopmentCorrected) for now in fact.now]


# ---------------------------------------------------------------- what is wrong


class _Bad:
    """The bad lines so far. What names something that a bad line would have opened is not blamed again."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.more = self.following = 0
        self._missing: set[str] = set()

    def found(self, connection: Connection, given: Given, refusal: Refused) -> None:
        names = _names(given.text)
        if not self._missing.isdisjoint(names):
            self.following += 1
        elif len(self.errors) < MOST_ERRORS:
            self.errors.append(f"{given.where}: {sentence(refusal)}")
        else:
            self.more += 1
        self._missing |= names - set(log.subject_keys(connection))


def sentence(refusal: Refused) -> str:
    """A refusal on one line: every field that is wrong, and what to do about it."""
    match refusal.problems:
        case []:
            return refusal.detail
        case [one]:
            return _placed(one.pointer, refusal.detail)
        case several:
            return "; ".join(dict.fromkeys(_placed(problem.pointer, problem.detail) for problem in several))


def _placed(pointer: str, detail: str) -> str:
    """What is wrong, with its place: a JSON Pointer, or an option. Names of fields are in the sentence already."""
    if pointer in detail or not pointer.startswith(("/", "-")):
        return detail
    name = pointer.rpartition("/")[2].lstrip("-")
    return f"{pointer}: {detail.removeprefix(f'{name}: ').removeprefix('date: ')}"


class _Fact(Struct):
    subject: str = ""
    links: dict[str, list[str]] = {}


class _Facts(Struct):
    events: list[_Fact] = []


class _Loose(Struct):
    key: str = ""
    corrects: str | None = None
    withdraws: str | None = None
    development: _Facts | None = None


def _names(text: bytes) -> set[str]:
    """The keys and subjects that a line names, as far as they can be made out."""
    try:
        line = msgspec.json.decode(text, type=_Loose)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()
    facts = line.development.events if line.development else []
    links = {link.partition("#")[0] for fact in facts for held in fact.links.values() for link in held}
    names = {line.key, line.corrects or "", line.withdraws or "", *links, *(fact.subject for fact in facts)}
    return names - {""}
