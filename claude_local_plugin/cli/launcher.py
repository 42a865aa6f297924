"""`claude-local launcher install|list|remove`: options and what is shown."""

from pathlib import Path
from typing import Any

import click

from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.options import complete_profile, here, json_option, world_of
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.core.shell import command as spelt
from claude_local_plugin.core.shell import quoted
from claude_local_plugin.text import printable, short_path

dir_option = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where launchers are; by default ~/.local/bin.",
)


class _WithCommand(click.Command):
    """A command whose own words end at `--`; those behind it are another program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


@click.group(cls=Group)
def launcher() -> None:
    """Small programs on PATH, each of which runs one command on one backend.

    After `launcher install autobuild-vllm spark -- guardkit autobuild` the name autobuild-vllm does what
    `claude-local run spark -- guardkit autobuild` does, with whatever arguments it is given.
    """


@launcher.command("install", cls=_WithCommand)
@click.argument("name")
@click.argument("profile", required=False, metavar="[PROFILE] -- COMMAND …", shell_complete=complete_profile)
@dir_option
@json_option
@click.pass_context
def install(ctx: click.Context, name: str, profile: str | None, folder: Path | None, as_json: bool) -> int:
    """Write a launcher called NAME, which runs COMMAND on PROFILE.

    `cloud` in the place of a profile is Anthropic's API; without one it is the backend in effect where the launcher is
    run. Writes over an earlier launcher of claude-local, and over nothing else. Modifies the file in ~/.local/bin, or
    in --dir.
    """
    from claude_local_plugin.commands import launcher as command

    place = here()
    report = command.install(world_of(place), name, profile, ctx.meta["command"], folder)
    if as_json:
        print(json_text(report))
        return 0
    for note in report["notes"]:
        err(place.environ).line(f"! {printable(note)}", "yellow")
    path = short_path(report["path"], cwd=place.cwd, home=place.home)
    where = ("--dir", str(folder)) if folder else ()
    undo = spelt("claude-local", "launcher", "remove", name, *where)
    done = "written" if report["changed"] else "is already so"
    out(place.environ).prose(f"{printable(path)}: {done}   (undo: {undo})", "green")
    return 0


@launcher.command("list")
@dir_option
@json_option
def list_(folder: Path | None, as_json: bool) -> int:
    """The launchers of claude-local in ~/.local/bin, or in --dir.

    Reads only; exit 1 where one cannot run any more.
    """
    from claude_local_plugin.commands import launcher as command

    place = here()
    report = command.installed(world_of(place), folder)
    broken = any(each["problem"] for each in report["launchers"])
    if as_json:
        print(json_text(report))
        return int(broken)
    printer = out(place.environ)
    if not report["launchers"]:
        folder_name = short_path(report["folder"], cwd=place.cwd, home=place.home)
        printer.prose(f"no launchers of claude-local's in {printable(folder_name)}")
    printer.table([_row(each) for each in report["launchers"]], shorten=(2,))
    if report["launchers"] and not report["on_path"]:
        err(place.environ).prose(f"! {printable(report['folder'])} is not on your PATH", "yellow")
    return int(broken)


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["name"], entry["profile"] or "-", " ".join(map(quoted, entry["command"])), entry["problem"] or "ok"


@launcher.command("remove")
@click.argument("name")
@dir_option
@json_option
def remove(name: str, folder: Path | None, as_json: bool) -> int:
    """Take a launcher of claude-local away; any other program stays. Modifies ~/.local/bin, or --dir."""
    from claude_local_plugin.commands import launcher as command

    place = here()
    report = command.remove(world_of(place), name, folder)
    if as_json:
        print(json_text(report))
        return 0
    path = short_path(report["path"], cwd=place.cwd, home=place.home)
    out(place.environ).line(f"{printable(path)}: removed")
    return 0
