"""The log as OpenTelemetry has it: a log record for each session and each span of one, and what they add up to as
metrics. Plain values here, as `push --dry-run` prints them; `otlp` sends them.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from claude_local_plugin.core.digest import hexadecimal
from claude_local_plugin.team.outgoing import COUNTED, Batch, Rules, name_of, without_credentials

SESSION_EVENT = "claude_local.session"
SPAN_EVENT = "claude_local.span"

#: What a record of a session has of its row.
_OF_SESSION = (
    "started_at",
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
    "blocked",
    "client_version",
    "entrypoint",
    "profile",
    "changed",
)
_OF_SPAN = ("started_at", "ended_at", "cause", "backend_kind", "backend_url", "via", "model", "project", "main")
_FLAGS = ("reachable", "main")


@dataclass(frozen=True, slots=True)
class Point:
    """A number of a metric, for one backend, model and project."""

    name: str
    unit: str
    attributes: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What the whole log adds up to at one moment, both in nanoseconds since 1970 as OpenTelemetry counts."""

    resource: dict[str, str]
    since: int
    at: int
    points: tuple[Point, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "since": self.since,
            "at": self.at,
            "points": [
                {"name": each.name, "unit": each.unit, "attributes": each.attributes, "value": each.value}
                for each in self.points
            ],
        }


def resource(machine: str | None, person: str | None, program: str) -> dict[str, str]:
    """Who says so: this program of this version on this machine, and the name of whoever works here."""
    named = {"host.name": machine, "user.name": person}
    return {
        "service.name": "claude-local",
        "service.version": program,
        **{key: value for key, value in named.items() if value is not None},
    }


def records(batch: Batch) -> list[dict[str, Any]]:
    """The log records of a batch: what it is called, when, and its attributes.

    The same telling of a session has the same `log.record.uid` and the same time, however often it is sent; of
    several, that with the highest `claude_local.changed` is the last.
    """
    found = []
    for row in batch.sessions:
        session = row.session
        who = {"session.id": session["session_id"], "host.name": session["host"]}
        uid = f"{batch.log}/{session['session_id']}/{session['changed']}"
        sums = {name: sum(span[name] for span in row.spans) for name in COUNTED}
        told = {**{name: session[name] for name in _OF_SESSION}, **sums, "spans": len(row.spans)}
        found.append(_record(SESSION_EVENT, session["last_seen_at"], uid, who, told))
        for number, span in enumerate(row.spans):
            told = {name: span[name] for name in (*_OF_SPAN, *COUNTED)}
            told |= {"changed": session["changed"], "span": number}
            found.append(_record(SPAN_EVENT, span["ended_at"], f"{uid}/{number}", who, told))
    return found


def _record(event: str, at: str, uid: str, who: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    attributes = {**who, **{f"claude_local.{name}": _value(name, value) for name, value in told.items()}}
    return {
        "event": event,
        "time": nanoseconds(at),
        "attributes": {
            "log.record.uid": hexadecimal(uid.encode("utf-8", "replace"))[:32],
            **{name: value for name, value in attributes.items() if value is not None},
        },
    }


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    return bool(value) if name in _FLAGS else value


def nanoseconds(moment: str) -> int:
    """A moment as the log spells it, in nanoseconds since 1970; 0, which means not known, for what is none."""
    try:
        found = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return max(0, round(found.timestamp() * 1000) * 1_000_000)


_TOTALS = """
SELECT endpoints.kind, endpoints.url, models.name, projects.path, sum(first),
    sum(duration_ms), sum(messages), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
    sum(cache_write_tokens), sum(errors), sum(retries)
FROM spans JOIN sessions ON sessions.id = spans.session JOIN endpoints ON endpoints.id = spans.endpoint
LEFT JOIN models ON models.id = spans.model LEFT JOIN projects ON projects.id = spans.project
WHERE sessions.last_seen_at >= :active AND (sessions.ended_at IS NULL OR sessions.sent)
GROUP BY 1, 2, 3, 4
"""
_TOKENS = ("input", "output", "cache_read", "cache_write")


def totals(log: sqlite3.Connection, rules: Rules, program: str, at: int) -> Totals:
    """What the log adds up to by backend, model and project; sessions in which nothing was sent do not count.

    Two projects that leave under one name, or under none, are one here.
    """
    (begun_at,) = log.execute(
        "SELECT min(begun_at, coalesce((SELECT min(started_at) FROM sessions), begun_at)) FROM log"
    ).fetchone()
    added: dict[tuple[str, str, tuple[tuple[str, str], ...]], float] = {}
    for kind, url, model, project, *sums in log.execute(_TOTALS, {"active": rules.active}):
        named = {
            "backend_kind": kind,
            "backend_url": without_credentials(url) if url else None,
            "model": model,
            "project": rules.leaves("project", project),
        }
        shared = {f"claude_local.{name}": value for name, value in named.items() if value is not None}
        for name, unit, more, value in _points(sums):
            key = (name, unit, tuple({**shared, **more}.items()))
            added[key] = added.get(key, 0) + value
    who = resource(rules.leaves("host", rules.machine), rules.leaves("user", rules.person), program)
    # two logs of one machine are two sources
    who["service.instance.id"] = name_of(log)
    points = tuple(Point(name, unit, dict(attributes), value) for (name, unit, attributes), value in added.items())
    return Totals(who, min(nanoseconds(begun_at), at), at, points)


def _points(sums: list[int]) -> list[tuple[str, str, dict[str, str], float]]:
    sessions, duration_ms, messages, *tokens, errors, retries = sums
    return [
        ("claude_local.sessions", "{session}", {}, sessions),
        ("claude_local.time", "s", {}, duration_ms / 1000),
        ("claude_local.answers", "{answer}", {}, messages),
        *(
            ("claude_local.tokens", "{token}", {"claude_local.tokens.kind": kind}, count)
            for kind, count in zip(_TOKENS, tokens, strict=True)
        ),
        ("claude_local.errors", "{error}", {}, errors),
        ("claude_local.retries", "{request}", {}, retries),
    ]
