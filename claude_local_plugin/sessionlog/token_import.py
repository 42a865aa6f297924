"""Counting what is new in a session's transcript: read outside of any transaction, added inside one, never twice."""

import os

from claude_local_plugin.sessionlog import spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from claude_local_plugin.sessionlog.transcript import Use

#: So much of a transcript is read at a time, in bytes; what is left is read at the next look.
MOST_BYTES = 16 * 1024 * 1024


class News:
    """What was read of one file: from the position `before` on, up to `position`; `at_end` when nothing is left."""

    __slots__ = ("at_end", "before", "name", "position", "read_bytes", "uses")

    def __init__(
        self, name: str, before: "str | None", uses: "list[Use]", position: str, at_end: bool, read_bytes: int = 0
    ) -> None:
        self.name = name
        self.before = before
        self.uses = uses
        self.position = position
        self.read_bytes = read_bytes
        self.at_end = at_end


def read(
    connection: "sqlite3.Connection",
    session_id: str,
    transcript_path: str,
    most_bytes: int = MOST_BYTES,
    *,
    at: "str | None" = None,
) -> "list[News]":
    """What is new in the session's own file and in those of its subagents; raises OSError.

    `at` is when the session was first heard of in what is not on record yet: what it did before that, and before it was
    on record, was on nobody knows which backend.
    Another process may be reading the same: `take` leaves to it what it was faster to add.
    """
    from claude_local_plugin.sessionlog import transcript

    row = connection.execute("SELECT id, started_at FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    session, started_at = row if row else (None, at)
    started_at = min(started_at, at) if started_at and at else started_at
    news = []
    for path in transcript.files(transcript_path):
        name = os.path.relpath(path, os.path.dirname(transcript_path))
        before = _position(connection, session, name)
        uses, position, at_end = transcript.read(path, before, most_bytes, not_before=started_at)
        if position != before:
            come = transcript.offset_of(position) - transcript.offset_of(before)
            news.append(News(name, before, uses, position, at_end, max(come, 0)))
    return news


def take(connection: "sqlite3.Connection", session: int, news: "Sequence[News]") -> "list[Use]":
    """Marks as read what was read, inside the caller's transaction: what is to be counted now, in the order of time."""
    uses = []
    for file in news:
        if _position(connection, session, file.name) != file.before:
            continue  # another process has read on meanwhile
        connection.execute(
            "INSERT INTO transcripts (session, name, position) VALUES (?, ?, ?)"
            " ON CONFLICT (session, name) DO UPDATE SET position = excluded.position",
            (session, file.name, file.position),
        )
        uses += file.uses
    uses.sort(key=lambda use: use.at)
    return uses


def add(connection: "sqlite3.Connection", session: int, news: "Sequence[News]") -> None:
    """Adds what was read to the session's spans, inside the caller's transaction."""
    spans.count(connection, session, take(connection, session, news))


def _position(connection: "sqlite3.Connection", session: "int | None", name: str) -> "str | None":
    row = connection.execute(
        "SELECT position FROM transcripts WHERE session = ? AND name = ?", (session, name)
    ).fetchone()
    return str(row[0]) if row else None
