"""What happens in all sessions, one after the other: starts, blocks, switches, failures, ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from claude_local_plugin.sessionlog.queries.log import SOMETHING_SENT
from claude_local_plugin.sessionlog.queries.reading import open_log

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log


class What(StrEnum):
    """The kinds of things that happen."""

    START = "start"
    BLOCKED = "blocked"
    SWITCH = "switch"
    FAILED = "failed"
    END = "end"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened in a session; `detail` says more where there is more to say.

    The backend and the model are those it is on from then on.
    """

    at: str
    what: What
    session_id: str
    project: str | None
    backend_kind: str
    backend_url: str | None
    model: str | None
    detail: str | None

    def as_json(self) -> dict[str, object]:
        """A line of `claude-local sessions tail --json`."""
        return {
            "at": self.at,
            "what": self.what.value,
            "session_id": self.session_id,
            "project": self.project,
            "backend": {"kind": self.backend_kind, "url": self.backend_url},
            "model": self.model,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the log was read: the last event and span, and the sessions that were open."""

    event: int = 0
    span: int = 0
    running: frozenset[int] = frozenset()


#: What is said at the end of a session without a prompt, an answer or a failure.
NOTHING = "nothing was sent"

#: Among so many of the newest the latest is looked for.
_FAR = 20_000

#: The errors of one run of a session: in the spans since it was resumed last, which each resumption begins anew.
_ERRORS = (
    "(SELECT sum(errors) FROM spans WHERE spans.session = sessions.id {} AND spans.started_at >= coalesce("
    "(SELECT max(began.at) FROM events AS began WHERE began.session = sessions.id AND began.event = 'SessionStart'"
    " AND began.cause = 'resume' {}), ''))"
)


def latest(state_dir: Path, count: int) -> tuple[tuple[Happening, ...], Mark]:
    """The last `count` things that happened, the oldest first, and the mark to go on from."""
    with open_log(state_dir) as log:
        if log is None:
            return (), Mark()
        mark = _mark(log)
        found = [
            *_events(log, mark.event - _FAR, count),
            *_switches(log, mark.span - _FAR, count),
            *_killed(log, count),
        ]
        return _in_order(found)[-count:], mark


def since(state_dir: Path, mark: Mark, *, quick: bool = False) -> tuple[tuple[Happening, ...], Mark]:
    """What has happened since then, and the new mark; `quick` leaves it to another time to look for dead processes."""
    with open_log(state_dir, quick=quick) as log:
        if log is None:
            return (), Mark()
        now = _mark(log)
        if now.event < mark.event:  # another log was begun
            mark = Mark()
        found = [*_events(log, mark.event, -1), *_switches(log, mark.span, -1)]
        gone = ", ".join(map(str, mark.running - now.running))
        return _in_order([*found, *_killed(log, -1, f"id IN ({gone})")]), now


def _in_order(found: list[Happening]) -> tuple[Happening, ...]:
    return tuple(sorted(found, key=lambda happening: happening.at))


def _mark(log: "Log") -> Mark:
    event, span = (log.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0 for table in ("events", "spans"))
    return Mark(event, span, frozenset(row[0] for row in log.execute("SELECT id FROM sessions WHERE ended_at IS NULL")))


def _events(log: "Log", after: int, most: int) -> Iterator[Happening]:
    """What hooks have seen; newest first, as are the others."""
    for at, event, cause, outcome, detail, blocked, kind, url, session_id, project, model, errors, sent in log.execute(
        "SELECT at, event, cause, outcome, detail, events.blocked,"
        " CASE WHEN events.backend_url IS sessions.backend_url AND events.backend_kind = 'unknown'"
        " THEN sessions.backend_kind ELSE events.backend_kind END, events.backend_url, session_id, project,"
        " (SELECT name FROM spans LEFT JOIN models ON models.id = spans.model WHERE spans.session = sessions.id"
        " AND main AND spans.started_at <= events.at ORDER BY spans.id DESC LIMIT 1),"
        f" {_ERRORS.format('AND spans.started_at <= events.at', 'AND began.id <= events.id')}, {SOMETHING_SENT}"
        # in the order of time, which that of their numbers is not: sessions are put into the log one after the other
        " FROM events JOIN sessions ON sessions.id = events.session WHERE events.id IN (SELECT id FROM events"
        " WHERE id > ? AND (blocked OR event IN ('SessionStart', 'SessionEnd', 'StopFailure'))"
        " ORDER BY at DESC, id DESC LIMIT ?) ORDER BY events.at DESC, events.id DESC",
        (after, most),
    ):
        looked = None if outcome == "ok" else outcome
        if blocked:
            what, said = What.BLOCKED, [detail or looked]
        elif event == "SessionStart":
            what, said = What.START, [cause, looked]
        elif event == "SessionEnd":
            what, said = What.END, [cause, _failed(errors) if sent else NOTHING]
        else:
            what, said = What.FAILED, [cause]
        yield Happening(at, what, session_id, project, kind, url, model, _joined(said))


def _switches(log: "Log", after: int, most: int) -> Iterator[Happening]:
    """Sessions that went on elsewhere, or with another model."""
    for row in log.execute(
        "SELECT spans.started_at, session_id, sessions.project, kind, url, name, cause FROM spans"
        " JOIN sessions ON sessions.id = spans.session JOIN endpoints ON endpoints.id = spans.endpoint"
        " LEFT JOIN models ON models.id = spans.model"
        " WHERE spans.id > ? AND cause <> 'start' ORDER BY spans.id DESC LIMIT ?",
        (after, most),
    ):
        at, *who = row
        yield Happening(at, What.SWITCH, *who)


def _killed(log: "Log", most: int, condition: str | None = None) -> Iterator[Happening]:
    """Sessions whose process was gone, of the newest unless the condition says which."""
    if condition is None:
        condition = f"id > (SELECT max(id) FROM sessions) - {_FAR}"
    for at, session_id, project, kind, url, model, errors, sent in log.execute(
        "SELECT ended_at, session_id, project, backend_kind, backend_url, model,"
        f" {_ERRORS.format('', '')}, {SOMETHING_SENT} FROM sessions"
        f" WHERE end_reason = 'killed' AND {condition} ORDER BY id DESC LIMIT ?",
        (most,),
    ):
        yield Happening(at, What.KILLED, session_id, project, kind, url, model, _failed(errors) if sent else NOTHING)


def _failed(errors: int | None) -> str | None:
    return f"{errors} failed request{'' if errors == 1 else 's'}" if errors else None


def _joined(words: list[str | None]) -> str | None:
    return ", ".join(word for word in words if word) or None
