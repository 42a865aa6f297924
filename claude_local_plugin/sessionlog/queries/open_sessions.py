"""Who is open on this machine right now: sessions that our log knows, those that Claude Code lists, and its jobs.

Claude Code keeps a file per running process in `sessions/` of its configuration folder, print sessions and those
without hooks included, and one per background session in `jobs/ID/state.json`, with the model that a respawn asks for
(observed on Claude Code 2.1.332). Older clients keep neither: then what the log knows is all there is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claude_local_plugin.core import processes
from claude_local_plugin.core.endpoint import name_of
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import memory
from claude_local_plugin.sessionlog.queries.filters import State, Where, spelled
from claude_local_plugin.sessionlog.queries.reading import sessions
from claude_local_plugin.sessionlog.queries.records import Session

#: A job in one of these states is started again only if somebody asks for it.
_AT_REST = ("stopped", "done", "completed", "failed", "killed", "cancelled", "error")


@dataclass(frozen=True, slots=True)
class Open:
    """A session that is open, or a background job that Claude Code starts again by itself.

    `backend` is where its conversation is on record, None if that is not known. `pid` is None for a job without a
    process. `model` is the name that it goes on asking for, as far as it is known.
    """

    session_id: str
    folder: Path
    since: str
    pid: int | None = None
    backend: str | None = None
    model: str | None = None
    is_job: bool = False


def open_sessions(state_dir: Path, config_dir: Path) -> tuple[Open, ...]:
    """Every open session and job of this user on this machine, the oldest first.

    With a log that cannot be read they are those that Claude Code lists; each command that needs the log says so.
    """
    found = {each.session_id: each for each in _listed(config_dir)}
    for session in _running(state_dir):
        folder = session.cwd or session.project
        known = found.get(session.session_id)
        if known is None and (folder is None or not folder.startswith("/")):
            continue  # kept as a hash, or not at all: where it is open cannot be told
        if known is None:
            known = Open(session.session_id, Path(folder or ""), session.started_at)
        # a prompt that was held is on record with where it would have gone: the conversation has stayed
        noted = memory.memory(str(state_dir), session.session_id).where
        backend = noted or name_of(session.backend_kind, session.backend_url)
        found[session.session_id] = replace(known, backend=backend, model=known.model or session.model)
    for job in _jobs(config_dir):
        known = found.get(job.session_id, job)
        found[job.session_id] = replace(known, is_job=True, model=job.model or known.model)
    return tuple(sorted(found.values(), key=lambda each: each.since))


def _running(state_dir: Path) -> tuple[Session, ...]:
    """The sessions that the log knows to be open; none where it cannot be read."""
    try:
        return sessions(state_dir, where=Where(state=State.RUNNING))
    except ClaudeLocalError:
        return ()


def _listed(config_dir: Path) -> Iterator[Open]:
    """The processes that Claude Code lists and that are alive."""
    for path in _glob(config_dir / "sessions", "*.json"):
        entry = _object(path)
        session_id, pid, folder = entry.get("sessionId"), entry.get("pid"), entry.get("cwd")
        if isinstance(session_id, str) and type(pid) is int and isinstance(folder, str):
            seen = _moment(entry.get("updatedAt")) or _moment(entry.get("startedAt")) or ""
            if pid > 0 and processes.is_alive(pid, seen or spelled(datetime.now(UTC))):
                yield Open(session_id, Path(folder), _moment(entry.get("startedAt")) or seen, pid)


def _jobs(config_dir: Path) -> Iterator[Open]:
    """The background sessions that have not come to rest."""
    for path in _glob(config_dir / "jobs", "*/state.json"):
        entry = _object(path)
        session_id, folder = entry.get("sessionId"), entry.get("cwd")
        if isinstance(session_id, str) and isinstance(folder, str) and entry.get("state") not in _AT_REST:
            yield Open(session_id, Path(folder), str(entry.get("createdAt") or ""), model=_model(entry), is_job=True)


def _model(job: Mapping[str, Any]) -> str | None:
    """The model that a respawn asks for."""
    flags = job.get("respawnFlags")
    if isinstance(flags, list) and "--model" in flags[:-1]:
        return str(flags[flags.index("--model") + 1])
    environ = job.get("providerEnv")
    model = environ.get("ANTHROPIC_MODEL") if isinstance(environ, dict) else None
    return model if isinstance(model, str) else None


def _moment(milliseconds: object) -> str | None:
    if type(milliseconds) not in (int, float):
        return None
    try:
        return spelled(datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC))
    except (OverflowError, OSError, ValueError):
        return None


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:  # not ours to look into
        return []


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a small file of Claude Code's; empty where there is none, as while it is being written."""
    try:
        if path.stat().st_size > 1024 * 1024 or not path.is_file():
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
