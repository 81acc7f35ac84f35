"""A chart of an edition as a picture (PNG): the same chart is the same picture, on a white ground of its own.

What is told by colour is told by the form of a line, too. The font is the one that Pillow brings; it knows ASCII alone,
so names stand beside the picture and not in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from itertools import chain, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from tracker.domain import words
from tracker.domain.edition import Chart, Level

WIDTH, HEIGHT = 440, 190
"""The size on a page, in CSS pixels. Twice as many are drawn, for screens that show them."""
SCALE = 2
LEFT, TOP, RIGHT, BOTTOM = 48, 50, 428, 160
"""What time and rates span."""
FONT, SMALL = 16, 14
INK, SOFT, GRID, LATER = "#1d2125", "#5a646d", "#e3e6e8", "#f1f3f5"
NOW, WAS, THREAT, BAND = "#0b5394", "#7a848e", "#b84a00", "#cfe0f2"
LINE, THIN = 2.5, 1.5
DASH, DOT = (7.0, 4.0), (2.0, 4.0)
"""How long a stroke and a gap are: of what is scheduled, of what is threatened."""
SOLID = (1e6, 0.0)
COLOURS = 48
MONTH_WIDTH = 42
"""As far apart as the names of months stand at least."""

Box = tuple[float, float, float, float]
Point = tuple[float, float]


class Stretch(NamedTuple):
    """A level with its end."""

    start: datetime
    end: datetime
    level: Level


def png(chart: Chart) -> bytes:
    """The picture."""
    return _png(msgspec.json.encode(chart))


@lru_cache(maxsize=64)
def _png(encoded: bytes) -> bytes:
    """Kept for a while: one edition goes to many."""
    drawn = _Drawing(msgspec.json.decode(encoded, type=Chart)).drawn()
    told = BytesIO()
    drawn.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        told, "PNG", optimize=True
    )
    return told.getvalue()


class _Drawing:
    """One picture while it is drawn. All measures are in CSS pixels."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.zone = ZoneInfo(chart.zone)
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "white")
        self.pen = ImageDraw.Draw(self.image)
        self.taken = Image.new("1", self.image.size)
        self.ticks = _ticks(max((1.0, *_figures(chart))))

    def drawn(self) -> Image.Image:
        chart = self.chart
        now = _stretches(chart.now, chart.until)
        was = _elsewhere(_stretches(chart.was, chart.until), now)
        self._frame()
        self._bands(now)
        self._course(was, WAS, SOLID, LINE)
        self._course(_up_to(now, chart.as_of), NOW, SOLID, LINE)
        self._course(_after(now, chart.as_of), NOW, DASH, LINE)
        self._threats()
        self._marks(now)
        self._labels(now, was)
        self._legend(was)
        return self.image

    # ------------------------------------------------------------ where things are

    def _x(self, at: datetime) -> float:
        whole = self.chart.until - self.chart.since
        return LEFT + (RIGHT - LEFT) * min(max((at - self.chart.since) / whole, 0.0), 1.0)

    def _y(self, percent: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * percent / self.ticks[-1]

    # ------------------------------------------------------------ what is drawn

    def _frame(self) -> None:
        """The ground: percentages, months, today, and what lies ahead of it."""
        today = self._x(self.chart.as_of)
        self._fill((today, TOP - 8, RIGHT, BOTTOM), LATER)
        for tick in self.ticks:
            self._stroke((LEFT, self._y(tick)), (RIGHT, self._y(tick)), SOFT if tick == 0 else GRID, 1)
            self._text(f"{words.number(tick)}%", (LEFT - 6, self._y(tick)), "rm", SOFT, SMALL)
        last = float(LEFT - MONTH_WIDTH)
        for month in _months(self.chart, self.zone):
            x = self._x(month)
            self._stroke((x, BOTTOM), (x, BOTTOM + 4), SOFT, 1)
            if x - last >= MONTH_WIDTH and x < RIGHT - 12:
                name = f"{month:%b}" if month.month > 1 else f"{month.year}"
                self._text(name, (x, BOTTOM + 6), "mt", SOFT, SMALL)
                last = x
        self._stroke((today, TOP - 8), (today, BOTTOM), SOFT, 1)
        self._take((today - 1, TOP - 8, today + 1, BOTTOM))
        local = self.chart.as_of.astimezone(self.zone)
        anchor = "lb" if today < LEFT + 30 else "rb" if today > RIGHT - 30 else "mb"
        self._text(f"{local.day} {local:%b}", (today, TOP - 10), anchor, SOFT, SMALL)

    def _bands(self, stretches: Iterable[Stretch]) -> None:
        """What lies between two figures at once."""
        for start, end, level in stretches:
            if level.low is not None and level.high is not None and level.low != level.high:
                self._fill((self._x(start), self._y(level.high), self._x(end), self._y(level.low)), BAND)

    def _course(
        self, stretches: Sequence[Stretch], colour: str, dash: tuple[float, float], width: float
    ) -> None:
        """Level by level, with the steps between them; a gap where nothing is known."""
        for low in (False, True):
            for stretch in stretches:
                if (y := self._height(stretch.level, low)) is not None:
                    self._stroke((self._x(stretch.start), y), (self._x(stretch.end), y), colour, width, dash)
            for one, other in pairwise(stretches):
                ends = [self._height(stretch.level, low) for stretch in (one, other)]
                if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
                    x = self._x(other.start)
                    self._stroke((x, ends[0]), (x, ends[1]), colour, width, dash)

    def _height(self, level: Level, low: bool) -> float | None:
        percent = level.low if low else level.high
        return None if percent is None else self._y(percent)

    def _threats(self) -> None:
        for threat in self.chart.threats:
            if threat.starts < self.chart.until:
                y, x = self._y(threat.percent), self._x(threat.starts)
                until = self._x(min(threat.ends or self.chart.until, self.chart.until))
                self._stroke((x, y), (until, y), THREAT, LINE, DOT)
                self._dot((x, y), THREAT, hollow=True)

    def _marks(self, now: Sequence[Stretch]) -> None:
        """Where that changes which is told."""
        for mark in self.chart.marks:
            for start, end, level in now:
                if start <= mark < end and level.high is not None:
                    self._dot((self._x(mark), self._y(level.high)), NOW)

    def _labels(self, now: Sequence[Stretch], was: Sequence[Stretch]) -> None:
        """The figures, what matters first; one that finds no room is left out: the words beside have it."""
        chart = self.chart
        today = [one for one in now if one.start <= chart.as_of < one.end]
        later = [one for one in now if one.start > chart.as_of]
        earlier = [one for one in reversed(now) if one.end <= chart.as_of]
        for one in today:
            self._label(one, NOW, bold=True)
        for threat in chart.threats:
            level = Level(starts=threat.starts, low=threat.percent, high=threat.percent, words="")
            self._label(Stretch(threat.starts, chart.until, level), THREAT)
        for one in chain(later, earlier):
            self._label(one, NOW)
        for one in was:
            self._label(one, SOFT)

    def _label(self, stretch: Stretch, colour: str, bold: bool = False) -> None:
        """A figure at its line, or the two at theirs."""
        figures = (stretch.level.high, stretch.level.low)
        for percent in dict.fromkeys(figure for figure in figures if figure is not None):
            self._number(percent, self._x(stretch.start), self._x(stretch.end), colour, bold)

    def _number(self, percent: float, left: float, right: float, colour: str, bold: bool) -> None:
        said, y = f"{words.number(percent)}%", self._y(percent)
        width = _font(FONT).getlength(said) / SCALE + 4
        inner = (left + (right - left - width) * part for part in (0.5, 0.75, 0.25, 1.0, 0.0))
        for x in (*inner, right + 4, left - width - 4):
            for top in (y - FONT - 6, y + 5):
                box = (x, top, x + width, top + FONT + 2)
                if self._free(box):
                    self._text(said, (x + 2, top + 1), "lt", colour, FONT, bold=bold)
                    return

    def _legend(self, was: Sequence[Stretch]) -> None:
        """What the forms of lines mean, as far as they are there; in force needs no saying."""
        entries: list[tuple[str, str, tuple[float, float], float]] = [("scheduled", NOW, DASH, LINE)]
        bands = {level.words for level in self.chart.now if level.low != level.high}
        if bands:
            quota = any("quota" in said for said in bands)
            entries.append(("quota" if quota else "range", BAND, SOLID, 12))
        if was:
            entries.append(("known before", WAS, SOLID, LINE))
        if self.chart.threats:
            entries.append(("threatened", THREAT, DOT, LINE))
        x = 10.0
        for said, colour, dash, width in entries:
            self._stroke((x, 15), (x + 22, 15), colour, width, dash)
            self._text(said, (x + 27, 15), "lm", SOFT, SMALL)
            x += 27 + _font(SMALL).getlength(said) / SCALE + 10

    # ------------------------------------------------------------ strokes

    def _fill(self, box: Box, colour: str) -> None:
        self.pen.rectangle(_scaled(box), fill=colour)

    def _stroke(
        self, start: Point, end: Point, colour: str, width: float, dash: tuple[float, float] = SOLID
    ) -> None:
        """A level or upright line; drawn over, not joined, so that it needs no smoothing."""
        half = width / 2
        along = 0 if start[1] == end[1] else 1
        first, last = sorted((start[along], end[along]))
        for begin, until in _dashes(first, last, dash):
            if along == 0:
                box = (begin, start[1] - half, until, start[1] + half)
            else:
                box = (start[0] - half, begin - half, start[0] + half, until + half)
            self._fill(box, colour)
            if width > 1:
                ImageDraw.Draw(self.taken).rectangle(_scaled(box), fill=1)

    def _dot(self, centre: Point, colour: str, hollow: bool = False) -> None:
        """A round mark with a white rim, smoothed."""
        size, fine = 14 * SCALE, 8
        at = tuple(round(place * SCALE - size / 2) for place in centre)
        for part, fill in ((1.0, "white"), (0.72, colour), *(((0.36, "white"),) if hollow else ())):
            mask = Image.new("L", (size * fine, size * fine))
            rim = size * fine * (1 - part) / 2
            ImageDraw.Draw(mask).ellipse((rim, rim, size * fine - rim, size * fine - rim), fill=255)
            self.image.paste(fill, (at[0], at[1]), mask.resize((size, size), Image.Resampling.BOX))
        self._take((centre[0] - 6, centre[1] - 6, centre[0] + 6, centre[1] + 6))

    def _text(self, said: str, at: Point, anchor: str, colour: str, size: int, bold: bool = False) -> None:
        place = (round(at[0] * SCALE), round(at[1] * SCALE))
        stroke = 0.6 if bold else 0
        self.pen.text(place, said, colour, _font(size), anchor, stroke_width=stroke)
        box = self.pen.textbbox(place, said, _font(size), anchor)
        self._take(tuple(side / SCALE for side in box))  # type: ignore[arg-type]

    def _take(self, box: Box) -> None:
        ImageDraw.Draw(self.taken).rectangle(_scaled(box), fill=1)

    def _free(self, box: Box) -> bool:
        inside = box[0] >= LEFT + 2 and box[2] <= RIGHT and box[1] >= TOP - 24 and box[3] <= BOTTOM
        return inside and self.taken.crop(_scaled(box)).getbbox() is None


def _stretches(levels: Sequence[Level], until: datetime) -> list[Stretch]:
    ends = [*(level.starts for level in levels[1:]), until]
    return [Stretch(level.starts, end, level) for level, end in zip(levels, ends, strict=False)]


def _elsewhere(was: Iterable[Stretch], now: Sequence[Stretch]) -> list[Stretch]:
    """The parts of the one course where the other is not, or has no line."""
    found: list[Stretch] = []
    for one in was:
        for other in now:
            start, end = max(one.start, other.start), min(one.end, other.end)
            if start < end and not {one.level.low, one.level.high} <= {other.level.low, other.level.high}:
                if found and (found[-1].end, found[-1].level) == (start, one.level):
                    start = found.pop().start
                found.append(Stretch(start, end, one.level))
    return found


def _up_to(stretches: Iterable[Stretch], at: datetime) -> list[Stretch]:
    return [one._replace(end=min(one.end, at)) for one in stretches if one.start < at]


def _after(stretches: Iterable[Stretch], at: datetime) -> list[Stretch]:
    return [one._replace(start=max(one.start, at)) for one in stretches if one.end > at]


def _figures(chart: Chart) -> Iterator[float]:
    yield from (level.high for level in (*chart.now, *chart.was) if level.high is not None)
    yield from (threat.percent for threat in chart.threats)


def _ticks(most: float) -> list[float]:
    """Round percentages from 0 up to at least ``most``, two or three apart."""
    size = 10.0 ** (len(str(int(most))) - 1)
    step = next(
        step for step in (size / 10 * part for part in (2, 2.5, 5, 10, 20, 25, 50)) if most / step <= 3
    )
    return [step * number for number in range(int(-(-most // step)) + 1)]


def _months(chart: Chart, zone: ZoneInfo) -> Iterator[datetime]:
    """The first of each month."""
    local = chart.since.astimezone(zone)
    month = local.year * 12 + local.month
    while (first := datetime(month // 12, month % 12 + 1, 1, tzinfo=zone)) < chart.until:
        yield first
        month += 1


def _dashes(first: float, last: float, dash: tuple[float, float]) -> Iterator[tuple[float, float]]:
    stroke, gap = dash
    while first < last:
        yield first, min(first + stroke, last)
        first += stroke + gap


def _scaled(box: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(side * SCALE) for side in box)
    return left, top, max(right - 1, left), max(bottom - 1, top)


@lru_cache
def _font(size: int) -> FreeTypeFont:
    font = ImageFont.load_default(size * SCALE)
    assert isinstance(font, FreeTypeFont), "Pillow is built without FreeType"
    return font
