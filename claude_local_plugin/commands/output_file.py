"""Files that commands write where the user says: whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from claude_local_plugin.errors import ClaudeLocalError


@contextmanager
def replacing(output: Path, option: str = "--output") -> Iterator[IO[bytes]]:
    """A file that takes the place of `output`, at the end of all links, when all went well; else that is as it was.

    A new one is its owner's alone, an old one keeps its mode. Raises ClaudeLocalError when it cannot be written,
    with the option that names another.
    """
    target = output.resolve()
    try:
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):  # a pipe or a device has nothing to be replaced
            with target.open("wb") as file:
                yield file
            return
        number, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                yield file
            if mode is not None:
                new.chmod(stat.S_IMODE(mode))
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as fault:
        raise ClaudeLocalError(
            f"{output} cannot be written: {fault.strerror or fault}", f"choose another file with {option}"
        ) from fault
