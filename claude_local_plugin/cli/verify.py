"""`claude-local verify`: asks the user's own Claude Code."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.options import Place, here, json_option
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable

if TYPE_CHECKING:
    from claude_local_plugin.commands.verify import Progress

#: Seconds between two lines of progress where there is no terminal.
EVERY = 10.0
AGREE, DIFFER, PARTIAL = 0, 1, 3


@click.command()
@click.option("--claude", metavar="PATH", help="The Claude Code to ask; by default the `claude` on PATH.")
@click.option("--quick", is_flag=True, help="A minute's worth of questions, spread over every kind.")
@click.option("--cases", type=click.IntRange(min=1), metavar="N", help="About N questions, spread over every kind.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after N minutes (15).")
@click.option("--seed", type=int, default=1, show_default=True, help="What the random configurations are drawn from.")
@click.option("--thorough", is_flag=True, help="The whole systematic set, some minutes more.")
@click.option(
    "--case",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask what is in this file alone: a difference that was reported, a whole --json report, or a scenario.",
)
@json_option
def verify(
    claude: str | None,
    quick: bool,
    cases: int | None,
    minutes: float | None,
    seed: int,
    thorough: bool,
    files: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Ask your own Claude Code whether explain-precedence is right about it.

    Runs it over a systematic set and random configurations, each in a home and project of its own, with dummy
    credentials, against a stand-in server on loopback, on Linux without any network where that is permitted; then
    compares what arrived with what we say. Keeps in our state folder that all agreed, or a file for each difference;
    changes nothing else. Exit 0: all agree, and all were asked. Exit 1: some differ. Exit 3: those asked agree, and
    some were not asked (--quick, --cases, no time left, no namespaces).
    """
    from claude_local_plugin.commands import verify as asking

    place = here()
    questions = None
    if files:
        questions = {f"{name}": case for file in files for name, case in asking.read_cases(file).items()}
    patience = minutes * 60 if minutes else asking.QUICK if quick else asking.PATIENCE
    meter = _Meter(sys.stderr)
    with _ended_by_sigterm():
        report = asking.verify(
            client_named(claude, place, command("claude-local", "verify", "--claude", Words("PATH"))),
            cases=cases,
            seed=seed,
            thorough=thorough,
            patience=patience,
            questions=questions,
            state_dir=place.state_dir,
            progress=meter,
        )
    meter.clear()
    if as_json:
        print(json_text(report, reveal=True))
    else:
        _show(report, place)
    if report["differences"]:
        return DIFFER
    return AGREE if report["complete"] else PARTIAL


def client_named(named: str | None, place: Place, hint: str) -> Path:
    """The Claude Code that --claude names, or the one on PATH; raises UsageError where there is none."""
    from claude_local_plugin import isolated

    if named is None:
        found = isolated.program("claude", place.environ)
    elif _runs(place.cwd / named):
        found = str(place.cwd / named)
    else:
        found = isolated.program(named, place.environ) if Path(named).name == named else None
    if found is None:
        raise UsageError(f"{named} cannot be run" if named else "there is no claude on PATH", hint)
    return Path(found)


def _runs(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end us as Ctrl-C does: boxes, clients and folders go first."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Meter:
    """Says how far it is: one line on a terminal that changes, else a line every ten seconds."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.terminal = stream is not None and stream.isatty()
        self.said = time.monotonic()

    def __call__(self, progress: "Progress") -> None:
        differing = f", {progress.differing} differ" if progress.differing else ""
        text = f"{progress.done:,} of {progress.total:,} asked{differing}"
        if self.terminal:
            print(f"\r{text} ", end="", file=self.stream, flush=True)
        elif self.stream is not None and time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            print(text, file=self.stream, flush=True)

    def clear(self) -> None:
        if self.terminal:
            print("\r\x1b[2K", end="", file=self.stream, flush=True)


def _show(report: dict[str, Any], place: Place) -> None:
    printer, prose = out(place.environ, reveal=True), err(place.environ)  # the secrets of a scenario are none
    for difference in report["differences"]:
        printer.line(printable(difference["name"]), "bold red")
        printer.lines(f"  {printable(what)}" for what in difference["what"])
        printer.line(f"  {json_text(difference['scenario'], indent=None, reveal=True)}")
        printer.line(f"  repeat: {command('claude-local', 'verify', '--case', difference['file'])}")
    if not report["namespace"]:
        prose.prose("! no network namespace could be had here: cases with managed settings were left out", "yellow")
    style = "bold red" if report["differences"] else "bold green" if report["complete"] else "yellow"
    printer.line(f"Claude Code {report['summary']}   ({report['seconds']:.0f} s)", style)
    if report["differences"]:
        prose.prose("please paste the above into an issue: our table is wrong for your version")
    elif report["complete"]:
        prose.prose("remembered: explain-precedence and doctor no longer ask for this", "dim")
    else:
        prose.line(
            f"{report['unasked']:,} questions were not asked; all of them: {command('claude-local', 'verify')}",
            "yellow",
        )
