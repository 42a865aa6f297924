"""The session log as commands see it: what ran where, when and how it ended."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.filters import State, Where, moment
    from claude_local_plugin.sessionlog.queries.health import Condition, Fault, condition
    from claude_local_plugin.sessionlog.queries.pushes import Failing, failing
    from claude_local_plugin.sessionlog.queries.reading import (
        backend_kind,
        events,
        glance,
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
    "Failing",
    "Fault",
    "Prunable",
    "Session",
    "Span",
    "State",
    "Where",
    "backend_kind",
    "condition",
    "events",
    "failing",
    "glance",
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

_MODULES = ("reading", "filters", "records", "writing", "health", "pushes")


def __getattr__(name: str) -> object:
    """Each name when it is asked for: who only looks up a session is not to wait for what judges or prunes the log."""
    if name in __all__:
        from importlib import import_module

        for module in _MODULES:
            if hasattr(found := import_module(f"{__name__}.{module}"), name):
                return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
