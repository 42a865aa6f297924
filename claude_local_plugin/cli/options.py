"""Options and small pieces that several commands share."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin import paths
from claude_local_plugin.cli.place import Place, here
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.text import printable

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Source
    from claude_local_plugin.world import World

__all__ = [
    "Place",
    "choose_on_terminal",
    "complete_profile",
    "from_option",
    "here",
    "json_option",
    "log_of",
    "profile_argument",
    "scope_option",
    "server_named",
    "world_of",
]

utc_option = click.option("--utc", is_flag=True, help="Times in UTC (as JSON has them), not in your time zone.")
from_option = click.option(
    "--from", "url", metavar="URL", help="A team's log, postgresql://HOST/DATABASE, in place of this machine's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of text.")


def scope_option(default: str | None = "local") -> Callable[[Any], Any]:
    """`--scope local|project|user`: which of Claude Code's settings files is meant."""
    return click.option(
        "--scope",
        type=click.Choice(["local", "project", "user"]),
        default=default,
        show_default=bool(default),
        help="local: .claude/settings.local.json; project: .claude/settings.json; user: ~/.claude/settings.json.",
    )


def log_of(place: Place, url: str | None) -> "Source":
    """Where the log is that is asked: this machine's, or a team's."""
    if url is None:
        return place.state_dir
    from claude_local_plugin.team.reading import Team

    return Team(url, place.environ)


def world_of(place: Place) -> "World":
    """The place as the commands take it, with the installed client's version."""
    from claude_local_plugin.precedence import installed_client_version
    from claude_local_plugin.world import World

    return World(
        cwd=place.cwd,
        home=place.home,
        environ=place.environ,
        state_dir=place.state_dir,
        python=sys.executable,
        client_version=installed_client_version(place.environ),
    )


def choose_on_terminal(question: str, options: Sequence[str]) -> str:
    """Has somebody at a terminal choose one of several."""
    printer = err()
    for number, option in enumerate(options, start=1):
        printer.line(f"  {number}  {printable(option)}")
    number = click.prompt(question, type=click.IntRange(1, len(options)), default=1, err=True)
    return options[number - 1]


def server_named(word: str | None, url: str | None) -> tuple[str | None, str | None]:
    """A profile's name, or the URL of a server that was named by its address in the place of one (`box:8000`)."""
    from claude_local_plugin.servers.urls import address

    meant = address(word) if word and url is None else None
    return (None, meant) if meant else (word, url)


def complete_profile(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of profiles that begin so, for a shell's completion."""
    from claude_local_plugin.core.profile_names import profile_names

    names = profile_names(paths.config_dir(os.environ), os.getcwd())  # noqa: PTH109  (a folder may be gone)
    return [name for name in names if name.startswith(incomplete)]


#: The name of a profile that there is.
profile_argument = click.argument("name", metavar="PROFILE", shell_complete=complete_profile)
