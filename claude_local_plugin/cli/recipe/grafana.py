"""`claude-local recipe grafana`: a dashboard."""

from pathlib import Path

import click

from claude_local_plugin.cli.recipe.made import show


@click.command("grafana")
@click.option(
    "--kind", "kinds", multiple=True, metavar="NAME", help="Of these kinds alone: vllm, llama.cpp, litellm, …"
)
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the dashboard into DIR.")
def grafana_command(kinds: tuple[str, ...], output: Path | None) -> int:
    """Print a Grafana dashboard of model servers.

    It shows what the jobs of `recipe prometheus` read, under the names that each kind and version of server has for it.
    Modifies: the file in DIR.
    """
    from claude_local_plugin.commands import recipe_grafana as command

    return show(command.recipe_grafana(kinds), output)
