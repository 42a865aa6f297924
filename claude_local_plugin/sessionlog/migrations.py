"""The schema of the session log, step by step: logs of every version are out there, so a step is never changed.

Each step is text of its own: built of what is in use today, an ordinary edit would rewrite history.
"""

#: Sessions and their events; what servers are known to be.
M001 = (
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
)

#: Spans, with what they share in small tables; how far transcripts have been read.
M002 = (
    "CREATE TABLE projects (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE)",
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE endpoints (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, url TEXT)",
    "CREATE UNIQUE INDEX endpoints_kind_url ON endpoints (kind, coalesce(url, ''))",
    """CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (id),
        started_at TEXT NOT NULL,
        ended_at TEXT NOT NULL,
        cause TEXT NOT NULL,
        endpoint INTEGER NOT NULL REFERENCES endpoints (id),
        model INTEGER REFERENCES models (id),
        model_is_certain INTEGER NOT NULL,
        project INTEGER REFERENCES projects (id),
        main INTEGER NOT NULL,
        first INTEGER NOT NULL,
        new_endpoint INTEGER NOT NULL,
        new_model INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL DEFAULT 0,
        messages INTEGER NOT NULL DEFAULT 0,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        cache_read_tokens INTEGER NOT NULL DEFAULT 0,
        cache_write_tokens INTEGER NOT NULL DEFAULT 0,
        errors INTEGER NOT NULL DEFAULT 0,
        retries INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX spans_session ON spans (session)",
    "CREATE INDEX spans_started_at ON spans (started_at)",
    """CREATE TABLE transcripts (
        session INTEGER NOT NULL REFERENCES sessions (id),
        name TEXT NOT NULL,
        position TEXT NOT NULL,
        PRIMARY KEY (session, name)
    ) WITHOUT ROWID""",
    # each session that is there becomes one span
    "INSERT INTO projects (path) SELECT DISTINCT project FROM sessions WHERE project IS NOT NULL",
    "INSERT INTO models (name) SELECT DISTINCT model FROM sessions WHERE model IS NOT NULL",
    "INSERT INTO endpoints (kind, url) SELECT DISTINCT backend_kind, backend_url FROM sessions",
    """INSERT INTO spans (
        session, started_at, ended_at, cause, endpoint, model, model_is_certain, project,
        main, first, new_endpoint, new_model, duration_ms
    ) SELECT
        sessions.id, started_at, last_seen_at, 'start', endpoints.id, models.id, 0, projects.id, 1, 1, 1, 1,
        max(0, CAST((julianday(last_seen_at) - julianday(started_at)) * 86400000 + 0.5 AS INTEGER))
    FROM sessions
    JOIN endpoints ON endpoints.kind = backend_kind AND endpoints.url IS backend_url
    LEFT JOIN models ON models.name = sessions.model
    LEFT JOIN projects ON projects.path = sessions.project
    ORDER BY sessions.id""",
    "ALTER TABLE sessions ADD COLUMN host TEXT",
    "CREATE INDEX sessions_open ON sessions (host) WHERE ended_at IS NULL",
    "CREATE INDEX sessions_project ON sessions (project)",
    "CREATE INDEX sessions_cwd ON sessions (cwd)",
    # how servers fared over time is asked of these columns alone
    "CREATE INDEX events_looks ON events (at, backend_url, outcome, latency_ms) WHERE outcome IS NOT NULL",
)

#: What requests go through.
M003 = (
    # what requests go through: a proxy or a socket; NULL for nothing, '' in spans of when nobody looked
    "ALTER TABLE sessions ADD COLUMN via TEXT",
    "ALTER TABLE events ADD COLUMN via TEXT",
    "ALTER TABLE endpoints ADD COLUMN via TEXT",
    "UPDATE endpoints SET via = ''",
    "DROP INDEX endpoints_kind_url",
    "CREATE UNIQUE INDEX endpoints_kind_url_via ON endpoints (kind, coalesce(url, ''), coalesce(via, '-'))",
)

#: How far the journals of hooks have been read: a file is known again by `head`, the checksum of its first line;
#: `session` is the last one in it.
M004 = (
    """CREATE TABLE journals (
        name TEXT PRIMARY KEY,
        head TEXT NOT NULL,
        position INTEGER NOT NULL,
        session INTEGER
    ) WITHOUT ROWID""",
)

# --- parts of the fifth, each of which stands in it twice; part of its text, and never changed either

_SUMMED = """
    spans INTEGER NOT NULL, sessions INTEGER NOT NULL, on_endpoint INTEGER NOT NULL,
    with_model INTEGER NOT NULL, duration_ms INTEGER NOT NULL, messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL, errors INTEGER NOT NULL, retries INTEGER NOT NULL,
"""
_ADDED_UP = """
    sum(1), sum(first), sum(new_endpoint), sum(new_model), sum(duration_ms), sum(messages),
    sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(errors),
    sum(retries)
"""
_COME = """
    INSERT INTO sums VALUES (
        new.endpoint, coalesce(new.model, 0), coalesce(new.project, 0),
        1, new.first, new.new_endpoint, new.new_model, new.duration_ms, new.messages, new.input_tokens,
        new.output_tokens, new.cache_read_tokens, new.cache_write_tokens, new.errors, new.retries
    ) ON CONFLICT (endpoint, model, project) DO UPDATE SET
        spans = spans + excluded.spans, sessions = sessions + excluded.sessions,
        on_endpoint = on_endpoint + excluded.on_endpoint, with_model = with_model + excluded.with_model,
        duration_ms = duration_ms + excluded.duration_ms, messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
        errors = errors + excluded.errors, retries = retries + excluded.retries;
    INSERT INTO sums_by_hour VALUES (
        substr(new.started_at, 1, 13), new.endpoint,
        1, new.first, new.new_endpoint, new.new_model, new.duration_ms, new.messages, new.input_tokens,
        new.output_tokens, new.cache_read_tokens, new.cache_write_tokens, new.errors, new.retries
    ) ON CONFLICT (hour, endpoint) DO UPDATE SET
        spans = spans + excluded.spans, sessions = sessions + excluded.sessions,
        on_endpoint = on_endpoint + excluded.on_endpoint, with_model = with_model + excluded.with_model,
        duration_ms = duration_ms + excluded.duration_ms, messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
        errors = errors + excluded.errors, retries = retries + excluded.retries;
"""
_GO = """
    UPDATE sums SET
        spans = spans - 1, sessions = sessions - old.first, on_endpoint = on_endpoint - old.new_endpoint,
        with_model = with_model - old.new_model, duration_ms = duration_ms - old.duration_ms,
        messages = messages - old.messages, input_tokens = input_tokens - old.input_tokens,
        output_tokens = output_tokens - old.output_tokens,
        cache_read_tokens = cache_read_tokens - old.cache_read_tokens,
        cache_write_tokens = cache_write_tokens - old.cache_write_tokens, errors = errors - old.errors,
        retries = retries - old.retries
    WHERE endpoint = old.endpoint AND model = coalesce(old.model, 0) AND project = coalesce(old.project, 0);
    UPDATE sums_by_hour SET
        spans = spans - 1, sessions = sessions - old.first, on_endpoint = on_endpoint - old.new_endpoint,
        with_model = with_model - old.new_model, duration_ms = duration_ms - old.duration_ms,
        messages = messages - old.messages, input_tokens = input_tokens - old.input_tokens,
        output_tokens = output_tokens - old.output_tokens,
        cache_read_tokens = cache_read_tokens - old.cache_read_tokens,
        cache_write_tokens = cache_write_tokens - old.cache_write_tokens, errors = errors - old.errors,
        retries = retries - old.retries
    WHERE hour = substr(old.started_at, 1, 13) AND endpoint = old.endpoint;
"""

#: What `stats` is asked for most, added up, so that nobody has to read every span: by backend, model and project (0:
#: none on record), and by hour in UTC and backend. `sent` says whether a prompt, an answer or a failure of a session is
#: on record. The database itself keeps all of it, in the transaction that changes a span.
M005 = (
    f"""CREATE TABLE sums (
        endpoint INTEGER NOT NULL,
        model INTEGER NOT NULL,
        project INTEGER NOT NULL,
        {_SUMMED}
        PRIMARY KEY (endpoint, model, project)
    ) WITHOUT ROWID""",
    f"""CREATE TABLE sums_by_hour (
        hour TEXT NOT NULL,
        endpoint INTEGER NOT NULL,
        {_SUMMED}
        PRIMARY KEY (hour, endpoint)
    ) WITHOUT ROWID""",
    f"""INSERT INTO sums SELECT endpoint, coalesce(model, 0), coalesce(project, 0),
        {_ADDED_UP}
    FROM spans GROUP BY 1, 2, 3""",
    f"""INSERT INTO sums_by_hour SELECT substr(started_at, 1, 13), endpoint,
        {_ADDED_UP}
    FROM spans GROUP BY 1, 2""",
    f"""CREATE TRIGGER spans_come AFTER INSERT ON spans BEGIN
        {_COME}
    END""",
    f"""CREATE TRIGGER spans_go AFTER DELETE ON spans BEGIN
        {_GO}
    END""",
    f"""CREATE TRIGGER spans_change AFTER UPDATE OF
        endpoint, model, project, started_at, first, new_endpoint, new_model, duration_ms, messages,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, errors, retries
    ON spans BEGIN
        {_GO} {_COME}
    END""",
    "ALTER TABLE sessions ADD COLUMN sent INTEGER NOT NULL DEFAULT 0",
    # one that serves MCP sends prompts that no hook is told of
    """UPDATE sessions SET sent = 1 WHERE entrypoint = 'mcp'
        OR EXISTS (SELECT 1 FROM spans WHERE session = sessions.id AND messages + errors + retries > 0)
        OR EXISTS (SELECT 1 FROM events WHERE session = sessions.id
            AND event IN ('UserPromptSubmit', 'StopFailure'))""",
    "CREATE INDEX sessions_unsent ON sessions (id) WHERE sent = 0",
    """CREATE TRIGGER sent_by_mcp AFTER INSERT ON sessions WHEN new.entrypoint = 'mcp' BEGIN
        UPDATE sessions SET sent = 1 WHERE id = new.id;
    END""",
    """CREATE TRIGGER sent_by_mcp_after_all AFTER UPDATE OF entrypoint ON sessions WHEN new.entrypoint = 'mcp' BEGIN
        UPDATE sessions SET sent = 1 WHERE id = new.id AND sent = 0;
    END""",
    """CREATE TRIGGER sent_as_heard AFTER INSERT ON events WHEN new.event IN ('UserPromptSubmit', 'StopFailure') BEGIN
        UPDATE sessions SET sent = 1 WHERE id = new.session AND sent = 0;
    END""",
    """CREATE TRIGGER sent_as_added AFTER INSERT ON spans
    WHEN new.messages + new.errors + new.retries > 0 BEGIN
        UPDATE sessions SET sent = 1 WHERE id = new.session AND sent = 0;
    END""",
    """CREATE TRIGGER sent_as_counted AFTER UPDATE OF messages, errors, retries ON spans
    WHEN new.messages + new.errors + new.retries > 0 BEGIN
        UPDATE sessions SET sent = 1 WHERE id = new.session AND sent = 0;
    END""",
)

#: A look's latency to two digits: what the report shows, and few enough different ones to be counted; -1 for none.
_LATENCY = """CASE WHEN {0}.latency_ms IS NULL THEN -1 WHEN {0}.latency_ms < 10 THEN round({0}.latency_ms, 1)
    WHEN {0}.latency_ms < 100 THEN round({0}.latency_ms) WHEN {0}.latency_ms < 1000 THEN
    round({0}.latency_ms / 10) * 10 ELSE round({0}.latency_ms / 100) * 100 END"""

#: What the report asks of all events, so that nobody has to read each: looks by hour in UTC, server ("": none known),
#: outcome and latency; and the way to what was blocked and to sessions that were killed.
M006 = (
    """CREATE TABLE looks_by_hour (
        hour TEXT NOT NULL,
        backend_url TEXT NOT NULL,
        outcome TEXT NOT NULL,
        latency REAL NOT NULL,
        looks INTEGER NOT NULL,
        PRIMARY KEY (hour, backend_url, outcome, latency)
    ) WITHOUT ROWID""",
    f"""INSERT INTO looks_by_hour
        SELECT substr(at, 1, 13), coalesce(backend_url, ''), outcome, {_LATENCY.format("events")}, count(*)
        FROM events WHERE outcome IS NOT NULL GROUP BY 1, 2, 3, 4""",
    f"""CREATE TRIGGER looks_come AFTER INSERT ON events WHEN new.outcome IS NOT NULL BEGIN
        INSERT INTO looks_by_hour VALUES (
            substr(new.at, 1, 13), coalesce(new.backend_url, ''), new.outcome, {_LATENCY.format("new")}, 1
        ) ON CONFLICT (hour, backend_url, outcome, latency) DO UPDATE SET looks = looks + 1;
    END""",
    f"""CREATE TRIGGER looks_go AFTER DELETE ON events WHEN old.outcome IS NOT NULL BEGIN
        UPDATE looks_by_hour SET looks = looks - 1 WHERE hour = substr(old.at, 1, 13)
            AND backend_url = coalesce(old.backend_url, '') AND outcome = old.outcome
            AND latency = {_LATENCY.format("old")};
    END""",
    "CREATE INDEX events_blocked ON events (at) WHERE blocked",
    "CREATE INDEX sessions_killed ON sessions (started_at) WHERE end_reason = 'killed'",
)

#: The profile that `claude-local run` started a session with.
M007 = ("ALTER TABLE sessions ADD COLUMN profile TEXT",)

#: A number that no session has had, nor one that was taken out; part of the eighth, and never changed either.
_NEXT = """1 + max(
            (SELECT coalesce(max(changed), 0) FROM sessions), (SELECT coalesce(max(asked), 0) FROM pushes))"""

#: What is to be sent elsewhere: a session's `changed` is a number that grows with what happens to it, to its spans or
#: its events. A number beyond what anybody has `asked` for is read by whoever asks next, so it grows once between two
#: questions, and without one never: to keep it costs writers next to nothing. `pushes` has a row for each destination:
#: the number up to which it has asked and the one up to which it has been sent, and how that went. `log` names this
#: very log: in one that is made anew, numbers begin again.
M008 = (
    "CREATE TABLE log (id TEXT NOT NULL, begun_at TEXT NOT NULL)",
    "INSERT INTO log SELECT lower(hex(randomblob(16))), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    """CREATE TABLE pushes (
        destination TEXT PRIMARY KEY,
        asked INTEGER NOT NULL DEFAULT 0,
        sent INTEGER NOT NULL DEFAULT 0,
        sent_at TEXT,
        sessions INTEGER NOT NULL DEFAULT 0,
        tried_at TEXT,
        failure TEXT,
        failed_since TEXT,
        failures INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    "ALTER TABLE sessions ADD COLUMN changed INTEGER NOT NULL DEFAULT 0",
    "UPDATE sessions SET changed = id",
    "CREATE INDEX sessions_changed ON sessions (changed)",
    f"""CREATE TRIGGER changed_as_it_comes AFTER INSERT ON sessions BEGIN
        UPDATE sessions SET changed = {_NEXT} WHERE id = new.id;
    END""",
    f"""CREATE TRIGGER changed_by_itself AFTER UPDATE OF
        session_id, started_at, last_seen_at, ended_at, end_reason, source, cwd, project, backend_kind, backend_url,
        via, model, reachable, latency_ms, blocked, client_version, entrypoint, host, sent, profile
    ON sessions WHEN EXISTS (SELECT 1 FROM pushes WHERE asked >= new.changed) BEGIN
        UPDATE sessions SET changed = {_NEXT} WHERE id = new.id;
    END""",
    *(
        f"""CREATE TRIGGER changed_by_{table}_{how.lower()} AFTER {how} ON {table}
    WHEN EXISTS (SELECT 1 FROM pushes WHERE asked >= (SELECT changed FROM sessions WHERE id = new.session)) BEGIN
        UPDATE sessions SET changed = {_NEXT} WHERE id = new.session;
    END"""
        for table, how in (("spans", "INSERT"), ("spans", "UPDATE"), ("events", "INSERT"))
    ),
)

#: `MIGRATIONS[n]` turns schema version n into n + 1.
MIGRATIONS = (M001, M002, M003, M004, M005, M006, M007, M008)
