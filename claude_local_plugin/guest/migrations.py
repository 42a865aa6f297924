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

#: `MIGRATIONS[n]` turns schema version n into n + 1.
MIGRATIONS = (M001, M002, M003, M004)
