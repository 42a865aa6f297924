"""`claude-local profile list|show|add|edit|remove|use|export|import`: servers under names."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.enable import agree, enable
from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.options import Place, choose_on_terminal, here, json_option, profile_argument, world_of
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.core.config import KEYS
from claude_local_plugin.core.config_rules import PROFILE_OPTIONS
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as spelt
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.profile import Token

#: What stands for the value of an option in the help, by the rule of its key.
METAVARS = {
    "url": "URL",
    "whole": "N",
    "argv": "COMMAND",
    "variables": "NAME=VALUE",
    "headers": "NAME=VALUE",
    "headers_env": "NAME=VAR",
    "fallback": "PROFILE",
}


@click.group(cls=Group)
def profile() -> None:
    """Servers under names: `claude-local enable NAME` then says all of it.

    They stand in config.toml, which may as well be edited by hand. A key never does: a profile says where its key is.
    """


profile.add_command(enable, "use")


def _key_options(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each key of a profile but those that say where the key is, from the table of keys."""
    for place, key, rule, limits, *_, description in reversed(KEYS):
        if place != "profiles.*" or key == "token":
            continue
        name = PROFILE_OPTIONS.get(key, f"--{key.replace('_', '-')}")
        plain = description.replace("`", "")
        option: Any
        if rule == "switch":
            option = click.option(f"{name}/--no-{name[2:]}", key, default=None, help=plain)
        elif rule in ("texts", "variables"):
            option = click.option(name, key, multiple=True, metavar=METAVARS.get(key, METAVARS.get(rule)), help=plain)
        elif rule == "word":
            option = click.option(name, key, type=click.Choice(list(limits)), help=plain)
        else:
            option = click.option(name, key, metavar=METAVARS.get(rule, "NAME"), help=plain)
        wrapped = option(wrapped)
    return wrapped


def _token_options(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--no-token", is_flag=True, help="The server wants no key."),
        click.option(
            "--keyring", is_flag=True, help="Keep the key in the system's keyring; asks for it, without showing it."
        ),
        click.option(
            "--token-stdin",
            is_flag=True,
            help="Read the key from standard input, and keep it in a file that nobody else may read, or in --keyring.",
        ),
        click.option("--token-env", metavar="VAR", help="The environment variable that holds the server's key."),
    ):
        wrapped = option(wrapped)
    return wrapped


@profile.command("list")
@json_option
def list_(as_json: bool) -> int:
    """Every profile; `*` marks the one in use here. Exit 1 where one cannot be used."""
    from claude_local_plugin.commands import profile as command

    place = here()
    report = command.list_profiles(world_of(place))
    code = int(not all(each["usable"] for each in report["profiles"]))
    if as_json:
        print(json_text(report))
        return code
    printer = out(place.environ)
    if not report["profiles"]:
        printer.prose(f"none yet: {spelt('claude-local', 'profile', 'add', Words('NAME'), '--url', Words('URL'))}")
    printer.table(
        [
            (
                "*" if each["in_use"] else "✗" if not each["usable"] else " ",
                each["name"],
                each["url"] or "(no url)",
                each["model"] or "(what it serves)",
                f"key: {each['token']}",
            )
            for each in report["profiles"]
        ],
        shorten=(3, 2),
    )
    err(place.environ).lines([f"! {each}" for each in report["problems"]], "yellow")
    return code


@profile.command("show")
@profile_argument
@json_option
def show(name: str, as_json: bool) -> int:
    """What a profile says, where it stands and where it is in use. Exit 1 where it cannot be used."""
    from claude_local_plugin.commands import profile as command

    place = here()
    report = command.show(world_of(place), name)
    text = report.pop("text")
    code = int(not report["usable"])
    if as_json:
        print(json_text(report))
        return code
    prose = err(place.environ)
    where = _short(report["path"], place)
    prose.line(f"{where}:{report['line']}" if report["line"] else where)
    out(place.environ).lines(text.splitlines())
    prose.lines([f"! {each}" for each in report["problems"]], "yellow")
    prose.lines([f"in use: {_short(each, place)}" for each in report["enabled"]])
    for each in report["measured"]:
        prose.prose(printable(each["says"]))
    return code


@profile.command("add")
@click.argument("name")
@_key_options
@_token_options
@click.option("--discover", is_flag=True, help="Ask the server for what is not given: its kind, model and window.")
@json_option
def add(
    name: str,
    token_env: str | None,
    token_stdin: bool,
    keyring: bool,
    no_token: bool,
    discover: bool,
    as_json: bool,
    **keys: Any,
) -> int:
    """Give a server a name, with what its sessions need.

    Nothing is asked of the server but with --discover. Modifies: config.toml, and what keeps the key.
    """
    from claude_local_plugin.commands import profile as command

    place = here()
    given = {key: _words(value) for key, value in keys.items() if value not in (None, ())}
    token = _token(name, token_env=token_env, token_stdin=token_stdin, keyring=keyring, no_token=no_token)
    choose = choose_on_terminal if sys.stdin.isatty() and sys.stderr.isatty() and not as_json else None
    report = command.add(world_of(place), name, given, token, discover=discover, choose=choose)
    return _told(place, report, as_json, f"Added. {spelt('claude-local', 'enable', name)} uses it in a project.")


@profile.command("edit")
@profile_argument
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--unset", multiple=True, metavar="KEY", help="Take this key out; may be given several times.")
@_token_options
@json_option
def edit(
    name: str,
    changes: tuple[str, ...],
    unset: tuple[str, ...],
    token_env: str | None,
    token_stdin: bool,
    keyring: bool,
    no_token: bool,
    as_json: bool,
) -> int:
    """Change a profile: window=65536, env.NAME=VALUE; a list by its key several times. Comments stay.

    Modifies: config.toml, and what keeps the key.
    """
    from claude_local_plugin.commands import profile as command

    place = here()
    token = _token(name, token_env=token_env, token_stdin=token_stdin, keyring=keyring, no_token=no_token)
    report = command.edit(world_of(place), name, changes, unset, token)
    return _told(place, report, as_json, "Changed.")


@profile.command("remove")
@profile_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> int:
    """Take a profile out of config.toml, and the key that is kept for it away. Folders stay as they are enabled."""
    from claude_local_plugin.commands import profile as command

    place = here()
    world = world_of(place)
    command.show(world, name)
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not yes and not as_json
    if asking and not click.confirm(f"Remove the profile {name}, and the key kept for it?", default=False, err=True):
        raise click.exceptions.Abort
    return _told(place, command.remove(world, name), as_json, "Removed.")


@profile.command("export")
@profile_argument
def export(name: str) -> int:
    """Print a profile as TOML, for somebody else's `profile import`: it holds no key, only where one is."""
    from claude_local_plugin.commands import profile as command

    print(command.toml_of(world_of(here()), name), end="")
    return 0


@profile.command("import")
@click.argument("file")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before writing.")
@click.option("--replace", is_flag=True, help="Let them stand in the place of profiles of the same names.")
@json_option
def import_(file: str, yes: bool, replace: bool, as_json: bool) -> int:
    """Take profiles over from FILE (-: standard input), once they are checked and shown.

    Modifies: config.toml.
    """
    from claude_local_plugin.commands import profile as command

    place = here()
    world = world_of(place)
    brought = command.read_import(world, file)
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not yes and not as_json
    prose = err(place.environ)
    if not as_json:
        prose.lines(brought.text().splitlines())
        prose.lines([f"! {each}" for each in brought.told], "yellow")
    if brought.replaced and not (asking or replace):
        raise UsageError(
            f"there is a profile called {brought.replaced[0]} already, which says something else",
            spelt("claude-local", "profile", "import", file, "--replace"),
        )
    question = f"Replace {', '.join(brought.replaced)}?" if brought.replaced else "Take this over?"
    if asking and not click.confirm(question, default=not brought.replaced, err=True):
        raise click.exceptions.Abort
    report = command.write_import(world, brought)
    return _told(place, report, as_json, f"Imported: {', '.join(report['imported'])}.")


@profile.command("trust")
@click.option("--yes", "-y", is_flag=True, help="Do not ask: you have read it.")
@click.option("--revoke", is_flag=True, help="Forget that you have agreed to it.")
def trust(yes: bool, revoke: bool) -> int:
    """See what this repository's .claude-local.toml says, and agree to it as it is now.

    A changed file has to be agreed to again. Nothing in it is ever run.
    """
    from claude_local_plugin.commands import profile as command

    place = here()
    world = world_of(place)
    if revoke:
        there = command.distrust(world)
        err(place.environ).line("Forgotten." if there else "nobody has agreed to it here")
        return 0
    found, state = command.to_trust(world)
    if state == "trusted":
        err(place.environ).prose(f"already agreed to: {_short(found.path, place)}")
        return 0
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{found.path} is to be read by somebody first, and there is no terminal to ask on",
            spelt("claude-local", "profile", "trust", "--yes"),
        )
    agree(found, world, changed=state == "changed", ask=not yes)
    err(place.environ).line(f"Trusted. {spelt('claude-local', 'enable')} uses it here.", "green")
    return 0


def _words(value: Any) -> list[str]:
    """The value of an option as words: of one that may be given several times, each."""
    if isinstance(value, bool):
        return [str(value).lower()]
    return list(value) if isinstance(value, tuple) else [value]


def _token(name: str, *, token_env: str | None, token_stdin: bool, keyring: bool, no_token: bool) -> "Token":
    """Where the key is to be, and the key itself, read or asked for."""
    from claude_local_plugin.commands.profile import Token, variable

    if sum((token_env is not None, token_stdin or keyring, no_token)) > 1:
        raise UsageError("a key is in one place", "give one of --token-env, --token-stdin, --keyring and --no-token")
    if no_token:
        return Token("none")
    if token_env is not None:
        return Token(f"env:{variable(token_env)}")
    if not (token_stdin or keyring):
        return Token()
    source = "keyring" if keyring else "file"
    if not sys.stdin.isatty():
        if not token_stdin:
            raise UsageError(
                "there is no terminal to ask for the key on",
                "--token-stdin reads it from standard input",
            )
        return Token(source, sys.stdin.readline().strip())
    return Token(source, click.prompt(f"the key of {printable(name)} (not shown)", hide_input=True, err=True).strip())


def _told(place: Place, report: dict[str, Any], as_json: bool, done: str) -> int:
    if as_json:
        print(json_text(report))
        return 0
    printer = err(place.environ)
    for each in report["said"]:
        printer.line(f"! {each}" if not each.startswith("found at ") else each, "")
    printer.prose(f"{done}   ({_short(report['path'], place)})" if report["changed"] else "already so", "green")
    return 0


def _short(path: str | Path, place: Place) -> str:
    return short_path(path, cwd=place.home / "-", home=place.home)
