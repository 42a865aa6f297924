"""The session log as commands see it: what ran where, when and how it ended."""

from claude_local_plugin.sessionlog.queries.filters import State, Where, moment
from claude_local_plugin.sessionlog.queries.health import Condition, Fault, condition
from claude_local_plugin.sessionlog.queries.reading import (
    backend_kind,
    events,
    is_on_record,
    last_session,
    matching,
    session,
    sessions,
)
from claude_local_plugin.sessionlog.queries.records import Event, Session, Span
from claude_local_plugin.sessionlog.queries.writing import Prunable, prunable, prune, remember_backend

__all__ = [
    "Condition",
    "Event",
    "Fault",
    "Prunable",
    "Session",
    "Span",
    "State",
    "Where",
    "backend_kind",
    "condition",
    "events",
    "is_on_record",
    "last_session",
    "matching",
    "moment",
    "prunable",
    "prune",
    "remember_backend",
    "session",
    "sessions",
]
