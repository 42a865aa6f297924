"""`claude-local recipe prometheus`: what Prometheus reads, and its alerts."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here
from claude_local_plugin.cli.recipe.made import show


@click.command("prometheus")
@click.option(
    "--backend", "backends", multiple=True, required=True, metavar="URL[,URL…]", help="The servers, gateways included."
)
@click.option("--token-env", metavar="VAR", help="The variable that holds the servers' key, for looking at them now.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file from which Prometheus reads that key, for those that ask for one.",
)
@click.option("--no-check", is_flag=True, help="Do not ask the servers.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write both files into DIR.")
def prometheus_command(
    backends: tuple[str, ...], token_env: str | None, key_file: Path | None, no_check: bool, output: Path | None
) -> int:
    """Print prometheus.yml for your servers, and alerts for it.

    Alerts: down, loading too long, requests that wait, a full KV cache, prefixes that miss, slow first tokens, a
    gateway's dead replica. Each server is asked what it is, and whether it gives its metrics. Modifies: the files in
    DIR.
    """
    from claude_local_plugin.commands import recipe_prometheus as command

    asked = command.Asked(backends, token_env, key_file, check=not no_check, folder=output)
    return show(command.recipe_prometheus(asked, here().environ), output)
