"""Catching up with what no hook was there to see: processes that are gone, and answers that came last."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claude_local_plugin.guest import sessionlog, tally, upkeep

#: Besides the open sessions, so many of the newest are looked at: those that ended with something unread.
RECENT = 100
#: And so many of those whose end had to be spooled: the hook that heard of it had no time to count.
SPOOLED = 1000
#: So much is read at one look of transcripts that have much that is new, in bytes; the next one goes on from there.
MOST_BYTES = 512 * 1024 * 1024


def catch_up(log: sqlite3.Connection, state_dir: Path, patience: float) -> None:
    """Counts what is unread in the transcripts of this machine's sessions, the open ones and those that ended lately,
    then closes those whose process is gone.

    `log` is only read; the log is opened for writing when there is something to write. Where that cannot be done, it
    is still worth reading as it is.
    """
    host = this_host()
    if host is None:
        return
    try:
        with _writer(state_dir, patience) as writer:
            pieces = iter(range(MOST_BYTES // tally.MOST_BYTES))
            for number, session_id, path in _candidates(log, host):
                _read_on(log, writer, number, session_id, path, pieces)
            if any(not upkeep.is_alive(process, seen) for process, seen in _processes(log, host)):
                upkeep.close_dead(writer(), host, most=None)
    except (sessionlog.LogUnusableError, sqlite3.Error) as fault:
        sessionlog.note_fault(str(state_dir), f"reading: the log stays as it is: {fault}")


def this_host() -> str | None:
    """This machine's name as hooks put it on record; None where processes cannot be asked whether they live."""
    return None if sys.platform == "win32" else upkeep.this_host()


class _Writer:
    """The log opened for writing by the first who asks."""

    def __init__(self, state_dir: Path, patience: float) -> None:
        self._state_dir, self._patience = str(state_dir), patience
        self.connection: sqlite3.Connection | None = None

    def __call__(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = sessionlog.connect(self._state_dir, self._patience)
        return self.connection


@contextmanager
def _writer(state_dir: Path, patience: float) -> Iterator[_Writer]:
    writer = _Writer(state_dir, patience)
    try:
        yield writer
    finally:
        if writer.connection:
            writer.connection.close()


def _candidates(log: sqlite3.Connection, host: str) -> list[tuple[int, str, str]]:
    """The sessions whose transcript may have news: number, id and the file's path."""
    return log.execute(
        "SELECT id, session_id, transcript_path FROM sessions"
        " WHERE host = :host AND ended_at IS NULL AND transcript_path IS NOT NULL"
        " UNION SELECT id, session_id, transcript_path FROM"
        " (SELECT * FROM sessions ORDER BY started_at DESC LIMIT :recent)"
        " WHERE host = :host AND transcript_path IS NOT NULL"
        " UNION SELECT id, session_id, transcript_path FROM sessions WHERE host = :host AND transcript_path IS NOT NULL"
        " AND id IN (SELECT session FROM events WHERE spooled_as IS NOT NULL AND event = 'SessionEnd'"
        " ORDER BY spooled_as DESC LIMIT :spooled)",
        {"host": host, "recent": RECENT, "spooled": SPOOLED},
    ).fetchall()


def _processes(log: sqlite3.Connection, host: str) -> list[tuple[int, str]]:
    return log.execute(
        "SELECT client_pid, last_seen_at FROM sessions WHERE ended_at IS NULL AND host = ? AND client_pid IS NOT NULL",
        (host,),
    ).fetchall()


def _read_on(
    log: sqlite3.Connection, writer: _Writer, number: int, session_id: str, path: str, pieces: Iterator[int]
) -> None:
    """Counts what is unread of one session, a bounded piece at a time: one, and more as long as there are `pieces`."""
    while True:
        try:
            news = tally.read(log, session_id, path)
        except OSError:
            return  # it may be read again one day; until then what is counted is counted
        if not news:
            return
        connection = writer()
        connection.execute("BEGIN IMMEDIATE")
        try:
            tally.add(connection, number, news)
            connection.execute("COMMIT")
        finally:
            sessionlog.roll_back(connection)
        if all(file.at_end for file in news) or next(pieces, None) is None:
            return
