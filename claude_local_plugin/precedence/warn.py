"""What a user should know about a configuration, each with the command or edit that mends it."""

from collections.abc import Mapping

from claude_local_plugin.precedence.model import ConfigWarning, Decision, Snapshot


def warnings(
    snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]
) -> tuple[ConfigWarning, ...]:
    """Every warning that stands, errors first."""
    return ()
