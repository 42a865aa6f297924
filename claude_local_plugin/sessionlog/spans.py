"""The stretches of a session on one backend with one model, and the tokens that fall to each.

A session begins its first span with the first event seen of it. Another backend, or another model of the conversation
itself, begins a new one; a subagent on a model of its own gets a span beside it. Tokens go to the span in which the
answer was given, whenever they are counted.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.sessionlog.transcript import Use

#: How a span began whose answers no hook saw, and what stands for the backend that they came from.
UNSEEN = "unseen"
NOT_KNOWN = "not-known"

#: How a span began to which our own hook moved the session, its server being down.
FELL_BACK = "fallback"

#: How a span begins; what another program calls otherwise, a newer one that tells the same team, is read as the last.
CAUSES = ("start", "backend", FELL_BACK, "model", "resume", "subagent", UNSEEN)
UNKNOWN_CAUSE = "unknown"

_LAST = """
SELECT spans.id, spans.ended_at, endpoints.kind, endpoints.url, endpoints.via, models.name, spans.messages,
    spans.project
FROM spans JOIN endpoints ON endpoints.id = spans.endpoint LEFT JOIN models ON models.id = spans.model
WHERE spans.session = ? AND spans.main = 1 AND spans.cause <> 'unseen' ORDER BY spans.id DESC LIMIT 1
"""
#: The last that was heard before a moment, when that was the end of what could be heard: the session's end, that its
#: process was found gone, or a change of settings that took our hooks out. The second is for a last answer that is
#: written down as the session ends.
_SILENCE = """
SELECT silent FROM (
    SELECT event = 'ConfigChange' AND detail = :unwatched
        OR event = 'FoundGone'
        OR event = 'SessionEnd' AND julianday(:at) - julianday(at) > 1.0 / 86400 AS silent
    FROM events WHERE session = :session AND at <= :at ORDER BY at DESC, id DESC LIMIT 1
) WHERE silent
"""
_ADD = """
INSERT INTO spans (
    session, started_at, ended_at, cause, endpoint, model, model_is_certain, project,
    main, first, new_endpoint, new_model
) VALUES (
    :session, :at, :at, :cause, :endpoint, :model, :certain, (SELECT project FROM spans WHERE id = :before),
    :main, 0,
    NOT EXISTS (SELECT 1 FROM spans JOIN endpoints ON endpoints.id = spans.endpoint WHERE spans.session = :session
        AND (endpoints.url, CASE WHEN endpoints.url IS NULL THEN endpoints.kind END)
         IS (SELECT url, CASE WHEN url IS NULL THEN kind END FROM endpoints WHERE id = :endpoint)),
    NOT EXISTS (SELECT 1 FROM spans WHERE session = :session AND model IS :model)
)
"""
_STRETCH = """
UPDATE spans SET
    ended_at = max(ended_at, :at),
    started_at = CASE WHEN first THEN min(started_at, :at) ELSE started_at END,
    duration_ms = main * max(0, CAST(
        (julianday(max(ended_at, :at)) - julianday(CASE WHEN first THEN min(started_at, :at) ELSE started_at END))
        * 86400000 + 0.5 AS INTEGER))
WHERE id = :span
"""
_COUNT = """
UPDATE spans SET messages = messages + ?, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,
    cache_read_tokens = cache_read_tokens + ?, cache_write_tokens = cache_write_tokens + ?,
    errors = errors + ?, retries = retries + ?
WHERE id = ?
"""


def follow(connection: "sqlite3.Connection", session: int, event: "Mapping[str, Any]") -> None:
    """Brings the spans of a session up to date with an event, inside the caller's transaction.

    `event` has the keys of a record of `sessionlog`, and `is_newest`: one that comes late, from the spool of an earlier
    version, places the session's beginning but begins no span.
    """
    last = connection.execute(_LAST, (session,)).fetchone()
    if last is None:
        _begin(connection, session, event)
        return
    span, ended_at, kind, url, via, model, messages, project = last
    if project is None and event["project"]:
        # the first that was heard of it had no time to say where it is
        number = _id(connection, "projects", "path", event["project"])
        connection.execute("UPDATE spans SET project = ? WHERE session = ? AND project IS NULL", (number, session))
    if not event["is_newest"]:
        _stretch(connection, _first(connection, session), event["at"])
        return
    resumed = event["event"] == "SessionStart" and event["cause"] == "resume"
    there = (event["backend_url"], event["backend_kind"] if url is None else None, event["via"])
    if (url, kind if url is None else None, via or None) != there:
        at = event["at"]
        if not resumed:
            at = _when_it_changed(connection, session, ended_at) or at
            _stretch(connection, span, at)
        endpoint = _endpoint(connection, event)
        cause = event["cause"] if event["cause"] == FELL_BACK else "backend"
        span = _add(connection, session, span, at, cause, endpoint, _kept(event, model), certain=False)
    elif resumed or _unseen_since(connection, session, span):
        # nobody was there meanwhile, for days perhaps
        span = _add(connection, session, span, event["at"], "resume", None, _kept(event, model), certain=False)
    elif event["backend_kind"] not in ("unknown", kind):
        # it has become known what the server is
        connection.execute("UPDATE spans SET endpoint = ? WHERE id = ?", (_endpoint(connection, event), span))
    elif event["model_is_certain"] and event["model"] != model:
        if not messages:
            _set_model(connection, session, span, event["model"])
        elif event["event"] == "PostModelSwitch":
            # a start or a resumption says a name too, but the answers say better which model it is
            _stretch(connection, span, event["at"])
            span = _add(connection, session, span, event["at"], "model", None, event["model"], certain=True)
    elif model is None and event["model"]:
        _set_model(connection, session, span, event["model"], certain=False)
    _stretch(connection, span, event["at"])


def count(connection: "sqlite3.Connection", session: int, uses: "Sequence[Use]") -> None:
    """Adds what was read of a transcript to the spans it belongs to, inside the caller's transaction."""
    lasted: dict[int, str] = {}
    for use in uses:
        if _is_unseen(connection, session, use.at):
            span = _unseen(connection, session, use)
            tokens = (use.input_tokens, use.output_tokens, use.cache_read_tokens, use.cache_write_tokens)
            connection.execute(_COUNT, (use.messages, *tokens, 1 if use.error else 0, 1 if use.retry else 0, span))
            continue
        main, model, certain, messages = _span_at(connection, session, use.at)
        span = main
        if use.model and use.model != model:
            if use.side:
                span = _beside(connection, session, main, use)
            elif certain and messages:
                # the conversation went on with another model and no hook was told, as after a fallback
                _stretch(connection, main, use.at)
                span = main = _add(connection, session, main, use.at, "model", None, use.model, certain=True)
            else:
                _set_model(connection, session, main, use.model)
        elif use.model and not certain and not use.side:
            _set_model(connection, session, main, use.model)
        tokens = (use.input_tokens, use.output_tokens, use.cache_read_tokens, use.cache_write_tokens)
        connection.execute(_COUNT, (use.messages, *tokens, 1 if use.error else 0, 1 if use.retry else 0, span))
        lasted[main] = max(use.at, lasted.get(main, ""))
    for span, at in lasted.items():
        _stretch(connection, span, at)
    if lasted:
        # one that was killed was closed as of when it was last heard of, and may have answered since
        connection.execute(
            "UPDATE sessions SET last_seen_at = max(last_seen_at, :last),"
            " ended_at = CASE WHEN end_reason = 'killed' THEN max(ended_at, :last) ELSE ended_at END"
            " WHERE id = :session",
            {"last": max(lasted.values()), "session": session},
        )
    told = [use.model for use in uses if use.model and not use.side]
    if told:
        connection.execute("UPDATE sessions SET model = ? WHERE id = ?", (told[-1], session))


def is_in_doubt(connection: "sqlite3.Connection", session: int) -> bool:
    """Whether a change of settings is the last that was heard of a session: what was answered since falls to the
    backend that the next event tells of.
    """
    from claude_local_plugin.sessionlog.journal import UNWATCHED

    return bool(
        connection.execute(
            "SELECT 1 FROM events JOIN sessions ON sessions.id = events.session WHERE session = ?"
            " AND event = 'ConfigChange' AND detail IS NOT ? AND at >= last_seen_at",
            (session, UNWATCHED),
        ).fetchone()
    )


def _kept(event: "Mapping[str, Any]", model: "str | None") -> "str | None":
    """The model of a session that settings have moved, or that is resumed: the name that it had stays.

    An event that says a name of its own knows better; what the settings say is the model of the next session (observed
    on Claude Code 2.1.332).
    """
    return event["model"] if event["model_is_certain"] else model or event["model"]


def _is_unseen(connection: "sqlite3.Connection", session: int, at: str) -> bool:
    """Whether no hook could have been told of an answer of that moment."""
    from claude_local_plugin.sessionlog.journal import UNWATCHED

    values = {"session": session, "at": at, "unwatched": UNWATCHED}
    return connection.execute(_SILENCE, values).fetchone() is not None


def _unseen_since(connection: "sqlite3.Connection", session: int, span: int) -> bool:
    """Whether answers that no hook saw came after this span began."""
    return bool(
        connection.execute(
            "SELECT 1 FROM spans WHERE session = ? AND cause = ? AND id > ?", (session, UNSEEN, span)
        ).fetchone()
    )


def _unseen(connection: "sqlite3.Connection", session: int, use: "Use") -> int:
    """The span of answers that no hook saw, begun where there is none since the last that was heard; returns its id.

    Where they came from is not known: the settings may have changed meanwhile.
    """
    row = connection.execute(
        "SELECT spans.id, models.name FROM spans LEFT JOIN models ON models.id = spans.model"
        " WHERE session = :session AND cause = :unseen AND started_at >="
        " coalesce((SELECT max(at) FROM events WHERE session = :session AND at <= :at), '') ORDER BY spans.id DESC",
        {"session": session, "unseen": UNSEEN, "at": use.at},
    ).fetchone()
    if row and (use.model in (None, row[1]) or use.side):
        span = int(row[0])
    else:
        nowhere = _endpoint(connection, {"backend_kind": NOT_KNOWN, "backend_url": None, "via": None})
        before = _span_at(connection, session, use.at)[0]
        span = _add(connection, session, before, use.at, UNSEEN, nowhere, use.model, certain=use.model is not None)
        connection.execute(
            "UPDATE sessions SET backend_kind = ?, backend_url = NULL, via = NULL, reachable = NULL, latency_ms = NULL"
            " WHERE id = ? AND NOT EXISTS (SELECT 1 FROM events WHERE session = sessions.id AND at > ?)",
            (NOT_KNOWN, session, use.at),
        )
    _stretch(connection, span, use.at)
    return span


def _begin(connection: "sqlite3.Connection", session: int, event: "Mapping[str, Any]") -> None:
    connection.execute(
        "INSERT INTO spans (session, started_at, ended_at, cause, endpoint, model, model_is_certain, project,"
        " main, first, new_endpoint, new_model) VALUES (?, ?, ?, 'start', ?, ?, ?, ?, 1, 1, 1, 1)",
        (
            session,
            event["at"],
            event["at"],
            _endpoint(connection, event),
            _id(connection, "models", "name", event["model"]),
            1 if event["model_is_certain"] else 0,
            _id(connection, "projects", "path", event["project"]),
        ),
    )


def _add(
    connection: "sqlite3.Connection",
    session: int,
    before: int,
    at: str,
    cause: str,
    endpoint: "int | None",
    model: "str | None",
    *,
    certain: bool,
    main: bool = True,
) -> int:
    """A span after (or beside) the span `before`, on the same endpoint where none is given; returns its id."""
    if endpoint is None:
        (endpoint,) = connection.execute("SELECT endpoint FROM spans WHERE id = ?", (before,)).fetchone()
    cursor = connection.execute(
        _ADD,
        {
            "session": session,
            "before": before,
            "at": at,
            "cause": cause,
            "endpoint": endpoint,
            "model": _id(connection, "models", "name", model),
            "certain": 1 if certain else 0,
            "main": 1 if main else 0,
        },
    )
    return int(cursor.lastrowid or 0)


def _beside(connection: "sqlite3.Connection", session: int, main: int, use: "Use") -> int:
    """The span of a subagent's model beside the main span, begun where there is none; returns its id."""
    row = connection.execute(
        "SELECT id FROM spans WHERE session = ? AND main = 0 AND id > ?"
        " AND model = (SELECT id FROM models WHERE name = ?) AND endpoint = (SELECT endpoint FROM spans WHERE id = ?)",
        (session, main, use.model, main),
    ).fetchone()
    span = int(row[0]) if row else None
    if span is None:
        span = _add(connection, session, main, use.at, "subagent", None, use.model, certain=True, main=False)
    _stretch(connection, span, use.at)
    return span


def _span_at(connection: "sqlite3.Connection", session: int, at: str) -> "tuple[int, str | None, int, int]":
    """The main span of that moment: id, model, whether that is certain, messages; the first for any moment before."""
    found = connection.execute(
        "SELECT spans.id, models.name, model_is_certain, messages, started_at <= ? AS begun"
        " FROM spans LEFT JOIN models ON models.id = spans.model WHERE session = ? AND main = 1 AND cause <> 'unseen'"
        " ORDER BY begun DESC, CASE WHEN begun THEN -spans.id ELSE spans.id END LIMIT 1",
        (at, session),
    ).fetchone()
    return found[0], found[1], found[2], found[3]


def _first(connection: "sqlite3.Connection", session: int) -> int:
    (span,) = connection.execute("SELECT id FROM spans WHERE session = ? AND first", (session,)).fetchone()
    return int(span)


def _set_model(connection: "sqlite3.Connection", session: int, span: int, model: str, *, certain: bool = True) -> None:
    """Names the model of a span whose model was unknown or only a guess."""
    number = _id(connection, "models", "name", model)
    connection.execute(
        "UPDATE spans SET model = ?, model_is_certain = ? WHERE id = ?", (number, 1 if certain else 0, span)
    )
    # a later span may have had the model that this one was thought to have
    connection.execute(
        "UPDATE spans SET new_model = NOT EXISTS (SELECT 1 FROM spans AS earlier WHERE earlier.session = spans.session"
        " AND earlier.id < spans.id AND earlier.model IS spans.model) WHERE session = ?",
        (session,),
    )


def _when_it_changed(connection: "sqlite3.Connection", session: int, last_seen: str) -> "str | None":
    """When the settings changed, if that is the last that was heard of the session: it moved then, not just now."""
    row = connection.execute(
        "SELECT at FROM events WHERE session = ? AND event = 'ConfigChange' AND at >= ? ORDER BY id DESC LIMIT 1",
        (session, last_seen),
    ).fetchone()
    return str(row[0]) if row else None


def _stretch(connection: "sqlite3.Connection", span: int, at: str) -> None:
    connection.execute(_STRETCH, {"span": span, "at": at})


def _endpoint(connection: "sqlite3.Connection", event: "Mapping[str, Any]") -> int:
    way = (event["backend_kind"], event["backend_url"], event["via"])
    row = connection.execute("SELECT id FROM endpoints WHERE kind = ? AND url IS ? AND via IS ?", way).fetchone()
    if row:
        return int(row[0])
    return int(connection.execute("INSERT INTO endpoints (kind, url, via) VALUES (?, ?, ?)", way).lastrowid or 0)


def _id(connection: "sqlite3.Connection", table: str, column: str, value: "str | None") -> "int | None":
    """The number of a value in one of the small tables, put there if it is new."""
    if value is None:
        return None
    row = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (value,)).fetchone()
    if row:
        return int(row[0])
    return int(connection.execute(f"INSERT INTO {table} ({column}) VALUES (?)", (value,)).lastrowid or 0)
