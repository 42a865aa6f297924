"""`claude-local recipe add`: an entry of the user's own, or one of vLLM's recipes, into the user's catalogue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.commands.recipe_fit import known_to
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes.own import own_entry
from claude_local_plugin.settings.file import resolve, rewrite


def add(environ: Mapping[str, str], source: Path, *, force: bool = False) -> dict[str, Any]:
    """Write the entry of `source` into the user's catalogue: whole, or not at all, and over nothing that differs."""
    own = own_entry(source, datetime.now(UTC).date().isoformat())
    target = resolve(paths.config_dir(environ) / "recipes" / own.kind / f"{own.name}.toml")
    known = known_to(environ)
    there = {"models": known.models, "hardware": known.hardware, "images": known.images}.get(own.kind, {})
    instead = own.name in there and own.name not in known.own.get(own.kind, ())
    another = command("claude-local", "recipe", "add", "--from", str(source), "--force")
    if instead and not force:
        raise ClaudeLocalError(f"{own.name} is in the catalogue already", f"to have this one instead: {another}")

    def written(before: str | None) -> str:
        if before not in (None, own.text) and not force:
            raise ClaudeLocalError(f"{target} is there already, and differs", f"to have this one instead: {another}")
        return own.text

    done = rewrite(target, written, lock_dir=paths.state_dir(environ) / "locks")
    return {
        "kind": own.kind,
        "name": own.name,
        "path": str(target),
        "changed": done.changed,
        "replaced": done.before is not None and done.changed,
        "instead_of_ours": instead,
        "notes": list(own.said),
    }
