"""Choosing checks and running them: one that raises is a result of its own, never the end of the rest."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from claude_local_plugin.checks.check import Check, FactsT, FixerT, Found, OwnFix
from claude_local_plugin.checks.finding import Finding, Result
from claude_local_plugin.core.shell import then
from claude_local_plugin.errors import UsageError

#: Makes the command that has `--fix` fix what this check found, with these options.
OwnFixCommand = Callable[[Check[Any, Any], tuple[str, ...]], str]

CheckT = TypeVar("CheckT", bound=Check[Any, Any])


def registered(*checks: CheckT) -> tuple[CheckT, ...]:
    """These checks; ValueError where two have one id, or stand for the same finding, or a word names two things."""
    taken: set[str] = set()
    for check in checks:
        for name in {check.id, *check.covers}:
            if name in taken:
                raise ValueError(f"two checks are or stand for {name}")
            taken.add(name)
    groups = {check.group for check in checks}
    for check in checks:
        if clash := sorted(set(check.said) & (taken | groups)):
            raise ValueError(f"{clash[0]} is what people say of {check.id}, and the name of something else")
    return checks


def words(checks: Sequence[CheckT]) -> dict[str, tuple[CheckT, ...]]:
    """What people call troubles, in the order of the alphabet, and which checks look for each."""
    said = sorted({word for check in checks for word in check.said})
    return {word: tuple(check for check in checks if word in check.said) for word in said}


def chosen(checks: Sequence[CheckT], names: Sequence[str], listing: str) -> tuple[CheckT, ...]:
    """The checks of these ids, groups and words; all without names; UsageError with the nearest for an unknown one.

    `listing` is the command that lists them. One or many, large or small letters: a word is the same.
    """
    known = {check.id for check in checks} | {check.group for check in checks}
    said = {_plain(word): word for word in words(checks)}
    known |= set(said.values())
    names = [name if name in known else said.get(_plain(name), name) for name in names]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?   {listing}" if near else listing
            raise UsageError(f"there is no check or group called {name!r}", hint)
    return tuple(check for check in checks if not names or {check.id, check.group, *check.said} & set(names))


def _plain(word: str) -> str:
    return word.lower().replace("-", "").removesuffix("s")


def run(
    facts: FactsT, checks: Iterable[Check[FactsT, FixerT]], *, own_fix: OwnFixCommand, report: str
) -> tuple[Finding, ...]:
    """What these checks find; each gives one finding at least. `report` is what to do about a check that raises."""
    return tuple(finding for check in checks for finding in _findings(check, facts, own_fix, report))


def _findings(check: Check[FactsT, FixerT], facts: FactsT, own_fix: OwnFixCommand, report: str) -> Iterator[Finding]:
    try:
        reason = check.skipped(facts)
        found = (Found(Result.SKIPPED, reason),) if reason else tuple(check.find(facts))
        if check.fix is None and any(isinstance(each.fix, OwnFix) for each in found):
            raise TypeError(f"{check.id} has no fix of its own")
    except Exception as fault:  # one broken check must not keep the others from being heard
        found = (_failed(fault, report),)
    for each in found or (Found(Result.OK, check.fine),):
        if isinstance(each.fix, OwnFix):
            fix = own_fix(check, each.fix.options)
            first, note = each.fix.first, f"   ({each.fix.note})" if each.fix.note else ""
            yield check.finding(each, (then(first, fix) if first else fix) + note, fixable=first is None)
        else:
            yield check.finding(each, each.fix)


def _failed(fault: Exception, report: str) -> Found:
    return Found(
        Result.FAILED,
        f"this check could not be completed: {type(fault).__name__}: {fault}",
        fix=report,
        why="whether what it checks is right is not known",
    )
