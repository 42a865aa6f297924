"""`claude-local recipe add`: a model, machine, image or engine of your own."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.text import short_path


@click.command("add")
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A TOML entry of your own, or models/ORG/NAME.yaml of a clone of vllm-project/recipes.",
)
@click.option("--force", is_flag=True, help="Take it even where there is one of this name.")
@json_option
def add_command(source: Path, force: bool, as_json: bool) -> int:
    """Take an entry of your own into the catalogue, after checking it: every figure needs source, date and basis.

    Of a vLLM recipe its figures are taken: precisions, arguments, and where it was run. Modifies: recipes/ beside your
    config.toml.
    """
    from claude_local_plugin.commands import recipe_add as command

    place = here()
    report = command.add(place.environ, source, force=force)
    if as_json:
        print(json_text(report))
        return 0
    where = short_path(report["path"], cwd=place.cwd, home=place.home)
    did = "written" if report["changed"] else "already so"
    instead = ", and stands for ours" if report["instead_of_ours"] else ""
    out(place.environ).line(f"{report['name']} ({report['kind']}): {did} {where}{instead}")
    err(place.environ).lines([f"! {each}" for each in report["notes"]], "yellow")
    return 0
