"""`claude-local disable`: options, and what is shown."""

from typing import Any

import click

from claude_local_plugin.cli.options import Place, here, json_option, scope_option, world_of
from claude_local_plugin.guest.shell import command as spelt
from claude_local_plugin.render import json_text, out, short_path


@click.command()
@scope_option(default=None)
@json_option
def disable(scope: str | None, as_json: bool) -> int:
    """Give the settings file back as it was before enable.

    Without --scope: every scope of this folder that enable has written. A key you edited since is left alone and
    named. Modifies what enable modified, and nothing else.
    """
    from claude_local_plugin.commands import disable as command
    from claude_local_plugin.precedence import Scope

    place = here()
    scopes = [Scope(scope)] if scope else [Scope.LOCAL, Scope.PROJECT, Scope.USER]
    report = command.disable(world_of(place), scopes)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    for line in disabled_lines(report, place):
        printer.line(line)
    return 0


def disabled_lines(report: dict[str, Any], place: Place) -> list[str]:
    """What `disable` did, for people."""
    lines = []
    files = report["files"]
    assert isinstance(files, list)
    for entry in files:
        if not entry["had_record"]:
            continue
        name = short_path(entry["settings_file"], cwd=place.cwd, home=place.home)
        if entry["removed_file"]:
            lines.append(f"{name}: removed (enable had created it)")
        else:
            count = len(entry["removed"]) + len(entry["restored"])
            lines.append(f"{name}: {count} settings taken out or put back")
        lines += [f"  left alone: {kept['key']} ({kept['reason']})" for kept in entry["kept"]]
        if entry["hooks_stay"]:
            away = spelt("claude-local", "hooks", "uninstall", "--scope", str(entry["scope"]))
            lines.append(f"  the session hooks of `claude-local hooks install` stay; take them out: {away}")
    return lines or ["not enabled here: nothing to disable"]
