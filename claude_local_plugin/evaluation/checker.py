"""Started by `checking`: runs a task's check.py with the result's folder as its argument, and nothing else to know."""

import runpy
import sys


def main() -> None:
    """`python -I … checker CHECK FOLDER`; the exit code is the check's own."""
    del sys.argv[0]
    sys.dont_write_bytecode = True
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
