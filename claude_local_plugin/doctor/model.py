"""The records of doctor's checks, and the commands that their findings name."""

from dataclasses import dataclass

from claude_local_plugin.checks import Finding, Place, Result, Where
from claude_local_plugin.checks import check as generic
from claude_local_plugin.checks.check import Found, OwnFix
from claude_local_plugin.core.shell import command, edit, export
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import Fixer
from claude_local_plugin.precedence import winning
from claude_local_plugin.precedence.warnings import place_of

__all__ = [
    "Check",
    "Finding",
    "Found",
    "OwnFix",
    "Place",
    "Result",
    "Where",
    "exported",
    "fix_command",
    "fix_here",
    "place_of",
]


@dataclass(frozen=True, slots=True)
class Check(generic.Check[Facts, Fixer]):
    """A check of doctor's: it looks at `Facts`, and its fix is planned in steps."""


def fix_command(check_id: str, *options: str) -> str:
    """The command that fixes what this check found."""
    return command("claude-local", "doctor", *options, "--fix", check_id)


def fix_here(facts: Facts) -> OwnFix:
    """A check's own fix of what was seen of the server, in settings here.

    Sessions here may not go to that server: then they are pointed at it first.
    """
    return OwnFix(first=facts.enable() if facts.elsewhere or not facts.own_server else None)


def exported(facts: Facts, name: str, value: str) -> str:
    """What gives a variable this value for sessions here: in the shell, unless a settings file sets it, which wins."""
    winner = winning(facts.snapshot, f"env.{name}")
    if winner is not None and winner.path is not None and winner.state == "wins":
        return f"{edit(str(winner.path), winner.line, facts.snapshot.shell)}   (set {name} to {value} there)"
    return export(name, value)
