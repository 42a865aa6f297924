"""The list of all checks, and running them."""

from collections.abc import Iterable, Sequence
from typing import Any

from claude_local_plugin.checks import Finding
from claude_local_plugin.checks import check as generic
from claude_local_plugin.checks import run as running
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
from claude_local_plugin.doctor.model import Check, fix_command

_BEFORE = (*files.CHECKS, *precedence.CHECKS)
_AFTER = (
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
#: Every check, in the order in which they are shown.
CHECKS: tuple[Check, ...] = running.registered(*_BEFORE, precedence.other((*_BEFORE, *_AFTER)), *_AFTER)
GROUPS = tuple(dict.fromkeys(check.group for check in CHECKS))
#: What people call troubles, and the checks that look for each.
WORDS = running.words(CHECKS)


def chosen(names: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these ids, groups and words; all without names; UsageError with the nearest for an unknown one."""
    return running.chosen(CHECKS, names, command("claude-local", "doctor", "--list"))


def run(facts: Facts, checks: Iterable[Check] = CHECKS) -> tuple[Finding, ...]:
    """What these checks find; each gives one finding at least."""
    report = f"{command('claude-local', 'doctor', '--json')}   (and report what it prints)"
    return running.run(facts, checks, own_fix=own_fix, report=report)


def own_fix(check: generic.Check[Any, Any], options: Sequence[str] = ()) -> str:
    """The command that has `--fix` fix what this check found."""
    return fix_command(check.id, *(("--deep",) if check.deep else ()), *options)
