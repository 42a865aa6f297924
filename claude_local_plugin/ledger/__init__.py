"""The session log as commands see it: what ran where, when and how it ended."""

from claude_local_plugin.ledger.condition import Condition, Fault, condition
from claude_local_plugin.ledger.reading import (
    backend_kind,
    events,
    is_on_record,
    last_session,
    matching,
    session,
    sessions,
)
from claude_local_plugin.ledger.records import Event, Session, Span
from claude_local_plugin.ledger.where import State, Where, moment
from claude_local_plugin.ledger.writing import Prunable, prunable, prune, remember_backend

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
