"""A session and its events as the log has them, and as `--json` shows them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """One Claude Code session. Times are UTC, ISO 8601 with milliseconds; what the log does not know is None.

    `ended_at` is None while the session runs, and when it was killed. `backend_*`, `reachable` and `latency_ms` (of
    the last look at the server) are those of the newest event. `blocked` counts prompts that were held back.
    """

    session_id: str
    started_at: str
    ended_at: str | None
    end_reason: str | None
    cwd: str | None
    project: str | None
    backend_kind: str
    backend_url: str | None
    model: str | None
    reachable: bool | None
    latency_ms: float | None
    client_version: str | None
    source: str | None
    entrypoint: str | None
    blocked: int

    def as_json(self) -> dict[str, object]:
        """The session as an item of `claude-local sessions list --json`."""
        return {
            "session_id": self.session_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "end_reason": self.end_reason,
            "cwd": self.cwd,
            "project": self.project,
            "backend": {"kind": self.backend_kind, "url": self.backend_url},
            "model": self.model,
            "reachable": self.reachable,
            "latency_ms": self.latency_ms,
            "client_version": self.client_version,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a session: when, which hook event and why (`cause` is its source or its reason).

    `outcome` is what a look at the server gave (guest.probe.Probe), and None where none was taken: at a session's end,
    and for the cloud.
    """

    at: str
    event: str
    cause: str | None
    backend_kind: str
    backend_url: str | None
    outcome: str | None
    status: int | None
    latency_ms: float | None
    blocked: bool
    detail: str | None

    def as_json(self) -> dict[str, object]:
        """The event as an item of `claude-local sessions show --json`."""
        return {
            "at": self.at,
            "event": self.event,
            "cause": self.cause,
            "backend": {"kind": self.backend_kind, "url": self.backend_url},
            "outcome": self.outcome,
            "status": self.status,
            "latency_ms": self.latency_ms,
            "blocked": self.blocked,
            "detail": self.detail,
        }
