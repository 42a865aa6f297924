"""A program on a terminal: what it draws is read, and keys are typed."""

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ENTER = b"\r"

_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[(][0-9;?<>=]*[A-Za-z]|\x1b[=>78]")


def plain(drawn: str) -> str:
    """What was drawn, without the escapes that move, colour and name things."""
    return _ESCAPES.sub("", drawn)


class Terminal:
    """A program on a pseudo-terminal, in a process group of its own; ended when the `with` block is left."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> None:
        self._argv, self._cwd = list(argv), cwd
        self._environ = {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "45", **environ}
        self._seen = b""

    def __enter__(self) -> Self:
        import pty

        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:  # pragma: no cover - the child
            try:
                os.chdir(self._cwd)
                os.execve(self._argv[0], self._argv, self._environ)
            finally:
                os._exit(127)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._pid, signal.SIGKILL)  # a pty's child leads its session, so that its group is all of it
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    @property
    def text(self) -> str:
        """What was drawn so far, without escapes and blanks (programs draw blanks by moving)."""
        return re.sub(r"\s+", "", plain(self._seen.decode("utf-8", "replace")))

    def type(self, keys: bytes) -> None:
        """Send keys as they stand."""
        with contextlib.suppress(OSError):  # it has ended; what it drew before says why
            os.write(self._descriptor, keys)

    def read_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Read until `done()`; False where the time is over, or the program has ended, before that."""
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until or not self._read():
                return done()
        return True

    def read_until_quiet(self, quiet: float, seconds: float) -> None:
        """Read until nothing has been drawn for `quiet` seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and select.select([self._descriptor], [], [], quiet)[0]:
            if not self._read():
                return

    def _read(self) -> bool:
        """Take what is there; False once the program has closed the terminal."""
        if not select.select([self._descriptor], [], [], 0.1)[0]:
            return True
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            return False
        self._seen += chunk
        return bool(chunk)
