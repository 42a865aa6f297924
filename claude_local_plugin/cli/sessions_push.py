"""`claude-local sessions push`: the log sent to a team's database, or to a receiver of OpenTelemetry."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli import examples
from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import Printer, err, json_text, out
from claude_local_plugin.text import counted, printable

if TYPE_CHECKING:
    from claude_local_plugin.commands.push import Report


#: How often it is said how far a long push has come, in seconds.
BETWEEN_S = 5.0


@click.command("push", epilog=examples.lines("sessions push"))
@click.option("--to", metavar="URL", help="A team's postgresql://…, or http(s)://… of OTLP; else log.push.")
@click.option("--since", metavar="TIME", help="What was active since, whether or not it was sent: 7d, 2026-11-01.")
@click.option("--dry-run", is_flag=True, help="Print the very rows that would leave, and send nothing.")
@click.option("--by-itself", is_flag=True, hidden=True)
@json_option
def push(to: str | None, since: str | None, dry_run: bool, by_itself: bool, as_json: bool) -> int:
    """Send what is new in the log to a team's database or a collector; it goes on from where it stopped.

    What leaves is what log.push_cwd, push_project, push_host and push_user let. With log.push set, it happens by
    itself after each session.
    """
    from claude_local_plugin.commands import push as command

    place = here()
    if by_itself:
        command.by_itself(place.state_dir, place.environ)
        return 0
    what = command.asked(place.state_dir, place.environ, to, since)
    if dry_run:
        report = command.preview(place.state_dir, what)
        if as_json:
            print(json_text(report.as_json(), reveal=True))  # the very rows: what is no secret of theirs is none here
            return 0
        err(place.environ).prose(f"{_amount(report)} would go to {printable(report.destination)}:")
        for row in report.leaving():
            print(json_text(row, indent=None, reveal=True))
        return 0
    report = command.push(place.state_dir, place.environ, what, told=_progress(err(place.environ)))
    if as_json:
        print(json_text(report.as_json()))
    else:
        _show(out(place.environ), report)
    for session_id, why in report.refused:
        err(place.environ).line(f"! refused: {printable(session_id)}: {printable(why)}", "yellow")
    return 1 if report.refused else 0


def _progress(printer: Printer) -> Callable[[int, int], None]:
    """Says how far it has come, now and then, where somebody looks on."""
    said = time.monotonic()

    def told(sessions: int, rows: int) -> None:
        nonlocal said
        if printer.width is not None and time.monotonic() - said > BETWEEN_S:
            said = time.monotonic()
            printer.line(f"{counted(sessions)} ({rows:,} rows) so far …", "dim")

    return told


def _amount(report: "Report") -> str:
    return f"{counted(report.sessions)} ({report.rows:,} row{'' if report.rows == 1 else 's'})"


def _show(printer: Printer, report: "Report") -> None:
    where = printable(report.destination)
    if report.anew:
        printer.prose(
            f"the log was made anew when {printable(report.anew)} was set aside: all that is in it is sent, and takes"
            " the place of what was sent before"
        )
    if report.sessions:
        printer.line(f"{_amount(report)} sent to {where}")
    else:
        printer.line(f"nothing new for {where}")
    if report.waiting:
        printer.prose(f"{counted(report.waiting)} changed meanwhile: the next push has them")
