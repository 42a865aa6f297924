"""The corrected text of a file: the edits of every check, made until none is left to make."""

from collections.abc import Iterable
from dataclasses import replace

from claude_local_plugin.lint.checks import CHECKS
from claude_local_plugin.lint.edits import applied
from claude_local_plugin.lint.facts import Facts
from claude_local_plugin.lint.model import Check
from claude_local_plugin.lint.reading import read

#: One edit may show another fault; more rounds than these would mean that two of them undo each other.
_ROUNDS = 5


def corrected(facts: Facts, checks: Iterable[Check] = CHECKS) -> str:
    """The text with everything mended that can be; every other byte is as it was."""
    checks = tuple(checks)
    for _ in range(_ROUNDS):
        edits = [
            edit for check in checks if check.fix is not None and not check.skipped(facts) for edit in check.fix(facts)
        ]
        text = applied(facts.text, edits)
        if text == facts.text:
            break
        facts = replace(facts, document=read(text, facts.document.name))
    return facts.text
