"""Draws the report's charts as SVG to be put into a page; the door to matplotlib.

Colours are the page's custom properties, so that one drawing does for a light and for a dark page, and letters are
left to the browser. Each chart can be drawn in two widths, for a screen and for a telephone.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from matplotlib import font_manager, style, ticker
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from claude_local_plugin.render import printable
from claude_local_plugin.report import words
from claude_local_plugin.report.palette import COLOURS, HATCHES


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
class About:
    """What a chart is, for those who cannot see it; `name` is part of every id in it and unique in its page."""

    name: str
    title: str
    description: str


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


#: Stands for a colour of the palette until the drawing is done: matplotlib knows no custom properties.
_STAND_IN = {name: f"#a5{place:02d}5a" for place, name in enumerate(COLOURS)}
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "text.parse_math": False,  # a folder may be called $HOME$
    "axes.formatter.use_mathtext": False,
    "hatch.linewidth": 1.3,
}
_MARGIN = 4.0
#: Rooms beside the axes for what their numbers are called, and for half of the last day's name.
_LEFT, _RIGHT = 4.4, 2.0  # in letters


#: The smallest part of a strip that is drawn.
_VISIBLE = 0.15


def stacked(about: About, size: Size, days: Sequence[str], series: Sequence[Series]) -> str:
    """Bars for each day, one series on the other, and below what each series is called."""
    height, days_height, line = 210.0, size.letters * 2.2, size.letters * 1.65
    columns = 2 if size is WIDE else 1
    legend_rows = math.ceil(len(series) / columns)
    with _drawing(about, size, height + days_height + legend_rows * line + _MARGIN) as drawing:
        axes = drawing.axes(_MARGIN * 2, height - _MARGIN * 2)
        bottom = [0.0] * len(days)
        for one in series:
            _bars(axes, one.values, bottom, one.colour)
            bottom = [low + value for low, value in zip(bottom, one.values, strict=True)]
        _name_days(axes, days, size)
        _count(axes, max(bottom, default=0))
        for place, one in enumerate(series):
            column, row = divmod(place, legend_rows)
            drawing.key(column / columns, 1 / columns, height + days_height + row * line, one)
    return drawing.svg


def shares(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> str:
    """For each row a strip: how much of each day was good, the rest on top, nothing where nothing is known.

    A rest that is smaller than could be seen is drawn a little larger.
    """
    with _drawing(about, size, _rows_height(size, len(rows), 26)) as drawing:
        for axes, row in drawing.rows(rows, 26):
            rest = [0.0 if value in (None, 1) else max(1 - (value or 0), _VISIBLE) for value in row.values]
            good = [0.0 if value is None else 1 - bad for value, bad in zip(row.values, rest, strict=True)]
            _bars(axes, good, [0.0] * len(good), "good")
            _bars(axes, rest, good, "bad")
            axes.set(ylim=(0, 1), yticks=[0, 1], yticklabels=["0", "100 %"])
            _name_days(axes, days, size, named=row is rows[-1])
    return drawing.svg


def latencies(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> str:
    """For each row dots at the middle latencies, with lines up to the slow ones, all rows on one scale."""
    known = [value for row in rows for value in (*row.values, *row.upper) if value]
    low, high = min(known, default=1.0) / 1.6, max(known, default=1.0) * 1.6
    decades = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    with _drawing(about, size, _rows_height(size, len(rows), 60)) as drawing:
        for axes, row in drawing.rows(rows, 60):
            seen = [(place, value, row.upper[place] or value) for place, value in enumerate(row.values) if value]
            places, middle, slow = zip(*seen, strict=True) if seen else ((), (), ())
            _strokes(axes, places, middle, slow, width=2.5, color=_STAND_IN["edge"])
            axes.plot(places, middle, color=_STAND_IN["own-1"], linewidth=1.3, clip_on=False)
            _strokes(axes, places, middle, middle, width=5, color=_STAND_IN["own-1"], capstyle="round", zorder=3)
            axes.set(yscale="log", ylim=(low, high))
            axes.yaxis.set_major_locator(ticker.FixedLocator(decades[-1 :: -max(1, len(decades) // 2)] or [known[0]]))
            axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: words.latency(value)))
            axes.yaxis.set_minor_locator(ticker.NullLocator())
            _name_days(axes, days, size, named=row is rows[-1])
    return drawing.svg


def counts(about: About, size: Size, days: Sequence[str], rows: Sequence[Row]) -> str:
    """For each row bars, on a scale of their own."""
    with _drawing(about, size, _rows_height(size, len(rows), 46)) as drawing:
        for axes, row in drawing.rows(rows, 46):
            values = [value or 0.0 for value in row.values]
            _bars(axes, values, [0.0] * len(values), "bad")
            _count(axes, max(values), most=2)
            _name_days(axes, days, size, named=row is rows[-1])
    return drawing.svg


def bars(about: About, size: Size, rows: Sequence[Bar]) -> str:
    """For each row a bar from left to right: what is one's own, then the cloud."""
    strip = 14.0
    most = max((row.own + row.cloud for row in rows), default=0) or 1.0
    key_height = size.letters * 1.65
    with _drawing(about, size, _rows_height(size, len(rows), strip, bare=True) + key_height) as drawing:
        for axes, row in drawing.rows(rows, strip, bare=True):
            for begin, length, colour in ((0.0, row.own, "own-1"), (row.own, row.cloud, "cloud-1")):
                if length:
                    axes.add_patch(Rectangle((begin, 0), length, 1, **_ink(colour, 0.6)))
            axes.set(xlim=(0, most), ylim=(0, 1), xticks=[], yticks=[])
            axes.spines["bottom"].set_visible(False)
        for place, (colour, label) in enumerate((("own-1", "own servers"), ("cloud-1", "cloud"))):
            drawing.key(place * 140 / size.width, 0.5, drawing.height - key_height, Series(colour, label, ()))
    return drawing.svg


class _Drawing:
    """A drawing under way, measured in pixels from its upper left corner; `svg` is there when it is done."""

    def __init__(self, about: About, size: Size, height: float) -> None:
        self.about, self.size, self.height = about, size, height
        self.figure = Figure(figsize=(size.width / 72, height / 72), dpi=72)
        self.figure.patch.set_visible(False)
        self.svg = ""

    def axes(self, top: float, height: float, *, bare: bool = False) -> Any:
        """Axes of that height; bare ones have nothing beside and below them."""
        before, behind = (_MARGIN + (0 if bare else room * self.size.letters) for room in (_LEFT, _RIGHT))
        axes = self.figure.add_axes(
            (
                before / self.size.width,
                1 - (top + height) / self.height,
                1 - (before + behind) / self.size.width,
                height / self.height,
            )
        )
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set(color=_STAND_IN["edge"], linewidth=1)
        axes.tick_params(axis="both", length=0, pad=4, labelsize=self.size.letters, labelcolor=_STAND_IN["quiet"])
        axes.grid(axis="y", color=_STAND_IN["line"], linewidth=1)
        return axes

    def rows(
        self, rows: Sequence[Row] | Sequence[Bar], strip: float, *, bare: bool = False
    ) -> Iterator[tuple[Any, Any]]:
        """Axes for each row, below its title and its total."""
        line = self.size.letters * 1.5
        top = 0.0
        for row in rows:
            total_width = _width(row.total, self.size.letters)
            if self.size is WIDE:
                self.text(_MARGIN, top, _fitted(row.title, self.size.width - total_width - 40, self.size.letters))
                self.text(self.size.width - _MARGIN, top, row.total, quiet=True, right=True)
            else:
                self.text(_MARGIN, top, _fitted(row.title, self.size.width - 2 * _MARGIN, self.size.letters))
                self.text(_MARGIN, top + line, row.total, quiet=True)
            top += _title_height(self.size, bare)
            yield self.axes(top, strip, bare=bare), row
            top += strip + _BETWEEN

    def text(self, left: float, top: float, text: str, *, quiet: bool = False, right: bool = False) -> None:
        """A line of text, `top` being above it and `left` its beginning (or its end)."""
        self.figure.text(
            left / self.size.width,
            1 - (top + self.size.letters * 1.15) / self.height,
            printable(text),
            fontsize=self.size.letters,
            color=_STAND_IN["quiet" if quiet else "text"],
            horizontalalignment="right" if right else "left",
            verticalalignment="baseline",
        )

    def key(self, left: float, width: float, top: float, series: Series) -> None:
        """What a colour stands for: a patch of it and words; `left` and `width` are shares of the drawing's width."""
        letters = self.size.letters
        begin = left * self.size.width + _MARGIN
        box = Rectangle(
            (begin / self.size.width, 1 - (top + letters * 1.3) / self.height),
            2 * letters / self.size.width,
            letters * 1.15 / self.height,
            transform=self.figure.transFigure,
            **_ink(series.colour, 0),
        )
        self.figure.add_artist(box)
        room = width * self.size.width - 2.7 * letters - 3 * _MARGIN
        self.text(begin + 2.7 * letters, top, _fitted(series.label, room, letters))


_BETWEEN = 12.0


def _title_height(size: Size, bare: bool) -> float:
    """A row's title and total stand beside each other where there is room, else below each other."""
    lines = 1.7 if size is WIDE else 3.2
    return size.letters * (lines if bare else lines + 0.6)


def _rows_height(size: Size, count: int, strip: float, *, bare: bool = False) -> float:
    below = 0.0 if bare else size.letters * 2.2
    return count * (_title_height(size, bare) + strip + _BETWEEN) - (0.0 if bare else _BETWEEN) + below


@contextmanager
def _drawing(about: About, size: Size, height: float) -> Iterator[_Drawing]:
    salt = {"svg.hashsalt": f"{about.name}-{size.name}"}  # else every drawing is another
    with style.context(["default", {**_STYLE, **salt}]), warnings.catch_warnings():
        # it is the browser that draws the letters, and it has more of them
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        drawing = _Drawing(about, size, height)
        yield drawing
        text = io.StringIO()
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawing.figure.savefig(text, format="svg", metadata=metadata)
    drawing.svg = _for_page(text.getvalue(), about, size, height)


def _rules(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(what, re.DOTALL), instead) for what, instead in rules)


#: What matplotlib writes and a page does not need: a style for all elements of the page, and names of groups.
_NEEDLESS = _rules(
    (r"<metadata>.*?</metadata>", ""),
    (r"<defs>\s*<style.*?</style>\s*</defs>", ""),
    (r'<g id="[^"]*"/>', ""),
    (r'<g id="[^"]*">', "<g>"),
    (r">\s*\n\s*<", ">\n<"),
)
#: The same within a tag: turns by nothing, fonts, hundredths of a pixel, and the long way to say a rectangle.
_LENGTHY = _rules(
    (r' transform="rotate\(-?0 [^)]*\)"', ""),
    (r" font-family: [^;\"]*;", ""),
    (r"(?<=\d\.\d)\d+(?=[ \"\n;])", ""),
    (r"\s*\n\s*", " "),
    (r"M (\S+) (\S+) L \1 (\S+) L (\S+) \3 L \4 \2 z", r"M\1 \2V\3H\4V\2z"),
    (r'(?<=\d) (?=[ML"])|(?<=[MLz]) ', ""),
)
_COLOUR = {stand_in: f"var(--{name})" for name, stand_in in _STAND_IN.items()}
_ANY_COLOUR = re.compile("|".join(_COLOUR))


def _for_page(svg: str, about: About, size: Size, height: float) -> str:
    """matplotlib's document as an element of a page: ids of its own, the page's colours, and what it shows in words."""
    name = f"{about.name}-{size.name}"
    inner = svg[svg.index(">", svg.index("<svg")) + 1 :]
    for what, instead in _NEEDLESS:
        inner = what.sub(instead, inner)
    # text, which is other people's, is left as it is
    inner = re.sub(r"<[^>]+>", lambda tag: _tidied(tag[0], name), inner)
    return (
        f'<svg class="{size.name}" role="img" aria-labelledby="{name}-title" aria-describedby="{name}-description"'
        f' viewBox="0 0 {size.width} {height:.0f}">\n'
        f'<title id="{name}-title">{escape(printable(about.title))}</title>\n'
        f'<desc id="{name}-description">{escape(printable(about.description))}</desc>{inner.strip()}'
    )


def _tidied(tag: str, name: str) -> str:
    """A tag as short as it can be, with the page's colours, and with ids that belong to this drawing."""
    for what, instead in _LENGTHY:
        tag = what.sub(instead, tag)
    tag = re.sub(r'(fill|stroke)="(#\w+)"', r'style="\1: \2"', tag)
    tag = _ANY_COLOUR.sub(lambda colour: _COLOUR[colour[0]], tag)
    return re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", tag)


def _ink(colour: str, edge: float) -> dict[str, Any]:
    """A patch's colour and pattern."""
    return {
        "facecolor": _STAND_IN[colour],
        "edgecolor": _STAND_IN["faint-thread" if colour.startswith("own") else "thread"],
        "hatch": HATCHES[colour],
        "linewidth": edge,
    }


def _bars(axes: Any, values: Sequence[float], bottom: Sequence[float], colour: str) -> None:
    """A bar for each value that is not zero, all of them one path."""
    boxes = [
        Outline(
            [(place - 0.4, low), (place - 0.4, low + value), (place + 0.4, low + value), (place + 0.4, low), (0, 0)],
            [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY],
        )
        for place, (value, low) in enumerate(zip(values, bottom, strict=True))
        if value
    ]
    if boxes:
        edge = 0.5 if len(values) < 60 else 0
        axes.add_patch(PathPatch(Outline.make_compound_path(*boxes), clip_on=False, **_ink(colour, edge)))


def _strokes(
    axes: Any, places: Sequence[float], begins: Sequence[float], ends: Sequence[float], width: float, **look: Any
) -> None:
    """A stroke upwards at each place, all of them one path; one of no length and with round ends is a dot."""
    steps = [
        step for place, low, high in zip(places, begins, ends, strict=True) for step in ((place, low), (place, high))
    ]
    if steps:
        outline = Outline(steps, [Outline.MOVETO, Outline.LINETO] * len(places))
        axes.add_patch(PathPatch(outline, fill=False, linewidth=width, clip_on=False, **look))


def _name_days(axes: Any, days: Sequence[str], size: Size, *, named: bool = True) -> None:
    """Names every so many days below the axes."""
    every = math.ceil(len(days) / size.named_days)
    places = range(0, len(days), every)
    axes.set_xticks(places, [days[place] for place in places] if named else [])
    axes.tick_params(axis="x", pad=8)
    axes.set_xlim(-0.6, len(days) - 0.4)


def _count(axes: Any, highest: float, most: int = 4) -> None:
    """A scale from nothing to a little more than the highest."""
    axes.set_ylim(0, highest * 1.05 or 1)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(most, integer=True))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: words.number(value)))


@cache
def _font() -> Any:
    return font_manager.get_font(font_manager.findfont("DejaVu Sans"))


@cache
def _advance(letter: str) -> float:
    """How wide a letter is, as a share of its size; a square where the font does not have it.

    Those of this font are wider than of nearly every other that a browser may take instead.
    """
    font = _font()
    if not font.get_char_index(ord(letter)):
        return 1.1
    font.set_size(100, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100


def _width(text: str, letters: float) -> float:
    return sum(map(_advance, text)) * letters


def _fitted(text: str, width: float, letters: float) -> str:
    """The text, or its beginning and its end where it is wider than that."""
    text = printable(text)
    if _width(text, letters) <= width:
        return text
    kept = len(text)
    while kept and _width(_shortened(text, kept), letters) > width:
        kept -= 1 if kept < 200 else kept // 10
    return _shortened(text, kept)


def _shortened(text: str, kept: int) -> str:
    front = kept // 3
    return f"{text[:front]}…{text[len(text) - (kept - front) :]}"
