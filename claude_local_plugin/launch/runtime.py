"""The private folder for settings files that one run needs, each as long as its process is there."""

import os
from collections.abc import Mapping
from pathlib import Path

from claude_local_plugin.core.processes import is_alive
from claude_local_plugin.core.text import now
from claude_local_plugin.settings import file

FOLDER = "run"
_SUFFIX = ".settings.json"


def folder(environ: Mapping[str, str], state_dir: Path) -> Path:
    """The folder: below the system's own for such files, in memory, where there is one; else in our state folder."""
    given = environ.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_absolute() and _is_private(Path(given)):
        return Path(given) / "claude-local"
    return state_dir / FOLDER


def _is_private(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o077


def written(place: Path, text: str, process: int) -> Path:
    """A file with this text that nobody else may read, named for the process that it belongs to."""
    file.private_folder(place)
    path = place / f"{process}-{os.urandom(4).hex()}{_SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def swept(place: Path) -> int:
    """Removes the files of processes that have ended; returns how many those were."""
    gone = 0
    try:
        names = [entry for entry in place.iterdir() if entry.name.endswith(_SUFFIX)]
    except FileNotFoundError:
        return 0
    for path in names:
        process, _, _ = path.name.partition("-")
        try:
            seen = now(path.stat().st_mtime)
        except FileNotFoundError:  # somebody else sweeps, too
            continue
        if not (process.isdigit() and is_alive(int(process), seen)):
            path.unlink(missing_ok=True)
            gone += 1
    return gone
