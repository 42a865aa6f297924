"""Questions to the session log. Asking creates nothing: with no log there are no sessions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.guest import sessionlog
from claude_local_plugin.ledger.records import Event, Session

#: How long a reader waits for writers, in seconds: a person is waiting, not a session.
PATIENCE_S = 3.0

_SESSION = ", ".join(field.name for field in fields(Session))
_EVENT = ", ".join(field.name for field in fields(Event))


def sessions(state_dir: Path, limit: int | None = None) -> tuple[Session, ...]:
    """The sessions on record, newest first, at most `limit`."""
    with _log(state_dir) as log:
        if log is None:
            return ()
        rows = log.execute(
            f"SELECT {_SESSION} FROM sessions ORDER BY started_at DESC, id DESC LIMIT ?",
            (-1 if limit is None else limit,),
        )
        return tuple(_session(row) for row in rows)


def session(state_dir: Path, session_id: str) -> Session | None:
    """The session with exactly this id."""
    with _log(state_dir) as log:
        if log is None:
            return None
        row = log.execute(f"SELECT {_SESSION} FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
        return _session(row) if row else None


def matching(state_dir: Path, prefix: str, limit: int = 10) -> tuple[Session, ...]:
    """The sessions whose id begins with `prefix`, newest first; the one whose id it is, if there is one, alone."""
    exact = session(state_dir, prefix)
    if exact:
        return (exact,)
    with _log(state_dir) as log:
        if log is None:
            return ()
        rows = log.execute(
            f"SELECT {_SESSION} FROM sessions WHERE substr(session_id, 1, ?) = ? ORDER BY started_at DESC LIMIT ?",
            (len(prefix), prefix, limit),
        )
        return tuple(_session(row) for row in rows)


def events(state_dir: Path, session_id: str) -> tuple[Event, ...]:
    """What happened in a session, in order."""
    with _log(state_dir) as log:
        if log is None:
            return ()
        rows = log.execute(
            f"SELECT {_EVENT} FROM events WHERE session = (SELECT id FROM sessions WHERE session_id = ?)"
            " ORDER BY at, id",
            (session_id,),
        )
        return tuple(_event(row) for row in rows)


def last_session(state_dir: Path, folder: str) -> dict[str, object] | None:
    """The newest session of a folder (its own or as the project of one), as `sessions list --json` shows it."""
    with _log(state_dir) as log:
        if log is None:
            return None
        row = log.execute(
            f"SELECT {_SESSION} FROM sessions WHERE cwd = ? OR project = ? ORDER BY started_at DESC, id DESC LIMIT 1",
            (folder, folder),
        ).fetchone()
        return _session(row).as_json() if row else None


def backend_kind(state_dir: Path, url: str) -> str | None:
    """What the server at this URL is known to be."""
    with _log(state_dir) as log:
        if log is None:
            return None
        row = log.execute("SELECT kind FROM backends WHERE url = ?", (url,)).fetchone()
        return str(row[0]) if row else None


@contextmanager
def _log(state_dir: Path) -> Iterator[sqlite3.Connection | None]:
    """The log opened for reading, None when there is none; raises ClaudeLocalError when it cannot be read.

    Records that hooks had to spool are taken in first, where that can be done.
    """
    path = state_dir / sessionlog.DATABASE
    if sessionlog.spooled(str(state_dir)):
        _take_in_spool(state_dir)
    if not path.exists():
        yield None
        return
    try:
        with closing(_open(path)) as log:
            yield log
    except sqlite3.Error as fault:
        raise _unreadable(path, sessionlog.explain(fault)) from fault


def _take_in_spool(state_dir: Path) -> None:
    """Takes in what hooks have spooled; a log that cannot be written is still worth reading as it is."""
    try:
        with closing(sessionlog.connect(str(state_dir), PATIENCE_S)) as log:
            sessionlog.take_in(log, str(state_dir))
    except (sessionlog.LogUnusableError, sqlite3.Error, OSError) as fault:
        sessionlog.note_fault(str(state_dir), f"reading: spooled records stay where they are: {fault}")


def _open(path: Path) -> sqlite3.Connection:
    """A read-only connection to a log of this program's schema; an older one is migrated first."""
    log, version = _open_read_only(path)
    if version == sessionlog.SCHEMA_VERSION:
        return log
    log.close()
    if version > sessionlog.SCHEMA_VERSION:
        raise ClaudeLocalError(
            f"{path}: the session log has schema {version}, this claude-local knows {sessionlog.SCHEMA_VERSION}",
            "a newer claude-local wrote it: pip install --upgrade claude-local",
        )
    try:
        return sessionlog.connect(str(path.parent), PATIENCE_S)
    except sessionlog.LogUnusableError as fault:
        raise _unreadable(path, str(fault)) from fault


def _open_read_only(path: Path) -> tuple[sqlite3.Connection, int]:
    """A read-only connection and the log's schema version; raises sqlite3.Error.

    Even readers of a write-ahead log share a file beside it. In a folder that cannot be written, where that file
    cannot be made, nobody else writes either: the database is then read as one that does not change.
    """
    unchanging = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if unchanging else ''}"
    log = sqlite3.connect(address, uri=True, timeout=PATIENCE_S)
    try:
        return log, int(log.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        log.close()
        raise


def _unreadable(path: Path, problem: str) -> ClaudeLocalError:
    return ClaudeLocalError(
        f"{path}: {problem}",
        f"move it with its -wal and -shm away; until then sessions are kept in {path.parent / sessionlog.SPOOL}",
    )


def _session(row: tuple[object, ...]) -> Session:
    values = dict(zip((field.name for field in fields(Session)), row, strict=True))
    if values["reachable"] is not None:
        values["reachable"] = bool(values["reachable"])
    return Session(**values)  # type: ignore[arg-type]  # a row has the columns' types, which SQLite does not tell


def _event(row: tuple[object, ...]) -> Event:
    values = dict(zip((field.name for field in fields(Event)), row, strict=True))
    values["blocked"] = bool(values["blocked"])
    return Event(**values)  # type: ignore[arg-type]  # as above
