"""`claude-local recipe otel`: Claude Code's own OpenTelemetry."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here, world_of
from claude_local_plugin.cli.recipe.made import show


@click.command("otel")
@click.option(
    "--collector",
    metavar="URL",
    default="http://localhost:4318",
    show_default=True,
    help="Where Claude Code sends to: OTLP over HTTP, or over gRPC at port 4317.",
)
@click.option(
    "--scope",
    type=click.Choice(["user", "managed", "shell", "project", "local"]),
    default="user",
    show_default=True,
    help="Where the exporters are to be said; a project's files are not read for that.",
)
@click.option("--label", metavar="NAME", help="The backend's name in there; by default its host and port, or cloud.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the three files into DIR.")
def otel_command(collector: str, scope: str, label: str | None, output: Path | None) -> int:
    """Print what Claude Code's own OpenTelemetry needs, without prompts in it.

    Three files: a collector, the exporters for a place where Claude Code reads them, and the label of this folder's
    backend, for the project's local settings. Modifies: the files in DIR.
    """
    from claude_local_plugin.commands import recipe_otel as command

    return show(command.recipe_otel(command.Asked(collector, scope, label, output), world_of(here())), output)
