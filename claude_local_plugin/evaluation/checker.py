"""Started by `checking`: runs a task's check.py with the result's folder as its argument, and nothing else to know."""

import os
import runpy
import socket
import sys
import traceback
from typing import NoReturn

from claude_local_plugin.evaluation import judging


def main() -> None:
    """`python -I … checker WAITS CHECK FOLDER`; the exit code is the check's own.

    WAITS is a socket that says when the result is there, by its number; nothing where it is there.
    """
    del sys.argv[0]
    if waits := sys.argv.pop(0):
        judging.be_ready()
        if not told(int(waits)):
            return
    sys.dont_write_bytecode = True
    if waits:
        end(judged())
    runpy.run_path(sys.argv[0], run_name="__main__")


def judged() -> int:
    """Run the check; its exit code, with what the interpreter would say on standard error."""
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(code: int) -> NoReturn:
    """End at once: whatever an interpreter would still tidy up ends with the box around it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def told(number: int) -> bool:
    """Wait for a word; False where nobody is there any more to say it."""
    with socket.socket(fileno=number) as way:
        return bool(way.recv(1))


if __name__ == "__main__":
    assert judging  # nearly every check imports it: there already when it is told to begin
    main()
