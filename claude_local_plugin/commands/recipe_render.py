"""`claude-local recipe render`: the files that start a recipe's server, once it is known to fit."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.commands.recipe_fit import Query, best, known_to
from claude_local_plugin.core.shell import command
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.fit import Fit
from claude_local_plugin.recipes.formats import FORMATS, Written
from claude_local_plugin.recipes.formats.written import KEY_FILE
from claude_local_plugin.recipes.service import LOOPBACK, PORT, Asked, Service, service


@dataclass(frozen=True, slots=True)
class Rendered:
    """A recipe that fits, as a service, and its files in one format."""

    found: Fit
    service: Service
    written: Written


def render(environ: Mapping[str, str], query: Query, asked: Asked, form: str) -> Rendered:
    """The best of the model's precisions that fits, or the one that was named, in a format.

    Raises ClaudeLocalError with the numbers where none fits.
    """
    found = best(environ, query)
    made = service(known_to(environ), found, asked)
    return Rendered(found, made, FORMATS[form](made))


def as_made(rendered: Rendered) -> Made:
    """Its files with what to type: start, follow, stop, and how Claude Code gets there."""
    written, made, found = rendered.written, rendered.service, rendered.found
    files = [File(name, text) for name, text in written.files.items()]
    at_once = "" if found.concurrency is None else f", {found.concurrency:.1f} conversations of it at once"
    steps = [
        ("window", f"{found.window:,}{at_once}; weights {made.weights_gib:.0f} GiB"),
        *(("start", line) for line in written.start),
        *(("how far", line) for line in written.follow),
        *(("stop", line) for line in written.stop),
        ("then", afterwards(made)),
    ]
    notes = [found.reason] if found.reason else []
    if made.keyed:
        notes.append(f"the key stands in {KEY_FILE} as {made.how.key_variable}: have it in your environment, too")
    return Made(made.title, tuple(files), tuple(steps), tuple(notes))


def afterwards(made: Service) -> str:
    """The command that takes Claude Code there; a server on this machine's usual port is found without a word."""
    found = made.listen == LOOPBACK and made.port == PORT
    key = ("--token-env", made.how.key_variable) if made.keyed else ()
    return command("claude-local", "enable", *(() if found else ("--url", made.url)), *key)


def write_key(folder: Path, made: Service) -> Path | None:
    """The file with a new key beside the others, for its owner alone; None where there is one, or none is needed."""
    path = folder / KEY_FILE
    if not made.keyed or path.exists():
        return None
    path.touch(0o600)
    path.write_text(f"{made.how.key_variable}={secrets.token_urlsafe(32)}\n", encoding="utf-8")
    return path
