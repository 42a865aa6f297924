"""Judging a result: a task's hidden check, run in a process of its own that knows nothing but the two folders."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from claude_local_plugin import isolated
from claude_local_plugin.evaluation.task import CHECK, Task
from claude_local_plugin.text import printable

#: So many bytes of what a check says are looked at.
_SEEN = 4_000

Outcome = Literal["passed", "wrong", "broken"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of a result. `broken` is the check itself, of which nothing follows for the result."""

    outcome: Outcome
    reason: str = ""


def command(task: Task, folder: Path, *, waits_at: int | None = None) -> list[str]:
    """The command that judges a result; begun before there is one, it waits at a descriptor until it is told to."""
    waits = "" if waits_at is None else str(waits_at)
    words = (waits, str(task.folder / CHECK), str(folder.resolve()))
    return isolated.python("claude_local_plugin.evaluation.checker", *words)


def check(task: Task, folder: Path) -> Verdict:
    """Whether the result in the folder is right; whatever the check started is ended with it."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as faults:
        process = subprocess.Popen(
            command(task, folder),
            cwd=task.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=faults,
            start_new_session=os.name == "posix",
        )
        try:
            code = process.wait(task.check_seconds)
        except subprocess.TimeoutExpired:
            return Verdict("broken", f"the check took longer than {task.check_seconds:g} s")
        finally:
            end(process)
            process.wait()
        return verdict(code, _first(said), _last(faults))


def ends_well(words: Sequence[str]) -> bool:
    """Whether a program says yes by its exit code; no, where it cannot be started."""
    try:
        ended = subprocess.run(
            words, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def environment() -> dict[str, str]:
    """What a check finds in its environment: nothing, but what a process on Windows cannot begin without."""
    return {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if os.name == "nt" and name in os.environ}


def verdict(code: int, reason: str, fault: str) -> Verdict:
    """What an exit code means: 1 with a line on standard output is a refusal, and without one a program that fell."""
    if code == 0:
        return Verdict("passed")
    if code == 1 and reason:
        return Verdict("wrong", reason)
    return Verdict("broken", f"the check ended with exit code {code}: {fault or reason or 'it said nothing'}")


def end(process: "subprocess.Popen[bytes]") -> None:
    """End it with all that it started; it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _first(file: IO[bytes]) -> str:
    file.seek(0)
    return _line(file.read(_SEEN).strip().partition(b"\n")[0])


def _last(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _SEEN))
    return _line(file.read(_SEEN).strip().rpartition(b"\n")[2])


def _line(said: bytes) -> str:
    return printable(said.decode("utf-8", "replace").strip())[:500]
