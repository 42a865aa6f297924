"""`claude-local config path|list|get|set|unset`: claude-local's own config.toml."""

import shlex
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.options import Place, here, json_option
from claude_local_plugin.cli.terminal import columns, err, json_text, out
from claude_local_plugin.text import printable, short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.config import Where

project_option = click.option(
    "--project", metavar="FOLDER", help="What holds in this folder and below: protect and allowed_backends."
)


@click.group(cls=Group)
def config() -> None:
    """Show and change claude-local's own settings: what hooks do, what is logged, prices, which backends are allowed.

    They stand in config.toml, which may as well be edited by hand.
    """


@config.command("path")
@json_option
def path(as_json: bool) -> int:
    """Where config.toml is, or would be."""
    from claude_local_plugin.commands import config as command

    place = here()
    report = command.path(_where(place, None))
    print(json_text(report) if as_json else report["path"])
    return 0


@config.command("list")
@project_option
@json_option
def list_(project: str | None, as_json: bool) -> int:
    """Every setting, its value and where that comes from. Exit 1 where a value cannot be used."""
    from claude_local_plugin.commands import config as command

    place = here()
    report = command.list_settings(_where(place, project))
    said, valid = report.pop("said"), report.pop("valid")
    if as_json:
        print(json_text(report))
        return int(not valid)
    printer = out(place.environ)
    name = short_path(report["path"], cwd=place.home / "-", home=place.home)
    printer.prose(name if report["exists"] else f"{name} is not there: every setting has its default")
    rows = [(each["key"], shown(each["value"]) or "(none)", _origin(each)) for each in report["settings"]]
    rows += [(f"{each['folder']}  {each['key']}", shown(each["value"]), _origin(each)) for each in report["projects"]]
    printer.lines(columns([tuple(map(printable, row)) for row in rows]))
    _warn(place, said)
    return int(not valid)


@config.command("get")
@click.argument("key")
@project_option
@json_option
def get(key: str, project: str | None, as_json: bool) -> int:
    """The value of one setting, its default where it is not set. With --project, what holds in that folder."""
    from claude_local_plugin.commands import config as command

    report = command.get(_where(here(), project), key)
    print(json_text(report, reveal=True) if as_json else printable(shown(report["value"])))
    return 0


# so that a number below zero and a command's own options are values
@config.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value", nargs=-1, required=True)
@project_option
@json_option
def set_(key: str, value: tuple[str, ...], project: str | None, as_json: bool) -> int:
    """Set one setting; several VALUEs make a list. Comments and all other settings in config.toml stay."""
    from claude_local_plugin.commands import config as command

    place = here()
    report = command.set_value(_where(place, project), key, value)
    return _changed(place, report, "already so", as_json)


@config.command("unset")
@click.argument("key")
@project_option
@json_option
def unset(key: str, project: str | None, as_json: bool) -> int:
    """Take one setting out of config.toml, so that its default holds again."""
    from claude_local_plugin.commands import config as command

    place = here()
    report = command.unset(_where(place, project), key)
    return _changed(place, report, "was not set", as_json)


def _changed(place: Place, report: dict[str, Any], otherwise: str, as_json: bool) -> int:
    said = report.pop("said", [])
    if as_json:
        print(json_text(report))
        return 0
    name = short_path(report["path"], cwd=place.home / "-", home=place.home)
    folder = f" in {report['project']}" if report["project"] else ""
    value = "" if report["value"] is None else f" = {shown(report['value']) or '(none)'}"
    printer = out(place.environ)
    printer.prose(printable(f"{report['key']}{value}{folder}   ({name if report['changed'] else otherwise})"))
    _warn(place, said)
    return 0


def shown(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return shlex.join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _origin(entry: dict[str, Any]) -> str:
    if not entry.get("set", True):
        return "default"
    return (f"line {entry['line']}" if entry["line"] else "set") + ("" if entry["understood"] else ", not valid")


def _warn(place: Place, said: list[str]) -> None:
    err(place.environ).lines([f"! {printable(each)}" for each in said], "yellow")


def _where(place: Place, project: str | None) -> "Where":
    from claude_local_plugin.commands.config import Where

    return Where(place.cwd, place.home, place.environ, place.state_dir, project)
