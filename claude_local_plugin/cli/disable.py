"""`claude-local disable`: options, the questions, and what is shown."""

import time
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.open_sessions import go_on, settle, when_idle_option
from claude_local_plugin.cli.options import Place, here, json_option, scope_option, world_of
from claude_local_plugin.cli.terminal import json_text, out
from claude_local_plugin.cli.vscode import given_back_lines
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.disable import Prepared
    from claude_local_plugin.world import World

#: For how long hooks that were left are looked after as a session ends, in seconds.
RELEASE_S = 20.0


@click.command()
@scope_option(default=None)
@click.option("--all-scopes", is_flag=True, help="Every scope of this folder that enable has written.")
@click.option("--everywhere", is_flag=True, help="Every folder on this machine that enable has written to.")
@click.option(
    "--vscode", "editors_alone", is_flag=True, help="Editors' settings alone: this project's, and the user's own."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@when_idle_option
@click.option("--release", is_flag=True, hidden=True, help="Take out hooks left for sessions that have ended.")
@json_option
def disable(
    scope: str | None,
    all_scopes: bool,
    everywhere: bool,
    editors_alone: bool,
    yes: bool,
    when_idle: bool,
    release: bool,
    as_json: bool,
) -> int:
    """Give the settings file back as it was before enable.

    Without --scope: the nearest scope of this folder that is enabled (local, then project, then user), and what enable
    --vscode wrote into the project. A key you
    edited since is left alone and named. Where open sessions would move to another backend it says so and asks first.
    Modifies what enable modified, and nothing else.
    """
    from claude_local_plugin.commands import disable as command
    from claude_local_plugin.precedence import Scope

    if sum((scope is not None, all_scopes, everywhere, editors_alone)) > 1:
        raise UsageError("--scope, --all-scopes, --everywhere and --vscode exclude each other", "name one of them")
    world = world_of(here())
    if release:
        return _release(world)

    def prepared() -> "Prepared":
        if everywhere:
            return command.prepare_everywhere(world)
        if editors_alone:
            return command.prepare_editors(world)
        return command.prepare(world, Scope(scope) if scope else None, all_scopes=all_scopes)

    found = prepared()
    if settle(found.open, world, yes=yes, when_idle=when_idle, quiet=as_json):
        found = prepared()
    _ask(found, everywhere=everywhere, yes=yes, quiet=as_json)
    report = command.carry_out(found)
    if as_json:
        print(json_text(report))
        return 0
    place = here()
    printer = out(place.environ)
    for line in disabled_lines(report, place):
        printer.prose(line, indent=" " * (len(line) - len(line.lstrip()) + 2))
    return 0


def _release(world: "World") -> int:
    """Take out the hooks that were left for sessions which have ended; one that is just ending is waited for."""
    from claude_local_plugin.commands import disable as command

    until = time.monotonic() + RELEASE_S
    while True:
        command.release(world)
        if not command.is_guarding(world) or time.monotonic() > until:
            return 0
        time.sleep(0.5)


def _ask(found: "Prepared", *, everywhere: bool, yes: bool, quiet: bool) -> None:
    """Ask what has to be asked, and raise where nobody can be."""
    world = found.world
    said = list(found.unprotected)
    for target in found.orphans:
        names = sorted({".".join(path) for path in (target.record.owned if target.record else ())})
        said.append(
            f"{target.settings_file}: of this file nothing is on record (its folder was copied, or another tool put it"
            f" back), and these are ours: {', '.join(names)}; what stood there before is not known"
        )
    if everywhere and (ours := [target for target in found.targets if target.is_ours]):
        said.append(f"{len(ours)} settings files are given back: {', '.join(str(each.settings_file) for each in ours)}")
    if everywhere and found.editors:
        said.append(f"so are editors' settings: {', '.join(str(each.settings_file) for each in found.editors)}")
    if not yes:
        go_on(said, world, quiet=quiet)


def disabled_lines(report: dict[str, Any], place: Place) -> list[str]:
    """What `disable` did, for people."""
    lines = given_back_lines(report["editors"], place)
    for entry in report["files"]:
        if not entry["had_record"]:
            continue
        name = short_path(entry["settings_file"], cwd=place.cwd, home=place.home)
        if entry["removed_file"]:
            lines.append(f"{name}: removed (enable had created it)")
        else:
            count = len(entry["removed"]) + len(entry["restored"])
            lines.append(f"{name}: {count} settings taken out or put back")
        lines += [f"  left alone: {kept['key']} ({kept['reason']})" for kept in entry["kept"]]
        if entry["hooks_left"]:
            lines.append("  our hooks stay until the open sessions have ended: they hold the prompt that would move")
        if entry["hooks_stay"]:
            away = typed("claude-local", "hooks", "uninstall", "--scope", str(entry["scope"]))
            lines.append(f"  the session hooks that were installed alone stay; take them out: {away}")
    if lines:
        lines += [report["afterwards"], *report["notes"]]
    elif report["remaining"]:
        lines.append(f"not enabled in the {report['files'][0]['scope']} scope: nothing to disable there")
    else:
        lines += ["not enabled here: nothing to disable", *report["notes"]]
    for entry in report["remaining"]:
        name = short_path(entry["settings_file"], cwd=place.cwd, home=place.home)
        undo = typed("claude-local", "disable", "--scope", entry["scope"])
        lines.append(f"still enabled: {entry['scope']} scope, {name}   ({undo})")
    return lines
