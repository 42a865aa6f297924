"""How things look to people and programs: masked secrets, shortened paths, aligned columns, colour where wanted.

The only module that knows rich, which is imported only when there is colour to draw.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from claude_local_plugin.guest.backend import PLACEHOLDER


def mask_secret(value: str) -> str:
    """`sk-a…9f3c (41 chars)`: enough to recognise a secret by, too little to use it.

    Short values show less, so that never more than a third of a secret is visible.
    """
    if value in ("", PLACEHOLDER):
        return value
    shown = min(4, len(value) // 6)
    visible = f"{value[:shown]}…{value[-shown:]}" if shown else "…"
    return f"{visible} ({len(value)} chars)"


def short_path(path: str | Path, *, cwd: Path, home: Path) -> str:
    """The path as people say it: relative inside the current folder, `~` for the home folder."""
    path = Path(path)
    for base, prefix in ((cwd, ""), (home, "~/")):
        if path == base:
            return prefix.rstrip("/") or "."
        if path.is_relative_to(base):
            return prefix + str(path.relative_to(base))
    return str(path)


def json_text(data: object) -> str:
    """The JSON we print: indented, readable, one trailing newline left to print()."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def printable(text: str) -> str:
    """Text from a server or the environment without the control characters that could drive a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def columns(rows: Sequence[Sequence[str]], *, gap: str = "  ", indent: str = "") -> list[str]:
    """The rows as lines with aligned columns; the last column is not padded."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    lines = []
    for row in rows:
        cells = [cell.ljust(widths[i]) if i < len(row) - 1 else cell for i, cell in enumerate(row)]
        lines.append((indent + gap.join(cells)).rstrip())
    return lines


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`: `NO_COLOR` and `FORCE_COLOR` decide, else whether it is a terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


class Printer:
    """Prints lines to one stream, styled where the stream wants colour (styles are rich's: "green", "bold red")."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self.stream = stream
        self.colour = colour

    def line(self, text: str = "", style: str = "") -> None:
        """One line of text, as it stands: no markup, no wrapping."""
        if not (self.colour and style):
            print(text, file=self.stream)
            return
        from rich.console import Console
        from rich.text import Text

        # whether to colour is decided, and the eight colours of every terminal are all we use
        console = Console(
            file=self.stream, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True
        )
        console.print(Text(text, style=style))

    def lines(self, lines: Iterable[str], style: str = "") -> None:
        """Several lines in one style."""
        for text in lines:
            self.line(text, style)

    def diff(self, diff: str) -> None:
        """A unified diff, additions green and removals red; without colour to the byte, so that it can be applied."""
        if not self.colour:
            print(diff, end="" if diff.endswith("\n") else "\n", file=self.stream)
            return
        for text in diff.removesuffix("\n").split("\n"):
            style = {"+": "green", "-": "red", "@": "cyan"}.get(text[:1], "")
            self.line(text, "bold" if text.startswith(("+++", "---")) else style)


def out(environ: Mapping[str, str] = os.environ) -> Printer:
    """The printer of standard output: data and answers."""
    return Printer(sys.stdout, colour=wants_colour(sys.stdout, environ))


def err(environ: Mapping[str, str] = os.environ) -> Printer:
    """The printer of standard error: warnings, errors and prose beside data."""
    return Printer(sys.stderr, colour=wants_colour(sys.stderr, environ))
