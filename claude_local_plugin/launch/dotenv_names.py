"""Which variables a `.env` file names that a program started here may load for itself.

Programs that do so (python-dotenv, Node's and Bun's own way) leave alone what is in their environment already, also
where that is empty. Only the names are read: no value of such a file is looked at.
"""

import re
from pathlib import Path

from claude_local_plugin.core.files import content

#: No such file is longer (bytes).
LONGEST = 1_000_000

_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=", re.MULTILINE)


def nearest(cwd: Path) -> Path | None:
    """The `.env` that is loaded by a program in this folder: here, or in the nearest folder above; None for none."""
    return next((folder / ".env" for folder in (cwd, *cwd.parents) if (folder / ".env").is_file()), None)


def names(path: Path | None) -> frozenset[str]:
    """The names that the file sets; none for a file that cannot be read."""
    if path is None:
        return frozenset()
    try:
        text = content(path, LONGEST)
    except OSError:  # then nobody else loads it either
        return frozenset()
    return frozenset(_LINE.findall(text.decode("utf-8", "replace")))
