"""The settings file of one run: made, and left to be swept when its process has ended."""

import os
from pathlib import Path

from claude_local_plugin.core.run_files import SUFFIX
from claude_local_plugin.settings import file


def written(place: Path, text: str, process: int) -> Path:
    """A file with this text that nobody else may read, named for the process that it belongs to."""
    file.private_folder(place)
    path = place / f"{process}-{os.urandom(4).hex()}{SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    return path
