"""One event with all that is known of it, and what the hook makes of it: a record, words, and what to start."""

from claude_local_plugin.core.claude import client_version_of
from claude_local_plugin.core.registration import RUN_PROFILE
from claude_local_plugin.core.sign_in import backend_here
from claude_local_plugin.core.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.core.config import Config
    from claude_local_plugin.core.probe import Probe

#: Where a session's conversation is from this record on: see `journal`.
CONVERSATION = "conversation"


class Limit:
    """Nothing, not a silent stdin and not a stuck disk, keeps the hook longer than so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


#: This process's; who knows that Claude Code allows more, and has a use for it, may make it longer.
LIMIT = Limit(2.8)


class Answer:
    """What the hook makes of an event: `record` for the log (None: there is nothing to note), and `output` for Claude
    Code (None: say nothing).

    `errands` is what is to be started afterwards: names for `errands`. `once` is for an output that is only said if the
    record says so, too.
    """

    __slots__ = ("errands", "once", "output", "record")

    def __init__(
        self,
        record: "dict[str, Any] | None",
        output: "dict[str, Any] | None" = None,
        errands: "Sequence[str]" = (),
        *,
        once: bool = False,
    ) -> None:
        self.record = record
        self.output = output
        self.errands = errands
        self.once = once


class Visit:
    """One event with all that is known of it: `event`, `environ`, `state_dir`, `config`, and the `backend`."""

    __slots__ = ("backend", "config", "environ", "event", "state_dir")

    def __init__(
        self, event: "Mapping[str, Any]", environ: "Mapping[str, str]", state_dir: str, config: "Config"
    ) -> None:
        self.event = event
        self.environ = environ
        self.state_dir = state_dir
        self.config = config
        self.backend = backend_here(environ, self.folder or "")

    @property
    def folder(self) -> "str | None":
        """The project's folder; not from the record, where bytes that are no text have been replaced."""
        folder = self.environ.get("CLAUDE_PROJECT_DIR") or self.event.get("cwd")
        return folder if isinstance(folder, str) else None


def cause_of(event: "Mapping[str, Any]") -> object:
    """What the event itself says about why it happened."""
    return event.get({"SessionEnd": "reason", "StopFailure": "error"}.get(event["hook_event_name"], "source"))


def record_of(visit: Visit, found: "Probe | None", cause: object) -> "dict[str, Any]":
    """The event as the log keeps it; of a prompt or an answer not a letter."""
    from claude_local_plugin.core.text import now
    from claude_local_plugin.sessionlog.journal import this_host

    event, environ, backend, config = visit.event, visit.environ, visit.backend, visit.config
    session_id = session_of(visit)
    if session_id is None:
        raise ValueError("the event names no session")
    model = text_of(event.get("model"))
    cwd = text_of(event.get("cwd"))
    project = text_of(environ.get("CLAUDE_PROJECT_DIR")) or cwd
    process = environ.get("CLAUDE_PID", "")
    private = not config.log_cwd == config.log_project == "full"
    return {
        "session_id": session_id,
        "at": now(),
        "event": text_of(event.get("hook_event_name")),
        "cause": text_of(cause),
        "cwd": config.logged(config.log_cwd, cwd),
        "project": config.logged(config.log_project, project),
        "backend_kind": found.kind if found else backend.kind,
        "backend_url": backend.url,
        "via": backend.via,
        "model": model or text_of(environ.get("ANTHROPIC_MODEL")),
        "model_is_certain": model is not None,
        "reachable": found.reachable if found else None,
        "outcome": found.outcome if found else None,
        "status": found.status if found else None,
        "latency_ms": found.latency_ms if found else None,
        "blocked": False,
        "detail": found.detail if found else None,
        "client_version": client_version_of(environ),
        "entrypoint": text_of(environ.get("CLAUDE_CODE_ENTRYPOINT")),
        "profile": text_of(environ.get(RUN_PROFILE)),
        "client_pid": int(process) if process.isascii() and process.isdigit() and len(process) < 12 else None,
        # its name holds the folder's
        "transcript_path": None if private else text_of(event.get("transcript_path")),
        "host": this_host(),
    }


def session_of(visit: Visit) -> "str | None":
    return text_of(visit.event.get("session_id")) or text_of(visit.environ.get("CLAUDE_CODE_SESSION_ID"))


def text_of(value: object) -> "str | None":
    """The value as it may be stored and shown, when it is a string with something in it."""
    return clean(value, 4096) if isinstance(value, str) and value else None
