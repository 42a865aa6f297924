"""Writes the files that a recipe made into a folder."""

from collections.abc import Sequence
from pathlib import Path

from claude_local_plugin.commands.output_file import replacing
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes.files import File


def write(files: Sequence[File], folder: Path) -> list[Path]:
    """Each file below the folder, which is made where it is not there; the paths, in order."""
    written = []
    for file in files:
        path = folder / file.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise ClaudeLocalError(
                f"{path.parent} cannot be made: {fault.strerror or fault}", "choose another folder with --output"
            ) from fault
        with replacing(path) as out:
            out.write(file.text.encode())
        written.append(path)
    return written
