"""Transcripts in the documentation: the commands of their `console` blocks, and what those are said to print.

A line of three dots stands for any lines, three dots within a line for any text in it.
"""

import re
from collections.abc import Callable, Iterator
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
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else re.escape(steady(line)).replace("…", ".*") + r"\n" for line in expected
    )
    text = "".join(f"{steady(line.rstrip())}\n" for line in printed.splitlines())
    return None if re.fullmatch(pattern, text) else f"the page says\n{chr(10).join(expected)}\nand it is\n{printed}"


#: What is another with every run: how long something took, when it was, and the numbers of sessions and processes.
_VARYING = (
    (r"\b\d+(\.\d+)? (ms|s)\b", "N s"),
    (r"\b\d{4}-\d\d-\d\d\b", "DAY"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "TIME"),
    (r"\b[0-9a-f]{8}\b", "ID"),
    (r"\bprocess \d+\b", "process N"),
)


def steady(line: str) -> str:
    """The line without what is another with every run."""
    for pattern, word in _VARYING:
        line = re.sub(pattern, word, line)
    return line


def filled(page: str, run: Callable[[str], str]) -> str:
    """The page with what each command prints when it is run now, in their order; shortened outputs stay as they are."""
    lines = page.splitlines()
    found = list(typed(page))
    outputs = [run(each.command) for each in found]
    for each, output in reversed(list(zip(found, outputs, strict=True))):
        if not any("…" in line for line in each.expected):
            lines[each.line : each.line + len(each.expected)] = [line.rstrip() for line in output.splitlines()]
    return "\n".join(lines) + "\n"
