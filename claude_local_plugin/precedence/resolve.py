"""Decides from a snapshot what a session would use: decisions, policy and warnings in one resolution."""

from claude_local_plugin.precedence.candidates import effective_env
from claude_local_plugin.precedence.model import (
    Resolution,
    Scope,
    Snapshot,
)


def resolve(snapshot: Snapshot) -> Resolution:
    """What a session here would use: the six decisions, the warnings, and whether it would start at all."""
    from claude_local_plugin.precedence.decisions import decide
    from claude_local_plugin.precedence.policy import outcome
    from claude_local_plugin.precedence.warnings import warnings

    env = effective_env(snapshot)
    decisions = decide(snapshot, env)
    state, reason = outcome(snapshot, env, decisions)
    found = warnings(snapshot, env, decisions)
    return Resolution(state, decisions, found, snapshot.files, reason)


def told_window(resolution: Resolution) -> int | None:
    """The window in tokens that somebody has named; None where Claude Code assumes one."""
    decision = resolution.decisions["context_window"]
    if decision.winner is None or decision.winner.scope is Scope.DEFAULT:
        return None
    return int(decision.value or 0) or None
