"""The files of a folder, in one order everywhere, without what programs leave behind."""

import os
from collections.abc import Iterator
from pathlib import Path

#: What programs and file managers leave behind, which is part of no task and of no result.
LEFT_BEHIND = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".DS_Store")


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder as a path from there, in one order everywhere; links are not followed."""
    for root, folders, names in os.walk(folder):
        inside = Path(root).relative_to(folder)
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in LEFT_BEHIND and name not in links)
        yield from (inside / name for name in sorted([*names, *links]) if not _left_behind(name))


def _left_behind(name: str) -> bool:
    return name in LEFT_BEHIND or name.endswith(".pyc")
