"""Writes what recipes.md shows of the catalogue anew: `python docs/recipes_tables.py`."""

import contextlib
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

from claude_local_plugin.cli import run_line
from claude_local_plugin.recipes.catalogue import ENGINE, catalogue
from claude_local_plugin.recipes.kv_cache import cache_of

PAGE = Path(__file__).with_name("recipes.md")


def models() -> str:
    """The models, the best for an agent's work first."""
    found = sorted(catalogue().models.values(), key=lambda each: (-each.agent.value, each.name))
    rows = []
    for model in found:
        parsers = {
            argument.name: argument.value for feature in model.features.values() for argument in feature.arguments
        }
        weights = ", ".join(f"{each.precision} {each.weights.value:g}" for each in model.variants)
        rows.append(
            (
                f"`{model.name}`",
                f"{model.agent.value:g}",
                f"{model.window.value:,.0f}",
                f"{cache_of(model.layers).token_bytes:,}" if model.layers else "not known",
                weights,
                f"{parsers['--tool-call-parser']} / {parsers.get('--reasoning-parser', '–')}",
                model.needs[ENGINE].value,
            )
        )
    head = ("model", "agent", "window", "cache, bytes a token", "weights in GiB", "tool / reasoning parser", "vLLM")
    return _table(head, rows)


def hardware() -> str:
    """The machines."""
    rows = [
        (
            f"`{each.name}`",
            ", ".join(f"`{name}`" for name in each.aliases),
            f"{each.gpus} × {each.memory.value:g}" if each.gpus else f"{each.memory.value:g}",
            each.architecture or "–",
            f"{each.utilisation.value:g}",
            f"{each.overhead.value:g}",
        )
        for each in catalogue().hardware.values()
    ]
    return _table(("hardware", "also", "GiB", "SM", "for the server", "GiB beside"), rows)


def fits() -> str:
    """What the command prints for a GB10."""
    return "\n".join(
        ["```console", "$ claude-local recipe fit --hardware gb10", _printed("fit", "--hardware", "gb10"), "```"]
    )


PARTS: dict[str, Callable[[], str]] = {"fits": fits, "models": models, "hardware": hardware}


def rewritten(page: str) -> str:
    """The page with each part between its two marks as it is now."""
    for name, part in PARTS.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}{part()}\n{end}{rest.partition(end)[2]}"
    return page


def _printed(*words: str) -> str:
    with (
        contextlib.redirect_stdout(io.StringIO()) as said,
        mock.patch.dict(os.environ, {"CLAUDE_LOCAL_CONFIG_DIR": os.devnull}),
    ):
        run_line(["recipe", *words])
    return said.getvalue().rstrip("\n")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
