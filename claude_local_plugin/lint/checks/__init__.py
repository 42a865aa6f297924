"""The list of all checks of a file, and running them."""

from collections.abc import Iterable, Sequence
from typing import Any

from claude_local_plugin.checks import Finding
from claude_local_plugin.checks import check as generic
from claude_local_plugin.checks import run as running
from claude_local_plugin.core.shell import command
from claude_local_plugin.lint.checks import arguments, container, gateway, memory, reach, tools, window
from claude_local_plugin.lint.facts import Facts
from claude_local_plugin.lint.model import Check

#: Every check, in the order in which they are shown.
CHECKS: tuple[Check, ...] = running.registered(
    *tools.CHECKS,
    *window.CHECKS,
    *memory.CHECKS,
    *container.CHECKS,
    *reach.CHECKS,
    *arguments.CHECKS,
    *gateway.CHECKS,
)
GROUPS = tuple(dict.fromkeys(check.group for check in CHECKS))


def chosen(names: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these ids and groups, all of them without names; UsageError with the nearest for an unknown one."""
    return running.chosen(CHECKS, names, command("claude-local", "recipe", "lint", "--list"))


def run(facts: Facts, checks: Iterable[Check] = CHECKS) -> tuple[Finding, ...]:
    """What these checks find; each gives one finding at least."""
    again = lint_command(facts)
    report = f"{command(*again, '--json')}   (and report what it prints)"

    def own_fix(_: generic.Check[Any, Any], __: Sequence[str] = ()) -> str:
        return command(*again, "--fix")

    return running.run(facts, checks, own_fix=own_fix, report=report)


def lint_command(facts: Facts) -> tuple[str, ...]:
    """The words of the command that looks at the same thing again."""
    what = ("--url", facts.server.url) if facts.server is not None else (str(facts.path),)
    machine = ("--hardware", facts.hardware.name) if facts.hardware and facts.machine_by == "--hardware" else ()
    people = ("--sessions", str(facts.sessions)) if facts.sessions else ()
    return ("claude-local", "recipe", "lint", *what, *machine, *people)
