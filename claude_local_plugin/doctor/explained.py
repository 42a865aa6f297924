"""What explain-precedence warns of, as findings of doctor's: taken over as they are."""

from collections.abc import Callable, Iterator

from claude_local_plugin.checks.check import Found, OwnFix
from claude_local_plugin.doctor.facts import Facts


def explained(*ids: str) -> Callable[[Facts], Iterator[Found]]:
    """Finds what explain warns of under these ids; where `--fix` can fix it, that is the check's own fix."""

    def find(facts: Facts) -> Iterator[Found]:
        for warning in facts.resolution.warnings:
            if warning.id in ids:
                fix = OwnFix() if warning.fixable else warning.fix
                yield Found(warning.result, warning.what, warning.where, fix)

    return find


def unless_explained(*ids: str) -> Callable[[Facts], Iterator[Found]]:
    """Finds what explain warns of under any other id than these."""

    def find(facts: Facts) -> Iterator[Found]:
        for warning in facts.resolution.warnings:
            if warning.id not in ids:
                yield Found(warning.result, warning.what, warning.where, warning.fix)

    return find
