"""`claude-local sessions team`: a team's database, made and looked at."""

from typing import Any

import click

from claude_local_plugin.cli import examples
from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import Printer, err, json_text, out
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.text import printable


@click.group(epilog=examples.lines("sessions team"))
def team() -> None:
    """The log of many machines in a PostgreSQL of yours: made by init, filled by push, looked at by status."""


@team.command("init", epilog=examples.lines("sessions team init"))
@click.argument("url", metavar="URL")
@click.option("--writer", "writers", metavar="NAME[=PERSON]", multiple=True, help="A machine that pushes, and whose.")
@click.option("--reader", "readers", metavar="NAME", multiple=True, help="Somebody who reads all of it.")
@click.option("--no-passwords", is_flag=True, help="New roles without one: certificates, LDAP or peer let them in.")
@json_option
def init(url: str, writers: tuple[str, ...], readers: tuple[str, ...], no_passwords: bool, as_json: bool) -> int:
    """Make the team's log in a database, or bring it up to date, and the roles that write and read it.

    URL is postgresql://ROLE@HOST/DATABASE of a role that may make schemas and roles. Doing it again changes nothing
    but what is new; a password is made for a new role, shown once, and kept nowhere.
    """
    from claude_local_plugin.commands import team as command

    place = here()
    report = command.init(url, place.environ, writers=writers, readers=readers, passwords=not no_passwords)
    if as_json:
        print(json_text(report, reveal=True))  # the passwords are what it is asked for
        return 0
    _show_made(out(place.environ, reveal=True), report)
    return 0


def _show_made(printer: Printer, report: dict[str, Any]) -> None:
    before, now, database = report["before"], report["schema"], printable(report["database"])
    change = f"schema {now}" if before == now else f"schema {now}, {f'it was {before}' if before else 'new'}"
    printer.line(f"{database}: {change}")
    for what in ("writers", "readers"):
        for role in report[what]:
            new = "new" if role["made"] else "there already"
            person = f", whose sessions are {printable(role['person'])}'s" if role.get("person") else ""
            printer.line(f"  {what[:-1]}  {printable(role['name'])}  ({new}{person})")
    if not report["writers"] and not report["readers"]:
        printer.line("")
        printer.line("next: a role for each machine that pushes, and for each person who reads:")
        more = typed("claude-local", "sessions", "team", "init", report["database"], "--writer", Words("MACHINE"))
        printer.line(f"  {more} --reader NAME")
    for role in report["writers"]:
        printer.line("")
        printer.line(f"next, on {printable(role['name'])}:")
        _show_password(printer, role)
        printer.line(f"  {typed('claude-local', 'config', 'set', 'log.push', role['url'])}")
        printer.line(f"  {typed('claude-local', 'sessions', 'push', '--to', role['url'])}")
    for role in report["readers"]:
        printer.line("")
        printer.line(f"next, where {printable(role['name'])} reads:")
        _show_password(printer, role)
        printer.line(f"  all is read from {printable(role['url'])}")
    if any(role["password"] for what in ("writers", "readers") for role in report[what]):
        printer.line("")
        printer.line("Each password is shown this once, and is kept nowhere.")


def _show_password(printer: Printer, role: dict[str, Any]) -> None:
    if role["pgpass"]:
        printer.line("  add this line to ~/.pgpass, which nobody else may read (chmod 600):")
        printer.line(f"  {printable(role['pgpass'])}")


@team.command("status", epilog=examples.lines("sessions team status"))
@click.option("--from", "url", metavar="URL", help="The team's database, as one of its readers; else log.push.")
@json_option
def status(url: str | None, as_json: bool) -> int:
    """The machines of a team: last heard of, program, how far behind, how wrong the clock is.

    A role that pushes reads nothing: without --from, log.push has to be that of one that may read.
    """
    from claude_local_plugin.commands import team as command

    place = here()
    report: dict[str, Any] = command.team_status(url, place.environ, place.state_dir)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    machines = report["machines"]
    if not machines:
        printer.line("no machine yet")
        more = typed("claude-local", "sessions", "team", "init", report["administrator"], "--writer", Words("MACHINE"))
        printer.line(f"hint: as who administers it: {more}")
        return 0
    head = ["machine", "person", "heard of", "lag", "clock", "program", "sessions"]
    rows = [
        [
            each["name"],
            ", ".join(each["people"]) or "-",
            _ago(each["heard_ago_s"]),
            _length(each["lag_s"]),
            _clock(each["clock_behind_s"]),
            each["program"] or "-",
            f"{each['sessions']:,}",
        ]
        for each in machines
    ]
    printer.records(head, rows, most=3, shorten=(1, 5))  # a machine's name tells it apart
    for each in machines:
        for note in each["notes"]:
            err(place.environ).line(f"! {printable(each['name'])}: {printable(note)}", "yellow")
    return 0


def _clock(behind: float | None) -> str:
    if behind is None:
        return "-"
    return "right" if abs(behind) < 2 else f"{'-' if behind > 0 else '+'}{_length(abs(behind))}"


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{_length(max(0, seconds))} ago"


def _length(seconds: float | None) -> str:
    from claude_local_plugin.commands.team import duration

    return "-" if seconds is None else duration(seconds)
