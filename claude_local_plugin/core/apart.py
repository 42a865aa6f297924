"""Starting a program apart from the session, with nothing to read and nowhere to write: a module of its own, since a
hook that starts one loads it.
"""

import sys

from claude_local_plugin.core import system as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def start_apart(argv: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Starts a program that outlives this one; the number of its process, or 0 where the system keeps none for us."""
    if sys.platform == "win32":
        from subprocess import CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS, DEVNULL, Popen

        Popen(
            list(argv),
            env=dict(environ),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            creationflags=DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
        )
        return 0
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    return os.posix_spawnp(argv[0], list(argv), dict(environ), file_actions=nowhere, setsid=True)
