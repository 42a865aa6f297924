"""A terminal that a test types into and reads from: one program on a pseudo-terminal, its output without escapes."""

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

DOWN, ENTER = b"\x1b[B", b"\r"

_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[(][0-9;?<>=]*[A-Za-z]|\x1b[=>78]")


class Terminal:
    """A program on a terminal of 140 columns and 45 lines; ended when the `with` block is left."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> None:
        self._argv = list(argv)
        self._cwd = cwd
        self._environ = {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "45", **environ}
        self._seen = b""
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        import pty

        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            try:
                os.chdir(self._cwd)
                os.execve(self._argv[0], self._argv, self._environ)
            finally:
                os._exit(127)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    @property
    def text(self) -> str:
        """What was printed since the last `forget()`, without escapes and blanks (programs draw blanks by moving)."""
        return re.sub(r"\s+", "", _ESCAPES.sub("", self._seen.decode("utf-8", "replace")))

    def forget(self) -> None:
        """Start reading afresh."""
        self._seen = b""

    def type(self, keys: str | bytes) -> None:
        """Send keys as they stand."""
        os.write(self._descriptor, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int) -> None:
        """Make the window this wide, as somebody who pulls at its edge."""
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 45, columns, 0, 0))

    def wait_for(self, wanted: str, *, seconds: float = 30.0) -> None:
        """Read until `wanted` (a regular expression without blanks) is there; fails with what was there instead."""
        until = time.monotonic() + seconds
        while not re.search(wanted, self.text):
            if time.monotonic() > until or not self._read(0.2):
                raise AssertionError(f"{wanted!r} did not appear; the terminal shows: {self.text[-2000:]}")

    def settle(self, quiet: float = 1.0, *, seconds: float = 15.0) -> None:
        """Read until nothing has been printed for `quiet` seconds, as a person waits before typing."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._has_more(quiet):
            self._read(0.0)

    def wait_for_exit(self, *, seconds: float = 20.0) -> int:
        """Read until the program has ended; its exit code."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(0.1)
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                return self.exit_code
        raise AssertionError(f"the program has not ended; the terminal shows: {self.text[-2000:]}")

    def _has_more(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def _read(self, seconds: float) -> bool:
        """Take what is there; False once the program has closed the terminal."""
        if not self._has_more(seconds):
            return True
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            return False
        self._seen += chunk
        return bool(chunk)
