"""Draws a report as one picture, SVG or PNG."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claude_local_plugin.errors import ClaudeLocalError, UsageError

FORMATS = ("svg", "png")


def check(path: Path) -> None:
    """Raise UsageError if a plot could not be drawn into this file; before anything is measured for it."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise UsageError(f"{path.name}: a plot is an .svg or a .png", f"--plot {path.stem}.svg")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.absolute().parent} is no folder", "choose another file for --plot")


def plot(report: Mapping[str, Any], path: Path) -> None:
    """Write the picture: the first token cold and warm, time per token, and the slowdown, each by sessions at once.

    Raises ClaudeLocalError if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels = report["levels"]
    parallel = [level["parallel"] for level in levels]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)  # no window, no display
    first, tokens, tasks = figure.subplots(1, 3)
    _bars(first, parallel, levels, "ttft", "time to first token (s)")
    cold = report["cold"]["ttft"]["median"]
    if cold is not None:
        first.axhline(cold, color="tab:red", linestyle="--", label=f"cold prefix ({cold:.2f} s)")
    first.legend(fontsize=8)
    _bars(tokens, parallel, levels, "per_token", "time per output token (s)")
    tokens.legend(fontsize=8)
    known = [(level["parallel"], level["slowdown"]) for level in levels if level["slowdown"] is not None]
    tasks.plot([n for n, _ in known], [slow for _, slow in known], marker="o", label="measured")
    tasks.plot(parallel, parallel, color="grey", linestyle=":", label="one after the other")
    tasks.set(xlabel="sessions at once", ylabel="times as long per task", xticks=parallel, ylim=(0, None))
    tasks.legend(fontsize=8)
    server = report["server"]
    named = f"{server['kind']} {server['version'] or ''}".strip()
    figure.suptitle(f"{server['model']} on {named} · {report['at'][:10]}")
    try:
        figure.savefig(path)
    except OSError as error:
        raise ClaudeLocalError(f"cannot write {path}: {error.strerror or error}") from error


def _bars(axes: Any, parallel: list[int], levels: list[Mapping[str, Any]], name: str, label: str) -> None:
    """Medians as bars, with a mark at the 95th percentile."""
    medians = [level[name]["median"] or 0.0 for level in levels]
    tails = [level[name]["p95"] or 0.0 for level in levels]
    axes.bar(parallel, medians, width=0.6, color="tab:blue", label="median")
    axes.plot(parallel, tails, linestyle="", marker="_", markersize=18, color="black", label="p95")
    axes.set(xlabel="sessions at once", ylabel=label, xticks=parallel, ylim=(0, None))
