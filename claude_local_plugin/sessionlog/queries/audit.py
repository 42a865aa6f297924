"""Which backends the sessions of projects used, for the question whether they may."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import TYPE_CHECKING

from claude_local_plugin.core.frozen import replace
from claude_local_plugin.sessionlog.queries.filters import Where
from claude_local_plugin.sessionlog.queries.reading import open_log
from claude_local_plugin.sessionlog.queries.records import backend_json, whose

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Source

#: Whether a project (None: not on record) may use the backend of this kind and URL through what stands between.
Allows = Callable[[str | None, str, str | None, str | None], bool]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span on a backend that is not allowed. `held_back`: nothing was sent, for all prompts there were blocked, or
    the address was none that anything can be sent to.
    """

    session_id: str
    started_at: str
    ended_at: str
    project: str | None
    backend_kind: str
    backend_url: str | None
    via: str | None
    model: str | None
    messages: int
    machine: str | None
    person: str | None
    held_back: bool

    def as_json(self) -> dict[str, object]:
        """The stretch as an item of `claude-local audit --json`."""
        return {
            "session_id": self.session_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "project": self.project,
            "backend": backend_json(self.backend_kind, self.backend_url, self.via),
            "model": self.model,
            "messages": self.messages,
            **whose(self.machine, self.person),
        }


_USED = "SELECT DISTINCT project, endpoint FROM spans WHERE {}"
#: The same of what is added up, which tells times and states not apart.
_USED_EVER = "SELECT DISTINCT nullif(project, 0), endpoint FROM sums WHERE spans <> 0 AND {}"
_PROMPTS = (
    "(SELECT {} FROM events WHERE events.session = spans.session AND event = 'UserPromptSubmit'"
    " AND events.backend_url IS endpoints.url AND (endpoints.url IS NOT NULL OR events.backend_kind = endpoints.kind)"
    " AND coalesce(events.via, '') = coalesce(endpoints.via, ''))"
)
_STRETCHES = (
    "SELECT session_id, spans.started_at, spans.ended_at, projects.path, endpoints.kind, endpoints.url, endpoints.via,"
    " models.name, messages, {}, {}, messages = 0 AND (endpoints.kind = 'unknown' AND endpoints.url IS NULL"
    f" OR errors + retries = 0 AND {_PROMPTS.format('count(*) > 0 AND count(*) = sum(events.blocked)')})"
    " FROM spans JOIN sessions ON sessions.id = spans.session JOIN endpoints ON endpoints.id = spans.endpoint"
    " LEFT JOIN models ON models.id = spans.model LEFT JOIN projects ON projects.id = spans.project"
    " WHERE (coalesce(spans.project, 0), spans.endpoint) IN (VALUES {}) AND {}"
    " AND {} ORDER BY spans.started_at, spans.id"
)


def outside(source: "Source", allows: Allows, where: Where | None = None) -> tuple[Stretch, ...]:
    """The spans on backends that are not allowed, in the order of time; without sessions in which nothing was sent."""
    where = where or Where()
    with open_log(source) as log:
        if log is None:
            return ()
        paths = dict(log.execute("SELECT id, path FROM projects").fetchall())
        endpoints = {number: backend for number, *backend in log.execute("SELECT id, kind, url, via FROM endpoints")}
        wanted = where.of_spans(log)
        ever = replace(where, projects=(), backend=None, model=None, sent=False).is_everything
        used = _USED_EVER.format(replace(where, sent=False).of_spans(log, "sums")) if ever else _USED.format(wanted)
        wrong = [
            f"({project or 0}, {endpoint})"
            for project, endpoint in log.execute(used, where.values)
            if not allows(paths.get(project), *endpoints[endpoint])
        ]
        if not wrong:
            return ()
        names, sent = (log.machine_name, log.person_name), log.something_sent("spans")
        rows = log.execute(_STRETCHES.format(*names, ", ".join(wrong), wanted, sent), where.values)
        return tuple(changed(Stretch(*row), held_back=bool(row[-1])) for row in rows)


def without_way(source: "Source", where: Where | None = None) -> int:
    """How many sessions have spans of which it is not on record whether requests went through a proxy or a socket."""
    where = where or Where()
    with open_log(source) as log:
        if log is None:
            return 0
        (count,) = log.execute(
            "SELECT count(DISTINCT session) FROM spans WHERE endpoint IN (SELECT id FROM endpoints WHERE via = '')"
            f" AND {where.of_spans(log)}",
            where.values,
        ).fetchone()
        return int(count)
