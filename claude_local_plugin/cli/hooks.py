"""`claude-local hooks install|uninstall|status`: the session hooks alone."""

from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.open_sessions import go_on, settle, when_idle_option
from claude_local_plugin.cli.options import here, json_option, scope_option, world_of
from claude_local_plugin.cli.terminal import columns, json_text, out
from claude_local_plugin.core.shell import command as spelt
from claude_local_plugin.text import short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.hooks import Prepared


@click.group(cls=Group)
def hooks() -> None:
    """Install, remove or show the session hooks alone.

    At user scope they see every session of this machine, those on Anthropic's API too, and go on working when a
    project's settings file is broken.
    """


@hooks.command("install")
@scope_option()
@click.option("--dry-run", is_flag=True, help="Show the diff that would be applied and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask about open sessions.")
@when_idle_option
@json_option
def install(scope: str, dry_run: bool, yes: bool, when_idle: bool, as_json: bool) -> int:
    """Install the hook for every event of a session that it knows. Modifies the settings file of --scope."""
    from claude_local_plugin.commands import hooks as command
    from claude_local_plugin.precedence import Scope

    place = here()
    world = world_of(place)
    prepared = command.install(world, Scope(scope))
    if not dry_run:
        if _settled(prepared, "it is on record from its next prompt on", yes=yes, when_idle=when_idle, quiet=as_json):
            prepared = command.install(world, Scope(scope))
        command.carry_out(prepared)
    report = prepared.as_json(dry_run=dry_run)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    name = short_path(str(report["settings_file"]), cwd=place.cwd, home=place.home)
    if dry_run:
        printer.diff(str(report["diff"]))
    elif report["changed"]:
        undo = spelt("claude-local", "hooks", "uninstall", "--scope", scope)
        printer.prose(f"hooks installed in {name}   (undo: {undo})", "green")
    else:
        printer.line(f"already installed in {name}")
    return 0


@hooks.command("uninstall")
@scope_option()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@when_idle_option
@json_option
def uninstall(scope: str, yes: bool, when_idle: bool, as_json: bool) -> int:
    """Take the hooks out again, whoever of our commands installed them. Modifies the settings file of --scope.

    Open sessions that they see are named, and what is protected is asked about. A later enable leaves them out;
    enable --hooks puts them in again.
    """
    from claude_local_plugin.commands import hooks as command
    from claude_local_plugin.commands.disable import unprotected
    from claude_local_plugin.precedence import Scope

    place = here()
    world = world_of(place)
    prepared = command.uninstall(world, Scope(scope))
    if _settled(prepared, "nothing that it does from now on is seen", yes=yes, when_idle=when_idle, quiet=as_json):
        prepared = command.uninstall(world, Scope(scope))
    if not yes:
        go_on(unprotected(world, prepared.texts), world, quiet=as_json)
    command.carry_out(prepared)
    report = prepared.as_json()
    if as_json:
        print(json_text(report))
        return 0
    name = short_path(str(report["settings_file"]), cwd=place.cwd, home=place.home)
    out(place.environ).line(
        f"hooks removed from {name}" if report["changed"] else f"no hooks of claude-local's in {name}"
    )
    return 0


def _settled(prepared: "Prepared", staying: str, *, yes: bool, when_idle: bool, quiet: bool) -> bool:
    """Name the open sessions that read the file; True where they have ended meanwhile."""
    from claude_local_plugin.commands.open_sessions import affected

    found = affected(prepared.world, prepared.texts)
    return settle(found, prepared.world, yes=yes, when_idle=when_idle, quiet=quiet, staying=staying)


@hooks.command("status")
@scope_option(default=None)
@json_option
def status(scope: str | None, as_json: bool) -> int:
    """Which hooks are installed where, and whether they can run. Reads only; exit 1 where one cannot run."""
    from claude_local_plugin.commands import hooks as command
    from claude_local_plugin.precedence import Scope

    place = here()
    report = command.status(world_of(place).snapshot(), Scope(scope) if scope else None)
    broken = any(entry["problem"] for entry in report["hooks"])
    if as_json:
        print(json_text(report))
        return int(broken)
    printer = out(place.environ)
    if not report["hooks"]:
        again = spelt("claude-local", "hooks", "install", "--scope", "user")
        printer.prose(f"no hooks of claude-local are installed   ({again})")
    rows = [
        (
            entry["event"],
            entry["scope"],
            short_path(entry["path"], cwd=place.cwd, home=place.home),
            entry["problem"] or "ok",
        )
        for entry in report["hooks"]
    ]
    printer.lines(columns(rows))
    if report["disabled_by"]:
        printer.prose(f"! switched off by {report['disabled_by']}", "yellow")
    return int(broken)
