"""A session, its spans and its events as the log has them, and as `--json` shows them."""

from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.sessionlog.maintenance import KILLED
from claude_local_plugin.sessionlog.spans import CAUSES, UNKNOWN_CAUSE

#: What is added up over the spans of a session.
COUNTS = (
    "messages",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "errors",
    "retries",
)
#: Of these, what a session in a list has of its own.
_LISTED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "errors")

#: Why a span began, in SQL, of a row of `spans`: what another program calls otherwise is unknown.
CAUSE = f"CASE WHEN cause IN ({', '.join(map(repr, CAUSES))}) THEN cause ELSE '{UNKNOWN_CAUSE}' END"


def backend_json(kind: str, url: str | None, via: str | None) -> dict[str, str | None]:
    """A backend as JSON shows it; `via` where requests go through something."""
    return {"kind": kind, "url": url, **({"via": via} if via else {})}


def whose(machine: str | None, person: str | None) -> dict[str, str | None]:
    """What JSON says of a session of a team's log besides."""
    return {} if machine is None else {"machine": machine, "person": person}


@frozen
class Span:
    """A stretch of a session on one backend with one model, and what was counted there.

    `cause` is why it began, one of `spans.CAUSES` or unknown. `main` is False for the model of a subagent beside the
    conversation's own, whose time counts there. `errors` are those the user was shown, `retries` repeated requests.
    """

    started_at: str
    ended_at: str
    cause: str
    backend_kind: str
    backend_url: str | None
    via: str | None
    model: str | None
    main: bool
    duration_ms: int
    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    errors: int
    retries: int

    def as_json(self) -> dict[str, object]:
        """The span as an item of a session's `spans`."""
        return {
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "cause": self.cause,
            "backend": backend_json(self.backend_kind, self.backend_url, self.via),
            "model": self.model,
            "main": self.main,
            "duration_s": self.duration_ms / 1000,
            **{name: getattr(self, name) for name in COUNTS},
        }


@frozen
class Session:
    """One Claude Code session. Times are UTC, ISO 8601 with milliseconds; what the log does not know is None.

    `ended_at` is None while the session runs. `backend_*`, `reachable` and `latency_ms` (of the last look at the
    server) are those of the newest event. `blocked` counts prompts that were held back.
    """

    session_id: str
    started_at: str
    ended_at: str | None
    end_reason: str | None
    cwd: str | None
    project: str | None
    backend_kind: str
    backend_url: str | None
    via: str | None
    model: str | None
    reachable: bool | None
    latency_ms: float | None
    client_version: str | None
    source: str | None
    entrypoint: str | None
    #: The profile that `claude-local run` started it with.
    profile: str | None
    blocked: int
    #: Of a team's log: which machine it came from, and whose it is, if that is known.
    machine: str | None = None
    person: str | None = None
    spans: tuple[Span, ...] = ()

    @property
    def state(self) -> str:
        """`running`, `ended`, or `killed` when its process was gone without a word."""
        if self.ended_at is None:
            return "running"
        return "killed" if self.end_reason == KILLED else "ended"

    @property
    def duration_s(self) -> float:
        """How long it was seen at work, in seconds."""
        return sum(span.duration_ms for span in self.spans) / 1000

    def counted(self, name: str) -> int:
        """The sum of one of COUNTS over the spans."""
        return sum(getattr(span, name) for span in self.spans)

    def as_json(self) -> dict[str, object]:
        """The session as an item of `claude-local sessions list --json`."""
        return {
            "session_id": self.session_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "end_reason": self.end_reason,
            "cwd": self.cwd,
            "project": self.project,
            "backend": backend_json(self.backend_kind, self.backend_url, self.via),
            "model": self.model,
            "reachable": self.reachable,
            "latency_ms": self.latency_ms,
            "client_version": self.client_version,
            "profile": self.profile,
            "state": self.state,
            "blocked": self.blocked,
            **whose(self.machine, self.person),
            "duration_s": self.duration_s,
            **{name: self.counted(name) for name in _LISTED},
            "spans": [span.as_json() for span in self.spans],
        }


@frozen
class Event:
    """One thing that happened in a session: when, which hook event and why (`cause` is its source or its reason).

    `outcome` is what a look at the server gave (core.probe.Probe), and None where none was taken: at a session's end,
    and for the cloud.
    """

    at: str
    event: str
    cause: str | None
    backend_kind: str
    backend_url: str | None
    via: str | None
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
            "backend": backend_json(self.backend_kind, self.backend_url, self.via),
            "outcome": self.outcome,
            "status": self.status,
            "latency_ms": self.latency_ms,
            "blocked": self.blocked,
            "detail": self.detail,
        }
