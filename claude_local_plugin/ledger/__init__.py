"""The session log as commands see it: what ran where, when and how it ended."""

from claude_local_plugin.ledger.reading import (
    backend_kind,
    events,
    last_session,
    matching,
    session,
    sessions,
)
from claude_local_plugin.ledger.records import Event, Session
from claude_local_plugin.ledger.writing import remember_backend

__all__ = [
    "Event",
    "Session",
    "backend_kind",
    "events",
    "last_session",
    "matching",
    "remember_backend",
    "session",
    "sessions",
]
