"""Settings files of runs, in a folder that nobody else may look into: each as long as its process is there."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.processes import is_alive
from claude_local_plugin.core.text import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "run"
#: What such a file is called: the process's number, a few letters, and this.
SUFFIX = ".settings.json"
#: What a program is told of the file that was made for it.
SETTINGS = "CLAUDE_LOCAL_RUN_SETTINGS"


def folder(environ: "Mapping[str, str]", state_dir: str) -> str:
    """The folder: below the system's own for such files, in memory, where there is one; else in our state folder."""
    given = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and _is_private(given):
        return os.path.join(given, "claude-local")
    return os.path.join(state_dir, FOLDER)


def _is_private(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o077


def sweep(place: str) -> int:
    """Removes the files of processes that have ended; returns how many are left."""
    try:
        names = [name for name in os.listdir(place) if name.endswith(SUFFIX)]
    except OSError:
        return 0  # there never was one
    left = 0
    for name in names:
        path = os.path.join(place, name)
        process = name.partition("-")[0]
        try:
            seen = now(os.stat(path).st_mtime)
            if process.isdigit() and is_alive(int(process), seen):
                left += 1
            else:
                os.unlink(path)
        except FileNotFoundError:  # somebody else sweeps, too
            continue
    return left
