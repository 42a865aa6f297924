"""`claude-local recipe production-stack`: Helm values for a cluster."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here
from claude_local_plugin.cli.recipe.made import show


@click.command("production-stack")
@click.argument("recipe", required=False)
@click.option("--hardware", metavar="NAME", help="What the nodes have, as in `recipe list`.")
@click.option("--replicas", type=click.IntRange(min=1), default=2, show_default=True, help="How many servers.")
@click.option(
    "--sessions", type=click.IntRange(min=1), default=4, show_default=True, help="Sessions on each server at once."
)
@click.option("--window", type=click.IntRange(min=1), metavar="N", help="In tokens; by default the largest that fits.")
@click.option(
    "--backend", "backends", multiple=True, metavar="URL[,URL…]", help="A router alone, before these servers."
)
@click.option("--model", metavar="NAME", help="What those serve, where they are not asked or serve several.")
@click.option("--token-env", metavar="VAR", help="The variable that holds their key.")
@click.option("--no-check", is_flag=True, help="Do not ask them (needs --model).")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write production-stack.yaml into DIR.")
def production_stack_command(
    recipe: str | None,
    hardware: str | None,
    replicas: int,
    sessions: int,
    window: int | None,
    backends: tuple[str, ...],
    model: str | None,
    token_env: str | None,
    no_check: bool,
    output: Path | None,
) -> int:
    """Print Helm values for vLLM's production-stack.

    RECIPE is a model of the catalogue, `qwen3-coder-next` or `qwen3-coder-next:fp8`; the router keeps each session of
    Claude Code on one replica. Modifies: production-stack.yaml in DIR.
    """
    from claude_local_plugin.commands import recipe_production_stack as command

    asked = command.Asked(
        recipe,
        hardware,
        replicas,
        sessions,
        window,
        backends,
        model,
        token_env,
        check=not no_check,
        folder=output,
    )
    return show(command.recipe_production_stack(asked, here().environ), output)
