"""`claude-local verify`: asks the user's own Claude Code."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.errors import UsageError
from claude_local_plugin.render import err, json_text, out

if TYPE_CHECKING:
    from claude_local_plugin.commands.verify import Progress


@click.command()
@click.option("--claude", metavar="PATH", help="The Claude Code to ask; by default the `claude` on PATH.")
@click.option("--cases", type=click.IntRange(min=0), default=150, show_default=True, help="Random configurations.")
@click.option("--seed", type=int, default=1, show_default=True, help="What the random configurations are drawn from.")
@click.option("--thorough", is_flag=True, help="The whole systematic set, some minutes more.")
@json_option
def verify(claude: str | None, cases: int, seed: int, thorough: bool, as_json: bool) -> int:
    """Ask your own Claude Code whether explain-precedence is right about it.

    Runs it over a systematic set and random configurations, each in a home and project of its own, with dummy
    credentials, against a server of ours on loopback, on Linux without any network where that is permitted; then
    compares what arrived with what we say. Changes nothing. Exit 0 when all agree, 1 when not.
    """
    from claude_local_plugin.commands.verify import verify as ask

    place = here()
    binary = _binary(claude)
    meter = _Meter(sys.stderr.isatty() and not as_json)
    report = ask(binary, cases=cases, seed=seed, thorough=thorough, progress=meter)
    meter.clear()
    if as_json:
        print(json_text(report))
    else:
        _show(report, place.environ)
    return 0 if report["agree"] == report["cases"] and report["cases"] else 1


def _binary(named: str | None) -> Path:
    found = shutil.which(named) if named else shutil.which("claude")
    if found is None:
        what = f"{named} cannot be run" if named else "there is no claude on PATH"
        raise UsageError(what, "claude-local verify --claude /path/to/claude")
    return Path(found)


class _Meter:
    """One line on a terminal that says how far it is."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def __call__(self, progress: "Progress") -> None:
        if self.wanted:
            differing = f", {progress.differing} differ" if progress.differing else ""
            print(f"\r{progress.done} of {progress.total} asked{differing} ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.wanted:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def _show(report: dict[str, Any], environ: dict[str, str]) -> None:
    printer, prose = out(environ), err(environ)
    for difference in report["differences"]:
        printer.line(difference["name"], "bold red")
        printer.lines(f"  {what}" for what in difference["what"])
        printer.line(f"  {json_text(difference['scenario'])}")
    if not report["namespace"]:
        prose.line("! no network namespace could be had here: cases with managed settings were left out", "yellow")
    if report["unasked"]:
        prose.line(f"! {report['unasked']} cases were not asked", "yellow")
    agree = report["agree"] == report["cases"] and report["cases"] > 0
    printer.line(
        f"Claude Code {report['summary']}   ({report['seconds']:.0f} s)", "bold green" if agree else "bold red"
    )
    if not agree:
        prose.line("please paste the above into an issue: our table is wrong for your version")
