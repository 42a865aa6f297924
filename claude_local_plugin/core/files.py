"""Files that somebody else may have put in our way, read without waiting and without filling the memory."""

import errno

from claude_local_plugin.core import system as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

#: Claude Code reads no settings file larger than this many bytes.
MOST_SETTINGS: "Final" = 2_097_152

#: What we read of any other file: of Claude Code's own state, which grows with every project, of git's lists and of
#: an editor's settings. Whoever has more is told so.
MOST: "Final" = 64 * 1024 * 1024

#: What a file is, in its mode: as the module `stat` has it, which takes longer to import than all of this.
_KIND, _FILE, _FOLDER = 0o170000, 0o100000, 0o040000


def opened(path: "str | os.PathLike[str]") -> int:
    """A regular file opened for reading; OSError for anything else.

    A pipe in its place would keep us waiting for somebody to write into it, a device might never end.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(file).st_mode
    if mode & _KIND == _FILE:
        return file
    os.close(file)
    if mode & _KIND == _FOLDER:
        raise IsADirectoryError(errno.EISDIR, "a folder", os.fspath(path))
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def content(path: "str | os.PathLike[str]", most: int = MOST) -> bytes:
    """The bytes of a regular file; OSError where it is none, cannot be read, or is larger than `most` bytes."""
    file = opened(path)
    try:
        if os.fstat(file).st_size <= most:
            pieces = []
            while most >= 0 and (piece := os.read(file, most + 1)):
                pieces.append(piece)
                most -= len(piece)
            if most >= 0:
                return b"".join(pieces)
            most += sum(map(len, pieces))
    finally:
        os.close(file)
    raise OSError(errno.EFBIG, f"larger than {most:,} bytes", os.fspath(path))
