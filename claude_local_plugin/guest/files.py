"""Reading files that may be anything: a pipe in a file's place keeps nobody waiting, a huge one is not read whole."""

import errno
import os
import stat


def opened(path: str) -> int:
    """A regular file opened for reading; raises OSError for what is none.

    A pipe in its place would keep us waiting for somebody to write into it, and some devices never end.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return file
    os.close(file)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "Not a file", path)


def content(path: str, most: int) -> bytes:
    """The bytes of a file; raises OSError where there is none, it cannot be read, or is larger than `most` bytes."""
    file = opened(path)
    try:
        if os.fstat(file).st_size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return os.read(file, most)
    finally:
        os.close(file)
