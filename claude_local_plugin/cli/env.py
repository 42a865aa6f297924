"""`claude-local env`: options, what a shell is told, and what is said beside it."""

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.options import Place, complete_profile, here, server_named, world_of
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.env import Asked, Said
    from claude_local_plugin.world import World

NAMES = ("bash", "zsh", "fish", "powershell", "direnv", "dotenv")


@click.command()
@click.argument("profile", required=False, shell_complete=complete_profile)
@click.option("--url", metavar="URL", help="The server's address; by default the one in effect here.")
@click.option("--model", metavar="NAME", help="The served model to use.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds your server's key.")
@click.option("--no-check", is_flag=True, help="Do not ask the server (needs its URL and the model).")
@click.option(
    "--shell",
    "shell_name",
    type=click.Choice(NAMES),
    metavar="NAME",
    help=f"Who is to read it: {', '.join(NAMES)}; by default the shell that SHELL names.",
)
@click.option("--unset", is_flag=True, help="The commands that take it back; with --write, take our lines out again.")
@click.option("--write", is_flag=True, help="Write .envrc (direnv) or .env (dotenv) in the project, between two marks.")
@click.option("--reveal", is_flag=True, help="Say a secret as it is, also to a terminal or to .envrc.")
def env(
    profile: str | None,
    url: str | None,
    model: str | None,
    token_env: str | None,
    no_check: bool,
    shell_name: str | None,
    unset: bool,
    write: bool,
    reveal: bool,
) -> int:
    """Print the variables for one backend, quoted for your shell.

    To use it: eval "$(claude-local env)" in bash and zsh, `claude-local env | source` in fish. Whatever is started
    there goes to the server of PROFILE, of --url, or the one in effect here: CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1 is
    among the variables, with which the environment beats every settings file; only window, output limit, time-outs and
    retries of a settings file still win, and are named. Keys that would be sent along are unset. Where an
    administrator or a sign-in at a gateway decides, it refuses. To a terminal a secret is shown as where it can be had.
    Modifies nothing; with --write the project's .envrc or .env, this clone's .git/info/exclude, and claude-local's
    state folder.
    """
    from claude_local_plugin.commands import env as command
    from claude_local_plugin.launch.shells import SHELLS, default_shell

    profile, url = server_named(profile, url)
    place = here()
    world = world_of(place)
    name = shell_name or ("direnv" if write else None)
    shell = SHELLS[name] if name else default_shell(place.environ, windows=os.name == "nt")
    behind = (*(("--shell", shell_name) if shell_name else ()), *(("--write",) if write else ()))
    asked = command.Asked(shell, profile, url, model, token_env, not no_check, reveal, behind=behind)
    if unset and (url or model or token_env or no_check):
        raise UsageError("--unset asks no server: it takes no other option than --shell and --write", "leave them out")
    if write:
        return _write(world, asked, place, unset=unset)
    if unset:
        said = command.forgetting(world, asked)
    else:
        said = command.assignments(world, asked if sys.stdout.isatty() else replace(asked, reveal=True))
    _say(said, place)
    sys.stdout.flush()
    # as bytes: a variable's value is that, whatever the letters of this terminal
    sys.stdout.buffer.write(said.text.encode("utf-8", "surrogateescape"))
    return 0


def _say(said: "Said", place: Place) -> None:
    printer = err(place.environ)
    for note in said.notes:
        printer.line(f"! {printable(note)}", "yellow")


def _write(world: "World", asked: "Asked", place: Place, *, unset: bool) -> int:
    from claude_local_plugin.commands import env as command
    from claude_local_plugin.launch import env_file

    said = None if unset else command.assignments(world, command.for_a_file(asked))
    planned = command.planned(world, asked, said)
    printer = err(place.environ)
    name = printable(short_path(planned.path, cwd=place.cwd, home=place.home))
    env_file.carry_out(planned, world.state_dir)
    if said is None:
        if not planned.changed:
            printer.line(f"nothing of claude-local's in {name}")
        else:
            printer.prose(f"{name}: removed, as it was ours alone" if planned.after is None else f"{name}: given back")
        return 0
    _say(said, place)
    if planned.problem:
        printer.line(f"! {printable(planned.problem)}", "yellow")
    if planned.tracked:
        printer.prose(f"! {name} is tracked by git: everyone who pulls it gets your server's address", "yellow")
    printer.prose(f"{name}: {'written' if planned.changed else 'is already so'}; {said.sentence}", "green")
    if asked.shell.name == "direnv":
        printer.prose("direnv reads it once you have allowed it (direnv allow), whenever you are in this folder")
    else:
        printer.prose(
            "Claude Code reads no .env by itself: what starts it has to, and has to let it win over the shell"
        )
    printer.line("what takes it out again: the same with --unset")
    return 0
