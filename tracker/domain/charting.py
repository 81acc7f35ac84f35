"""What a digest draws: what goods pay over world time, before and after that which is told. Pure.

Of the goods that its lines speak of, the totals as known to this edition and to the one before. Goods that are a list
of a measure's own have no total: what that measure alone charges is drawn. What is paid alike shares a chart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from tracker.domain import words
from tracker.domain.edition import PARTS, Chart, Edition, Entry, Kind, Level, Line, Threat
from tracker.domain.events import HOME, actor_of, kind_of
from tracker.domain.history import About, History, value
from tracker.domain.paid import Paid, Run, Trade, differing, paid
from tracker.domain.scopes import ALL_GOODS, Scopes
from tracker.domain.telling import whom
from tracker.domain.views import title_of
from tracker.domain.watched import Watched
from tracker.domain.when import zone_of

MOST = 4
"""As many charts as an edition has at most: those with the largest changes."""
ASKED = 4
"""Of as many goods is worked out what they pay: those whose rates moved most. It takes a millisecond or two for each
partner."""
BACK, AHEAD = timedelta(days=270), timedelta(days=120)
"""How far a chart reaches back, and into what is scheduled, at most."""
LEAST, MARGIN = timedelta(days=60), timedelta(days=21)
"""How far back it reaches at least, and how much it shows beyond the outermost steps."""
EARLIER, RUNS, THREATS = 4, 3, 2
"""As many earlier levels, stretches of what was known before, and threats, as a chart puts in words."""
NAMED = 3
"""As many goods as its title names."""
THREATENED = ("threatened", "proposed", "announced")
"""How a claim stands while it is one."""
UNSTATED = 25.0
"""The points that a change is taken for where its line does not state them: a pause, a ruling, a quota."""
MOVING = ("status", "quota", "legal", "stayed", "collection", "combines", "replaces", "yields_to")

Place = tuple[Kind, int]
"""An entry: its part, and its number there."""
Moves = list[tuple[datetime, float | None, float | None]]


class Drawn(NamedTuple):
    """A chart, yet without a name; the size of the largest change in it, and all its changes."""

    chart: Chart
    size: float
    moves: Moves


class Found(NamedTuple):
    """A chart, the entry in which it belongs, and the size of the change that it shows."""

    place: Place
    chart: Chart
    size: float


def charted(edition: Edition, watched: Sequence[Watched], vocabulary: Mapping[str, About]) -> Edition:
    """The edition with its charts. ``vocabulary``: the scopes of goods that are defined."""
    found = _Charting(edition, watched, vocabulary).found()
    kept = [one for _, one in sorted(_ranked(found), key=_rank)][:MOST]

    def entry(place: Place, told: Entry) -> Entry:
        charts = [one.chart for one in kept if one.place == place]
        return msgspec.structs.replace(told, charts=charts) if charts else told

    parts = {kind: getattr(edition, kind) for kind in {one.place[0] for one in kept}}
    return msgspec.structs.replace(
        edition, **{kind: [entry((kind, n), told) for n, told in enumerate(part)] for kind, part in parts.items()}
    )  # fmt: skip


def _ranked(found: Sequence[Found]) -> Iterator[tuple[int, Found]]:
    """Charts, each with its number in its entry: of all goods first, then of what moves most."""
    numbers: dict[Place, int] = {}
    for one in sorted(found, key=lambda one: (ALL_GOODS not in one.chart.scopes, -one.size)):
        numbers[one.place] = numbers.get(one.place, -1) + 1
        yield numbers[one.place], one


def _rank(numbered: tuple[int, Found]) -> tuple[bool, int, float, int]:
    """Each entry has one before another has two; threats come last."""
    number, one = numbered
    return not one.chart.marks, number, -one.size, -len(one.chart.partners)


class Mover(NamedTuple):
    """A line that speaks of goods: its entry, whether it only threatens, from when on, by how many points."""

    place: Place
    threatens: bool
    starts: datetime | None
    points: float


class _Charting:
    """Everything that one edition could draw."""

    def __init__(self, edition: Edition, watched: Sequence[Watched], vocabulary: Mapping[str, About]) -> None:
        self.edition = edition
        self.watched = {who.code: who for who in watched}
        self.vocabulary = vocabulary
        self.scopes = Scopes(vocabulary)
        self.today = edition.until.as_of
        self.first, self.last = self.today - BACK, self.today + AHEAD
        self._seen: dict[tuple[str, int], History] = {}

    def found(self) -> list[Found]:
        """All charts, named: one for all partners and all goods that pay alike."""
        alike: dict[tuple[Place, bytes, Trade], list[str]] = {}
        held: dict[bytes, list[Drawn]] = {}
        for (trade, code), (place, drawn) in self._drawings().items():
            content = msgspec.json.encode(msgspec.structs.replace(drawn.chart, subjects=[]))
            alike.setdefault((place, content, trade), []).append(code)
            held.setdefault(content, []).append(drawn)
        trades: dict[tuple[Place, bytes, tuple[str, ...]], list[Trade]] = {}
        for (place, content, trade), codes in alike.items():
            trades.setdefault((place, content, tuple(codes)), []).append(trade)
        return [
            Found(place, self._named(held[content], its, codes), held[content][0].size)
            for (place, content, codes), its in trades.items()
        ]

    def _drawings(self) -> dict[tuple[Trade, str], tuple[Place, Drawn]]:
        """What changes, by goods and partner; not for goods that change as wider ones do."""
        drawn = {
            (trade, code): (place, made)
            for (trade, code), movers in self._trades().items()
            if (made := self._drawn(trade, code)) and (place := _place(movers, made.moves))
        }

        def told_wider(trade: Trade, code: str, moves: Moves) -> bool:
            wider = [trade._replace(scope=scope) for scope in self.scopes.up(trade.scope)[1:]]
            return any((one, code) in drawn and drawn[one, code][1].moves == moves for one in wider)

        return {pair: found for pair, found in drawn.items() if not told_wider(*pair, found[1].moves)}

    def _trades(self) -> dict[tuple[Trade, str], list[Mover]]:
        """The goods that the entries speak of, and for whom, each with the lines that do so; only the goods whose
        rates moved: all goods, then those that moved most, then those that are threatened."""
        found: dict[tuple[Trade, str], list[Mover]] = {}
        moved: dict[Trade, tuple[bool, float]] = {}
        for place, line in self._lines():
            mover = Mover(place, line.claim is not None, line.starts, _moved(line))
            for trade in self._of(line):
                moved[trade] = max(moved.get(trade, (False, 0.0)), (not mover.threatens, mover.points))
                for code in line.partners:
                    found.setdefault((trade, code), []).append(mover)
        speaking = [trade for trade in moved if moved[trade][1]]
        most = sorted(speaking, key=lambda it: (not moved[it][0], it.scope != ALL_GOODS, -moved[it][1]))[
            :ASKED
        ]
        return {pair: movers for pair, movers in found.items() if pair[0] in most}

    def _lines(self) -> Iterator[tuple[Place, Line]]:
        for kind, _ in PARTS:
            if kind != "coming":
                for number, entry in enumerate(getattr(self.edition, kind)):
                    if not entry.quiet:
                        yield from (((kind, number), line) for line in entry.shown)

    def _of(self, line: Line) -> list[Trade]:
        """The goods that a line is about."""
        if (kind_of(line.subject), line.aspect) not in (("measure", "state"), ("authority", "legal")):
            return []
        return [
            Trade(actor_of(line.subject) != HOME, scope, line.subject if self.scopes.lists(scope) else None)
            for scope in line.scopes or [ALL_GOODS]
        ]

    # ------------------------------------------------------------ one chart

    def _drawn(self, trade: Trade, code: str) -> Drawn | None:
        """The chart of one partner; None where nothing changes that is known."""
        since, until = self.edition.since, self.edition.until
        now = paid(self._known(code, until.position), trade, self.first, self.last)
        was = paid(self._known(code, since.position), trade, self.first, self.last)
        steps = [pair for pair in pairwise(now.levels) if since.as_of < pair[1].starts <= self.today]
        runs = differing(now, was, self.last)
        moves = [
            *((after.starts, *_points(before, after)) for before, after in steps),
            *((run.start, *_points(run.before, run.after)) for run in runs),
        ]
        size = max((abs(points) for _, *both in moves for points in both if points is not None), default=0.0)
        threats, threatening = self._threats(trade, code)
        if not size:
            steps, runs, moves = [], [], []
            size = max(
                (abs(threat.percent - (now.at(self.today).high or 0.0)) for threat in threats), default=0.0
            )
        if not size:
            return None
        edges = [level.starts for level in (*now.levels[1:], *(was.levels[1:] if runs else ()))]
        span = self._span([*edges, *(threat.starts for threat in threats)])
        said = _Words(self._zone(trade, code), self.today, span)
        marks = {after.starts for _, after in steps} | {start for start, _ in _stretches(runs)}
        chart = Chart(
            partners=[], scopes=[], export=trade.export, measure=trade.measure, title="",
            words=said.of(now, was, runs, threats), notes=said.notes(now), zone=said.zone.key, since=span[0],
            until=span[1], as_of=self.today, now=_within(span, now.levels),
            was=_within(span, was.levels) if runs else [], threats=threats,
            marks=sorted(at for at in marks if span[0] <= at < span[1]),
            subjects=sorted(now.subjects | was.subjects | threatening | {trade.measure or ""} - {""}),
        )  # fmt: skip
        return Drawn(chart, size, moves)

    def _zone(self, trade: Trade, code: str) -> str:
        """Where the dates of whoever charges begin: those of a member of a bloc with its bloc's."""
        blocs = self._known(code, self.edition.until.position).blocs(self.today)
        return zone_of((blocs or [code])[0] if trade.export else HOME)

    def _known(self, code: str, position: int) -> History:
        """What was known at a position, with the whole vocabulary of goods."""
        if (code, position) not in self._seen:
            who = self.watched[code]
            rows = [row for row in who.rows if row.known_from <= position < row.known_until]
            self._seen[code, position] = History(code, rows, {**self.vocabulary, **who.abouts})
        return self._seen[code, position]

    def _threats(self, trade: Trade, code: str) -> tuple[list[Threat], set[str]]:
        """The rates that somebody named for just these goods, that are not law, and whose time is not over; and the
        measures that these would be."""
        seen = self._known(code, self.edition.until.position)
        actors = (code, *seen.blocs(self.today)) if trade.export else (HOME,)
        found = []
        for key in sorted(seen.keys):
            if not (key.claim and key.aspect == "state" and key.scope == trade.scope):
                continue
            if actor_of(key.subject) not in actors or trade.measure not in (None, key.subject):
                continue
            facts = seen.own(key, self.today)
            percent = (value(facts, "rate") or {}).get("percent")
            if value(facts, "status") in THREATENED and percent is not None:
                starts, ends = (_instant(value(facts, name)) for name in ("starts_at", "ends_at"))
                threat = Threat(percent=percent, starts=max(starts or self.today, self.today), ends=ends)
                found.append((threat.starts, percent, key.subject, threat))
        kept = sorted(found, key=lambda one: one[:3])[:THREATS]
        return [threat for *_, threat in kept], {subject for _, _, subject, _ in kept}

    def _span(self, edges: Sequence[datetime]) -> tuple[datetime, datetime]:
        """What of time is drawn: the steps, and some time around them and around today."""
        earliest, latest = min(edges, default=self.today), max(edges, default=self.today)
        return (
            max(self.first, min(earliest - MARGIN, self.today - LEAST)),
            min(self.last, max(latest, self.today) + MARGIN),
        )

    # ------------------------------------------------------------ its name

    def _named(self, drawn: Sequence[Drawn], trades: Sequence[Trade], codes: Sequence[str]) -> Chart:
        blocs = {code: self._known(code, self.edition.until.position).blocs(self.today) for code in codes}
        vias = [next((bloc for bloc in blocs[code] if bloc in codes), "") for code in codes]
        names = {code: who.name for code, who in self.watched.items()}
        who = whom(codes, vias, names, self.edition.scope.everybody)
        return msgspec.structs.replace(
            drawn[0].chart, partners=list(codes), scopes=[trade.scope for trade in trades],
            title=f"{who}: {self._goods(trades, codes[0])}",
            subjects=sorted({subject for one in drawn for subject in one.chart.subjects}),
        )  # fmt: skip

    def _goods(self, trades: Sequence[Trade], code: str) -> str:
        scopes = [words.scope_of(trade.scope) for trade in trades]
        goods = ", ".join(scopes[:NAMED]) + (" and others" if len(scopes) > NAMED else "")
        if measure := trades[0].measure:
            title = title_of(measure, self.watched[code].abouts.get(measure, {}))
            return title if goods in title.lower() else f"{title} ({goods})"
        return goods.replace("all goods", "all American goods") if trades[0].export else goods


def _place(movers: Sequence[Mover], moves: Moves) -> Place | None:
    """The entry that a chart with these changes belongs in: the one that made them; of a threat alone, the one that
    tells it. None where what it shows comes from elsewhere."""
    starts = {start for start, *_ in moves}
    fitting = [mover for mover in movers if mover.threatens is not bool(moves) and mover.points]
    best = max(fitting, key=lambda mover: (mover.starts in starts, mover.points), default=None)
    return best.place if best else None


def _moved(line: Line) -> float:
    """By how many points a line moves a rate, as far as it says so; least for goods that are spared now; 0 for goods
    that a measure spares from its start, and for what moves none."""
    if line.words == [words.STILL_EXEMPT]:
        return 0.0
    was, now = (_percent(fields.get("rate") or {}) for fields in (line.before, line.after))
    if was is not None or now is not None:
        return abs((now or 0.0) - (was or 0.0))
    fields = {**line.before, **line.after}
    if "exempt" in fields:
        return 0.0 if "status" in fields else 0.5
    return UNSTATED if any(name in fields for name in MOVING) else 0.0


def _percent(rate: Mapping[str, Any]) -> float | None:
    return next(
        (rate[name] for name in ("percent", "at_most", "at_least") if rate.get(name) is not None), None
    )


def _points(before: Level, after: Level) -> tuple[float | None, float | None]:
    """The percentage points between two levels."""
    pairs = ((before.low, after.low), (before.high, after.high))
    low, high = (None if a is None or b is None else round(b - a, 6) for a, b in pairs)
    return low, high


def _instant(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)


def _stretches(runs: Iterable[Run]) -> list[tuple[datetime, datetime]]:
    """The time over which two states of knowledge differ, without its inner edges."""
    found: list[tuple[datetime, datetime]] = []
    for run in runs:
        start = found.pop()[0] if found and found[-1][1] == run.start else run.start
        found.append((start, run.end))
    return found


def _within(span: tuple[datetime, datetime], levels: Sequence[Level]) -> list[Level]:
    """The levels of a span, the first from its start on."""
    first, last = span
    held = [level for level in levels if level.starts <= first][-1]
    return [
        msgspec.structs.replace(held, starts=first),
        *(level for level in levels if first < level.starts < last),
    ]


# ---------------------------------------------------------------- in words


class _Words:
    """A chart in words, for those who do not see it. Its dates are those of whoever charges."""

    def __init__(self, zone: str, today: datetime, span: tuple[datetime, datetime]) -> None:
        self.zone, self.today, self.span = ZoneInfo(zone), today, span

    def of(self, now: Paid, was: Paid, runs: Sequence[Run], threats: Sequence[Threat]) -> str:
        """``Now 145%, since 10 April. Before that: 104% from 9 April, ...``, and what else is drawn."""
        levels = _within(self.span, now.levels)
        past = [level for level in levels if level.starts <= self.today]
        parts = (
            self._now(past),
            _listed("Before that", self._earlier(past)),
            _listed("Scheduled", [self._from(level) for level in levels if level.starts > self.today]),
            _listed("As known before this digest", self._known_before(was, runs)),
            _listed("Threatened, not law", [self._threat(threat) for threat in threats]),
        )
        return " ".join(part for part in parts if part)

    def notes(self, now: Paid) -> list[str]:
        """Why something is not known, and what the figures leave out."""
        return [*(f"{why[:1].upper()}{why[1:]}." for why in now.unknown[:RUNS]), self._normal(now)]

    def _now(self, past: Sequence[Level]) -> str:
        since = f", since {self._day(past[-1].starts)}" if len(past) > 1 else ""
        return f"Now {past[-1].words}{since}."

    def _earlier(self, past: Sequence[Level]) -> list[str]:
        before = [*reversed(past[:-1])]
        said = [self._from(level) for level in before[:EARLIER]]
        if len(before) > EARLIER:
            return said
        return (
            [*said[:-1], f"{before[-1].words} earlier"] if len(before) > 1 else [one.words for one in before]
        )

    def _known_before(self, was: Paid, runs: Sequence[Run]) -> list[str]:
        """What was believed of the time that is told otherwise now; what goes on as it stands today is *still* so."""
        said: list[tuple[datetime, datetime, Level]] = []
        for run in runs:
            start = run.start
            if said and said[-1][1] == start and said[-1][2].words == run.before.words:
                start = said.pop()[0]
            said.append((start, run.end, run.before))
        still = was.at(self.today)
        return [
            f"{'still ' if start > self.today and level == still else ''}{level.words}{self._while(start, end)}"
            for start, end, level in [one for one in said if self._lasts(*one[:2])][:RUNS]
        ]

    def _lasts(self, start: datetime, end: datetime) -> bool:
        """Whether a stretch is longer than the day on which it begins."""
        return start <= self.span[0] or end >= self.span[1] or self._day(start) != self._day(end)

    def _while(self, start: datetime, end: datetime) -> str:
        since = f" from {self._day(start)}" if start > self.span[0] else ""
        return since + (f" until {self._day(end)}" if end < self.span[1] else " on" if since else "")

    def _from(self, level: Level) -> str:
        return f"{level.words} from {self._day(level.starts)}"

    def _threat(self, threat: Threat) -> str:
        since = f" from {self._day(threat.starts)}" if threat.starts > self.today else ""
        return f"{words.number(threat.percent)}%{since}"

    def _normal(self, now: Paid) -> str:
        begun = [at for at, included in now.normal if included]
        if not begun:
            return "Without the normal duty (not on record)."
        if begun[0] <= self.span[0] or len(now.normal) == 1:
            return "The normal duty is included."
        return f"The normal duty is included from {self._day(begun[0])} on, and not before."

    def _day(self, at: datetime) -> str:
        local, today = at.astimezone(self.zone), self.today.astimezone(self.zone)
        return f"{local.day} {local:%B}" + (f" {local.year}" if local.year != today.year else "")


def _listed(what: str, said: Sequence[str]) -> str:
    return f"{what}: {', '.join(said)}." if said else ""
