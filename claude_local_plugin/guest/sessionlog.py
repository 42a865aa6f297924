"""The session log: one SQLite file that a hundred hooks at once may write to, and what happens when they cannot.

A record is a flat dict (see `append`). It goes into the database; when that cannot be written it goes into a file of
its own in `spool/`, which the next one to open the database takes in; when even that fails the caller is told.
Nothing a user typed or a model answered is ever in a record, and no credential.
"""

import _thread
import os
import sys
import time

from claude_local_plugin.guest import spans, tally, upkeep
from claude_local_plugin.guest.files import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import Any

DATABASE = "sessions.db"
SPOOL = "spool"
#: How the name of a record ends that is still being written into the spool.
UNFINISHED = ".tmp"
FAULTS = "faults.log"
#: Whoever makes the database or sets it aside holds this one.
LOCK = f"{DATABASE}.lock"

#: How long a hook waits for other writers before it spools instead, in seconds.
BUSY_S = 0.5
#: A hook takes in at most this many spooled records, so that the one after a long outage is not slow.
MOST_TAKEN_IN = 50
#: No record is as large as this: none of its texts has more than 4,096 letters.
MOST_RECORD_BYTES = 1024 * 1024
#: Beyond this size `faults.log` becomes `faults.log.1` and a new one begins.
MOST_FAULT_BYTES = 65536
#: Beyond this size of the write-ahead log a hook closes the database properly, see `leave`.
MOST_WAL_BYTES = 1024 * 1024

#: `MIGRATIONS[n]` turns schema version n into n + 1. Only ever append: logs of every version are out there.
MIGRATIONS = (
    (
        """CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL UNIQUE,
            started_at TEXT NOT NULL,
            last_seen_at TEXT NOT NULL,
            ended_at TEXT,
            end_reason TEXT,
            source TEXT,
            cwd TEXT,
            project TEXT,
            backend_kind TEXT NOT NULL,
            backend_url TEXT,
            model TEXT,
            reachable INTEGER,
            latency_ms REAL,
            blocked INTEGER NOT NULL,
            client_version TEXT,
            entrypoint TEXT,
            client_pid INTEGER,
            transcript_path TEXT
        )""",
        "CREATE INDEX sessions_started_at ON sessions (started_at)",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            session INTEGER NOT NULL REFERENCES sessions (id),
            at TEXT NOT NULL,
            event TEXT NOT NULL,
            cause TEXT,
            backend_kind TEXT NOT NULL,
            backend_url TEXT,
            outcome TEXT,
            status INTEGER,
            latency_ms REAL,
            blocked INTEGER NOT NULL,
            detail TEXT,
            spooled_as TEXT
        )""",
        "CREATE INDEX events_session ON events (session)",
        # A spool file taken in twice (the process died before removing it) must not count twice.
        "CREATE UNIQUE INDEX events_spooled_as ON events (spooled_as) WHERE spooled_as IS NOT NULL",
        """CREATE TABLE backends (
            url TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            version TEXT,
            seen_at TEXT NOT NULL
        )""",
    ),
    (
        *spans.SCHEMA,
        *spans.ONE_SPAN_EACH,
        "ALTER TABLE sessions ADD COLUMN host TEXT",
        "CREATE INDEX sessions_open ON sessions (host) WHERE ended_at IS NULL",
        "CREATE INDEX sessions_project ON sessions (project)",
        "CREATE INDEX sessions_cwd ON sessions (cwd)",
        # how servers fared over time is asked of these columns alone
        "CREATE INDEX events_looks ON events (at, backend_url, outcome, latency_ms) WHERE outcome IS NOT NULL",
    ),
    (
        # what requests go through: a proxy or a socket; NULL for nothing, '' in spans of when nobody looked
        "ALTER TABLE sessions ADD COLUMN via TEXT",
        "ALTER TABLE events ADD COLUMN via TEXT",
        "ALTER TABLE endpoints ADD COLUMN via TEXT",
        "UPDATE endpoints SET via = ''",
        "DROP INDEX endpoints_kind_url",
        "CREATE UNIQUE INDEX endpoints_kind_url_via ON endpoints (kind, coalesce(url, ''), coalesce(via, '-'))",
    ),
)
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

#: A session's row follows its newest event. A record written as it happens is the newest by definition, whatever the
#: clock says; one from the spool is placed by its time. What is known already is not forgotten for lack of news.
_UPSERT = """
INSERT INTO sessions (
    session_id, started_at, last_seen_at, ended_at, end_reason, source, cwd, project, backend_kind, backend_url, via,
    model, reachable, latency_ms, blocked, client_version, entrypoint, client_pid, transcript_path, host
) VALUES (
    :session_id, :at, :at,
    CASE :event WHEN 'SessionEnd' THEN :at END,
    CASE :event WHEN 'SessionEnd' THEN :cause END,
    CASE :event WHEN 'SessionStart' THEN :cause END,
    :cwd, :project, :backend_kind, :backend_url, :via, :model,
    :reachable, :latency_ms, :held_back, :client_version, :entrypoint, :client_pid, :transcript_path, :host
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


#: What a record is committed under when nobody else watches over it.
_ALONE = _thread.allocate_lock()


class LogUnusableError(Exception):
    """The database cannot be opened or written; the message says why, in words for people."""


class DamagedLogError(LogUnusableError):
    """The database is no database any more, or pages of it are broken; `file` is which one, see `_identity`."""

    file: "tuple[int, int] | None" = None


class MovedLogError(LogUnusableError):
    """The database was set aside by another process while this one had it open."""


class NewerSchemaError(LogUnusableError):
    """The database was written by a newer claude-local than this one."""


def now(moment: "float | None" = None) -> str:
    """The moment (default: now) in UTC as ISO 8601 with milliseconds, e.g. `2026-11-21T10:03:13.123Z`."""
    milliseconds = int((time.time() if moment is None else moment) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


def append(
    state_dir: str,
    record: "Mapping[str, Any]",
    transcript: "str | None" = None,
    keep_days: int = 0,
    committing: "AbstractContextManager[object]" = _ALONE,
) -> "str | None":
    """Puts one event on record and returns None, or what went wrong with that: usually why it had to go to the spool.

    The record has the keys in FIELDS, each a string, number, bool or None. `transcript` is the file of the session
    whose new answers are counted along with it. A session's start also tidies up a little: `keep_days` is for how long
    sessions are kept, 0 for ever. `committing` is entered while the record goes in for good, for those who watch over
    it. Raises OSError when not even the spool can be written.
    """
    try:
        try:
            return _append(state_dir, record, transcript, keep_days, committing)
        except DamagedLogError as fault:
            note_fault(state_dir, f"{fault}; {set_aside(state_dir, fault.file)}")
        except MovedLogError:
            pass  # there is a new one by now
        return _append(state_dir, record, transcript, keep_days, committing)
    except LogUnusableError as fault:
        with committing:
            spool(state_dir, record)
        return str(fault)


def _append(
    state_dir: str,
    record: "Mapping[str, Any]",
    transcript: "str | None",
    keep_days: int,
    committing: "AbstractContextManager[object]",
) -> "str | None":
    connection, file = _open(state_dir, BUSY_S)
    engine = _engine()
    trouble = None
    try:
        news = None
        if transcript:
            # what it counts from is when the session began
            take_in(connection, state_dir, MOST_TAKEN_IN, str(record["session_id"]))
            try:
                news = tally.read(connection, str(record["session_id"]), transcript, at=str(record["at"]))
            except OSError as fault:
                trouble = f"the tokens of this session are not counted: {fault}"
        _begin(connection, state_dir, file)
        session = insert(connection, record)
        if news:
            tally.add(connection, session, news)
        with committing:
            connection.execute("COMMIT")
            _check_unmoved(connection, state_dir, file)
        trouble = _tidy_up(connection, state_dir, record, keep_days) or trouble
    except engine.Error as fault:
        raise _given_up(connection, fault, state_dir, file) from None
    leave(connection, state_dir)
    return trouble


def _tidy_up(
    connection: "sqlite3.Connection", state_dir: str, record: "Mapping[str, Any]", keep_days: int
) -> "str | None":
    """Does what can wait, unless another process is writing; returns what went wrong.

    Raises SQLite's complaint when the log turns out to be damaged.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        take_in(connection, state_dir, MOST_TAKEN_IN)
        if record["event"] == "SessionStart":
            upkeep.close_dead(connection, record.get("host"), alive=record["session_id"])
            if keep_days:
                upkeep.forget(connection, now(time.time() - keep_days * 86400))
    except (_engine().OperationalError, OSError) as fault:
        if "locked" not in str(fault):
            return f"the log is not tidied up: {fault}"
    return None


def connect(state_dir: str, patience: float = BUSY_S) -> "sqlite3.Connection":
    """The database opened for writing, made or migrated as needed; raises LogUnusableError.

    Writers wait for each other up to `patience` seconds. Transactions are begun by hand.
    """
    return _open(state_dir, patience)[0]


def _open(state_dir: str, patience: float) -> "tuple[sqlite3.Connection, tuple[int, int] | None]":
    """What `connect` returns, and which file that is."""
    try:
        engine = _engine()
    except ImportError:
        raise LogUnusableError("this Python has no sqlite3") from None
    path = os.path.join(state_dir, DATABASE)
    try:
        _make(state_dir, path)
        file = _identity(state_dir)
        connection: sqlite3.Connection = engine.connect(
            _address(path), timeout=patience, isolation_level=None, uri=True
        )
    except OSError as fault:
        raise LogUnusableError(f"cannot open {path}: {fault.strerror or fault}") from None
    except engine.Error as fault:
        raise unusable(fault) if os.path.lexists(path) else MovedLogError(str(fault)) from None
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) != SCHEMA_VERSION:
            _migrate(connection, state_dir, file, time.monotonic() + patience)
    except engine.Error as fault:
        raise _given_up(connection, fault, state_dir, file) from None
    except LogUnusableError:
        connection.close()
        raise
    return connection, file


def _begin(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None") -> None:
    """Begins to write; raises MovedLogError."""
    connection.execute("BEGIN IMMEDIATE")
    _check_unmoved(connection, state_dir, file)


def _check_unmoved(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None") -> None:
    """Raises MovedLogError if the database is not this file any more.

    What is written to a file that was set aside, nobody reads. And one who had opened it, and nothing more yet, when
    it was renamed, has by now the new one's write-ahead log beside it, and would write there.
    """
    if _identity(state_dir) != file:
        roll_back(connection)
        _LEFT_OPEN.append(connection)
        raise MovedLogError("another process has set the damaged session log aside meanwhile")


def _given_up(
    connection: "sqlite3.Connection", fault: Exception, state_dir: str, file: "tuple[int, int] | None"
) -> LogUnusableError:
    """SQLite's complaint as ours, the connection being done with; whatever is wrong with a file that was set aside
    is no fault of the log.

    A damaged database is left open where that is no hindrance to renaming it: to close it would write to it.
    """
    complaint = unusable(fault)
    moved = _identity(state_dir) != file
    if isinstance(complaint, DamagedLogError):
        complaint.file = file
    if (moved or isinstance(complaint, DamagedLogError)) and sys.platform != "win32":
        try:
            roll_back(connection)  # others may be waiting for it
        except _engine().Error:
            connection.close()
        else:
            _LEFT_OPEN.append(connection)
    else:
        connection.close()
    return MovedLogError(str(complaint)) if moved else complaint


def set_aside(state_dir: str, file: "tuple[int, int] | None") -> str:
    """Renames a damaged database, so that the next one to open it begins anew; returns what it is called now.

    `file` is the `_identity` of the damaged one: if another process was faster, the new one is left alone. Nothing is
    ever deleted. Raises LogUnusableError when the file cannot be renamed.
    """
    path = os.path.join(state_dir, DATABASE)
    name = f"{DATABASE}.damaged-{now().replace(':', '').replace('-', '')}"
    try:
        lock = _lock(state_dir)
        try:
            if _identity(state_dir) != file:
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


def _identity(state_dir: str) -> "tuple[int, int] | None":
    """Which file the database is, whatever is renamed meanwhile; None where there is none."""
    try:
        found = os.stat(os.path.join(state_dir, DATABASE))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def insert(connection: "sqlite3.Connection", record: "Mapping[str, Any]", spooled_as: "str | None" = None) -> int:
    """Adds the event and brings its session's row and spans up to date, inside the caller's transaction.

    Returns the number of the session's row.
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


def spool(state_dir: str, record: "Mapping[str, Any]") -> None:
    """Keeps the record as a file of its own until the database can be written again; raises OSError."""
    from claude_local_plugin.guest.hook import flat_json

    folder = os.path.join(state_dir, SPOOL)
    os.makedirs(folder, 0o700, exist_ok=True)
    name = f"{time.time_ns()}-{_mark(str(record['session_id']))}-{os.urandom(4).hex()}.json"
    path = os.path.join(folder, name)
    unfinished = f"{path}{UNFINISHED}"
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(flat_json(dict(record, schema=SCHEMA_VERSION)))
        os.replace(unfinished, path)
    except OSError:
        _remove(unfinished)
        raise


def finish_spooling(unfinished: str) -> None:
    """Spools a record whose writer was ended over it, if it is whole; else there is nothing to be made of it."""
    try:
        _record_in(unfinished)
        os.replace(unfinished, unfinished[: -len(UNFINISHED)])
    except OSError:
        return  # gone, or not to be read: the next session tries again
    except (ValueError, TypeError, KeyError):
        _remove(unfinished)


def spooled(state_dir: str, session_id: "str | None" = None) -> "list[str]":
    """The names of the spooled records, oldest first; those of one session (and perhaps some others)."""
    try:
        names = os.listdir(os.path.join(state_dir, SPOOL))
    except OSError:
        return []  # no folder: nothing was ever spooled, which is how it should be
    if names and session_id is not None:
        mark = f"-{_mark(session_id)}-"
        names = [name for name in names if mark in name]
    return sorted(name for name in names if name.endswith(".json"))


def _mark(session_id: str) -> str:
    """What a session's id comes to in a file's name."""
    from binascii import crc32

    return f"{crc32(session_id.encode('utf-8', 'replace')):08x}"


def take_in(
    connection: "sqlite3.Connection", state_dir: str, most: "int | None" = None, session_id: "str | None" = None
) -> int:
    """Moves spooled records (the oldest `most`, those of one session) into the database and returns how many.

    A file that is not a record is set aside as `.bad`; one written by a newer claude-local stays for that one.
    """
    names = spooled(state_dir, session_id)[:most]
    if not names:
        return 0
    folder = os.path.join(state_dir, SPOOL)
    done = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in names:
            record = _read_spooled(os.path.join(folder, name))
            if record is None:
                continue
            if not connection.execute("SELECT 1 FROM events WHERE spooled_as = ?", (name,)).fetchone():
                insert(connection, record, name)
            done.append(name)
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
    for name in done:
        _remove(os.path.join(folder, name))
    return len(done)


def leave(connection: "sqlite3.Connection", state_dir: str) -> None:
    """Ends a hook's use of the database, usually without closing it: the process is about to end.

    The last one to close a database copies the write-ahead log into it and waits for the disk twice, which costs
    more than all else a hook does. What is committed is safe without that: the next one to open finds it in the
    log. So a hook closes only when the log has grown, once in some dozens of events.
    """
    try:
        grown = os.stat(os.path.join(state_dir, f"{DATABASE}-wal")).st_size > MOST_WAL_BYTES
    except OSError:
        grown = True
    if grown:
        connection.close()
    else:
        _LEFT_OPEN.append(connection)


def note_fault(state_dir: str, text: str) -> None:
    """Adds one line to `faults.log`, bounded in size; silent when that fails, for there is nowhere left to say so."""
    path = os.path.join(state_dir, FAULTS)
    line = (f"{now()} {text[:500]}".replace("\n", " ") + "\n").encode("utf-8", "replace")
    try:
        os.makedirs(state_dir, 0o700, exist_ok=True)
        if os.path.exists(path) and os.stat(path).st_size > MOST_FAULT_BYTES:
            os.replace(path, f"{path}.1")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
    except OSError:
        return


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


#: Connections that `leave` keeps from being closed by the garbage collector.
_LEFT_OPEN: "list[sqlite3.Connection]" = []


def _engine() -> "Any":
    """SQLite's C module: the package around it loads `datetime` and more for converters that are not used here."""
    if "_sqlite3" in sys.modules:
        return sys.modules["_sqlite3"]
    lent = _lend_functools()
    try:
        import _sqlite3
    except ImportError:
        pass  # another Python than CPython
    else:
        return _sqlite3
    finally:
        if lent:
            del sys.modules["functools"]
    import sqlite3

    return sqlite3


def _lend_functools() -> bool:
    """Puts in place what SQLite's C module wants of `functools`, whose loading takes three times as long as its own.

    Whether that was needed, and is to be taken away again. Only in Pythons that were seen to want no more of it.
    """
    if sys.version_info >= (3, 14):
        return False
    try:
        from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]
    except ImportError:  # another Python than CPython
        return False
    if "functools" in sys.modules:
        return False
    functools = type(sys)("functools")
    vars(functools)["lru_cache"] = lambda size: lambda function: _lru_cache_wrapper(function, size, False, tuple)
    sys.modules["functools"] = functools
    return True


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
        connection = _engine().connect(_address(new), isolation_level=None, uri=True)
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


def _address(path: str) -> str:
    """The path as a URI by which SQLite opens a database that is there, and makes none."""
    path = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    if sys.platform == "win32":
        path = path.replace("\\", "/")
    return f"file://{'' if path.startswith('/') else '/'}{path}?mode=rw"


def _version(connection: "sqlite3.Connection") -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: "sqlite3.Connection", state_dir: str, file: "tuple[int, int] | None", deadline: float) -> None:
    """Brings the schema to SCHEMA_VERSION; whoever comes second finds the work done."""
    if _version(connection) > SCHEMA_VERSION:
        raise NewerSchemaError(_newer(_version(connection)))
    _use_write_ahead_log(connection, deadline)
    _begin(connection, state_dir, file)
    try:
        _bring_up_to_date(connection)
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def _bring_up_to_date(connection: "sqlite3.Connection") -> None:
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(_newer(version))
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def roll_back(connection: "sqlite3.Connection") -> None:
    """Undoes a transaction that did not come to its end; SQLite has undone it itself after some errors."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _newer(version: int) -> str:
    return f"the session log has schema {version}, this claude-local knows {SCHEMA_VERSION}"


def _use_write_ahead_log(connection: "sqlite3.Connection", deadline: float) -> None:
    """Switches the journal mode; SQLite does not wait for other writers here, so we do."""
    engine = _engine()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except engine.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def _read_spooled(path: str) -> "dict[str, Any] | None":
    """The record in a spool file; None when it is gone, from a newer claude-local, or no record at all."""
    try:
        record = _record_in(path)
    except FileNotFoundError:
        return None  # another process has taken it in
    except (OSError, ValueError, TypeError, KeyError):
        os.replace(path, f"{path}.bad")
        return None
    return record if record["schema"] <= SCHEMA_VERSION else None


def _record_in(path: str) -> "dict[str, Any]":
    """The record in a file; raises OSError, or ValueError, TypeError or KeyError for what is no record."""
    import json

    record = json.loads(content(path, MOST_RECORD_BYTES).decode("utf-8"))
    sound = isinstance(record["schema"], int)
    sound = sound and all(isinstance(record[field], str) for field in ("session_id", "at", "event", "backend_kind"))
    if not sound or any(isinstance(value, (dict, list)) for value in record.values()):
        raise ValueError("no record")
    return dict(record)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # another process was faster; it is gone, which is all that was wanted
