"""The console script: answers `--version` and draws status lines at once, and hands the rest to the command line."""

import os
import sys


def main() -> int:
    """Run the command line; returns the process's exit code."""
    if sys.argv[1:] == ["--version"]:
        from claude_local_plugin import __version__

        print(f"claude-local {__version__}")
        return 0
    if sys.argv[1:2] == ["statusline"]:
        from claude_local_plugin.guest import statusline

        if statusline.understood(sys.argv[2:]):
            return statusline.run(sys.argv[2:], os.environ)
    from claude_local_plugin.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
