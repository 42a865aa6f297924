"""`claude-local uninstall`: the question, and what is shown."""

import click

from claude_local_plugin.cli.disable import disabled_lines
from claude_local_plugin.cli.open_sessions import go_on, settle, when_idle_option
from claude_local_plugin.cli.options import here, json_option, world_of
from claude_local_plugin.cli.terminal import json_text, out
from claude_local_plugin.core import installed
from claude_local_plugin.text import printable, short_path


@click.command()
@click.option("--purge", is_flag=True, help="Remove the session log and all else in the state folder, too, for good.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@when_idle_option
@json_option
def uninstall(purge: bool, yes: bool, when_idle: bool, as_json: bool) -> int:
    """Take everything that claude-local wrote out of every settings file: what enable wrote, hooks, status line.

    Lines in .envrc and .env files, editors' settings and the launchers in ~/.local/bin go, too.

    Names what it does and asks first. The session log and config.toml stay, the log unless --purge is given. The
    program itself is removed by what installed it. Modifies every settings file on record, and the state folder.
    """
    from claude_local_plugin.commands import uninstall as command

    place = here()
    world = world_of(place)
    prepared = command.prepare(world)
    if settle(prepared.open, world, yes=yes, when_idle=when_idle, quiet=as_json):
        prepared = command.prepare(world)
    names = [
        short_path(each.settings_file, cwd=place.cwd, home=place.home) for each in prepared.targets if each.is_ours
    ]
    names += [short_path(each.settings_file, cwd=place.cwd, home=place.home) for each in prepared.editors]
    names += [short_path(path, cwd=place.cwd, home=place.home) for path in command.elsewhere(world)]
    taken = "what claude-local wrote is taken out of"
    said = [*(f"{taken} {printable(name)}" for name in names), *prepared.unprotected]
    if purge:
        state = printable(short_path(world.state_dir, cwd=world.home / "-", home=world.home))
        said.append(f"all of {state} is removed for good, the session log, too")
    if not yes:
        go_on(said, world, quiet=as_json)
    report = command.carry_out(prepared, purge=purge)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    if report["changed"] or report["files"] or report["editors"]:
        for line in disabled_lines({**report, "remaining": []}, place):
            printer.prose(line, indent=" " * (len(line) - len(line.lstrip()) + 2))
    elif not report["others"]:
        printer.prose("no settings file holds anything that claude-local wrote")
    for path in report["others"]:
        printer.prose(f"{printable(short_path(path, cwd=place.cwd, home=place.home))}: taken away")
    if purge:
        count = len(report["purged"])
        kept = "kept until the open sessions have ended: run this again then"
        printer.prose(kept if report["kept_for_open_sessions"] else f"state: {count} files and folders removed")
    else:
        printer.prose(f"kept: the session log in {printable(report['state_dir'])}   (--purge removes it)")
    printer.prose(f"Now remove the program: {installed.removing()}")
    return 0
