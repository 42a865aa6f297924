"""`enable --vscode` and `disable --vscode`: their options, and what is shown."""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from claude_local_plugin.cli.options import Place, here, world_of
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.core.shell import command as spelt
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path

#: What of `enable` says something of an editor's settings, too.
_HEARD = ("name", "url", "model", "token_env", "no_check", "dry_run", "yes", "as_json", "places", "wrapper")


def vscode_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options of `enable` that have it write editors' settings in the place of Claude Code's own."""

    @click.option(
        "--vscode",
        "places",
        multiple=True,
        is_flag=False,
        flag_value="folder",
        metavar="[PLACE]",
        help="Write settings of Visual Studio Code instead, for its Claude Code extension: folder (.vscode, the"
        " default), workspace, devcontainer, user, insiders, vscodium, cursor, or a file's path; may be repeated.",
    )
    @click.option(
        "--wrapper",
        is_flag=True,
        help="With --vscode: have the extension start claude-local's launcher, which gets the profile's key by itself.",
    )
    @functools.wraps(function)
    def wrapped(places: tuple[str, ...], wrapper: bool, **options: Any) -> int:
        if places:
            return _enable(places, wrapper=wrapper, **options)
        if wrapper:
            raise UsageError("--wrapper is for an editor's settings", "--vscode names which")
        return function(**options)

    return wrapped


def _enable(places: Sequence[str], *, wrapper: bool, **options: Any) -> int:
    from claude_local_plugin.commands import vscode as command
    from claude_local_plugin.commands.env import Asked
    from claude_local_plugin.launch.shells import SHELLS

    _refuse_others()
    place = here()
    world = world_of(place)
    asked = Asked(
        SHELLS["bash"],
        options.get("name"),
        options["url"],
        options["model"],
        options["token_env"],
        not options["no_check"],
        words=("enable",),
        behind=(*(word for each in places for word in ("--vscode", each)), *(("--wrapper",) if wrapper else ())),
    )
    prepared = command.prepare(world, asked, places, wrapper=wrapper)
    as_json, dry_run = options["as_json"], options["dry_run"]
    changed = any(each.changed for each in prepared.files)
    printer = err(place.environ)
    if not as_json:
        for each in prepared.files:
            out(place.environ).diff(each.diff()) if each.changed else None
        sys.stdout.flush()
        printer.lines([f"! {printable(note)}" for note in prepared.notes], "yellow")
    if not dry_run:
        asking = sys.stdin.isatty() and sys.stderr.isatty() and not options["yes"] and not as_json
        if changed and asking and not click.confirm("Write this?", default=True, err=True):
            raise click.exceptions.Abort
        command.carry_out(prepared, world)
    if as_json:
        print(json_text(command.report(prepared, dry_run=dry_run)))
        return 0
    names = ", ".join(printable(_short(each.target, place)) for each in prepared.files)
    if dry_run:
        printer.line("Nothing was written (--dry-run).")
        return 0
    printer.prose(f"{names}: {'written' if changed else 'already so'}. {prepared.sentence}", "green")
    printer.line(f"Undo: {spelt('claude-local', 'disable', '--vscode')}")
    return 0


def _refuse_others() -> None:
    """Raise UsageError for an option of `enable` that says nothing of an editor's settings."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _HEARD:
            raise UsageError(
                f"{parameter.opts[0]} says nothing of an editor's settings", "leave it out, or leave out --vscode"
            )


def _short(path: object, place: Place) -> str:
    return short_path(str(path), cwd=place.cwd, home=place.home)


def given_back_lines(entries: Sequence[dict[str, Any]], place: Place) -> list[str]:
    """What became of editors' settings, for people."""
    lines = []
    for entry in entries:
        name = _short(entry["path"], place)
        lines.append(f"{name}: {'removed (enable had created it)' if entry['removed_file'] else 'given back'}")
        lines += [f"  left alone: {kept['key']} ({kept['reason']})" for kept in entry["kept"]]
    return lines
