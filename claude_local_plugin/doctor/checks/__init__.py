"""The list of all checks, and running them: a judge that raises is a result of its own, never the end of the rest."""

import difflib
from collections.abc import Iterable, Iterator, Sequence

from claude_local_plugin.core.shell import command
from claude_local_plugin.doctor.checks import (
    cache,
    client,
    credentials,
    files,
    hooks,
    limits,
    model,
    precedence,
    privacy,
    protection,
    server,
    statusline,
)
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Finding, Found, Result
from claude_local_plugin.errors import UsageError

#: Every check, in the order in which they are shown.
CHECKS: tuple[Check, ...] = (
    *files.CHECKS,
    *precedence.CHECKS,
    *credentials.CHECKS,
    *client.CHECKS,
    *hooks.CHECKS,
    *statusline.CHECKS,
    *protection.CHECKS,
    *server.CHECKS,
    *model.CHECKS,
    *limits.CHECKS,
    *cache.CHECKS,
    *privacy.CHECKS,
)
GROUPS = tuple(dict.fromkeys(check.group for check in CHECKS))


def chosen(names: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these ids and groups, all of them without names; UsageError with the nearest for an unknown one."""
    known = {check.id for check in CHECKS} | set(GROUPS)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            listing = command("claude-local", "doctor", "--list")
            hint = f"did you mean {near[0]}?   {listing}" if near else listing
            raise UsageError(f"there is no check or group called {name!r}", hint)
    return tuple(check for check in CHECKS if not names or check.id in names or check.group in names)


def run(facts: Facts, checks: Iterable[Check] = CHECKS) -> tuple[Finding, ...]:
    """What these checks find; each gives one finding at least."""
    return tuple(finding for check in checks for finding in _run(check, facts))


def _run(check: Check, facts: Facts) -> Iterator[Finding]:
    try:
        reason = check.applies(facts)
        found = (Found(Result.SKIPPED, reason),) if reason else tuple(check.judge(facts))
    except Exception as fault:  # one broken judge must not keep the others from being heard
        found = (_failed(fault),)
    yield from (_finding(check, each) for each in found or (Found(Result.OK, check.fine),))


def _failed(fault: Exception) -> Found:
    return Found(
        Result.FAILED,
        f"this check could not be completed: {type(fault).__name__}: {fault}",
        fix=f"{command('claude-local', 'doctor', '--json')}   (and report what it prints)",
        why="what it looks at is not known to be well",
    )


def _finding(check: Check, found: Found) -> Finding:
    return Finding(
        check.id,
        check.group,
        found.result,
        found.what,
        found.where,
        found.why or check.why,
        found.fix,
        found.fixable,
    )
