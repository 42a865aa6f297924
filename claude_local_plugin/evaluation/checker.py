"""Started by `checking`: runs a task's check.py with the result's folder as its argument, and nothing else to know."""

import runpy
import socket
import sys

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
    runpy.run_path(sys.argv[0], run_name="__main__")


def told(number: int) -> bool:
    """Wait for a word; False where nobody is there any more to say it."""
    with socket.socket(fileno=number) as way:
        return bool(way.recv(1))


if __name__ == "__main__":
    assert judging  # nearly every check imports it: there already when it is told to begin
    main()
