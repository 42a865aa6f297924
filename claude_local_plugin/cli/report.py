"""`claude-local report`: what ran where, as a page to look at or to send to somebody."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from claude_local_plugin import __version__
from claude_local_plugin.cli.options import from_option, here, json_option, log_of
from claude_local_plugin.cli.sessions import filters
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.core.shell import Words, command, into
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import counted, printable, short_path


@click.command()
@click.option(
    "--since",
    default="30d",
    show_default=True,
    help="30d, 1w, 24h, a day (2026-11-01), a time, or: all.",
    metavar="TIME",
)
@click.option("--until", help="The same; a day counts to its end.  [default: now]", metavar="TIME")
@click.option("--project", help="Only the sessions of this folder and those below it.", metavar="FOLDER")
@filters("machine", "person")
@from_option
@click.option(
    "--output", help="The page's file, - for standard output.  [default: ~/claude-local-report.html]", metavar="FILE"
)
@click.option("--force", is_flag=True, help="Replace the file even if it is not a report of claude-local.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in your browser.")
@json_option
def report(
    since: str,
    until: str | None,
    project: str | None,
    machine: str | None,
    person: str | None,
    url: str | None,
    output: str | None,
    force: bool,
    open_it: bool,
    as_json: bool,
) -> int:
    """One page, for any browser and without a network: sessions and tokens per day by backend, whether and how fast
    your servers answered, failures, the busiest projects, the last sessions.
    """
    from claude_local_plugin.commands import report as making
    from claude_local_plugin.commands.sessions import Asked
    from claude_local_plugin.sessionlog.queries.filters import PATTERN

    if as_json and (output or open_it):
        raise UsageError(
            "--json prints data, there is no page to write or open",
            into(Words("FILE"), command("claude-local", "report", "--json")),
        )
    if output == "-" and open_it:
        raise UsageError("a page on standard output cannot be opened", "leave out --output -, or --open")
    place, now = here(), datetime.now(UTC)
    since_then = None if since == "all" else since
    asked = Asked(since=since_then, until=until, project=project, machine=machine, person=person)
    where = asked.where(cwd=place.cwd, home=place.home, state_dir=place.state_dir, now=now)
    file = None if as_json or output == "-" else Path(output or making.FILE).expanduser()
    if file is not None:
        making.check(file, force=force)
    data = making.collect(log_of(place, url), where, now=now)
    if as_json:
        print(json_text(making.as_json(data)))
        return 0
    page = making.page(
        data,
        project=where.projects[0].removeprefix(PATTERN) if where.projects else None,
        machine=machine,
        person=person,
        home=place.home,
        made_at=now,
        version=__version__,
    )
    if file is None:
        sys.stdout.buffer.write(page.encode())
        return 0
    making.write(page, file)
    name = printable(short_path(file.absolute(), cwd=place.cwd, home=place.home))
    out(place.environ).prose(f"{counted(data.sessions)}, written to {name}")
    if open_it and not making.show(file):
        err(place.environ).prose(f"no browser here; open it yourself: {printable(file.resolve().as_uri())}", "yellow")
    return 0
