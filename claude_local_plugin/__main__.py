"""The console script: answers `--version` at once and hands everything else to the command line."""

import sys


def main() -> int:
    """Run the command line; returns the process's exit code."""
    if sys.argv[1:] == ["--version"]:
        from claude_local_plugin import __version__

        print(f"claude-local {__version__}")
        return 0
    from claude_local_plugin.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
