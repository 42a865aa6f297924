"""`claude-local sessions`: reading the log."""

from typing import Any

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.render import columns, json_text, out, printable, short_path


@click.group()
def sessions() -> None:
    """Read the log: which backend every session used. Reads only."""


@sessions.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first.")
@json_option
def list_(limit: int, as_json: bool) -> int:
    """The sessions on record, newest first."""
    from claude_local_plugin.commands.sessions import list_sessions

    place = here()
    report = list_sessions(place.state_dir, limit)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    if not report["sessions"]:
        printer.line("no session on record yet   (claude-local enable installs the hooks that record them)")
        return 0
    rows = [("started (UTC)", "session", "backend", "model", "reachable", "ended", "project")]
    for session in report["sessions"]:
        backend = session["backend"]
        rows.append(
            (
                str(session["started_at"])[:19].replace("T", " "),
                str(session["session_id"])[:8],
                printable(f"{backend['kind']}  {backend['url']}"),
                printable(session["model"] or "-"),
                _reachable(session),
                str(session["end_reason"] or "-"),
                printable(
                    short_path(session["project"] or session["cwd"] or "-", cwd=place.home / "-", home=place.home)
                ),
            )
        )
    printer.lines(columns(rows))
    return 0


@sessions.command("show")
@click.argument("session_id", metavar="ID")
@json_option
def show(session_id: str, as_json: bool) -> int:
    """Everything on record about one session; ID may be its beginning."""
    from claude_local_plugin.commands.sessions import show_session

    place = here()
    report = show_session(place.state_dir, session_id)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    events = report.pop("events")
    backend = report.pop("backend")
    rows = [("backend", f"{backend['kind']}  {backend['url']}")]
    rows += [(name.replace("_", " "), "-" if value is None else str(value)) for name, value in report.items()]
    printer.lines(columns([(name, printable(value)) for name, value in rows]))
    if events:
        printer.line()
        cells = [[printable("" if value is None else str(value)) for value in event.values()] for event in events]
        printer.lines(columns([[name.replace("_", " ") for name in events[0]], *cells]))
    return 0


def _reachable(session: dict[str, Any]) -> str:
    if session["reachable"] is None:
        return "-"
    if not session["reachable"]:
        return "no"
    return f"{session['latency_ms']:.0f} ms" if isinstance(session["latency_ms"], int | float) else "yes"
