"""`claude-local completion`: what a shell reads to complete our commands, options and profiles."""

from collections.abc import Mapping

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print what SHELL reads to complete the commands, their options and the names of profiles.

    For claude-local and cluse alike. Modifies nothing: the line that reads it goes into your shell's own file.
    """
    from claude_local_plugin.cli.group import scripts

    print(source(shell, scripts()))
    return 0


def source(shell: str, scripts: Mapping[str, click.Command]) -> str:
    """The shell's functions, for each of our console scripts."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise ValueError(f"click completes nothing in {shell}")
    variables = {name: f"_{name.replace('-', '_').upper()}_COMPLETE" for name in scripts}
    return "\n".join(made(each, {}, name, variables[name]).source() for name, each in scripts.items())
