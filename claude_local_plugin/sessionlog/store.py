"""The session log in SQLite: its rows, how they follow the events, and what happens when it is damaged.

Commands read it and `importer` writes it, never a hook. A record is a flat dict with the keys of FIELDS. Nothing a
user typed or a model answered is ever in a record, and no credential.
"""

import errno
import os
import stat
import sys
import time

from claude_local_plugin.core.text import now
from claude_local_plugin.sessionlog import spans
from claude_local_plugin.sessionlog.migrations import MIGRATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from typing import Any

DATABASE = "sessions.db"
#: Whoever makes the database or sets it aside holds this one.
LOCK = f"{DATABASE}.lock"

#: How long a writer waits for others, in seconds, unless it says otherwise.
BUSY_S = 3.0

SCHEMA_VERSION = len(MIGRATIONS)

#: The keys of a record.
FIELDS = (
    "session_id",
    "at",
    "event",
    "cause",
    "cwd",
    "project",
    "backend_kind",
    "backend_url",
    "via",
    "model",
    "model_is_certain",
    "reachable",
    "outcome",
    "status",
    "latency_ms",
    "blocked",
    "detail",
    "client_version",
    "entrypoint",
    "profile",
    "client_pid",
    "transcript_path",
    "host",
)

#: Events of which the log keeps the time and the tokens, and no line of their own: they come with every turn.
WITHOUT_LINE = ("Stop", "SubagentStop")
#: Events after which the transcript has something new to count.
COUNTED = ("Stop", "SubagentStop", "StopFailure", "SessionEnd")
#: Events that say that a session which had ended goes on; others may merely come late, side by side with its end.
BEGINNINGS = ("SessionStart", "UserPromptSubmit")

#: A session's row follows its newest event. The next line of a journal is the newest by definition, whatever the clock
#: says; a record from the spool of an earlier version is placed by its time. What is known already is not forgotten for
#: lack of news.
_UPSERT = """
INSERT INTO sessions (
    session_id, started_at, last_seen_at, ended_at, end_reason, source, cwd, project, backend_kind, backend_url, via,
    model, reachable, latency_ms, blocked, client_version, entrypoint, profile, client_pid, transcript_path,
    host
) VALUES (
    :session_id, :at, :at,
    CASE :event WHEN 'SessionEnd' THEN :at END,
    CASE :event WHEN 'SessionEnd' THEN :cause END,
    CASE :event WHEN 'SessionStart' THEN :cause END,
    :cwd, :project, :backend_kind, :backend_url, :via, :model,
    :reachable, :latency_ms, :held_back, :client_version, :entrypoint, :profile, :client_pid, :transcript_path,
    :host
)
ON CONFLICT (session_id) DO UPDATE SET
    started_at = min(started_at, excluded.started_at),
    last_seen_at = max(last_seen_at, excluded.last_seen_at),
    source = coalesce(source, excluded.source),
    cwd = coalesce(cwd, excluded.cwd),
    project = coalesce(project, excluded.project),
    blocked = blocked + excluded.blocked,
    client_version = coalesce(excluded.client_version, client_version),
    entrypoint = coalesce(excluded.entrypoint, entrypoint),
    profile = coalesce(excluded.profile, profile),
    transcript_path = coalesce(excluded.transcript_path, transcript_path),
    host = coalesce(excluded.host, host),
    model = CASE WHEN :model_is_certain THEN excluded.model ELSE coalesce(model, excluded.model) END
"""
_FOLLOW_NEWEST = """
UPDATE sessions SET
    ended_at = CASE WHEN :event = 'SessionEnd' THEN :at WHEN :begins OR end_reason = 'killed' THEN NULL
        ELSE ended_at END,
    end_reason = CASE WHEN :event = 'SessionEnd' THEN :cause WHEN :begins OR end_reason = 'killed' THEN NULL
        ELSE end_reason END,
    client_pid = coalesce(:client_pid, client_pid),
    backend_kind = CASE
        WHEN :backend_kind = 'unknown' AND backend_url IS :backend_url THEN backend_kind ELSE :backend_kind END,
    reachable = CASE
        WHEN :outcome IS NULL AND backend_url IS :backend_url THEN reachable ELSE :reachable END,
    latency_ms = CASE
        WHEN :outcome IS NULL AND backend_url IS :backend_url THEN latency_ms ELSE :latency_ms END,
    backend_url = :backend_url,
    via = :via
WHERE session_id = :session_id AND (:is_newest OR last_seen_at <= :at)
"""
_ADD_EVENT = """
INSERT INTO events (
    session, at, event, cause, backend_kind, backend_url, via, outcome, status, latency_ms, blocked, detail, spooled_as
) SELECT
    id, :at, :event, :cause, :backend_kind, :backend_url, :via, :outcome, :status, :latency_ms, :blocked, :detail,
    :spooled_as
FROM sessions WHERE session_id = :session_id
"""


class LogUnusableError(Exception):
    """The database cannot be opened or written; the message says why, in words for people."""


class DamagedLogError(LogUnusableError):
    """The database is no database any more, or pages of it are broken; `file` is which one, see `identity`."""

    file: "tuple[int, int] | None" = None


class MovedLogError(LogUnusableError):
    """The database was set aside by another process while this one had it open."""


class NewerSchemaError(LogUnusableError):
    """The database was written by a newer claude-local than this one."""


def connect(state_dir: str, patience: float = BUSY_S) -> "sqlite3.Connection":
    """The database opened for writing, made or migrated as needed; raises LogUnusableError.

    Writers wait for each other up to `patience` seconds. Transactions are begun by hand.
    """
    return open_file(state_dir, patience)[0]


def open_file(state_dir: str, patience: float) -> "tuple[sqlite3.Connection, tuple[int, int] | None]":
    """What `connect` returns, and which file that is (see `identity`)."""
    try:
        sqlite = engine()
    except ImportError:
        raise LogUnusableError("this Python has no sqlite3") from None
    path = os.path.join(state_dir, DATABASE)
    try:
        _make(state_dir, path)
        check_kind(path)
        file = identity(state_dir)
        connection: sqlite3.Connection = sqlite.connect(address(path), timeout=patience, isolation_level=None, uri=True)
    except OSError as fault:
        raise LogUnusableError(f"cannot open {path}: {fault.strerror or fault}") from None
    except sqlite.Error as fault:
        raise unusable(fault) if os.path.lexists(path) else MovedLogError(str(fault)) from None
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) != SCHEMA_VERSION:
            _migrate(connection, state_dir, file, time.monotonic() + patience)
    except sqlite.Error as fault:
        raise given_up(connection, fault, state_dir, file) from None
    except LogUnusableError:
        connection.close()
        raise
    return connection, file


def check_kind(path: str) -> None:
    """Raises LogUnusableError for what is no file: SQLite would wait for ever for somebody to write into a pipe.

    By its name: to open and close it would take away the locks that this process has on it.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return  # SQLite says what that is
    except OSError as fault:
        raise LogUnusableError(f"cannot open {path}: {reason(fault)}") from None
    if not stat.S_ISREG(mode):
        raise LogUnusableError(f"cannot open {path}: {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}")


def reason(fault: OSError) -> str:
    """Why a file could not be opened, in words."""
    return "a link that leads in a circle" if fault.errno == errno.ELOOP else fault.strerror or str(fault)


def begin(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None") -> None:
    """Begins to write; raises MovedLogError."""
    connection.execute("BEGIN IMMEDIATE")
    check_unmoved(connection, state_dir, file)


def check_unmoved(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None") -> None:
    """Raises MovedLogError if the database is not this file any more.

    What is written to a file that was set aside, nobody reads. And one who had opened it, and nothing more yet, when
    it was renamed, has by now the new one's write-ahead log beside it, and would write there.
    """
    if identity(state_dir) != file:
        roll_back(connection)
        _LEFT_OPEN.append(connection)
        raise MovedLogError("another process has set the damaged session log aside meanwhile")


def given_up(
    connection: "sqlite3.Connection", fault: Exception, state_dir: str, file: "tuple[int, int] | None"
) -> LogUnusableError:
    """SQLite's complaint as ours, the connection being done with; whatever is wrong with a file that was set aside
    is no fault of the log.

    A damaged database is left open where that is no hindrance to renaming it: to close it would write to it.
    """
    complaint = unusable(fault)
    moved = identity(state_dir) != file
    if isinstance(complaint, DamagedLogError):
        complaint.file = file
    if (moved or isinstance(complaint, DamagedLogError)) and sys.platform != "win32":
        try:
            roll_back(connection)  # others may be waiting for it
        except engine().Error:
            connection.close()
        else:
            _LEFT_OPEN.append(connection)
    else:
        connection.close()
    return MovedLogError(str(complaint)) if moved else complaint


def set_aside(state_dir: str, file: "tuple[int, int] | None") -> str:
    """Renames a damaged database, so that the next one to open it begins anew; returns what it is called now.

    `file` is the `identity` of the damaged one: if another process was faster, the new one is left alone. Nothing is
    ever deleted. Raises LogUnusableError when the file cannot be renamed.
    """
    path = os.path.join(state_dir, DATABASE)
    name = f"{DATABASE}.damaged-{now().replace(':', '').replace('-', '')}"
    try:
        lock = _lock(state_dir)
        try:
            if identity(state_dir) != file:
                return "another process has set it aside"
            # nobody makes a new database before all of the old one is gone: its write-ahead log would be taken for
            # the new one's
            for ending in ("", "-wal", "-shm"):
                if os.path.exists(path + ending):
                    os.rename(path + ending, os.path.join(state_dir, name + ending))
        finally:
            os.close(lock)
    except OSError as fault:
        raise LogUnusableError(f"the session log is damaged and cannot be set aside: {fault}") from None
    return f"it is kept as {name}, and a new one was begun"


def _lock(state_dir: str) -> int:
    """Waits until this process alone may make the database or set it aside; an open file, to be closed afterwards.

    It goes with the process that holds it. Raises OSError.
    """
    lock = os.open(os.path.join(state_dir, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        os.close(lock)
        raise
    return lock


def identity(state_dir: str) -> "tuple[int, int] | None":
    """Which file the database is, whatever is renamed meanwhile; None where there is none."""
    try:
        found = os.stat(os.path.join(state_dir, DATABASE))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def insert(connection: "sqlite3.Connection", record: "Mapping[str, Any]", spooled_as: "str | None" = None) -> int:
    """Adds the event and brings its session's row and spans up to date, inside the caller's transaction.

    `spooled_as` is for a record of an earlier version's spool. Returns the number of the session's row.
    """
    values = {field: record.get(field) for field in FIELDS}
    values["spooled_as"] = spooled_as
    values["is_newest"] = spooled_as is None
    values["blocked"] = 1 if values["blocked"] else 0
    values["held_back"] = values["blocked"] if values["event"] == "UserPromptSubmit" else 0
    values["begins"] = values["event"] in BEGINNINGS
    if values["backend_url"] is not None:
        known = connection.execute("SELECT kind FROM backends WHERE url = ?", (values["backend_url"],)).fetchone()
        if values["backend_kind"] == "unknown":
            values["backend_kind"] = known[0] if known else "unknown"
        elif values["outcome"] is not None and (known is None or known[0] != values["backend_kind"]):
            # it has just said so itself; events that do not ask it get its kind from here
            remember_backend(connection, str(values["backend_url"]), str(values["backend_kind"]), None)
    connection.execute(_UPSERT, values)
    connection.execute(_FOLLOW_NEWEST, values)
    if values["event"] not in WITHOUT_LINE:
        connection.execute(_ADD_EVENT, values)
    (session,) = connection.execute("SELECT id FROM sessions WHERE session_id = ?", (values["session_id"],)).fetchone()
    spans.follow(connection, session, values)
    return int(session)


def remember_backend(connection: "sqlite3.Connection", url: str, kind: str, version: "str | None") -> None:
    """Notes what the server at this URL is; a session on a server that does not say so itself gets its kind here."""
    connection.execute(
        "INSERT INTO backends (url, kind, version, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE SET"
        " kind = excluded.kind, version = coalesce(excluded.version, version), seen_at = excluded.seen_at",
        (url, kind, version, now()),
    )


def explain(fault: Exception) -> str:
    """What SQLite complains about, in words for people."""
    return str(unusable(fault))


def unusable(fault: Exception) -> LogUnusableError:
    """SQLite's complaint as ours, with words for people."""
    text = str(fault)
    if "malformed" in text or "not a database" in text:
        return DamagedLogError(f"the session log is damaged: {text}")
    if "locked" in text:
        return LogUnusableError("the session log was busy for too long")
    return LogUnusableError(f"the session log cannot be used: {text}")


#: Connections to damaged files, kept from being closed by the garbage collector: that would write to them.
_LEFT_OPEN: "list[sqlite3.Connection]" = []


def engine() -> "Any":
    """SQLite; a module of its own, since not every Python has it. Raises ImportError."""
    import sqlite3

    return sqlite3


def _make(state_dir: str, path: str) -> None:
    """Makes the folder and the database, unless it is there; only this user can read them. Raises OSError, or SQLite's
    complaint.

    The database gets its name when it is complete. An unfinished one would have a journal beside it, which one who had
    opened a damaged database of this name, before it was set aside, would take for that one's.
    """
    if os.path.lexists(path):
        return
    os.makedirs(state_dir, 0o700, exist_ok=True)
    lock = _lock(state_dir)
    try:
        if os.path.lexists(path):
            return
        new = f"{path}.new"
        for ending in ("", "-journal", "-wal", "-shm"):  # of one that died
            _remove(new + ending)
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite gives its other files this mode
        connection = engine().connect(address(new), isolation_level=None, uri=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            _bring_up_to_date(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
        os.rename(new, path)
    finally:
        os.close(lock)


def address(path: str, mode: str = "rw") -> str:
    """The path as a URI by which SQLite opens a database that is there, and makes none."""
    path = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    if sys.platform == "win32":
        path = path.replace("\\", "/")
    return f"file://{'' if path.startswith('/') else '/'}{path}?mode={mode}"


def _version(connection: "sqlite3.Connection") -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None", deadline: float) -> None:
    """Brings the schema to SCHEMA_VERSION; whoever comes second finds the work done."""
    if _version(connection) > SCHEMA_VERSION:
        raise NewerSchemaError(of_a_newer(_version(connection)))
    _use_write_ahead_log(connection, deadline)
    begin(connection, state_dir, file)
    try:
        _bring_up_to_date(connection)
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def _bring_up_to_date(connection: "sqlite3.Connection") -> None:
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(of_a_newer(version))
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def roll_back(connection: "sqlite3.Connection") -> None:
    """Undoes a transaction that did not come to its end; SQLite has undone it itself after some errors."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def of_a_newer(version: int) -> str:
    """What is wrong with a log of a schema that is not known here."""
    return f"the session log has schema {version}, this claude-local knows {SCHEMA_VERSION}"


def _use_write_ahead_log(connection: "sqlite3.Connection", deadline: float) -> None:
    """Switches the journal mode; SQLite does not wait for other writers here, so we do."""
    sqlite = engine()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # another process was faster; it is gone, which is all that was wanted
