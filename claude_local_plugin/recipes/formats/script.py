"""A shell script of one long command."""

from collections.abc import Sequence

from claude_local_plugin.core.shell import quoted


def script(notes: str, lines: Sequence[Sequence[str]], *, folder: bool = False, before: Sequence[str] = ()) -> str:
    """The script: notes as comments, then the command with these words on each line.

    `folder`: it is run in the folder that the script is in, since it names files beside itself.
    """
    said = "\n".join(f"# {line}".rstrip() for line in notes.splitlines())
    change = ['cd "$(dirname "$0")"'] if folder else []
    body = " \\\n  ".join(" ".join(map(quoted, line)) for line in lines)
    return "\n".join(["#!/bin/sh", said, "set -eu", *change, *before, f"exec {body}"]) + "\n"
