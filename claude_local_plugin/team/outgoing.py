"""What of the log leaves this machine: whole sessions in batches, in the order in which they changed.

What is sent is what the log has, under the rules of what leaves. The columns have the names of the log's own tables,
with what a number stands for there as text. No transcript's path and no process's number ever leaves.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from claude_local_plugin.core.config import HASHED
from claude_local_plugin.core.digest import hexadecimal
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.sessionlog.pushing import Unsent
from claude_local_plugin.text import without_secrets

#: So many rows go into a batch before it is closed; a session is never divided.
BATCH_ROWS = 2000

#: The columns of a session that may leave; `changed` tells which of two tellings is the later one.
SESSION = (
    "session_id",
    "started_at",
    "last_seen_at",
    "ended_at",
    "end_reason",
    "source",
    "cwd",
    "project",
    "backend_kind",
    "backend_url",
    "via",
    "model",
    "reachable",
    "latency_ms",
    "blocked",
    "client_version",
    "entrypoint",
    "host",
    "sent",
    "profile",
    "changed",
)
COUNTED = (
    "duration_ms",
    "messages",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "errors",
    "retries",
)
#: The columns of a span, in the order in which spans began; `backend_kind`, `backend_url` and `via` are its endpoint's.
SPAN = (
    "started_at",
    "ended_at",
    "cause",
    "backend_kind",
    "backend_url",
    "via",
    "model",
    "model_is_certain",
    "project",
    "main",
    "first",
    "new_endpoint",
    "new_model",
    *COUNTED,
)
EVENT = (
    "at",
    "event",
    "cause",
    "backend_kind",
    "backend_url",
    "via",
    "outcome",
    "status",
    "latency_ms",
    "blocked",
    "detail",
)
BACKEND = ("url", "kind", "version", "seen_at")

#: Where an event has the name of a folder: see `hook_runtime.events`.
_FOLDER_IN = {"CwdChanged": "cause", "DirectoryAdded": "detail"}

_ELSEWHERE = {
    "backend_kind": "endpoints.kind",
    "backend_url": "endpoints.url",
    "via": "endpoints.via",
    "model": "models.name",
    "project": "projects.path",
}
_SESSIONS = (
    f"SELECT id, {', '.join(SESSION)} FROM sessions WHERE changed > :since AND changed <= :upto"
    " AND last_seen_at >= :active ORDER BY changed"
)
_SPANS = (
    f"SELECT {', '.join(_ELSEWHERE.get(name, f'spans.{name}') for name in SPAN)} FROM spans"
    " JOIN endpoints ON endpoints.id = spans.endpoint LEFT JOIN models ON models.id = spans.model"
    " LEFT JOIN projects ON projects.id = spans.project WHERE spans.session = ? ORDER BY spans.id"
)
_EVENTS = f"SELECT {', '.join(EVENT)} FROM events WHERE session = ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class Rules:
    """How what tells of people and places leaves: each "full", "hash" (with the team's salt) or "off".

    `person` is what whoever works here is called, `machine` the name of this machine; `active`, a moment as the log
    spells it, is that before which a session was last active that does not leave at all.
    """

    cwd: str = "off"
    project: str = "full"
    host: str = "full"
    user: str = "full"
    salt: bytes = b""
    person: str | None = None
    machine: str | None = None
    active: str = ""

    def leaves(self, what: str, value: str | None) -> str | None:
        """The value as it leaves, `what` being the name of its rule; what is a hash already stays that one."""
        rule = getattr(self, what)
        if value is None or rule == "full" or value.startswith(HASHED):
            return value if rule != "off" else None
        if rule != "hash" or not self.salt:
            return None
        return HASHED + hexadecimal(self.salt + value.encode("utf-8", "surrogatepass"))[:16]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session whole: its row, its spans and its events, with the columns SESSION, SPAN and EVENT."""

    session: dict[str, Any]
    spans: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]

    @property
    def rows(self) -> int:
        return 1 + len(self.spans) + len(self.events)

    def as_json(self) -> dict[str, Any]:
        return {"session": self.session, "spans": list(self.spans), "events": list(self.events)}


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent at once. `log` is the id of the log it comes from, `upto` the number of the last change in it,
    `last` that of the last change in the log.

    Of two tellings of a session from the same log that with the higher `changed` is the later one.
    """

    log: str
    machine: str | None
    person: str | None
    program: str
    sessions: tuple[SessionRow, ...]
    backends: tuple[dict[str, Any], ...]
    upto: int
    last: int

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.sessions)

    def as_json(self) -> dict[str, Any]:
        """The batch as JSON has it; the other side reads this and nothing else."""
        return {
            "log": self.log,
            "machine": self.machine,
            "person": self.person,
            "program": self.program,
            "upto": self.upto,
            "last": self.last,
            "sessions": [each.as_json() for each in self.sessions],
            "backends": list(self.backends),
        }


def name_of(log: sqlite3.Connection) -> str:
    """The id of this very log."""
    return str(log.execute("SELECT id FROM log").fetchone()[0])


def last_change(log: sqlite3.Connection) -> int:
    """The highest number of a change there is."""
    return int(log.execute("SELECT coalesce(max(changed), 0) FROM sessions").fetchone()[0])


def waiting(log: sqlite3.Connection, where: str, rules: Rules) -> int:
    """How many sessions are still to be sent to a destination."""
    still = Unsent(where, rules.active)
    (count,) = log.execute(f"SELECT count(*) FROM sessions WHERE {still.condition}", still.values).fetchone()
    return int(count)


def batches(
    log: sqlite3.Connection, since: int, rules: Rules, size: int = BATCH_ROWS, *, upto: int | None = None
) -> Iterator[Batch]:
    """What has changed since that number (and up to another one), the oldest change first, about `size` rows at a time.

    Each batch is read in one transaction, so that a session is as it was at one moment.
    """
    name = name_of(log)
    upto = last_change(log) if upto is None else upto
    while True:
        log.execute("BEGIN")
        try:
            found = _next(log, since, upto, rules, size)
            backends, last = _backends(log, found), last_change(log)
        finally:
            log.execute("ROLLBACK")
        if not found:
            return
        since = found[-1].session["changed"]
        yield Batch(name, *_who(rules), found, backends, since, last)


def nothing(log: sqlite3.Connection, rules: Rules, upto: int) -> Batch:
    """A batch that says no more than that this machine is there, and that there is nothing else up to this number."""
    return Batch(name_of(log), *_who(rules), (), (), upto, last_change(log))


def _who(rules: Rules) -> tuple[str | None, str | None, str]:
    """This machine, whoever works here, and this program's version."""
    from claude_local_plugin import __version__

    return rules.leaves("host", rules.machine), rules.leaves("user", rules.person), __version__


def _next(log: sqlite3.Connection, since: int, upto: int, rules: Rules, size: int) -> tuple[SessionRow, ...]:
    found: list[SessionRow] = []
    rows = 0
    for number, *values in log.execute(_SESSIONS, {"since": since, "upto": upto, "active": rules.active}):
        row = _session(log, number, values, rules)
        found.append(row)
        rows += row.rows
        if rows >= size:
            break
    return tuple(found)


def _session(log: sqlite3.Connection, number: int, values: list[Any], rules: Rules) -> SessionRow:
    session = _open(dict(zip(SESSION, values, strict=True)))
    session["cwd"] = rules.leaves("cwd", session["cwd"])
    session["project"] = rules.leaves("project", session["project"])
    session["host"] = rules.leaves("host", session["host"])
    spans = [_open(dict(zip(SPAN, row, strict=True))) for row in log.execute(_SPANS, (number,))]
    for span in spans:
        span["project"] = rules.leaves("project", span["project"])
    events = [_open(dict(zip(EVENT, row, strict=True))) for row in log.execute(_EVENTS, (number,))]
    for event in events:
        place = _FOLDER_IN.get(event["event"])
        for name in ("cause", "detail"):
            if name == place:
                event[name] = rules.leaves("cwd", event[name])
            elif event[name]:
                event[name] = without_secrets(event[name], prose=True)
    return SessionRow(session, tuple(spans), tuple(events))


def _open(row: dict[str, Any]) -> dict[str, Any]:
    """The row with no credentials in its URLs, were they ever written there."""
    for name in ("backend_url", "via"):
        if row[name] and "@" in row[name]:
            row[name] = without_credentials(row[name])
    return row


def without_credentials(url: str) -> str | None:
    """A URL without user, password, query and fragment; None where nobody knows what is what in it."""
    target = parse_url(url)
    if target is not None:
        return target.url
    return url if "://" not in url and url.startswith("unix:") else None


def _backends(log: sqlite3.Connection, sessions: tuple[SessionRow, ...]) -> tuple[dict[str, Any], ...]:
    """What is known of the servers that these sessions were on."""
    urls = {each.session["backend_url"] for each in sessions} | {
        span["backend_url"] for each in sessions for span in each.spans
    }
    found = []
    for url in sorted(filter(None, urls)):
        row = log.execute(f"SELECT {', '.join(BACKEND)} FROM backends WHERE url = ?", (url,)).fetchone()
        if row:
            found.append(dict(zip(BACKEND, row, strict=True)))
    return tuple(found)


def called(rules: Rules, *, environ: Mapping[str, str]) -> Rules:
    """The rules with the names of this machine and of whoever works here, where nobody has given any.

    The person's is the system's own, not a variable's: those a repository can set.
    """
    from claude_local_plugin.sessionlog.journal import this_host

    return replace(rules, machine=rules.machine or this_host(), person=rules.person or _login(environ))


def _login(environ: Mapping[str, str]) -> str | None:
    try:
        import pwd
    except ImportError:  # Windows
        return environ.get("USERNAME") or None
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None  # a user without a name, as in a container
