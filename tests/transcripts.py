"""Transcripts in the documentation: the commands of their `console` blocks, and what those are said to print.

A line of three dots stands for any lines, three dots within a line for any text in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Typed:
    """One command with the lines that follow it; `line` is where it stands in the page."""

    command: str
    expected: tuple[str, ...]
    line: int


def typed(page: str) -> Iterator[Typed]:
    """The commands behind `$ ` in the page's console blocks, those with output alone."""
    for block in re.finditer(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        first = page.count("\n", 0, block.start(1)) + 1
        lines = block[1].splitlines()
        starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        for at, end in pairwise([*starts, len(lines)]):
            if expected := tuple(lines[at + 1 : end]):
                yield Typed(lines[at].removeprefix("$ "), expected, first + at)


def mismatch(expected: tuple[str, ...], printed: str) -> str | None:
    """What is not as it was said to be; None where all is."""
    pattern = "".join(r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in expected)
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return None if re.fullmatch(pattern, text) else f"the page says\n{chr(10).join(expected)}\nand it is\n{text}"
