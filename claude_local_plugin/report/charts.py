"""The report's charts, each in two widths, for a screen and for a telephone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from claude_local_plugin.report import words
from claude_local_plugin.report.html import Markup
from claude_local_plugin.report.svg import MARGIN, About, Axes, Drawing, axes, fitted, round_steps, width_of


@dataclass(frozen=True, slots=True)
class Size:
    """A drawing's width and the size of its letters in pixels, and how many days are named below it."""

    name: str
    width: int
    letters: float
    named_days: int


WIDE = Size("wide", 880, 12, 8)
NARROW = Size("narrow", 360, 11.5, 4)
SIZES = (WIDE, NARROW)


@dataclass(frozen=True, slots=True)
class Series:
    """A number for each day, week or month, the name of its colour in the palette, and what it is called."""

    colour: str
    label: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Row:
    """One of several small charts below each other: its title, what comes of it in all, and its numbers.

    None is a day of which nothing is known. `upper` is a second, larger number for each day.
    """

    title: str
    total: str
    values: Sequence[float | None]
    upper: Sequence[float | None] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of two parts with its title above and what it says in words."""

    title: str
    total: str
    own: float
    cloud: float


@dataclass(frozen=True, slots=True)
class Span:
    """A number with where it may be as well, its title, and what it says in words."""

    title: str
    total: str
    value: float
    low: float
    high: float


_R = TypeVar("_R", Row, Bar, Span)

#: The smallest part of a strip that is drawn.
_VISIBLE = 0.15
#: Below a row, in pixels.
_BETWEEN = 12.0
#: Room for what days are called, and from one line of words to the next, in letters.
_DAYS, _LINE = 2.2, 1.65


def stacked(about: About, size: Size, days: Sequence[str], series: Sequence[Series]) -> Markup:
    """Bars for each day, one series on the other, and below what each series is called."""
    drawing = _drawing(about, size)
    height, line = 210.0, size.letters * _LINE
    columns = 2 if size is WIDE else 1
    lines = math.ceil(len(series) / columns)
    bottoms = [[0.0] * len(days)]
    for one in series:
        bottoms.append([low + value for low, value in zip(bottoms[-1], one.values, strict=True)])
    chart = _counting(drawing, MARGIN * 2, height - MARGIN * 2, max(bottoms[-1], default=0), len(days), most=4)
    for one, bottom in zip(series, bottoms, strict=False):
        chart.bars(one.values, bottom, one.colour)
    chart.ground(days, size.named_days)
    below = height + _DAYS * size.letters
    for place, one in enumerate(series):
        column, row = divmod(place, lines)
        width = size.width / columns
        drawing.key(column * width + MARGIN, below + row * line, width - 3 * MARGIN, one.colour, one.label)
    return drawing.svg(below + lines * line + MARGIN, class_=size.name)


def shares(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> Markup:
    """For each row a strip: how much of each day was good, the rest on top, nothing where nothing is known.

    A rest that is smaller than could be seen is drawn a little larger.
    """
    drawing = _drawing(about, size)
    for top, row in _rows(drawing, size, rows, 26):
        chart = axes(drawing, top, 26, len(days), lambda value: value)
        chart.scale([(0, "0"), (1, "100 %")])
        rest = [0.0 if value in (None, 1) else max(1 - (value or 0), _VISIBLE) for value in row.values]
        good = [0.0 if value is None else 1 - bad for value, bad in zip(row.values, rest, strict=True)]
        chart.bars(good, [0.0] * len(good), "good")
        chart.bars(rest, good, "bad")
        chart.ground(days if row is rows[-1] else (), size.named_days)
    return drawing.svg(_rows_height(size, len(rows), 26), class_=size.name)


def latencies(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> Markup:
    """For each row dots at the middle latencies, with lines up to the slow ones, all rows on one scale."""
    drawing = _drawing(about, size)
    known = [value for row in rows for value in (*row.values, *row.upper) if value]
    low, high = (math.log10(value) for value in (min(known, default=1.0) / 1.6, max(known, default=1.0) * 1.6))
    decades = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    named = decades[-1 :: -max(1, len(decades) // 2)] or known[:1]
    for top, row in _rows(drawing, size, rows, 60):
        chart = axes(drawing, top, 60, len(days), lambda value: (math.log10(value) - low) / (high - low))
        chart.scale((value, words.latency(value)) for value in named)
        middle, slow = [], []
        for place, value in enumerate(row.values):
            if value:
                middle.append((chart.x(place), chart.y(value)))
                slow.append((chart.x(place), chart.y(row.upper[place] or value)))
        drawing.strokes(zip(middle, slow, strict=True), "edge", 2.5)
        drawing.line(middle, "own-1", 1.3)
        drawing.strokes(zip(middle, middle, strict=True), "own-1", 5, "stroke-linecap: round")
        chart.ground(days if row is rows[-1] else (), size.named_days)
    return drawing.svg(_rows_height(size, len(rows), 60), class_=size.name)


def counts(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> Markup:
    """For each row bars, on a scale of their own."""
    drawing = _drawing(about, size)
    for top, row in _rows(drawing, size, rows, 46):
        values = [value or 0.0 for value in row.values]
        chart = _counting(drawing, top, 46, max(values), len(days), most=2)
        chart.bars(values, [0.0] * len(values), "bad")
        chart.ground(days if row is rows[-1] else (), size.named_days)
    return drawing.svg(_rows_height(size, len(rows), 46), class_=size.name)


def bars(about: About, size: Size, rows: Sequence[Bar]) -> Markup:
    """For each row a bar from left to right: what is one's own, then the cloud."""
    drawing = _drawing(about, size)
    strip = 14.0
    most = max((row.own + row.cloud for row in rows), default=0) or 1.0
    pixels = (size.width - 2 * MARGIN) / most
    for top, row in _rows(drawing, size, rows, strip, bare=True):
        drawing.boxes([(MARGIN, top, row.own * pixels, strip)], "own-1", 0.6)
        drawing.boxes([(MARGIN + row.own * pixels, top, row.cloud * pixels, strip)], "cloud-1", 0.6)
    below = _rows_height(size, len(rows), strip, bare=True)
    for place, (colour, label) in enumerate((("own-1", "own servers"), ("cloud-1", "cloud"))):
        drawing.key(place * 140 + MARGIN, below, size.width / 2, colour, label)
    return drawing.svg(below + size.letters * _LINE, class_=size.name)


def spans(about: About, size: Size, rows: Sequence[Span], scale: Sequence[tuple[float, str]]) -> Markup:
    """For each row a line from `low` to `high` with a dot at its number, all on one scale with these names below."""
    drawing = _drawing(about, size)
    strip, (least, most) = 12.0, (scale[0][0], scale[-1][0])
    room = size.letters * 2.2  # half of the widest name below
    pixels = (size.width - 2 * room) / (most - least)
    height = _rows_height(size, len(rows), strip, bare=True) - _BETWEEN / 2

    def x(value: float) -> float:
        return room + (value - least) * pixels

    for top, row in _rows(drawing, size, rows, strip, bare=True):
        middle = top + strip / 2
        for value, _ in scale:
            drawing.line([(x(value), top - 1), (x(value), top + strip + 1)], "line")
        drawing.line([(x(least), middle), (x(most), middle)], "line")
        drawing.line([(x(row.low), middle), (x(row.high), middle)], "own-1", 3)
        ends = [[(x(each), top + 1), (x(each), top + strip - 1)] for each in (row.low, row.high)]
        drawing.strokes(ends, "own-1", 2)
        dot = [(x(row.value), middle), (x(row.value), middle)]
        drawing.line(dot, "own-1", 10, "stroke-linecap: round")
    for value, name in scale:
        drawing.text(x(value), height + size.letters, name, anchor="middle")
    return drawing.svg(height + size.letters * _LINE, class_=size.name)


def _drawing(about: About, size: Size) -> Drawing:
    name = f"{about.name}-{size.name}"
    return Drawing(About(name, about.title, about.description), size.width, size.letters)


def _counting(drawing: Drawing, top: float, height: float, highest: float, places: int, *, most: int) -> Axes:
    """Axes from nothing to a little more than the highest, with its scale."""
    room = highest * 1.05 or 1.0
    chart = axes(drawing, top, height, places, lambda value: value / room)
    chart.scale((value, words.number(value)) for value in round_steps(room, most, whole=True))
    return chart


def _rows(
    drawing: Drawing, size: Size, rows: Sequence[_R], strip: float, *, bare: bool = False
) -> Iterator[tuple[float, _R]]:
    """Each row with where its strip begins, below its title and its total."""
    top, right, base = 0.0, size.width - MARGIN, size.letters * 1.15
    for row in rows:
        if size is WIDE:
            room = size.width - width_of(row.total, size.letters) - 40
            drawing.text(right, top + base, row.total, anchor="end")
        else:
            room = size.width - 2 * MARGIN
            drawing.text(MARGIN, top + base + size.letters * 1.5, row.total)
        drawing.text(MARGIN, top + base, fitted(row.title, room, size.letters), colour="text")
        top += _title_height(size, bare)
        yield top, row
        top += strip + _BETWEEN


def _title_height(size: Size, bare: bool) -> float:
    """A row's title and total stand beside each other where there is room, else below each other."""
    lines = 1.7 if size is WIDE else 3.2
    return size.letters * (lines if bare else lines + 0.6)


def _rows_height(size: Size, count: int, strip: float, *, bare: bool = False) -> float:
    below = 0.0 if bare else size.letters * _DAYS
    return count * (_title_height(size, bare) + strip + _BETWEEN) - (0.0 if bare else _BETWEEN) + below
