"""How far the log has been sent where, and starting what sends it: apart from whoever looks, and one at a time.

Sending itself is for `claude-local sessions push`. A hook has no part in it: the importer, a process of its own a
second after a session's end, starts it when it has done its work; so do commands that read the log.
"""

import os
import sys
import time

from claude_local_plugin.core import faults, text
from claude_local_plugin.core.apart import start_apart
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.sessionlog import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

#: After one failure the next try waits so long, in seconds; twice as long after each further one, up to the second.
PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
#: What commands start: no more often than this, in seconds, since some of them look twice a second.
BETWEEN_S = 60.0
#: The command that sends, and how it knows that nobody is looking at it.
COMMAND = ("-m", "claude_local_plugin", "sessions", "push", "--by-itself")
#: How long the importer stays to hear how that went, in seconds: longer than it may take (see `commands.push`).
STAYS_S = 900.0

_ROW = "SELECT sent, tried_at, failures FROM pushes WHERE destination = ?"


def destination(state_dir: str, environ: "Mapping[str, str]") -> str:
    """Where the log is to be sent by itself; "" for nowhere."""
    from claude_local_plugin.core import config

    return str(config.load(state_dir, environ).log_push)


@frozen
class Unsent:
    """What is still to be sent somewhere: sessions last active since that moment, as they are by now."""

    destination: str
    active: str

    @property
    def condition(self) -> str:
        """The condition on a session that it is one of them, with `values`."""
        sent = "SELECT sent FROM pushes WHERE destination = :destination"
        return f"last_seen_at >= :active AND changed > coalesce(({sent}), 0)"

    @property
    def values(self) -> "dict[str, str]":
        return {"destination": self.destination, "active": self.active}


def unsent(state_dir: str, environ: "Mapping[str, str]") -> "Unsent | None":
    """What is to be sent by itself and has to stay until it was; None where nothing is sent by itself."""
    from claude_local_plugin.core import config

    settings = config.load(state_dir, environ)
    return Unsent(settings.log_push, since(settings.log_push_since)) if settings.log_push else None


def since(day: str) -> str:
    """The moment from which on sessions leave, of the day that `log.push_since` names; "" for always."""
    return f"{day}T00:00:00.000Z" if day else ""


def is_due(log: "sqlite3.Connection", where: str, now: float, between_s: float = 0.0) -> bool:
    """Whether there is something to send, and it was not tried in vain a moment ago."""
    sent, tried_at, failures = log.execute(_ROW, (where,)).fetchone() or (0, None, 0)
    if log.execute("SELECT 1 FROM sessions WHERE changed > ? LIMIT 1", (sent,)).fetchone() is None:
        return False
    pause = max(between_s, min(PAUSE_S * 2.0 ** (min(failures, 20) - 1), LONGEST_PAUSE_S) if failures else 0.0)
    # one that was tried in the time to come was tried by another clock
    return tried_at is None or not text.now(now - pause) < tried_at <= text.now(now)


def after_import(state_dir: str, environ: "Mapping[str, str]") -> None:
    """Starts a push where one is wanted and due, and notes it where none can run; for the importer's own process."""
    where = destination(state_dir, environ)
    if not where:
        return
    sqlite = store.engine()
    try:
        log = store.connect(state_dir)
        try:
            due = is_due(log, where, time.time())
        finally:
            log.close()
        if due:
            _heard(state_dir, start(state_dir, environ))
    except (store.LogUnusableError, sqlite.Error, OSError) as fault:
        faults.note_fault(state_dir, f"the log is not sent: {fault}")


def start(state_dir: str, environ: "Mapping[str, str]") -> int:
    """Starts what sends the log; the number of its process. Raises OSError."""
    return start_apart((sys.executable, "-I", *COMMAND), dict(environ, CLAUDE_LOCAL_STATE_DIR=state_dir))


def _heard(state_dir: str, process: int) -> None:
    """Waits for it and notes it where it could not even begin: what fails later it notes itself."""
    if not process:
        return
    until = time.monotonic() + STAYS_S
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            if status:
                said = f"the program cannot be run by {sys.executable} ({_how(status)})"
                faults.note_fault(state_dir, f"the log is not sent: {said}")
            return
        time.sleep(0.2)


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit code {os.WEXITSTATUS(status)}"


def beside(state_dir: str, environ: "Mapping[str, str]", log: "sqlite3.Connection") -> None:
    """The same for a command that reads the log, which waits for nothing and says nothing."""
    where = destination(state_dir, environ)
    try:
        if where and is_due(log, where, time.time(), BETWEEN_S):
            start(state_dir, environ)
    except OSError as fault:
        faults.note_fault(state_dir, f"the log is not sent: {fault}")


#: Whoever sends holds this one.
LOCK = f"{store.DATABASE}.push.lock"


def lock(state_dir: str, patience: float) -> "int | None":
    """An open file that says that this process sends, to be closed afterwards; it goes with the process. None where
    another one holds it for longer than so many seconds. Raises OSError.
    """
    file = os.open(os.path.join(state_dir, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + patience
    while True:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= until:
                os.close(file)
                return None
            time.sleep(0.1)
        except OSError:
            os.close(file)
            raise


# --- what is known of a destination


def ask(log: "sqlite3.Connection", where: str, now: str) -> "tuple[int, int]":
    """Notes that everything up to now is asked for, inside the caller's transaction: up to which number, and up to
    which it was sent. What changes from now on has a higher one.
    """
    (last,) = log.execute("SELECT coalesce(max(changed), 0) FROM sessions").fetchone()
    log.execute(
        "INSERT INTO pushes (destination, asked, tried_at) VALUES (:where, :last, :now)"
        " ON CONFLICT (destination) DO UPDATE SET asked = max(asked, :last), tried_at = :now",
        {"where": where, "last": last, "now": now},
    )
    (sent,) = log.execute("SELECT sent FROM pushes WHERE destination = ?", (where,)).fetchone()
    return last, sent


def note_try(log: "sqlite3.Connection", where: str, now: str) -> None:
    """Notes that a destination was to be sent something, inside the caller's transaction."""
    log.execute(
        "INSERT INTO pushes (destination, tried_at) VALUES (:where, :now)"
        " ON CONFLICT (destination) DO UPDATE SET tried_at = :now",
        {"where": where, "now": now},
    )


def note_sent(log: "sqlite3.Connection", where: str, upto: int, sessions: int, now: str) -> None:
    """Notes that everything up to this number has arrived, inside the caller's transaction."""
    log.execute(
        "UPDATE pushes SET sent = max(sent, ?), sent_at = ?, sessions = sessions + ?, failure = NULL,"
        " failed_since = NULL, failures = 0 WHERE destination = ?",
        (upto, now, sessions, where),
    )


def note_failure(log: "sqlite3.Connection", where: str, said: str, now: str) -> None:
    """Notes why it could not be sent, inside the caller's transaction."""
    log.execute(
        "UPDATE pushes SET failure = ?, failed_since = coalesce(failed_since, ?), failures = failures + 1"
        " WHERE destination = ?",
        (said, now, where),
    )
