"""Keeping the log and its journals in order: dead sessions are closed, old ones forgotten, leftovers taken away.

The importer does all of this, never a hook.
"""

import os
import time

from claude_local_plugin.core import text
from claude_local_plugin.core.processes import is_alive
from claude_local_plugin.sessionlog import journal, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from claude_local_plugin.sessionlog.pushing import Unsent

#: How a session ended that was not heard to end.
KILLED = "killed"
#: The event that says when that was noticed: what is answered in it from then on, another process has asked for.
FOUND_GONE = "FoundGone"
#: What a process has not finished writing by then, in seconds, it never will: it was ended over it.
UNFINISHED_S = 60.0
#: When a session that says nothing any more needs its list of `claim` no longer, in seconds.
CLAIMED_S = 24 * 60 * 60.0
#: When the note of a conversation may go that an earlier version made, in seconds.
NOTED_S = 30 * 24 * 60 * 60.0


def close_dead(connection: "sqlite3.Connection", host: "str | None") -> "list[str]":
    """Closes sessions of this machine whose process is gone, as of when they were last heard of; returns their ids.

    That nobody was there any more is an event of its own, now. In a transaction of its own.
    """
    from claude_local_plugin.sessionlog.store import roll_back

    dead = [
        (number, session_id)
        for number, session_id, process, seen in connection.execute(
            "SELECT id, session_id, client_pid, last_seen_at FROM sessions"
            " WHERE ended_at IS NULL AND host = ? AND client_pid IS NOT NULL ORDER BY id DESC",
            (host,),
        ).fetchall()
        if not is_alive(process, seen)
    ]
    if dead:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number, _ in dead:
                closed = connection.execute(
                    "UPDATE sessions SET ended_at = last_seen_at, end_reason = ? WHERE id = ? AND ended_at IS NULL",
                    (KILLED, number),
                )
                if closed.rowcount:
                    connection.execute(
                        "INSERT INTO events (session, at, event, cause, backend_kind, backend_url, via, blocked)"
                        " SELECT id, max(?, last_seen_at), ?, ?, backend_kind, backend_url, via, 0 FROM sessions"
                        " WHERE id = ?",
                        (text.now(), FOUND_GONE, KILLED, number),
                    )
            connection.execute("COMMIT")
        finally:
            roll_back(connection)
    return [session_id for _, session_id in dead]


def forget(
    connection: "sqlite3.Connection",
    state_dir: str,
    before: str,
    most: "int | None" = None,
    *,
    spared: "Unsent | None" = None,
) -> int:
    """Removes sessions that were last active before that moment (UTC, ISO 8601), oldest first; returns how many.

    Open ones stay, and of the others those that are still to be sent, where these are to be spared. Their journals go
    first: no log that is made anew of what is kept brings them back. In a transaction of its own.
    """
    from claude_local_plugin.sessionlog.store import roll_back

    connection.execute("BEGIN IMMEDIATE")
    try:
        old = connection.execute(
            "SELECT id, session_id FROM sessions WHERE started_at < :before AND last_seen_at < :before"
            f" AND ended_at IS NOT NULL{f' AND NOT ({spared.condition})' if spared else ''}"
            " ORDER BY started_at LIMIT :most",
            {"before": before, "most": -1 if most is None else most, **(spared.values if spared else {})},
        ).fetchall()
        for number, session_id in old:
            path = journal.path_of(state_dir, session_id)
            remove(journal.done_path(path))
            if not os.path.exists(path):  # else it goes on just now
                connection.execute("DELETE FROM journals WHERE name = ?", (os.path.basename(path),))
            for table, column in (
                ("events", "session"),
                ("spans", "session"),
                ("transcripts", "session"),
                ("sessions", "id"),
            ):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
    return len(old)


def sweep(state_dir: str) -> None:
    """Takes away what nobody needs any more, and what processes that were ended over it have left half-written."""
    from claude_local_plugin.core import config_file, probe_cache
    from claude_local_plugin.sessionlog import spool

    for path in _untouched(state_dir, (f"{config_file.COMPILED}.", f"{config_file.SALT}.")):
        remove(path)
    for path in _untouched(os.path.join(state_dir, probe_cache.FOLDER)):
        if not path.endswith(".json"):
            remove(path)
    for path in _untouched(os.path.join(state_dir, spool.FOLDER)):
        if path.endswith(spool.UNFINISHED):
            spool.finish(path)
    for folder, seconds in (("claims", CLAIMED_S), (memory.FORMER, NOTED_S)):
        for path in _untouched(os.path.join(state_dir, folder), older_than_s=seconds):
            remove(path)


def _untouched(
    folder: str, beginnings: "tuple[str, ...]" = ("",), *, older_than_s: float = UNFINISHED_S
) -> "list[str]":
    """The files in a folder that nobody has written to for so long, those whose names begin so."""
    now = time.time()
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(beginnings) and entry.is_file(follow_symlinks=False):
                    age = now - entry.stat(follow_symlinks=False).st_mtime
                    if age > older_than_s:
                        found.append(entry.path)
    except OSError:
        return found  # no such folder yet, or a file that went meanwhile; the next one looks again
    return found


def remove(path: str) -> None:
    """Removes a file, if that can be done."""
    try:
        os.unlink(path)
    except OSError:
        return  # another process was faster, or it is not ours to remove: it does no harm
