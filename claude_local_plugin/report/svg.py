"""Drawings made of elements: marks, patterns and words, in pixels from the upper left corner.

Colours are by default the page's custom properties, so that one drawing does for a light and for a dark page. Letters
are the browser's, so that the width of a text is an estimate, on the safe side.
"""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from claude_local_plugin.report.html import Markup, element
from claude_local_plugin.report.palette import COLOURS, HATCHES
from claude_local_plugin.text import printable

#: Left, top, width, height.
Box = tuple[float, float, float, float]
#: From left to right and from top to bottom.
Point = tuple[float, float]

MARGIN = 4.0
#: Room beside the axes for what their numbers are called, and for half of the last day's name; in letters.
_LEFT, _RIGHT = 4.4, 2.0
#: A pattern repeats after so many pixels, a multiple of every distance between threads.
_TILE = 48


def of_the_page(colour: str) -> str:
    """The page's own custom property of that name."""
    return f"var(--{colour})"


def light(colour: str) -> str:
    """The colour itself, for a picture that stands alone."""
    return COLOURS[colour][0]


@dataclass(frozen=True, slots=True)
class About:
    """What a drawing is, for those who cannot see it; `name` begins every id in it and is unique in its page."""

    name: str
    title: str
    description: str


class Drawing:
    """A drawing under way; `svg` is the element that comes of it. `ink` says a colour of the palette in CSS."""

    def __init__(self, about: About, width: int, letters: float, ink: Callable[[str], str] = of_the_page) -> None:
        self.about, self.width, self.letters, self._ink = about, width, letters, ink
        self._marks: list[Markup] = []
        self._hatched: dict[str, Markup] = {}

    def svg(self, height: float, /, **attributes: str) -> Markup:
        """The element, that high."""
        title, description = (f"{self.about.name}-{part}" for part in ("title", "description"))
        return element(
            "svg",
            element("title", self.about.title, id=title),
            element("desc", self.about.description, id=description),
            element("defs", self._hatched.values()) if self._hatched else None,
            self._marks,
            role="img",
            aria_labelledby=title,
            aria_describedby=description,
            viewBox=f"0 0 {self.width} {height:.0f}",
            style=f"font-size: {self.letters}px; fill: {self._ink('quiet')}",
            **attributes,
        )

    def text(self, left: float, base: float, text: str, *, anchor: str = "start", colour: str = "quiet") -> None:
        """A line of text that stands on `base` and begins (or ends, or has its middle) at `left`."""
        self._marks.append(
            element(
                "text",
                text,
                x=_short(left),
                y=_short(base),
                text_anchor=None if anchor == "start" else anchor,
                style=None if colour == "quiet" else f"fill: {self._ink(colour)}",
            )
        )

    def boxes(self, boxes: Iterable[Box], colour: str, edge: float = 0.0) -> None:
        """Boxes in a colour of the palette with its pattern, all of them one path; those without a height are none."""
        steps = "".join(
            f"M{_short(left)} {_short(top)}h{_short(width)}v{_short(height)}h{_short(-width)}z"
            for left, top, width, height in boxes
            if width and height
        )
        line = f"; stroke: {self._ink(_thread(colour))}; stroke-width: {edge}" if edge else ""
        self._path(steps, f"fill: {self._filling(colour)}{line}")

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0, more: str = "") -> None:
        """A line through all of the points; `more` is CSS."""
        self.strokes([points], colour, width, more)

    def strokes(self, strokes: Iterable[Sequence[Point]], colour: str, width: float, more: str = "") -> None:
        """Lines of one look, all of them one path; one of no length with round ends is a dot."""
        steps = "".join(
            f"M{'L'.join(f'{_short(left)} {_short(top)}' for left, top in points)}" for points in strokes if points
        )
        self._path(steps, f"fill: none; stroke: {self._ink(colour)}; stroke-width: {width}{more and f'; {more}'}")

    def key(self, left: float, top: float, room: float, colour: str, label: str) -> None:
        """What a colour stands for: a patch of it and words, in `room` pixels."""
        letters = self.letters
        self.boxes([(left, top + 0.15 * letters, 2 * letters, 1.15 * letters)], colour)
        words = fitted(label, room - 2.7 * letters, letters)
        self.text(left + 2.7 * letters, top + 1.15 * letters, words, colour="text")

    def _path(self, steps: str, style: str) -> None:
        if steps:
            self._marks.append(element("path", d=steps, style=style))

    def _filling(self, colour: str) -> str:
        """The colour with its pattern in CSS; the pattern is made when it is first asked for."""
        hatch = HATCHES.get(colour)
        if hatch is None:
            return self._ink(colour)
        name = f"{self.about.name}-{colour}"
        if colour not in self._hatched:
            ground = element("rect", width=_TILE, height=_TILE, style=f"fill: {self._ink(colour)}")
            style = f"fill: none; stroke: {self._ink(_thread(colour))}; stroke-width: 1.3"
            threads = element("path", d="".join(_threads(*hatch)), style=style)
            size = {"width": _TILE, "height": _TILE}
            self._hatched[colour] = element("pattern", ground, threads, id=name, patternUnits="userSpaceOnUse", **size)
        return f"url(#{name})"


@dataclass(frozen=True, slots=True)
class Axes:
    """A part of a drawing in which places go from left to right and numbers go up; `share` is how far, from 0 to 1."""

    drawing: Drawing
    left: float
    top: float
    width: float
    height: float
    places: int
    share: Callable[[float], float]

    @property
    def step(self) -> float:
        """From the middle of a place to that of the next."""
        return self.width / (self.places + 0.2)

    def x(self, place: float) -> float:
        """The middle of a place."""
        return self.left + (place + 0.6) * self.step

    def y(self, value: float) -> float:
        """Where a number is."""
        return self.top + (1 - self.share(value)) * self.height

    def scale(self, numbers: Iterable[tuple[float, str]]) -> None:
        """Lines across, each with what it is called."""
        letters, right = self.drawing.letters, self.left + self.width
        for value, name in numbers:
            self.drawing.line([(self.left, self.y(value)), (right, self.y(value))], "line")
            self.drawing.text(self.left - MARGIN, self.y(value) + 0.36 * letters, name, anchor="end")

    def bars(self, values: Sequence[float], below: Sequence[float], colour: str) -> None:
        """A bar at each place, on top of what is below."""
        width = min(0.8 * self.step, 4 * self.drawing.letters)
        self.drawing.boxes(
            (
                (self.x(place) - width / 2, self.y(low + value), width, self.y(low) - self.y(low + value))
                for place, (value, low) in enumerate(zip(values, below, strict=True))
            ),
            colour,
            edge=0.5 if self.places < 60 else 0,
        )

    def ground(self, names: Sequence[str] = (), most: int = 1) -> None:
        """The line that everything stands on, and below it what places are called, no more than so many of them."""
        bottom = self.top + self.height
        self.drawing.line([(self.left, bottom), (self.left + self.width, bottom)], "edge")
        for place in range(0, len(names), math.ceil(len(names) / most) or 1):
            self.drawing.text(self.x(place), bottom + 1.4 * self.drawing.letters, names[place], anchor="middle")


def axes(
    drawing: Drawing,
    top: float,
    height: float,
    places: int,
    share: Callable[[float], float],
    *,
    left: float = 0.0,
    width: float | None = None,
) -> Axes:
    """Axes with room for words beside them, as wide as the drawing unless said otherwise."""
    before, behind = (MARGIN + letters * drawing.letters for letters in (_LEFT, _RIGHT))
    within = (drawing.width - left if width is None else width) - before - behind
    return Axes(drawing, left + before, top, within, height, places, share)


def round_steps(highest: float, most: int, *, whole: bool = False) -> list[float]:
    """From 0 to at most `highest` in steps of 1, 2 or 5 times a power of ten, `most` steps (2 or more) or fewer."""
    if highest <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(highest / most))
    step = next(times * power for times in (1, 2, 5, 10) if _steps(highest, times * power) <= most)
    if whole:
        step = max(1.0, step)
    return [number * step for number in range(_steps(highest, step) + 1)]


def _steps(highest: float, step: float) -> int:
    return int(highest / step + 1e-9)


def fitted(text: str, width: float, letters: float) -> str:
    """The text, or its beginning and its end where it is wider than that."""
    text = printable(text)
    if width_of(text, letters) <= width:
        return text
    kept = len(text)
    while kept and width_of(_shortened(text, kept), letters) > width:
        kept -= 1 if kept < 200 else kept // 10
    return _shortened(text, kept)


def width_of(text: str, letters: float) -> float:
    """About how wide a text of that size is, and no wider in most fonts."""
    return sum(map(_advance, text)) * letters


#: How wide letters are in DejaVu Sans, as a share of their size; it is wider than nearly every other in a browser.
_ADVANCES = {
    letter: advance
    for advance, letters in {
        0.36: " !'(),-./:;I[\\]fijl|J·",
        0.46: '"rt',
        0.53: "*?_`sz",
        0.64: "$0123456789FLEPSTYabcdeghknopquvxy{}–",
        0.79: "&ABCDGHKNOQRUVXZ",
        1.0: "#%+<=>@MW^mw~…×",
    }.items()
    for letter in letters
}


def _advance(letter: str) -> float:
    """How wide a letter is; one with an accent as the bare one, one of an unknown writing rather too wide."""
    if letter not in _ADVANCES:
        letter = unicodedata.normalize("NFD", letter)[0]
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    return _ADVANCES.get(letter, 1.25)


def _shortened(text: str, kept: int) -> str:
    front = kept // 3
    return f"{text[:front]}…{text[len(text) - (kept - front) :]}"


def _short(number: float) -> str:
    """A tenth of a pixel is enough."""
    return f"{round(number, 1) + 0:g}"


def _thread(colour: str) -> str:
    return "faint-thread" if colour.startswith("own") else "thread"


def _threads(directions: str, apart: int) -> Iterable[str]:
    """The steps of a path for each thread of a tile; those across go beyond its edges, so that tiles meet."""
    for place in range(0, _TILE, apart):
        if "|" in directions:
            yield f"M{place + apart / 2:g} 0v{_TILE}"
        if "-" in directions:
            yield f"M0 {place + apart / 2:g}h{_TILE}"
    for place in range(-_TILE, _TILE + 1, apart):
        if "\\" in directions:
            yield f"M{place - 2} -2L{place + _TILE + 2} {_TILE + 2}"
        if "/" in directions:
            yield f"M{place - 2} {_TILE + 2}L{place + _TILE + 2} -2"
