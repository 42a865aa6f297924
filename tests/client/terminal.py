"""A terminal that a test types into and reads from: the one that proofs are made on, with what only tests ask of it."""

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_local_plugin.conformance import terminal

DOWN, ENTER = b"\x1b[B", terminal.ENTER


class Terminal(terminal.Terminal):
    """A program on a terminal of 140 columns and 45 lines; `exit_code` is there once it has been waited for."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> None:
        super().__init__(argv, cwd=cwd, environ=environ)
        self.exit_code: int | None = None

    def forget(self) -> None:
        """Start reading afresh."""
        self._seen = b""

    @property
    def lines(self) -> list[str]:
        """What a program that only prints has printed, line by line."""
        return terminal.plain(self._seen.decode("utf-8", "replace")).replace("\r", "").split("\n")

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
        if not self.read_until(lambda: re.search(wanted, self.text) is not None, seconds):
            raise AssertionError(f"{wanted!r} did not appear; the terminal shows: {self.text[-2000:]}")

    def settle(self, quiet: float = 1.0, *, seconds: float = 15.0) -> None:
        """Read until nothing has been printed for `quiet` seconds, as a person waits before typing."""
        self.read_until_quiet(quiet, seconds)

    def wait_for_exit(self, *, seconds: float = 20.0) -> int:
        """Read until the program has ended; its exit code."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self._read():
                time.sleep(0.05)  # the terminal is closed, and the program about to end
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                return self.exit_code
        raise AssertionError(f"the program has not ended; the terminal shows: {self.text[-2000:]}")
