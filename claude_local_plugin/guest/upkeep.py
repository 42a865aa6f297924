"""Keeping the session log in order: sessions whose process is gone are closed, old ones are forgotten when wanted."""

import os
import sys
import time

from claude_local_plugin.guest.backend import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

#: How a session ended that was not heard to end.
KILLED = "killed"
#: What a process has not finished writing by then, in seconds, it never will: it was ended over it.
UNFINISHED_S = 60.0
#: A hook looks after at most this many sessions at a time.
MOST = 50


def close_dead(
    connection: "sqlite3.Connection", host: "str | None", *, alive: str = "", most: "int | None" = MOST
) -> "list[str]":
    """Closes sessions of this machine whose process is gone, as of when they were last heard of; returns their ids.

    In a transaction of its own. `alive` is a session that is known to be there; `most` bounds how many are looked at,
    None for all.
    """
    from claude_local_plugin.guest.sessionlog import roll_back

    dead = [
        (number, session_id)
        for number, session_id, process, seen in connection.execute(
            "SELECT id, session_id, client_pid, last_seen_at FROM sessions"
            " WHERE ended_at IS NULL AND host = ? AND client_pid IS NOT NULL ORDER BY id DESC LIMIT ?",
            (host, -1 if most is None else most),
        ).fetchall()
        if session_id != alive and not is_alive(process, seen)
    ]
    if dead:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number, _ in dead:
                connection.execute(
                    "UPDATE sessions SET ended_at = last_seen_at, end_reason = ? WHERE id = ? AND ended_at IS NULL",
                    (KILLED, number),
                )
            connection.execute("COMMIT")
        finally:
            roll_back(connection)
    return [session_id for _, session_id in dead]


def this_host() -> "str | None":
    """This machine's name: the numbers of processes mean something on their own machine only."""
    try:
        name = os.uname().nodename
    except AttributeError:  # Windows
        name = os.environ.get("COMPUTERNAME", "")
    return clean(name, 4096) or None


def is_alive(process: int, seen: str) -> bool:
    """Whether the process that was last heard of at `seen` (UTC, ISO 8601) may still be there.

    A number is given again to other processes: on Linux one that began later is known to be another.
    """
    if sys.platform == "win32":
        return True  # there a signal, even none, ends the process; without one there is no telling
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return process < 2**31  # it is there, and somebody else's
    state, began = _state(process)
    if state in ("Z", "X"):
        return False  # it has ended, and nobody has asked how
    if began is None:
        return True
    from claude_local_plugin.guest.sessionlog import now

    return now(began - 5) <= seen  # both are only as good as the clock


def _state(process: int) -> "tuple[str, float | None]":
    """A process's state in the kernel's letter, and when it began, in seconds since 1970; ("", None) where the system
    does not say.
    """
    try:
        with open("/proc/uptime", encoding="ascii") as file:
            booted = time.time() - float(file.read().split()[0])
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
        return words[0], booted + int(words[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return "", None


def age_s(process: int) -> float:
    """How long the process has been there, in seconds; 0 where the system does not say."""
    began = _state(process)[1]
    return 0.0 if began is None else max(time.time() - began, 0.0)


def sweep(state_dir: str) -> None:
    """Takes away what processes that were ended over it have left half-written; a whole record among it is spooled."""
    from claude_local_plugin.guest import config, lastlook, sessionlog

    for path in _untouched(state_dir, (f"{config.COMPILED}.", f"{config.SALT}.")):
        _remove(path)
    for path in _untouched(os.path.join(state_dir, lastlook.FOLDER)):
        if not path.endswith(".json"):
            _remove(path)
    for path in _untouched(os.path.join(state_dir, sessionlog.SPOOL)):
        if path.endswith(sessionlog.UNFINISHED):
            sessionlog.finish_spooling(path)


def remove_silent(folder: str, older_than_s: float, most: int) -> None:
    """Removes a few of the files in a folder, one a session, that nobody has written to for so long."""
    for path in _untouched(folder, older_than_s=older_than_s)[:most]:
        _remove(path)


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
        return found  # no such folder yet, or a file that went meanwhile; the next session looks again
    return found


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # another session that begins was faster, or it is not ours to remove: it does no harm


def forget(connection: "sqlite3.Connection", before: str, most: "int | None" = MOST) -> int:
    """Removes sessions that were last heard of before that moment (UTC, ISO 8601), oldest first; returns how many.

    Open ones stay. In a transaction of its own.
    """
    from claude_local_plugin.guest.sessionlog import roll_back

    connection.execute("BEGIN IMMEDIATE")
    try:
        numbers = [
            row[0]
            for row in connection.execute(
                "SELECT id FROM sessions WHERE started_at < :before AND last_seen_at < :before AND ended_at IS NOT NULL"
                " ORDER BY started_at LIMIT :most",
                {"before": before, "most": -1 if most is None else most},
            )
        ]
        for table, column in (
            ("events", "session"),
            ("spans", "session"),
            ("transcripts", "session"),
            ("sessions", "id"),
        ):
            connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", ((number,) for number in numbers))
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
    return len(numbers)
