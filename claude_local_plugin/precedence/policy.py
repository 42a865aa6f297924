"""Says whether a session would start: refused by the administrator's settings, not logged in, or fine."""

from collections.abc import Mapping

from claude_local_plugin.precedence.model import Decision, Outcome, Snapshot


def outcome(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> tuple[Outcome, str]:
    """The outcome and, where it is not `ok`, the reason as a sentence."""
    if decisions["provider"].value == "anthropic" and not any(
        decisions[name].value for name in ("authorization", "x_api_key")
    ):
        return "not_logged_in", 'no key, token, helper or login is set: the session says "Not logged in"'
    return "ok", ""
