"""What commands change in the session log: they add the servers they have come to know, and take old sessions out."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import maintenance, store
from claude_local_plugin.sessionlog.pushing import Unsent
from claude_local_plugin.sessionlog.queries.reading import PATIENCE_S, hint, open_log

#: So many sessions are taken out at a time.
_STEP = 1000


def remember_backend(state_dir: Path, url: str, kind: str, version: str | None = None) -> None:
    """Notes what the server at `url` is, so that hooks need not ask it; raises ClaudeLocalError if that fails.

    The URL is kept in the spelling the hooks use: without credentials, query, default port and trailing slash.
    """
    target = parse_url(url)
    if target is None:
        raise ValueError("a backend has an http(s) URL")
    try:
        with closing(store.connect(str(state_dir))) as log:
            store.remember_backend(log, target.url, kind, version)
    except (store.LogUnusableError, sqlite3.Error) as fault:
        raise _not_written(state_dir, fault) from fault


@dataclass(frozen=True, slots=True)
class Prunable:
    """How many sessions would go, and how many as old ones stay: they have not ended, or have not been sent yet."""

    old: int
    open: int
    unsent: int = 0


def prunable(state_dir: Path, before: str, spared: Unsent | None = None) -> Prunable:
    """What `prune` would take out."""
    with open_log(state_dir) as log:
        if log is None:
            return Prunable(0, 0)
        unsent = f"coalesce(sum(ended_at IS NOT NULL AND {spared.condition}), 0)" if spared else "0"
        ended, still_open, waiting = log.execute(
            f"SELECT count(ended_at), count(*) - count(ended_at), {unsent} FROM sessions"
            " WHERE started_at < :before AND last_seen_at < :before",
            {"before": before, **(spared.values if spared else {})},
        ).fetchone()
        return Prunable(ended - waiting, still_open, waiting)


def prune(state_dir: Path, before: str, spared: Unsent | None = None) -> int:
    """Takes out sessions that were last active before that moment, and gives their space back; returns how many.

    Those that are still to be sent stay where these are to be spared.

    Raises ClaudeLocalError. In small steps, so that others who write need not wait.
    """
    if not os.path.lexists(state_dir / store.DATABASE):
        return 0
    count = 0
    try:
        with closing(store.connect(str(state_dir), PATIENCE_S)) as log:
            while taken := maintenance.forget(log, str(state_dir), before, _STEP, spared=spared):
                count += taken
            for table, column in (("projects", "project"), ("models", "model"), ("endpoints", "endpoint")):
                log.execute(
                    f"DELETE FROM {table} WHERE id NOT IN (SELECT {column} FROM spans WHERE {column} IS NOT NULL)"
                )
            log.execute("VACUUM")
            log.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (store.LogUnusableError, sqlite3.Error) as fault:
        taken_out = f"; {count:,} session{' was' if count == 1 else 's were'} taken out"
        raise _not_written(state_dir, fault, taken_out) from fault
    return count


def _not_written(state_dir: Path, fault: Exception, more: str = "") -> ClaudeLocalError:
    path = state_dir / store.DATABASE
    problem = str(fault) if isinstance(fault, store.LogUnusableError) else store.explain(fault)
    return ClaudeLocalError(f"{path}: {problem}{more}", hint(path, problem))
