"""Looking at a text as `claude-local recipe lint` does, and at what is left of the findings."""

import re
from pathlib import Path

from claude_local_plugin.lint import Facts, corrected, read, run, told_machine
from claude_local_plugin.recipes.catalogue import catalogue

FILES = Path(__file__).with_name("files")
KNOWN = catalogue()

#: Findings that say something: id, result, and the place as line:column.
Said = tuple[str, str, str]


def facts(text: str, *, hardware: str | None = None, sessions: int | None = None, name: str = "pasted") -> Facts:
    """What lint looks at."""
    told = told_machine(text, KNOWN)
    machine = KNOWN.machine(hardware) if hardware else told[0] if told else None
    return Facts(read(text, name), Path(name), KNOWN, machine, "--hardware" if hardware else "", sessions)


def said(given: Facts) -> list[Said]:
    """What is found, without what is well and what was skipped."""
    found = []
    for each in run(given):
        assert each.result != "failed", each
        if each.result in ("info", "warning", "error"):
            where = str(each.where).removeprefix(f"{given.path}:") if each.where else ""
            found.append((each.id, each.result.value, where))
    return found


def found(text: str, *, hardware: str | None = None, sessions: int | None = None) -> list[str]:
    """The ids of what is found."""
    return [each[0] for each in said(facts(text, hardware=hardware, sessions=sessions))]


def mended(text: str, *, hardware: str | None = None, sessions: int | None = None) -> str:
    """The corrected text."""
    return corrected(facts(text, hardware=hardware, sessions=sessions))


def pointed(given: Facts) -> list[Said]:
    """What is found, each with the word that stands at its place."""
    lines = given.text.splitlines()
    words = []
    for name, result, where in said(given):
        line, _, column = where.partition(":")
        words.append((name, result, re.split(r"[\s,]", lines[int(line) - 1][int(column) - 1 :])[0].strip("'\"[]{}:")))
    return words
