"""What commands add to the session log: the servers they have come to know."""

import sqlite3
from contextlib import closing
from pathlib import Path

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.guest import sessionlog
from claude_local_plugin.guest.backend import parse_url


def remember_backend(state_dir: Path, url: str, kind: str, version: str | None = None) -> None:
    """Notes what the server at `url` is, so that hooks need not ask it; raises ClaudeLocalError if that fails.

    The URL is kept in the spelling the hooks use: without credentials, query, default port and trailing slash.
    """
    target = parse_url(url)
    if target is None:
        raise ValueError("a backend has an http(s) URL")
    try:
        with closing(sessionlog.connect(str(state_dir))) as log:
            sessionlog.remember_backend(log, target.url, kind, version)
    except (sessionlog.LogUnusableError, sqlite3.Error) as fault:
        raise ClaudeLocalError(
            f"{state_dir / sessionlog.DATABASE}: {fault}",
            "moving it with its -wal and -shm away begins a new log",
        ) from fault
