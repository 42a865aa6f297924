"""What a project is called: by people who name its folder, and in the log."""

import os
from pathlib import Path

from claude_local_plugin.core import config, config_file
from claude_local_plugin.core.config import HASHED
from claude_local_plugin.sessionlog.queries.filters import PATTERN


def folder_named(text: str, *, cwd: Path, home: Path) -> Path:
    """The folder that people mean: `.`, `~/src/shop`, a relative or an absolute path; it need not exist."""
    beginning, _, rest = text.partition("/")
    return Path(os.path.normpath(home / rest if beginning == "~" else cwd / text))


def project_names(text: str, *, cwd: Path, home: Path, state_dir: Path) -> tuple[str, ...]:
    """What a folder may be called in the log: as it is written, with links followed, and as a hash of either.

    What is no folder's name and has a `*` is a pattern, for the folders of other machines.
    """
    if text.startswith(HASHED):
        return (text,)
    folder = folder_named(text, cwd=cwd, home=home)
    if "*" in text and not os.path.lexists(folder):
        return (PATTERN + text,)
    names = list(dict.fromkeys((str(folder), os.path.realpath(folder))))
    if (state_dir / config_file.SALT).exists():
        salted = config.Config(str(state_dir), {})
        names += [hashed for name in names if (hashed := salted.logged("hash", name))]
    return tuple(names)
