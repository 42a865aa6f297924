"""What explain-precedence warns of, as findings of doctor's: taken over as they are."""

from collections.abc import Callable, Iterable, Iterator

from claude_local_plugin.checks.check import Found, OwnFix
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check


def explained(*ids: str) -> Callable[[Facts], Iterator[Found]]:
    """Finds what explain warns of under these ids; where `--fix` can fix it, that is the check's own fix."""

    def find(facts: Facts) -> Iterator[Found]:
        for warning in facts.resolution.warnings:
            if warning.id in ids:
                fix = OwnFix() if warning.fixable else warning.fix
                yield Found(warning.result, warning.what, warning.where, fix)

    return find


def not_explained_by(checks: Iterable[Check]) -> Callable[[Facts], Iterator[Found]]:
    """Finds what explain warns of and none of these checks stands for, or one that has nothing to look at here."""
    standing = {name: check for check in checks for name in (check.id, *check.covers)}

    def find(facts: Facts) -> Iterator[Found]:
        for warning in facts.resolution.warnings:
            if warning.id not in standing or standing[warning.id].skipped(facts):
                yield Found(warning.result, warning.what, warning.where, warning.fix)

    return find
