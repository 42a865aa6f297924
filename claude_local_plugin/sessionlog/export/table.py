"""The log as a flat table: one row per session or per span, read one by one, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from claude_local_plugin.sessionlog.queries.filters import Where
from claude_local_plugin.sessionlog.queries.reading import open_log
from claude_local_plugin.sessionlog.queries.records import CAUSE

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log, Source


class Type(Enum):
    """What a column holds; any of them may be missing."""

    TEXT = "text"
    MOMENT = "moment"
    WHOLE = "whole"
    NUMBER = "number"
    YES_NO = "yes or no"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, where it comes from, what it holds."""

    name: str
    source: str
    type: Type = Type.TEXT


_COUNTED = ("messages", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "errors", "retries")
_STATE = "CASE WHEN sessions.ended_at IS NULL THEN 'running' WHEN end_reason = 'killed' THEN 'killed' ELSE 'ended' END"

#: `session_id` is Claude Code's own, which other tools that read its transcripts use too.
SESSIONS = (
    Column("session_id", "session_id"),
    Column("started_at", "sessions.started_at", Type.MOMENT),
    Column("ended_at", "sessions.ended_at", Type.MOMENT),
    Column("end_reason", "end_reason"),
    Column("state", _STATE),
    Column("source", "source"),
    Column("cwd", "cwd"),
    Column("project", "sessions.project"),
    Column("backend_kind", "backend_kind"),
    Column("backend_url", "backend_url"),
    Column("via", "via"),
    Column("model", "sessions.model"),
    Column("reachable", "reachable", Type.YES_NO),
    Column("latency_ms", "latency_ms", Type.NUMBER),
    Column("client_version", "client_version"),
    Column("entrypoint", "entrypoint"),
    Column("profile", "profile"),
    Column("host", "host"),
    Column("blocked", "blocked", Type.WHOLE),
    Column("spans", "count(spans.id)", Type.WHOLE),
    Column("duration_s", "coalesce(sum(duration_ms), 0) / 1000.0", Type.NUMBER),
    *(Column(name, f"coalesce(sum({name}), 0)", Type.WHOLE) for name in _COUNTED),
)
SPANS = (
    Column("session_id", "session_id"),
    Column("started_at", "spans.started_at", Type.MOMENT),
    Column("ended_at", "spans.ended_at", Type.MOMENT),
    Column("cause", CAUSE),
    Column("main", "main", Type.YES_NO),
    Column("project", "projects.path"),
    Column("backend_kind", "endpoints.kind"),
    Column("backend_url", "endpoints.url"),
    Column("via", "endpoints.via"),
    Column("model", "models.name"),
    Column("duration_s", "duration_ms / 1000.0", Type.NUMBER),
    *(Column(name, name, Type.WHOLE) for name in _COUNTED),
)

#: Of a team's log besides; `source` is the member of Log that says where it comes from.
WHOSE = (Column("machine", "machine_name"), Column("person", "person_name"))

_OF_SESSIONS = "sessions LEFT JOIN spans ON spans.session = sessions.id WHERE {} GROUP BY {} ORDER BY sessions.id"
_OF_SPANS = (
    "spans JOIN sessions ON sessions.id = spans.session JOIN endpoints ON endpoints.id = spans.endpoint"
    " LEFT JOIN models ON models.id = spans.model LEFT JOIN projects ON projects.id = spans.project"
    " WHERE {} ORDER BY spans.id"
)


def columns_of(source: "Source", *, spans: bool) -> tuple[Column, ...]:
    """The columns of this log's table with a row per session, or per span."""
    whose = () if isinstance(source, Path) else WHOSE
    return (*(SPANS if spans else SESSIONS), *whose)


def rows(source: "Source", where: Where | None = None, *, spans: bool = False) -> Iterator[tuple[object, ...]]:
    """The rows with these columns, in the order in which they came into the log."""
    columns = columns_of(source, spans=spans)
    switches = [place for place, column in enumerate(columns) if column.type is Type.YES_NO]
    where = where or Where()
    with open_log(source) as log:
        if log is None:
            return
        sources = [getattr(log, column.source) if column in WHOSE else column.source for column in columns]
        query = f"SELECT {', '.join(sources)} FROM {_of(log, where, spans)}"
        for row in log.stream(query, where.values):
            values = list(row)
            for place in switches:
                values[place] = None if row[place] is None else bool(row[place])
            yield tuple(values)


def _of(log: "Log", where: Where, spans: bool) -> str:
    if spans:
        return _OF_SPANS.format(where.of_spans(log))
    # PostgreSQL knows by the whole key alone that a group is one session
    key = "sessions.id, sessions.started_at" if log.shared else "sessions.id"
    return _OF_SESSIONS.format(where.of_sessions(log), key)
