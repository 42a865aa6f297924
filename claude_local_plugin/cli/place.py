"""Where a command runs: read once, here, from the process."""

import os
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.core.shell import Words, export
from claude_local_plugin.errors import ClaudeLocalError


@frozen
class Place:
    """Where a command runs: the folder, the home, the environment, and our own state folder."""

    cwd: Path
    home: Path
    environ: dict[str, str]
    state_dir: Path


def here() -> Place:
    """The place of this very process. The only reader of the process's folder and environment for the commands."""
    environ = dict(os.environ)
    try:
        cwd = Path.cwd()
    except FileNotFoundError as error:
        raise ClaudeLocalError("the current folder does not exist any more", "cd into one that does") from error
    try:
        home = Path.home()
    except RuntimeError as error:
        raise ClaudeLocalError(
            "HOME is not set, and this user has no home folder", export("HOME", Words("…"))
        ) from error
    return Place(cwd, home, environ, paths.state_dir(environ))
