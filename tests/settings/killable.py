"""Does what it is told to a settings file until it is killed; test_interrupted.py talks to it over its standard input.

Each line is a JSON object: {"path", "state", "steps": [...], "nameless", "kill_at", "times"}. A child of its own does
the steps ("backend", "other", "hooks": apply these edits; "-backend", "-hooks", "-": revert), `times` times over; the
answers are "ready <pid>" when it begins and "dead <status>" when it has ended. With `kill_at` the child kills itself
just before the so-manieth time that it changes anything on disk.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import filelock  # noqa: F401  (here, so that no child has to spend its first milliseconds on it)

from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Append, Remove, Set

HOOK = {"hooks": [{"type": "command", "command": "/usr/bin/python3", "args": ["-I", "/opt/hook.py"], "timeout": 5}]}
STEPS: dict[str, ownership.Wanted] = {
    "backend": {"backend": [Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:8000"), Set(("model",), "qwen")]},
    "other": {"backend": [Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:9000"), Remove(("theme",))]},
    "hooks": {"hooks": [Append(("hooks", "SessionStart"), HOOK)]},
}

#: What changes something on disk, as CPython's audit events call it; "open" does when it opens for writing.
CHANGES = ("os.link", "os.rename", "os.mkdir", "os.rmdir")


def do(step: str, path: Path, state: Path) -> None:
    """One step."""
    if step.startswith("-"):
        ownership.revert(path, state_dir=state, purposes=[step[1:]] if step[1:] else None)
    else:
        ownership.apply(path, STEPS[step], state_dir=state)


def kill_self_at(number: int) -> None:
    """Arrange for this process to be killed just before its so-manieth change on disk (from 1)."""
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        opens = event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        removes = event == "os.remove" and os.path.lexists(arguments[0])
        if event in CHANGES or opens or removes:
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def child(order: dict[str, Any]) -> None:
    """Carry the order out, to the end or to death."""
    if not order["nameless"] and hasattr(os, "O_TMPFILE"):
        del os.O_TMPFILE
    print("ready", os.getpid(), flush=True)
    if order["kill_at"]:
        kill_self_at(order["kill_at"])
    for _ in range(order["times"]):
        for step in order["steps"]:
            do(step, Path(order["path"]), Path(order["state"]))


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print("dead", status, flush=True)


if __name__ == "__main__":
    main()
