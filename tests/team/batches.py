"""Batches as a machine pushes them, made by hand; and whether a team's sums are those of its rows."""

from collections.abc import Mapping
from typing import Any

from tests.team.conftest import Team

AT = "2026-11-01T10:00:00.000Z"
LATER = "2026-11-01T10:05:00.000Z"
OWN = "http://dell-pro-max:8000"


def span(**other: Any) -> dict[str, Any]:
    """The first span of a session."""
    return {
        "started_at": AT,
        "ended_at": LATER,
        "cause": "start",
        "backend_kind": "vllm",
        "backend_url": OWN,
        "via": None,
        "model": "qwen3-coder-next",
        "model_is_certain": 1,
        "project": "/home/ann/shop",
        "main": 1,
        "first": 1,
        "new_endpoint": 1,
        "new_model": 1,
        "duration_ms": 300_000,
        "messages": 3,
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_read_tokens": 5000,
        "cache_write_tokens": 70,
        "errors": 0,
        "retries": 1,
        **other,
    }


def event(**other: Any) -> dict[str, Any]:
    """A look at the server as a session starts."""
    return {
        "at": AT,
        "event": "SessionStart",
        "cause": "startup",
        "backend_kind": "vllm",
        "backend_url": OWN,
        "via": None,
        "outcome": "ok",
        "status": 200,
        "latency_ms": 3.25,
        "blocked": 0,
        "detail": None,
        **other,
    }


def session(
    name: str = "s-1",
    changed: int = 1,
    spans: "tuple[dict[str, Any], ...] | None" = None,
    events: "tuple[dict[str, Any], ...] | None" = None,
    **other: Any,
) -> dict[str, Any]:
    """A session with a span and an event."""
    row = {
        "session_id": name,
        "started_at": AT,
        "last_seen_at": LATER,
        "ended_at": None,
        "end_reason": None,
        "source": "startup",
        "cwd": None,
        "project": "/home/ann/shop",
        "backend_kind": "vllm",
        "backend_url": OWN,
        "via": None,
        "model": "qwen3-coder-next",
        "reachable": 1,
        "latency_ms": 3.25,
        "blocked": 0,
        "client_version": "2.1.332",
        "entrypoint": "cli",
        "host": "box1",
        "sent": 1,
        "profile": None,
        "changed": changed,
        **other,
    }
    return {
        "session": row,
        "spans": list((span(),) if spans is None else spans),
        "events": list((event(),) if events is None else events),
    }


def batch(*sessions: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    """What is pushed at once."""
    return {
        "log": "0123456789abcdef0123456789abcdef",
        "machine": "box1.example",
        "person": "ann",
        "program": "1.2.3",
        "upto": 1,
        "last": 1,
        "sessions": list(sessions),
        "backends": [],
        **other,
    }


_SUMMED = (
    "count(*), sum(first), sum(new_endpoint), sum(new_model), sum(duration_ms), sum(messages), sum(input_tokens),"
    " sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(errors), sum(retries)"
)
_KEPT = (
    "spans, sessions, on_endpoint, with_model, duration_ms, messages, input_tokens, output_tokens, cache_read_tokens,"
    " cache_write_tokens, errors, retries"
)
_QUESTIONS = (
    (
        f"""SELECT machine, coalesce(person, 0), endpoint, coalesce(model, 0), coalesce(project, 0), counts, {_SUMMED}
            FROM spans GROUP BY 1, 2, 3, 4, 5, 6""",
        f"SELECT machine, person, endpoint, model, project, counts, {_KEPT} FROM sums WHERE spans <> 0",
    ),
    (
        f"SELECT left(started_at, 13), endpoint, counts, {_SUMMED} FROM spans GROUP BY 1, 2, 3",
        f"SELECT hour, endpoint, counts, {_KEPT} FROM sums_by_hour WHERE spans <> 0",
    ),
    (
        """SELECT left(at, 13), coalesce(backend_url, ''), outcome, rounded(latency_ms), count(*) FROM events
            WHERE outcome IS NOT NULL GROUP BY 1, 2, 3, 4""",
        "SELECT hour, backend_url, outcome, latency, looks FROM looks_by_hour WHERE looks <> 0",
    ),
    # nothing that was taken out is left anywhere
    (
        "SELECT count(*) FROM spans WHERE session NOT IN (SELECT id FROM sessions)",
        "SELECT count(*) FROM events WHERE session NOT IN (SELECT id FROM sessions)",
    ),
)


def assert_sums_are_right(team: Team) -> None:
    """What is kept added up is what the rows add up to."""
    for counted, kept in _QUESTIONS:
        assert sorted(team.ask(counted)) == sorted(team.ask(kept)), kept
