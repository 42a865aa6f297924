"""`claude-local recipe list`: the models and machines of the catalogue."""

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import json_text, out


@click.command("list")
@json_option
def list_command(as_json: bool) -> int:
    """The models and machines that are known, the best for an agent's work first; `+` marks your own.

    `agent` is our estimate, 1 to 10, of how well a model does Claude Code's work.
    """
    from claude_local_plugin.commands import recipe_catalogue as command

    place = here()
    report = command.list_recipes(place.environ)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    rows = [
        (
            each["name"] + ("+" if each["own"] else ""),
            _size(each["parameters_billion"]),
            f"{each['window']:9,}",
            f"{each['agent']:4g}",
            " ".join(each["precisions"]),
        )
        for each in report["models"]
    ]
    printer.table([("model", "size", "   window", "agent", "precisions"), *rows], shorten=(4,))
    printer.line()
    machines = [
        (
            each["name"] + ("+" if each["own"] else ""),
            f"{each['gpus']} × {each['memory_gib']:g} GiB" if each["gpus"] else f"{each['memory_gib']:g} GiB",
            f"SM {each['architecture']}" if each["architecture"] else "",
            each["label"],
        )
        for each in report["hardware"]
    ]
    printer.table([("hardware", "memory", "", ""), *machines], shorten=(3,))
    return 0


def _size(billion: float) -> str:
    return f"{billion:3.0f}B" if billion < 1000 else f"{billion / 1000:3.0f}T"
