"""`claude-local recipe render`: options, and the files on standard output or in a folder."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here
from claude_local_plugin.cli.recipe.made import show
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.text import printable


@click.command()
@click.argument("recipe")
@click.option(
    "--format",
    "form",
    type=click.Choice(["compose", "docker-run", "podman-quadlet", "systemd", "command"]),
    default="compose",
    show_default=True,
    help="Who starts it.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the files into DIR.")
@click.option("--hardware", metavar="NAME", help="A machine of the catalogue, instead of this one: gb10, rtx-5090, …")
@click.option("--host", metavar="SSH_HOST", help="Another machine, which is asked by your own ssh.")
@click.option(
    "--sessions",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Claude Code sessions at once, each with a subagent or two.",
)
@click.option(
    "--window",
    type=click.IntRange(min=1),
    metavar="N",
    help="The window in tokens; by itself the longest with room for subagents.",
)
@click.option("--kv-cache-dtype", type=click.Choice(["auto", "fp8"]), help="The cache's numbers: fp8 takes half.")
@click.option("--served-name", metavar="NAME", help="What it is served as; by itself the recipe's name.")
@click.option("--alias", metavar="NAME", help="One name more; a claude-* name costs what the comment beside it says.")
@click.option("--with", "features", multiple=True, metavar="FEATURE", help="What is not on by itself: mtp, vision …")
@click.option(
    "--listen",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address it is reached at; any but this machine's own asks for a key.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, metavar="N", help="Its port.")
@click.option("--image", metavar="REFERENCE", help="Another image than the catalogue's.")
def render_command(
    recipe: str,
    form: str,
    output: Path | None,
    hardware: str | None,
    host: str | None,
    sessions: int,
    window: int | None,
    kv_cache_dtype: str | None,
    served_name: str | None,
    alias: str | None,
    features: tuple[str, ...],
    listen: str,
    port: int,
    image: str | None,
) -> int:
    """Write the file that starts a model server for Claude Code, with a reason beside each flag.

    RECIPE is a name, a repository, or either with a precision (`qwen3-coder-next:fp8`); without one it is the best that
    fits. Window and conversations are computed for the machine: this one, --host, or --hardware. Nothing is downloaded
    and nothing is started. Modifies: the files in DIR, where a key that is there stays.
    """
    from claude_local_plugin.commands import recipe_render as command
    from claude_local_plugin.commands.recipe_fit import Query
    from claude_local_plugin.recipes.fit import Ask
    from claude_local_plugin.recipes.service import Asked

    place = here()
    kind = None if kv_cache_dtype == "auto" else kv_cache_dtype
    query = Query(recipe, hardware, host, ask=Ask(sessions=sessions, window=window, kv_cache=kv_cache_dtype))
    asked = Asked(sessions, served_name, alias, port, listen, image, features, kind)
    rendered = command.render(place.environ, query, asked, form)
    code = show(command.as_made(rendered), output)
    if output is not None and (key := command.write_key(output, rendered.service)):
        err(place.environ).line(f"written: {printable(str(key))}   a new key, which only you may read")
    return code
