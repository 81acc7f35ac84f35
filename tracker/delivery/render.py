"""An edition as text and as HTML. Both are made from its frozen content alone, and say the same.

``html_body`` is the inside of a page as well as of a mail: classes only, styled by whoever shows it.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracker.delivery import notices
from tracker.delivery.notices import Links, Notice
from tracker.domain.edition import PARTS, Chart, Edition, Entry, Kind, Line, headline, short_day
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.when import rfc3339

ITEMS = 40
"""As many entries as a mail or the page of a digest holds at most."""
PAGE = 100
"""As many as stand on a page of one part alone."""
LINES = 40
"""As many lines as an entry shows at most; the event's page has them all."""
BYTES = 100_000
"""The size of a mail's HTML at most."""
PROSE = 80
"""What is longer is no phrase: its date stands before it."""
LONGEST = 320
"""Where a long remark is cut; the event's page has it whole."""
WIDTH = 78
SEVERAL = timedelta(hours=36)
"""An edition that covers more than this has its entries by day."""
BRIEF: tuple[Kind, ...] = ("took_effect", "fell_through", "coming")
"""Parts that name terms and sources no more: they were told when the development was."""


class Told(NamedTuple):
    """A line without what the lines around it say already: ``before`` or ``after`` its first ``words`` stands the date,
    and next to them how that ``was``; ``rest``, its other words; ``all_goods``: it is about them."""

    item: str
    before: str
    words: str
    was: str
    after: str
    rest: str
    terms: str
    note: str
    all_goods: bool

    @property
    def said(self) -> str:
        """The sentence, without what it is about."""
        said = f"{self.before}{self.words}{self.was}{self.after}{self.rest}"
        return f"{said} ({self.terms})" if self.terms else said


class Block(NamedTuple):
    """Lines about the same subject for the same partners."""

    whom: str
    title: str
    lines: list[Told]

    @property
    def named(self) -> str:
        return ": ".join(part for part in (self.whom, self.title) if part)

    def head(self, line: Told) -> str:
        """What a line that stands alone begins with."""
        if self.title and line.item:
            return f"{self.named} ({line.item})"
        return ": ".join(part for part in (self.named, line.item) if part)


More = Callable[[Kind, int], str]
"""The address at which a part goes on after so many entries; '' where there is none."""
Picture = Callable[[int], str]
"""The address of the picture of a chart, by its number in the edition, from 1."""


class Part(NamedTuple):
    """A part as it is shown: its entries by day (the day is '' where there is only one), how many more there are, and
    where."""

    kind: Kind
    heading: str
    days: list[tuple[str, list[Entry]]]
    hidden: int
    more: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An edition as it is shown: where its links lead, how much of it there is, and what stands below it.

    ``limits``: of which parts entries are shown, and which: from the first number up to the second."""

    edition: Edition
    base: str
    id: str | None
    limits: Mapping[Kind, tuple[int, int]]
    more: More
    closing: Sequence[str]
    picture: Picture | None = None

    @property
    def headline(self) -> str:
        return headline(self.edition)

    @property
    def heading(self) -> str:
        return f"Trade talks, {_long_day(self.edition.day)}"

    @property
    def window(self) -> str:
        zone = ZoneInfo(self.edition.zone)
        since, until = self.edition.since.as_of, self.edition.until.as_of
        return f"{_at(since, zone)} to {_at(until, zone)} ({self.edition.zone.replace('_', ' ')})"

    @property
    def parts(self) -> list[Part]:
        """The parts that hold anything for people."""
        found = []
        for kind, heading in PARTS:
            entries = self.edition.part(kind)
            first, last = self.limits.get(kind, (0, 0))
            if shown := entries[first:last]:
                of = f", {first + 1:,} to {first + len(shown):,} of {len(entries):,}" if first else ""
                hidden = len(entries) - first - len(shown)
                more = self.more(kind, last) if hidden else ""
                found.append(Part(kind, heading + of, self._by_day(kind, shown), hidden, more))
        return found

    @property
    def whole(self) -> str | None:
        """The page of the edition."""
        return f"{self.base}/editions/{self.id}" if self.id else None

    def _by_day(self, kind: Kind, entries: list[Entry]) -> list[tuple[str, list[Entry]]]:
        """Entries by the day on which they came, where an edition covers several."""
        covered = self.edition.until.as_of - self.edition.since.as_of
        if covered <= SEVERAL or kind in ("coming", "late"):
            return [("", entries)]
        days = sorted({entry.day for entry in entries})
        return [(_long_day(day), [entry for entry in entries if entry.day == day]) for day in days]

    def dates(self, entry: Entry) -> str:
        """When, and what else is to be known of an entry before what it changes."""
        dates = (entry.when, entry.dates) if entry.kind in BRIEF else (entry.dates, entry.when)
        held = "held: logged in the last ten minutes, not yet in any edition" if entry.held else None
        return " · ".join(part for part in (*dates, entry.note, held) if part)

    def event(self, entry: Entry) -> str:
        return f"{self.base}/events/{entry.event}"

    def address(self, chart: Chart) -> str | None:
        """Of the picture of a chart; None where there are no pictures."""
        return self.picture(self.edition.charts.index(chart) + 1) if self.picture else None

    def explained(self, chart: Chart) -> str:
        """The page on what the figures of a chart are made of."""
        asked = {"partner": chart.partners[0], "scope": chart.scopes[0], "as_of": rfc3339(chart.as_of)}
        return f"{self.base}/duty?{urlencode(asked | ({'direction': 'export'} if chart.export else {}), safe=':')}"

    def blocks(self, entry: Entry) -> list[Block]:
        """The lines of an entry, those about the same thing together."""
        blocks: list[Block] = []
        for line in entry.shown[:LINES]:
            whom = line.whom if len(self.edition.partners) > 1 else ""
            if not blocks or blocks[-1][:2] != (whom, line.title):
                blocks.append(Block(whom, line.title, []))
            blocks[-1].lines.append(_told(entry, line))
        return [_all_named(block) for block in blocks]

    def hidden_lines(self, entry: Entry) -> int:
        """How many lines of an entry are left to its event's page."""
        return max(0, len(entry.shown) - LINES)

    def sources(self, entry: Entry) -> list[tuple[str, str | None]]:
        """What was told, by whom: a name and, where there is one, a link. The first three."""
        if entry.kind in BRIEF:
            return []
        return [(_source(source), source.get("url")) for source in entry.sources[:3]]


def text(
    edition: Edition,
    *,
    base: str = "",
    id: str | None = None,
    closing: Sequence[str] = (),
    items: int | None = None,
    more: More | None = None,
) -> str:
    """An edition as plain text, complete in itself. ``base``: the address that links begin with (none: no links);
    ``more``: where the rest is of what ``items`` leaves out."""
    shown = _shown(edition, base, id, closing, fair(edition, items), more)
    return "\n".join(_text_lines(shown)).rstrip() + "\n"


def html_body(
    edition: Edition,
    *,
    base: str = "",
    id: str | None = None,
    closing: Sequence[str] = (),
    items: int | None = None,
    more: More | None = None,
    picture: Picture | None = None,
) -> Markup:
    """An edition as HTML without its frame: an ``<article class="edition">``. ``more``: where the rest is of what
    ``items`` leaves out; ``picture``: where charts are (nowhere: they are told in words)."""
    return _html(_shown(edition, base, id, closing, fair(edition, items), more, picture))


def html_part(edition: Edition, kind: Kind, first: int, more: More, picture: Picture | None = None) -> Markup:
    """The entries of one part from a number on, as many as make a page, as HTML without its frame."""
    return _html(_shown(edition, "", None, (), {kind: (first, first + PAGE)}, more, picture))


def mail_html(
    edition: Edition, *, base: str, id: str, closing: Sequence[str] = (), picture: Picture | None = None
) -> str:
    """An edition as the HTML of a mail: styles inline, at most 40 items and 100 kB."""
    items = ITEMS
    while True:
        body = html_body(edition, base=base, id=id, closing=closing, items=items, picture=picture)
        framed = _environment().get_template("mail.html").render(body=body, title=headline(edition))
        page = _inliner().inline(framed)
        if len(page.encode()) <= BYTES or items <= 1:
            return page
        items = min(items - 1, items * BYTES // len(page.encode()))


def subject(edition: Edition) -> str:
    """``Trade talks, 12 Mar: 2 changes of state, 1 correction (EU, JP)``."""
    return f"Trade talks, {short_day(edition.day)}: {headline(edition)}"


# ---------------------------------------------------------------- notices


def notice_text(notice: Notice, links: Links) -> str:
    """A notice as plain text, complete in itself."""
    what, where = notices.action(notice, links)
    lines = [notices.subject(notice)]
    for sentence in notices.sentences(notice):
        lines += ["", *_wrapped(sentence)]
    return "\n".join([*lines, "", f"{what}:", where]) + "\n"


def notice_html(notice: Notice, links: Links) -> str:
    """A notice as the HTML of a mail."""
    what, where = notices.action(notice, links)
    subject, sentences = notices.subject(notice), notices.sentences(notice)
    told = _environment().get_template("notice.html")
    body = Markup(told.render(heading=subject, sentences=sentences, what=what, where=where))  # noqa: S704  # autoescaped
    return _inliner().inline(_environment().get_template("mail.html").render(body=body, title=subject))


# ---------------------------------------------------------------- what is shown


def shown(edition: Edition, *, base: str, id: str, items: int) -> Shown:
    """As much of an edition as so many entries, for who writes it in a way of its own."""
    return _shown(edition, base, id, (), fair(edition, items))


def fair(edition: Edition, items: int | None) -> dict[Kind, tuple[int, int]]:
    """How much of each part is shown where only so many entries are: the longest parts are cut first, so that three
    corrections are not lost behind three thousand late entries."""
    counts = {kind: len(edition.part(kind)) for kind, _ in PARTS}
    if items is not None:
        level = max(counts.values())
        while level > 1 and sum(min(n, level) for n in counts.values()) > items:
            level -= 1
        spare = items - sum(min(n, level) for n in counts.values())
        for kind, n in counts.items():
            counts[kind] = min(n, level) + (1 if n > level and spare > 0 else 0)
            spare -= n > level
    return {kind: (0, n) for kind, n in counts.items()}


def _shown(
    edition: Edition, base: str, id: str | None, closing: Sequence[str],
    limits: Mapping[Kind, tuple[int, int]], more: More | None = None, picture: Picture | None = None,
) -> Shown:  # fmt: skip
    def on_the_web(kind: Kind, first: int) -> str:
        return f"{base}/editions/{id}?part={kind}&first={first}" if id else ""

    return Shown(edition, base, id, limits, more or on_the_web, closing, picture)


def _html(shown: Shown) -> Markup:
    return Markup(_environment().get_template("edition.html").render(shown=shown))  # noqa: S704  # autoescaped


def _all_named(block: Block) -> Block:
    """A block in which all goods are named, where other goods are."""
    if not any(line.item for line in block.lines):
        return block
    return block._replace(
        lines=[
            line if line.item or not line.all_goods else line._replace(item="all goods")
            for line in block.lines
        ]
    )


def _told(entry: Entry, line: Line) -> Told:
    first, *others = line.words
    when = "" if line.when == entry.when else line.when
    prose = ":" in first or len(first) > PROSE
    was = f" (was {line.was})" if line.was else ""
    before = f"{when}: " if when and prose else ""
    comma = "," if first.endswith("exempt") and not was else ""  # not: exempt from 1 August
    after = f"{comma} {when}" if when and not prose else ""
    return Told(
        item=line.item, before=before, words=_cut(first), was=was, after=after,
        rest="".join(f"; {_cut(said)}" for said in others),
        terms="" if entry.kind in BRIEF else "; ".join(_cut(said) for said in line.terms), note=line.note or "",
        all_goods=line.scopes == [ALL_GOODS],
    )  # fmt: skip


def _cut(said: str) -> str:
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"


def over_time(chart: Chart) -> str:
    """The heading of a chart."""
    return f"{chart.title}, over time"


def _source(source: dict[str, Any]) -> str:
    return ", ".join(filter(None, (source["publisher"], source.get("title"))))


def _long_day(day: str) -> str:
    on = date.fromisoformat(day)
    return f"{on:%A} {on.day} {on:%B %Y}"


def _at(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y}, {local:%H:%M}"


# ---------------------------------------------------------------- text


def _text_lines(shown: Shown) -> Iterable[str]:
    yield shown.heading
    yield from _wrapped(shown.headline[:1].upper() + shown.headline[1:])
    yield ""
    yield from _wrapped(f"For: {shown.edition.about}")
    yield from _wrapped(f"From {shown.window}")
    for part in shown.parts:
        yield from ("", part.heading.upper())
        for day, entries in part.days:
            if day:
                yield from ("", f"  {day}")
            for entry in entries:
                yield ""
                yield from _entry_lines(shown, part.kind, entry)
        if part.hidden:
            yield from ("", f"  and {part.hidden:,} more{f': {part.more}' if part.more else ''}")
    yield from _end_lines(shown)


def _entry_lines(shown: Shown, kind: Kind, entry: Entry) -> Iterable[str]:
    yield from _wrapped(entry.title, "* ", "  ")
    for also in entry.also:
        yield from _wrapped(f"and: {also.title}", "  ")
    yield from _wrapped(shown.dates(entry), "  ")
    if entry.reason:
        yield from _wrapped(f"Reason: {entry.reason}", "  ")
    if entry.summary and kind not in BRIEF:
        yield from _wrapped(_cut(entry.summary), "  ")
    for block in shown.blocks(entry):
        if len(block.lines) > 1 and block.named:
            yield from _wrapped(f"{block.named}:", "  - ", "    ")
            for line in block.lines:
                yield from _wrapped(line_text(line), "      - ", "        ")
        else:
            for line in block.lines:
                yield from _wrapped(line_text(line, block), "  - ", "    ")
    if hidden := shown.hidden_lines(entry):
        yield f"  - and {hidden:,} more"
    for chart in entry.charts:
        yield from _wrapped(f"{over_time(chart)}:", "  ")
        yield from _wrapped(" ".join((chart.words, *chart.notes)), "    ")
    if sources := shown.sources(entry):
        yield from _wrapped(f"Source: {'; '.join(name for name, _ in sources)}", "  ")
    if shown.base:
        yield f"  {shown.event(entry)}"


def line_text(line: Told, block: Block | None = None) -> str:
    """A line of an entry as a sentence. ``block``: the block that it stands for alone."""
    head = line.item if block is None else block.head(line)
    said = f"{head}: {line.said}" if head else line.said
    return f"{said} [{line.note}]" if line.note else said


def _end_lines(shown: Shown) -> Iterable[str]:
    if shown.whole and shown.base:
        yield from ("", f"On the web: {shown.whole}")
    if shown.edition.unchecked:
        yield ""
        yield from _wrapped(unchecked(shown.edition))
    if shown.closing:
        yield from ("", "-- ")
        for line in shown.closing:
            yield from _wrapped(line)


def unchecked(edition: Edition) -> str:
    """About whom silence means nothing."""
    return (
        f"Not checked for news up to the day before: {'; '.join(edition.unchecked)}. "
        "Silence about them does not mean that nothing happened."
    )


def _wrapped(said: str, first: str = "", rest: str | None = None) -> list[str]:
    """A paragraph; words are never broken, so that a long address stays whole."""
    return textwrap.wrap(
        said, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


# ---------------------------------------------------------------- html


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "cut": _cut,
        "over_time": over_time,
        "unchecked": unchecked,
        "upper_first": lambda said: said[:1].upper() + said[1:],
    }
    made.globals["BRIEF"] = BRIEF
    return made


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)
