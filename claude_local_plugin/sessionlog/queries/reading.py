"""Questions to the session log. Asking creates nothing: with no log there are no sessions."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from claude_local_plugin.core.files import opened
from claude_local_plugin.core.frozen import names_of, replace
from claude_local_plugin.core.installed import newer
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import importer, journal, pushing, store
from claude_local_plugin.sessionlog.queries.filters import Where, is_below
from claude_local_plugin.sessionlog.queries.log import SOMETHING_SENT, LocalLog
from claude_local_plugin.sessionlog.queries.records import CAUSE, Event, Session, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log, Source

#: How long a reader waits for writers, in seconds: a person is waiting, not a session.
PATIENCE_S = 3.0
#: So many sessions' spans are asked for at once.
_BATCH = 500

_OF_SESSION = [name for name in names_of(Session) if name != "spans"]
_EVENT = ", ".join(names_of(Event))
_ELSEWHERE = {
    "cause": CAUSE,
    "backend_kind": "endpoints.kind",
    "backend_url": "endpoints.url",
    "via": "endpoints.via",
    "model": "models.name",
}
_SPAN = ", ".join(_ELSEWHERE.get(name, f"spans.{name}") for name in names_of(Span))
_SPANS = "spans JOIN endpoints ON endpoints.id = spans.endpoint LEFT JOIN models ON models.id = spans.model"


def sessions(source: "Source", limit: int | None = None, where: Where | None = None) -> tuple[Session, ...]:
    """The sessions on record, newest first, at most `limit`."""
    with open_log(source) as log:
        return () if log is None else newest(log, limit, where or Where())


def newest(log: "Log", limit: int | None, where: Where) -> tuple[Session, ...]:
    """The same of a log that is open."""
    at_most = "" if limit is None else " LIMIT :limit"
    condition = f"{where.of_sessions(log)} ORDER BY started_at DESC, id DESC{at_most}"
    return _sessions(log, condition, {**where.values, "limit": limit})


def session(source: "Source", session_id: str) -> Session | None:
    """The session with exactly this id."""
    with open_log(source) as log:
        found = () if log is None else _sessions(log, "session_id = :id", {"id": session_id})
        return found[0] if found else None


def matching(source: "Source", prefix: str, limit: int = 10) -> tuple[Session, ...]:
    """The sessions whose id begins with `prefix`, newest first; the one whose id it is, if there is one, alone."""
    with open_log(source) as log:
        if log is None:
            return ()
        return _sessions(log, "session_id = :id", {"id": prefix}) or _sessions(
            log,
            "session_id >= :first AND session_id < :last ORDER BY started_at DESC LIMIT :limit",
            {"first": prefix, "last": f"{prefix}\U0010ffff", "limit": limit},
        )


def events(source: "Source", session: Session | str) -> tuple[Event, ...]:
    """What happened in a session, or in the one with this id, in order."""
    with open_log(source) as log:
        if log is None:
            return ()
        session_id, machine = (session, None) if isinstance(session, str) else (session.session_id, session.machine)
        of_machine = "TRUE" if machine is None else f"{log.machine_name} = :machine"
        rows = log.execute(
            f"SELECT {_EVENT} FROM events WHERE session IN"
            f" (SELECT id FROM sessions WHERE session_id = :id AND {of_machine}) ORDER BY at, id",
            {"id": session_id, "machine": machine},
        )
        return tuple(_event(row) for row in rows)


def last_session(state_dir: Path, folder: str) -> dict[str, object] | None:
    """The newest session of a folder (its own or as the project of one), as `sessions list --json` shows it.

    One in which nothing was sent is passed over.
    """
    with open_log(state_dir, quick=True) as log:
        return None if log is None else _last_session(log, folder)


def _last_session(log: "Log", folder: str) -> dict[str, object] | None:
    newest = f"(cwd = :folder OR project = :folder) AND {SOMETHING_SENT} ORDER BY started_at DESC, id DESC LIMIT 1"
    found = _sessions(log, newest, {"folder": folder})
    return found[0].as_json() if found else None


def backend_kind(state_dir: Path, url: str) -> str | None:
    """What the server at this URL is known to be."""
    with open_log(state_dir, quick=True) as log:
        return None if log is None else _backend_kind(log, url)


def _backend_kind(log: "Log", url: str) -> str | None:
    row = log.execute("SELECT kind FROM backends WHERE url = ?", (url,)).fetchone()
    return str(row[0]) if row else None


def glance(
    state_dir: Path, folders: Iterable[Sequence[str]], url: str | None
) -> tuple[dict[str, object] | None, str | None]:
    """`last_session` of the first of these folders that has one, each under all its names, and `backend_kind`.

    The log is opened once, which is most of what either of them takes.
    """
    with open_log(state_dir, quick=True) as log:
        if log is None:
            return None, None
        kind = _backend_kind(log, url) if url else None
        for names in folders:
            found = [session for name in names if (session := _last_session(log, name))]
            if found:
                return max(found, key=lambda session: str(session["started_at"])), kind
        return None, kind


def is_on_record(source: "Source", projects: Iterable[str]) -> bool:
    """Whether a session was in one of these folders or below."""
    wanted = tuple(projects)
    with open_log(source, quick=True) as log:
        return log is not None and any(is_below(path, wanted) for (path,) in log.execute("SELECT path FROM projects"))


@contextmanager
def open_log(source: "Source", *, quick: bool = False) -> "Iterator[Log | None]":
    """The log opened for reading, None when there is none; raises ClaudeLocalError when it cannot be read.

    A team's log is read as it is; this machine's see `open_own`.
    """
    if not isinstance(source, Path):
        with source.open() as shared:
            yield shared
        return
    with open_own(source, quick=quick) as connection:
        yield None if connection is None else LocalLog(connection)


@contextmanager
def open_own(state_dir: Path, *, quick: bool = False, sends: bool = True) -> Iterator[sqlite3.Connection | None]:
    """The database of this machine's log opened for reading, None when there is none; raises ClaudeLocalError.

    What hooks have written since is put in first, and unless it has to be `quick` what they could not see of sessions
    is caught up with, where that can be done. Where the log is to be sent somewhere that is begun then, unless `sends`
    says that it is not for this one to begin.
    """
    path = state_dir / store.DATABASE
    importer.run(str(state_dir), os.environ, PATIENCE_S, quick=quick)
    try:
        os.close(opened(path))  # a pipe in its place would keep SQLite waiting for ever
    except FileNotFoundError as fault:
        if os.path.lexists(path):
            raise _unreadable(path, "a link that leads nowhere") from fault
        yield None
        return
    except OSError as fault:
        raise _unreadable(path, store.reason(fault)) from fault
    try:
        with closing(_open(path)) as connection:
            if sends and not quick:
                pushing.beside(str(state_dir), os.environ, connection)
            yield connection
    except sqlite3.Error as fault:
        raise _unreadable(path, store.explain(fault)) from fault


def _open(path: Path) -> sqlite3.Connection:
    """A read-only connection to a log of this program's schema; an older one is migrated first."""
    log, version = _open_read_only(path)
    if version == store.SCHEMA_VERSION:
        return log
    log.close()
    if version > store.SCHEMA_VERSION:
        raise _unreadable(path, store.of_a_newer(version))
    try:
        return store.connect(str(path.parent), PATIENCE_S)
    except store.LogUnusableError as fault:
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
    return ClaudeLocalError(f"{path}: {problem}", hint(path, problem))


def hint(path: Path, problem: str) -> str:
    """What to do when the log at `path` has this problem (in the words of `sessionlog.explain`)."""
    if problem.startswith("the session log has schema"):
        return f"a newer claude-local wrote it: {newer()}"
    if "damaged" in problem:
        return "the next session sets it aside as it ends, and a new one is made; until then there is nothing to read"
    if "busy" in problem:
        return "try again in a moment"
    if "full" in problem:
        return f"make room on the disk of {path.parent}"
    if "a link that leads" in problem:
        return f"fix the link, or take it out of {path.parent}: the next session begins a new log"
    if "not a regular file" in problem or "a folder" in problem:
        return f"move it out of {path.parent}: the next session begins a new log"
    if any(word in problem for word in ("readonly", "unable to open", "denied", "Read-only")):
        return f"the folder is read-only, or the file: make {path.parent} and what is in it writable for you"
    more = command("claude-local", "doctor", "hooks")
    return f"{more} says more; until then sessions are kept in {path.parent / journal.FOLDER}"


def _sessions(log: "Log", condition: str, values: Mapping[str, object]) -> tuple[Session, ...]:
    """The sessions for which the condition holds, each with its spans."""
    named = {"machine": log.machine_name, "person": log.person_name}
    columns = ", ".join(named.get(name, name) for name in _OF_SESSION)
    rows = log.execute(f"SELECT id, {columns} FROM sessions WHERE {condition}", values).fetchall()
    spans: dict[int, list[Span]] = {}
    for start in range(0, len(rows), _BATCH):
        _add_spans(log, [row[0] for row in rows[start : start + _BATCH]], spans)
    return tuple(replace(_session(row[1:]), spans=tuple(spans.get(row[0], ()))) for row in rows)


def _add_spans(log: "Log", numbers: Sequence[int], spans: dict[int, list[Span]]) -> None:
    """Adds the spans of these sessions, each session's in order."""
    wanted = ", ".join(map(str, numbers))
    for number, *row in log.execute(
        f"SELECT spans.session, {_SPAN} FROM {_SPANS} WHERE spans.session IN ({wanted}) ORDER BY spans.id"
    ):
        spans.setdefault(number, []).append(_span(row))


def _session(row: Sequence[object]) -> Session:
    values = dict(zip(names_of(Session), row, strict=False))
    if values["reachable"] is not None:
        values["reachable"] = bool(values["reachable"])
    return Session(**values)  # type: ignore[arg-type]  # a row has the columns' types, which SQLite does not tell


def _span(row: Sequence[object]) -> Span:
    values = dict(zip(names_of(Span), row, strict=True))
    values["main"] = bool(values["main"])
    return Span(**values)  # type: ignore[arg-type]  # as above


def _event(row: Sequence[object]) -> Event:
    values = dict(zip(names_of(Event), row, strict=True))
    values["blocked"] = bool(values["blocked"])
    return Event(**values)  # type: ignore[arg-type]  # as above
