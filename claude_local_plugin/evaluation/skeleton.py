"""A first task for somebody who makes their own: small, whole, and proved by its own solutions."""

import shutil
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation.tree import files
from claude_local_plugin.text import printable


def make(folder: Path) -> list[Path]:
    """Copies the example into a folder that is not there yet, or empty; the files that were written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{printable(str(folder))} is there already, and is not empty", "name another folder")
    source = paths.shipped("suites") / "skeleton" / "greeting"
    written = []
    for path in files(source):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target)
        written.append(target)
    return written
