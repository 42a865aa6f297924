"""What ran where: the session log as a list, and one session with all that happened in it."""

from pathlib import Path
from typing import Any

from claude_local_plugin import ledger
from claude_local_plugin.errors import ClaudeLocalError, UsageError


def list_sessions(state_dir: Path, limit: int | None = None) -> dict[str, Any]:
    """The report of `claude-local sessions list`: `{"sessions": [...]}`, newest first, at most `limit`."""
    return {"sessions": [session.as_json() for session in ledger.sessions(state_dir, limit)]}


def show_session(state_dir: Path, id_or_prefix: str) -> dict[str, Any]:
    """The report of `claude-local sessions show`: a session as in the list, with `source`, `entrypoint`, `blocked`
    and its `events`.

    Raises UsageError when several sessions begin so, ClaudeLocalError when none does.
    """
    found = ledger.matching(state_dir, id_or_prefix) if id_or_prefix else ()
    if not found:
        raise ClaudeLocalError(f"no session on record begins with {id_or_prefix!r}", "claude-local sessions list")
    if len(found) > 1:
        names = ", ".join(session.session_id for session in found)
        raise UsageError(f"several sessions begin with {id_or_prefix!r}: {names}", "give more of the id")
    (session,) = found
    return {
        **session.as_json(),
        "source": session.source,
        "entrypoint": session.entrypoint,
        "blocked": session.blocked,
        "events": [event.as_json() for event in ledger.events(state_dir, session.session_id)],
    }
