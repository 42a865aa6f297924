"""`claude-local recipe litellm`: LiteLLM in front of several servers."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here
from claude_local_plugin.cli.recipe.made import show


@click.command("litellm")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    required=True,
    metavar="[TIER=]URL[,URL…]",
    help="Servers of one model; with opus=, sonnet=, haiku= or fable= those of that tier alone.",
)
@click.option(
    "--model", "models", multiple=True, metavar="[TIER=]NAME", help="The served model, where there are several."
)
@click.option(
    "--token-env", "token_envs", multiple=True, metavar="[TIER=]VAR", help="The variable that holds the servers' key."
)
@click.option(
    "--url",
    metavar="URL",
    default="http://localhost:4000",
    show_default=True,
    help="Where sessions will reach LiteLLM.",
)
@click.option("--metrics", is_flag=True, help="With /metrics for `recipe prometheus`.")
@click.option("--no-check", is_flag=True, help="Do not ask the servers (needs --model).")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write litellm.yaml into DIR.")
def litellm_command(
    backends: tuple[str, ...],
    models: tuple[str, ...],
    token_envs: tuple[str, ...],
    url: str,
    metrics: bool,
    no_check: bool,
    output: Path | None,
) -> int:
    """Print a LiteLLM configuration for your servers, and how to start it.

    Each server is asked what it is. A session stays on one replica, a dead one is left, and the names that Claude Code
    sends by itself are known. No secret is written: keys are named by their variables. Modifies: litellm.yaml in DIR.
    """
    from claude_local_plugin.commands import recipe_litellm as command

    asked = command.Asked(backends, models, token_envs, url, check=not no_check, metrics=metrics, folder=output)
    return show(command.recipe_litellm(asked, here().environ), output)
