"""Processes of this machine: whether one is still there, and for how long it has been."""

import sys
import time

from claude_local_plugin.core import system as os


def is_alive(process: int, seen: str) -> bool:
    """Whether the process that was last heard of at `seen` (UTC, ISO 8601) may still be there.

    A number is given again to other processes: on Linux one that began later is known to be another.
    """
    if sys.platform == "win32":
        return True  # there a signal, even none, ends the process; without one there is no telling
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return process < 2**31  # it is there, and somebody else's
    state, began = _state(process)
    if state in ("Z", "X"):
        return False  # it has ended, and nobody has asked how
    if began is None:
        return True
    from claude_local_plugin.core.text import now

    return now(began - 5) <= seen  # both are only as good as the clock


def _state(process: int) -> "tuple[str, float | None]":
    """A process's state in the kernel's letter, and when it began, in seconds since 1970; ("", None) where the system
    does not say.
    """
    try:
        with open("/proc/uptime", encoding="ascii") as file:
            booted = time.time() - float(file.read().split()[0])
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
        return words[0], booted + int(words[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return "", None


def age_s(process: int) -> float:
    """How long the process has been there, in seconds; 0 where the system does not say."""
    began = _state(process)[1]
    return 0.0 if began is None else max(time.time() - began, 0.0)
