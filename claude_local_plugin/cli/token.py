"""`claude-local token`: a profile's key, for a program that reads it."""

import sys

import click

from claude_local_plugin import paths
from claude_local_plugin.cli.options import here, profile_argument
from claude_local_plugin.errors import UsageError


@click.command()
@profile_argument
@click.option("--reveal", is_flag=True, help="Show it on a terminal, too.")
@click.option("--strict", is_flag=True, help="Print nothing and end with exit code 1 where there is no key.")
@click.option("--state", hidden=True)
@click.option("--config", hidden=True)
def token(name: str, reveal: bool, strict: bool, state: str | None, config: str | None) -> int:
    """Print a profile's key: what Claude Code asks for where the profile says `helper = true`.

    Only for a program that reads it, unless --reveal is given. Where the key is not to be had it prints
    `claude-local-no-key`, which the server refuses, and says why on standard error: with a helper that fails Claude
    Code would send its requests without a key.
    """
    from claude_local_plugin.profiles import token as command

    place = here()
    if reveal or strict:
        if sys.stdout.isatty() and not reveal:
            raise UsageError("a key is not shown on a terminal", "--reveal shows it")
        key = command.key_by_name(name, place.environ, config or paths.config_dir(place.environ))
        if key is not None:
            print(key)
        return int(key is None and strict)
    folders = [
        word for option, value in (("--state", state), ("--config", config)) if value for word in (option, str(value))
    ]
    return command.run([name, *folders], place.environ)
