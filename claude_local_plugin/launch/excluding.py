"""Keeping a file of ours out of git by this clone's own list, and taking that back to the byte.

What is remembered of it is a few texts, which go on record with the file.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from claude_local_plugin import git
from claude_local_plugin.settings import file


def needed(standing: git.Standing) -> dict[str, str]:
    """What to remember about the line to add to the list; nothing where none is to be added."""
    if standing.exclude_file is None or standing.tracked or standing.ignored:
        return {}
    remembered = {"exclude_file": str(standing.exclude_file), "exclude_line": standing.exclude_line}
    before = file.read(standing.exclude_file)
    if before is not None:
        return {**remembered, "exclude_before": before}
    folder = standing.exclude_file.parent
    return remembered if folder.is_dir() else {**remembered, "exclude_folder": str(folder)}


def exclude(remembered: Mapping[str, str], lock_dir: Path) -> None:
    """Add the line."""
    if line := remembered.get("exclude_line"):
        file.rewrite(Path(remembered["exclude_file"]), lambda text: git.with_line(text, line), lock_dir=lock_dir)


def include(remembered: Mapping[str, str], lock_dir: Path) -> None:
    """Take it back, where the repository is still there."""
    if "exclude_file" not in remembered or not os.path.lexists(Path(remembered["exclude_file"]).parent.parent):
        return
    line, before = remembered["exclude_line"], remembered.get("exclude_before")
    file.rewrite(Path(remembered["exclude_file"]), lambda text: git.without_line(text, line, before), lock_dir=lock_dir)
    if "exclude_folder" in remembered:
        file.remove_empty((Path(remembered["exclude_folder"]),))
