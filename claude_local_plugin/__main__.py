"""The console script: version, status lines and keys at once, the rest by the command line."""

import gc
import os
import sys


def main() -> int:
    """Run the command line; returns the process's exit code."""
    _import_nothing_from_here()
    code = _answer()
    gc.freeze()  # as it ends Python would look through everything three times for what to free, and the process is over
    return code


def _answer() -> int:
    gc.disable()  # it would look through what is being imported again and again, and find nothing
    if sys.argv[1:] == ["--version"]:
        from claude_local_plugin import __version__

        print(f"claude-local {__version__}")
        return 0
    if sys.argv[1:2] == ["statusline"]:
        from claude_local_plugin.core import registration
        from claude_local_plugin.hook_runtime import statusline

        if registration.are_options(sys.argv[2:]):
            return statusline.run(sys.argv[2:], os.environ)
    if sys.argv[1:2] == ["token"]:
        from claude_local_plugin.profiles import token

        if token.are_words(sys.argv[2:]):
            return token.run(sys.argv[2:], os.environ)
    from claude_local_plugin.cli import run_line

    return run_line(sys.argv[1:])


def use() -> int:
    """`cluse PROFILE`: the same as `claude-local enable PROFILE`, in few keystrokes."""
    _import_nothing_from_here()
    from claude_local_plugin.cli import run_line

    return run_line(sys.argv[1:], "cluse")


def _import_nothing_from_here() -> None:
    """Take the current folder and what is relative to it out of where modules are looked for.

    It gets there by a PYTHONPATH such as `:/opt/lib`, and by `python -m` without `-P`. A `json.py` of the project we
    are started in must not be ours. What was imported before this line, nobody can take back.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # (pathlib would be another thing to import from who knows where, and costs the status line milliseconds)
    unwanted = {os.path.abspath(entry) for entry in entries if not os.path.isabs(entry)}  # noqa: PTH100, PTH117
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) not in unwanted]  # noqa: PTH100
    if __name__ == "__main__" and not sys.flags.safe_path:
        del sys.path[0]


if __name__ == "__main__":
    raise SystemExit(main())
