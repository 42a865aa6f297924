"""Draws a report as one picture: SVG by ourselves, PNG with matplotlib, which need not be installed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.core.shell import quoted
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.report.html import Markup
from claude_local_plugin.report.svg import MARGIN, About, Axes, Drawing, axes, fitted, light, round_steps

FORMATS = ("svg", "png")
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
_AT_ONCE, _FIRST, _TOKENS, _TASKS = (
    "sessions at once",
    "time to first token (s)",
    "time per output token (s)",
    "times as long per task",
)


def check(path: Path) -> None:
    """Raise UsageError if a plot could not be drawn into this file; before anything is measured for it."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise UsageError(f"{path.name}: a plot is an .svg or a .png", f"--plot {quoted(f'{path.stem}.svg')}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.absolute().parent} is no folder", "choose another file for --plot")
    if path.suffix.lower() == ".png":
        try:
            import matplotlib  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: F401 - is it there?
        except ImportError as error:
            raise UsageError(
                "a PNG needs matplotlib, which is not installed",
                f"{with_extra('plot')}   (or --plot {quoted(f'{path.stem}.svg')})",
            ) from error


def plot(report: Mapping[str, Any], path: Path) -> None:
    """Write the picture: the first token cold and warm, time per token, and the slowdown, each by sessions at once.

    Raises ClaudeLocalError if the file cannot be written.
    """
    try:
        if path.suffix.lower() == ".png":
            _write_png(report, path)
        else:
            path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{svg(report)}\n', encoding="utf-8")
    except OSError as error:
        raise ClaudeLocalError(f"cannot write {path}: {error.strerror or error}") from error


def svg(report: Mapping[str, Any]) -> Markup:
    """The picture as an element that stands alone, always light."""
    levels, cold = report["levels"], report["cold"]["ttft"]["median"]
    about = About("bench", _title(report), f"{_FIRST}, {_TOKENS} and {_TASKS}, each by {_AT_ONCE}.")
    drawing = Drawing(about, 880, 12, light)
    drawing.boxes([(0, 0, drawing.width, _HEIGHT)], "page")
    drawing.text(drawing.width / 2, 20, fitted(about.title, drawing.width, 12), anchor="middle", colour="text")
    first = _bars(drawing, 0, _FIRST, levels, "ttft", cold)
    if cold is not None:
        height = first.y(cold)
        drawing.line([(first.left, height), (first.left + first.width, height)], "bad", 1.5, _DASHED)
        _line_key(drawing, 0, 2, f"cold prefix ({cold:.3g} s)", "bad", _DASHED)
    _bars(drawing, 1, _TOKENS, levels, "per_token")
    known = [(place, level["slowdown"]) for place, level in enumerate(levels) if level["slowdown"] is not None]
    in_turn = [level["parallel"] for level in levels]
    tasks = _panel(drawing, 2, _TASKS, in_turn, [*in_turn, *(slow for _, slow in known)])
    drawing.line([(tasks.x(place), tasks.y(times)) for place, times in enumerate(in_turn)], "edge", 1.5, _DOTTED)
    measured = [(tasks.x(place), tasks.y(slow)) for place, slow in known]
    drawing.line(measured, "own-1", 1.5)
    drawing.strokes(zip(measured, measured, strict=True), "own-1", 6, "stroke-linecap: round")
    _line_key(drawing, 2, 0, "measured", "own-1")
    _line_key(drawing, 2, 1, "one after the other", "edge", _DOTTED)
    return drawing.svg(_HEIGHT, xmlns="http://www.w3.org/2000/svg", width="880", height=str(_HEIGHT), font_family=_FONT)


_HEIGHT, _TOP, _BOTTOM = 340, 64, 240
_DASHED, _DOTTED = "stroke-dasharray: 6 4", "stroke-dasharray: 2 3"


def _title(report: Mapping[str, Any]) -> str:
    server = report["server"]
    named = f"{server['kind']} {server['version'] or ''}".strip()
    return f"{server['model']} on {named} · {report['at'][:10]}"


def _panel(drawing: Drawing, column: int, title: str, parallel: Sequence[int], numbers: Sequence[float]) -> Axes:
    """Axes up to a little more than the largest number, with what they are about above and below."""
    most = max(numbers, default=0) * 1.05 or 1.0
    width = drawing.width / 3
    panel = axes(
        drawing, _TOP, _BOTTOM - _TOP, len(parallel), lambda value: value / most, left=column * width, width=width
    )
    panel.scale((value, f"{value:.4g}") for value in round_steps(most, 5))
    panel.ground([str(count) for count in parallel], 12)
    middle = panel.left + panel.width / 2
    drawing.text(middle, _TOP - 14, title, anchor="middle", colour="text")
    drawing.text(middle, _BOTTOM + 2.8 * drawing.letters, _AT_ONCE, anchor="middle")
    return panel


def _bars(
    drawing: Drawing,
    column: int,
    title: str,
    levels: Sequence[Mapping[str, Any]],
    name: str,
    cold: float | None = None,
) -> Axes:
    """Medians as bars, with a mark at the 95th percentile."""
    medians, tails = ([level[name][which] or 0.0 for level in levels] for which in ("median", "p95"))
    parallel = [level["parallel"] for level in levels]
    panel = _panel(drawing, column, title, parallel, [*medians, *tails, cold or 0.0])
    panel.bars(medians, [0.0] * len(medians), "own-1")
    marks = [(panel.x(place), panel.y(tail)) for place, tail in enumerate(tails) if tail]
    drawing.strokes([[(x - 12, y), (x + 12, y)] for x, y in marks], "text", 2)
    drawing.key(*_key(drawing, column, 0), "own-1", "median")
    _line_key(drawing, column, 1, "95 % within", "text")
    return panel


def _key(drawing: Drawing, column: int, row: int) -> tuple[float, float, float]:
    """Where a line of a panel's key begins, and its room."""
    width = drawing.width / 3
    left = column * width + 4.4 * drawing.letters + MARGIN
    return left, _BOTTOM + (3.6 + 1.65 * row) * drawing.letters, (column + 1) * width - left


def _line_key(drawing: Drawing, column: int, row: int, label: str, colour: str, more: str = "") -> None:
    left, top, _ = _key(drawing, column, row)
    letters = drawing.letters
    middle = top + 0.72 * letters
    drawing.line([(left, middle), (left + 2 * letters, middle)], colour, 2, more)
    drawing.text(left + 2.7 * letters, top + 1.15 * letters, label, colour="text")


def _write_png(report: Mapping[str, Any], path: Path) -> None:
    from matplotlib.backends.backend_agg import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        FigureCanvasAgg,
    )
    from matplotlib.figure import Figure  # type: ignore[import-not-found,import-untyped,unused-ignore]

    levels = report["levels"]
    parallel = [level["parallel"] for level in levels]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)  # no window, no display
    first, tokens, tasks = figure.subplots(1, 3)
    _png_bars(first, parallel, levels, "ttft", _FIRST)
    cold = report["cold"]["ttft"]["median"]
    if cold is not None:
        first.axhline(cold, color="tab:red", linestyle="--", label=f"cold prefix ({cold:.3g} s)")
    first.legend(fontsize=8)
    _png_bars(tokens, parallel, levels, "per_token", _TOKENS)
    tokens.legend(fontsize=8)
    known = [(level["parallel"], level["slowdown"]) for level in levels if level["slowdown"] is not None]
    tasks.plot([n for n, _ in known], [slow for _, slow in known], marker="o", label="measured")
    tasks.plot(parallel, parallel, color="grey", linestyle=":", label="one after the other")
    tasks.set(xlabel=_AT_ONCE, ylabel=_TASKS, xticks=parallel, ylim=(0, None))
    tasks.legend(fontsize=8)
    figure.suptitle(_title(report))
    figure.savefig(path)


def _png_bars(axes: Any, parallel: list[int], levels: list[Mapping[str, Any]], name: str, label: str) -> None:
    medians = [level[name]["median"] or 0.0 for level in levels]
    tails = [level[name]["p95"] or 0.0 for level in levels]
    axes.bar(parallel, medians, width=0.6, color="tab:blue", label="median")
    axes.plot(parallel, tails, linestyle="", marker="_", markersize=18, color="black", label="95 % within")
    axes.set(xlabel=_AT_ONCE, ylabel=label, xticks=parallel, ylim=(0, None))
