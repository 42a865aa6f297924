"""Starting the program of a run: in our place, or as a child that has the terminal, the signals and the last word."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.isolated import program
from claude_local_plugin.text import printable

#: What is handed on to a child; what the terminal sends (Ctrl-C, Ctrl-\\) it gets by itself.
_HANDED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
#: Stopped by Ctrl-Z like the child, we would not know afterwards whether it still is; so it alone is, and we follow.
_OF_THE_TERMINAL = ("SIGINT", "SIGQUIT", "SIGTSTP")


def found(name: str, environ: Mapping[str, str], cwd: Path) -> str:
    """The program's path; raises ClaudeLocalError where there is none."""
    if os.sep in name or (os.altsep and os.altsep in name):
        path = cwd / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    elif (at := program(name, environ)) is not None:
        return at
    raise ClaudeLocalError(
        f"{printable(name)} is not a program that can be run", "name one that is on PATH, or its path"
    )


def become(path: str, argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Be the program from here on; returns only by raising ClaudeLocalError. Not for Windows."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and what it starts would inherit that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(path, list(argv), dict(environ))
    except OSError as fault:
        raise _cannot(path, fault) from fault


def wait_for(path: str, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Start the program, wait for its end, and return its exit code; a signal's is its negative number.

    It shares our terminal and process group, so that the terminal's signals are its own; stopped, it stops us too, and
    going on we wake it.
    """
    if sys.platform == "win32":
        return subprocess.call(list(argv), executable=path, env=dict(environ))
    former = [_ignored(name) for name in _OF_THE_TERMINAL]
    try:
        child = subprocess.Popen(
            list(argv),
            executable=path,
            env=dict(environ),
            preexec_fn=lambda: _restored(former),
        )
    except OSError as fault:
        raise _cannot(path, fault) from fault
    else:
        with _handed_on_to(child):
            return _ended(child)
    finally:
        _restored(former)


_Handler = Callable[[int, FrameType | None], object] | int | None


def _ignored(name: str) -> tuple[int, "_Handler"]:
    number = getattr(signal, name)
    return number, signal.signal(number, signal.SIG_IGN)


def _restored(former: Sequence[tuple[int, "_Handler"]]) -> None:
    for number, handler in former:
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def _handed_on_to(child: "subprocess.Popen[bytes]"):  # type: ignore[no-untyped-def]
    def hand_on(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    numbers = [getattr(signal, name) for name in _HANDED_ON]
    former = [(number, signal.getsignal(number)) for number in numbers]
    for number, handler in former:
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, hand_on)
    try:
        yield
    finally:
        _restored(former)


def _ended(child: "subprocess.Popen[bytes]") -> int:
    while True:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)  # the shell sees its job stopped; on `fg` we go on here
            child.send_signal(signal.SIGCONT)
            continue
        child.returncode = os.waitstatus_to_exitcode(status)
        return child.returncode


def ended_like(code: int) -> int:
    """End as the program did: by the same signal, or with the exit code that is returned."""
    if code < 0:
        if -code != signal.SIGKILL:  # which nobody can catch, and nothing be said about
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        return 128 - code
    return code


def _cannot(path: str, fault: OSError) -> ClaudeLocalError:
    return ClaudeLocalError(f"{path} cannot be run: {fault.strerror or fault}", "is it for this machine, and complete?")
