"""Mapping files: how the rows of somebody's CSV become commands of an import. A mapping is data (``formats/*.toml``);
docs/importing.md tells how to write one.

    rows -> read (the fields of a row, by kind) -> fill (templates) -> lines of an import

Rows whose key comes out the same are one development. A mapping with a ``series`` reads each such group as one vintage
of a table of values, and says only what differs from the vintage before.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from io import StringIO
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import Struct

from tracker.domain.countries import COUNTRIES
from tracker.domain.errors import Refused, invalid
from tracker.domain.parse import parse
from tracker.domain.when import asked
from tracker.importing import BOM, MOST_ERRORS, Given, Line, Rejected, learnt, sentence
from tracker.settings import shipped

LARGEST = 50_000_000
"""Bytes of a table: it is read whole."""
MOST_EFFECTS = 2000
"""Effects of one development; a larger vintage becomes several."""
Row = Mapping[str, Any]


class Unmapped(Exception):
    """A cell, a row or a mapping that makes no sense; the message says where and what to do."""


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a value is read: from a ``column`` (default: the one of the field's name; of several the first that says
    something), or ``given`` with the command (the text says what is asked for). ``find`` takes the first match of a
    regular expression (its group, where it has one); ``table`` looks the text up, and what is not in it becomes
    ``otherwise``; ``date`` is the form of a date, as of strptime."""

    column: str | list[str] | None = None
    given: str | None = None
    read: Literal["text", "slug", "date", "instant", "number", "partner", "partners"] = "text"
    missing: list[str] = []
    find: str | None = None
    date: str = "%Y-%m-%d"
    digits: int | None = None
    separator: str = ";"
    table: str | None = None
    otherwise: Any = None


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event that a row means, where the fields named in ``when`` fit (regular expressions); ``otherwise``: where no
    other rule does. Without an event it means nothing. ``each``: once for every value of a list, by that name."""

    event: dict[str, Any] | None = None
    when: dict[str, str] = {}
    otherwise: bool = False
    each: str | None = None


class Series(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of values over time: what a row says of ``of`` holds from its ``valid`` date until the next one."""

    valid: str
    of: list[str]
    effect: dict[str, Any]


class Format(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file."""

    title: str
    key: str
    fields: dict[str, Field]
    development: dict[str, Any]
    events: list[Rule]
    skip: list[dict[str, str]] = []
    series: Series | None = None
    tables: dict[str, dict[str, Any]] = {}
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Placed:
    """The fields of a row, and the line of the file on which it stands."""

    line: int
    fields: Row


def formats() -> dict[str, Path]:
    """The mapping files that come with the tracker, by name."""
    return {path.stem: path for path in sorted(shipped("formats").glob("*.toml"))}


def load_format(name: str) -> Format:
    """A mapping by its name, or by the path of a file; Refused where there is none, or where it is none."""
    path = formats().get(name) or Path(name)
    if not path.is_file():
        raise invalid("--format", f"{name!r} is no mapping file: give the path of one, or {_any(formats())}")
    try:
        mapping = msgspec.toml.decode(path.read_bytes(), type=Format)
        _sound(mapping)
    except (msgspec.DecodeError, UnicodeDecodeError, Unmapped) as error:
        raise invalid("--format", f"{path.name}: {error}") from None
    return mapping


def _sound(mapping: Format) -> None:
    """That a mapping names only fields and tables it has, and forms that are some; Unmapped where it does not."""
    conditions = [*mapping.skip, *(rule.when for rule in mapping.events)]
    templates: list[Any] = [mapping.key, mapping.development, *(rule.event for rule in mapping.events)]
    named = {name for condition in conditions for name in condition}
    named |= {rule.each for rule in mapping.events if rule.each}
    if series := mapping.series:
        templates.append(series.effect)
        named |= {series.valid, *series.of}
        if len(mapping.events) != 1 or mapping.events[0].event is None or "set" not in series.effect:
            raise Unmapped("a series has one event, and an effect with 'set'")
    for name in sorted(named | {hole for template in templates for hole in _holes(template)}):
        if name not in mapping.fields:
            raise Unmapped(f"{{{name}}} is no field of it: these are {_any(mapping.fields)}")
    for name, one in mapping.fields.items():
        if one.table is not None and one.table not in mapping.tables:
            raise Unmapped(f"fields.{name}.table: there is no tables.{one.table}")
    forms = [form for condition in conditions for form in condition.values()]
    for form in [*forms, *(one.find for one in mapping.fields.values() if one.find)]:
        try:
            re.compile(form)
        except re.error as error:
            raise Unmapped(f"{form!r} is no regular expression: {error}") from None


def _holes(template: Any) -> set[str]:
    match template:
        case str():
            return set(_HOLE.findall(template))
        case dict():
            return {hole for part in template.values() for hole in _holes(part)}
        case list():
            return {hole for part in template for hole in _holes(part)}
        case _:
            return set()


def lines_of(file: BinaryIO, mapping: Format, given: Mapping[str, str]) -> list[Given]:
    """The commands that the rows of a table mean, in the order in which the world learnt of them; Rejected with a
    sentence for each bad row."""
    _given(mapping, given)
    bad = _Bad()
    found: list[tuple[datetime, Given]] = []
    groups = _grouped(mapping, _rows(file, mapping, given, bad))
    for group in _series(mapping, groups) if mapping.series else _stated(mapping, groups, bad):
        with bad.at(group.where):
            line = parse(Line, text := msgspec.json.encode(group.line))
            assert line.development is not None, "every line logs"
            found.append((learnt(line.development), Given(group.where, text)))
    bad.give_up()
    if not found:
        raise _stop("the table says nothing: it has no row that the mapping does not skip")
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def _grouped(mapping: Format, rows: Iterable[tuple[str, Placed]]) -> list[list[tuple[str, Placed]]]:
    """The rows of each key, wherever they stand in the table, by when the world was told."""
    groups: dict[str, list[tuple[str, Placed]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    told = mapping.development.get("announced")
    return sorted(groups.values(), key=lambda group: str(_filled(told, group[0][1].fields)))


def _given(mapping: Format, given: Mapping[str, str]) -> None:
    wanted = {name: one.given for name, one in mapping.fields.items() if one.given}
    for name in given:
        if name not in wanted:
            raise invalid("--given", f"{name!r} is not asked for by this mapping: it asks for {_any(wanted)}")
    for name, what in wanted.items():
        if name not in given:
            raise invalid("--given", f"the table does not say {what}: give it with --given {name}=...")


# ---------------------------------------------------------------- reading


def _rows(
    file: BinaryIO, mapping: Format, given: Mapping[str, str], bad: "_Bad"
) -> Iterator[tuple[str, Placed]]:
    """The rows that are not skipped, each with the key of its development."""
    table = csv.reader(StringIO(_text(file), newline=""), delimiter=mapping.delimiter, strict=True)
    try:
        header = next(table, [])
        _check(mapping, header)
        start = table.line_num + 1
        for cells in table:
            with bad.at(f"line {start}"):
                if any(cells) and (fields := _read(mapping, {**_cells(header, cells), **given})) is not None:
                    yield str(_filled(mapping.key, fields)), Placed(start, fields)
            start = table.line_num + 1
    except csv.Error as error:
        raise _stop(f"line {table.line_num}: this is no row of a table: {error}") from None


def _text(file: BinaryIO) -> str:
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise invalid("", f"the table is longer than {LARGEST:,} bytes: import it in parts")
    try:
        return raw.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _stop(f"line {line}: this is not UTF-8 text: save the table as UTF-8") from None


def _check(mapping: Format, header: Sequence[str]) -> None:
    for name, one in mapping.fields.items():
        for column in _columns_of(name, one):
            if one.given is None and column not in header:
                raise _stop(
                    f"line 1: there is no column {column!r}: the table has {_any(header)}; it may be of another "
                    f"shape, or fields.{name}.column of the mapping wants changing"
                )


def _columns_of(name: str, one: Field) -> list[str]:
    return one.column if isinstance(one.column, list) else [one.column or name]


def _cells(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise Unmapped(f"has {len(cells)} cells, the first line has {len(header)}: mend the row")
    return dict(zip(header, (cell.strip() for cell in cells), strict=True))


def _read(mapping: Format, cells: Mapping[str, str]) -> Row | None:
    """The fields of a row; None where the mapping skips it."""
    raw = {name: _said(cells, name, one) for name, one in mapping.fields.items()}
    for wanted in mapping.skip:
        if _fits(wanted, raw):
            return None
    read: dict[str, Any] = {}
    for name, one in mapping.fields.items():
        try:
            read[name] = _value(mapping, one, raw[name])
        except ValueError as error:
            raise Unmapped(f"{name}: {error}") from None
    return read


def _said(cells: Mapping[str, str], name: str, one: Field) -> str:
    said = (cells[column] for column in _columns_of(name, one))
    return next((text for text in said if text and text not in one.missing), "")


def _value(mapping: Format, one: Field, text: str) -> Any:
    if not text:
        return None
    table = mapping.tables.get(one.table or "", {})
    if one.table is not None:
        if text in table:
            found = table[text]
            return [found] if one.read == "partners" and isinstance(found, str) else found
        if one.otherwise is not None:
            return one.otherwise
    if one.find is not None:
        first = re.search(one.find, text)
        if first is None and one.otherwise is not None:
            return one.otherwise
        if first is None:
            raise ValueError(f"{text!r} has nothing of the form {one.find}")
        text = first[1 if first.re.groups else 0]
    match one.read:
        case "date":
            return _date(text, one.date)
        case "instant":
            return _instant(text)
        case "number":
            return _number(text, one.digits)
        case "partner":
            return _partner(text, one.table)
        case "partners":
            parts = [part.strip() for part in text.split(one.separator)]
            return [table.get(part) or _partner(part, one.table) for part in parts]
        case "slug":
            return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        case "text":
            if one.table is not None:
                raise ValueError(f"{text!r} is not in tables.{one.table} of the mapping: add it there")
            return text


@cache
def _date(text: str, form: str) -> str:
    try:
        return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"{text!r} is not a date of the form {form}") from None


@cache
def _instant(text: str) -> str:
    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return asked(text, "UTC").isoformat()
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no instant with its offset, such as 2025-04-09T12:00-04:00")


def _number(text: str, digits: int | None) -> float:
    try:
        number = float(text.removesuffix("%").replace(",", ""))
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    return number if digits is None else round(number, digits)


@cache
def _partner(text: str, table: str | None) -> str:
    known = {name.casefold(): code for code, name in COUNTRIES.items()} | {"european union": "EU"}
    if text in COUNTRIES or text == "EU":
        return text
    if (code := known.get(text.casefold())) is not None:
        return code
    remedy = (
        f"add it to tables.{table} of the mapping" if table else "give the mapping a table for this field"
    )
    raise ValueError(f"{text!r} is no partner by any name known here: {remedy}")


# ---------------------------------------------------------------- filling


_HOLE = re.compile(r"\{([^{}]+)\}")


def _filled(template: Any, fields: Row) -> Any:
    """A template with its holes filled. What is nothing but a hole becomes the value; where there is none, or nothing
    but what is left out below it, it is left out (None)."""
    match template:
        case str():
            if whole := _HOLE.fullmatch(template):
                return fields[whole[1]] if fields[whole[1]] != "" else None
            return _HOLE.sub(lambda hole: _plain(fields[hole[1]]), template)
        case dict():
            filled = {name: _filled(entry, fields) for name, entry in template.items()}
            return {name: entry for name, entry in filled.items() if entry is not None and entry != {}} or (
                None if template else {}
            )
        case list():
            return [entry for entry in (_filled(entry, fields) for entry in template) if entry is not None]
        case date():
            return template.isoformat()
        case _:
            return template


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _fits(wanted: Mapping[str, str], fields: Row) -> bool:
    return all(re.search(form, _plain(fields[name])) for name, form in wanted.items())


# ---------------------------------------------------------------- rows that each say something


@dataclass(frozen=True, slots=True)
class _Group:
    """The command that a group of rows means, and where they stand."""

    where: str
    line: dict[str, Any]


def _stated(mapping: Format, groups: Iterable[list[tuple[str, Placed]]], bad: "_Bad") -> Iterator[_Group]:
    for group in groups:
        events: list[dict[str, Any]] = []
        for _, row in group:
            with bad.at(f"line {row.line}"):
                for event in _events(mapping.events, row.fields):
                    _join(events, event)
        if events:
            yield _Group(_where(group), _line(mapping, group, events))


def _events(rules: Sequence[Rule], fields: Row) -> list[dict[str, Any]]:
    fitting = [rule for rule in rules if not rule.otherwise and _fits(rule.when, fields)]
    fitting = fitting or [rule for rule in rules if rule.otherwise and _fits(rule.when, fields)]
    if not fitting:
        raise Unmapped("no rule of the mapping fits this row: add one to its events, or to what it skips")
    return [_filled(rule.event, each) for rule in fitting if rule.event for each in _each(rule, fields)]


def _each(rule: Rule, fields: Row) -> list[Row]:
    if rule.each is None:
        return [fields]
    return [{**fields, rule.each: value} for value in fields[rule.each] or []]


def _join(events: list[dict[str, Any]], event: dict[str, Any]) -> None:
    """One event of neighbours that differ in their effects alone."""
    if events and _head(events[-1]) == _head(event) and "effects" in event:
        events[-1] = {**events[-1], "effects": [*events[-1].get("effects", []), *event["effects"]]}
    else:
        events.append(event)


def _head(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in event.items() if name != "effects"}


def _line(
    mapping: Format, group: Sequence[tuple[str, Placed]], events: list[dict[str, Any]]
) -> dict[str, Any]:
    key, first = group[0]
    return {"key": key, "development": {**_filled(mapping.development, first.fields), "events": events}}


def _where(group: Sequence[tuple[str, Placed]]) -> str:
    first, last = group[0][1].line, group[-1][1].line
    return f"line {first}" if first == last else f"lines {first} to {last}"


# ---------------------------------------------------------------- vintages of a series

Course = dict[str, Row]
"""What is said of one thing: from each date on, the fields of a row."""


def _series(mapping: Format, groups: Iterable[list[tuple[str, Placed]]]) -> Iterator[_Group]:
    """Each vintage as one development, with an effect for every stretch of time of which it says something else than
    the vintage before."""
    assert mapping.series is not None
    rule, before = mapping.events[0], dict[tuple[Any, ...], Course]()
    for group in groups:
        now = _courses(mapping.series, group)
        effects = [
            effect
            for of in {**before, **now}
            for effect in _differences(mapping.series.effect, before.get(of, {}), now.get(of, {}))
        ]
        before = now
        for part in range(0, len(effects), MOST_EFFECTS):
            event = {
                **_filled(rule.event, group[0][1].fields),
                "effects": effects[part : part + MOST_EFFECTS],
            }
            line = _line(mapping, group, [event])
            number = part // MOST_EFFECTS + 1
            yield _Group(
                _where(group), line if number == 1 else {**line, "key": f"{line['key']} part {number}"}
            )


def _courses(series: Series, group: Iterable[tuple[str, Placed]]) -> dict[tuple[Any, ...], Course]:
    found: dict[tuple[Any, ...], Course] = {}
    for _, row in group:
        of = tuple(row.fields[name] for name in series.of)
        course, valid = found.setdefault(of, {}), row.fields[series.valid]
        if valid is None or valid in course:
            raise _stop(
                f"line {row.line}: {series.valid}: {valid!r} has been said of {', '.join(map(str, of))} already: "
                "two rows of one vintage cannot both hold"
            )
        course[valid] = row.fields
    return {of: dict(sorted(course.items())) for of, course in found.items()}


def _differences(template: Mapping[str, Any], before: Course, now: Course) -> Iterator[dict[str, Any]]:
    """The effects that turn the one course into the other, neighbours that say the same joined."""
    edges = sorted({*before, *now})
    stretches: list[tuple[str, str | None, dict[str, Any]]] = []
    for start, end in pairwise([*edges, None]):
        assert start is not None
        old, new = (_effect(template, _at(course, start)) for course in (before, now))
        if old == new:
            continue
        said = new if new is not None else {**(old or {}), "set": dict.fromkeys(template["set"])}
        if stretches and stretches[-1][1] == start and stretches[-1][2] == said:
            stretches[-1] = (stretches[-1][0], end, said)
        else:
            stretches.append((start, end, said))
    for start, end, said in stretches:
        yield {**said, "from": start} | ({} if end is None else {"until": end})


def _at(course: Course, day: str) -> Row | None:
    return next((fields for since, fields in reversed(course.items()) if since <= day), None)


def _effect(template: Mapping[str, Any], fields: Row | None) -> dict[str, Any] | None:
    return None if fields is None else _filled(template, fields)


# ---------------------------------------------------------------- what is wrong


@dataclass(slots=True)
class _Bad:
    """What is wrong so far; ``at`` notes it with its place and goes on."""

    errors: list[str] = field(default_factory=list)
    more: int = 0
    where: str = ""

    def at(self, where: str) -> "_Bad":
        self.where = where
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        match error:
            case Unmapped():
                said = str(error)
            case Refused():
                said = sentence(error)
            case _:
                return False
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(f"{self.where}: {said}")
        else:
            self.more += 1
        return True

    def give_up(self) -> None:
        if self.errors:
            raise Rejected(self.errors, self.more, 0)


def _stop(sentence: str) -> Rejected:
    return Rejected([sentence], 0, 0)


def _any(names: Iterable[str]) -> str:
    held = list(islice(names, 40))
    return ", ".join(held) if held else "nothing"
