-- usable by programs of schema 1 and later
--
-- What ran where, of many machines: the tables of a machine's own log with the same names and meanings, and whose each
-- row is. Run as claude_local_owner, with search_path = claude_local. A step is never changed once it is out there.

-- Which steps have been taken; `oldest` is the oldest schema whose programs may still write and read here.
CREATE TABLE versions (
    version integer PRIMARY KEY,
    oldest integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    program text NOT NULL
);

-- A moment as the log spells it, and one that there has been: whatever stands in a table can be read as a timestamptz.
CREATE FUNCTION is_moment(moment text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT moment ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$'
        AND moment >= '0001' AND CASE WHEN substr(moment, 9, 2) < '29' THEN true
            WHEN substr(moment, 9, 2) = '31' THEN substr(moment, 6, 2) IN ('01', '03', '05', '07', '08', '10', '12')
            WHEN substr(moment, 6, 2) <> '02' THEN true
            ELSE substr(moment, 9, 2) = '29'
                AND left(moment, 4) ~ '(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)' END
$$;

-- A text that is short enough for an index: what is longer is cut, and told apart by its checksum. In two functions: the
-- first is short enough to be put in the place of its call, by thousands in a batch.
CREATE FUNCTION cut_off(given text, most integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(given, most - 17) || '…' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 16)
$$;
CREATE FUNCTION clipped(given text, most integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN char_length(given) > most THEN claude_local.cut_off(given, most) ELSE given END
$$;

-- A number that can be added up ten million times.
CREATE FUNCTION whole(given numeric) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(greatest(coalesce(trunc(given), 0), 0), 1000000000000)::bigint
$$;

CREATE FUNCTION flag(given numeric) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN given <> 0 THEN 1 ELSE 0 END
$$;

-- Milliseconds that can be; NULL where nobody has measured.
CREATE FUNCTION latency(given numeric) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN given IS NOT NULL THEN least(greatest(given, 0), 1000000000)::double precision END
$$;

-- A look's latency to two digits, as the log rounds it; -1 for none.
CREATE FUNCTION rounded(latency double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN latency IS NULL THEN -1 WHEN latency < 10 THEN round(latency::numeric, 1)
        WHEN latency < 100 THEN round(latency::numeric) WHEN latency < 1000 THEN round(latency::numeric / 10) * 10
        ELSE round(latency::numeric / 100) * 100 END::double precision
$$;

CREATE TABLE people (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- A machine is whoever connects as its role, whatever it calls itself (`host`). `person` is fixed by the lead, or NULL:
-- then each push says whose it is. `clock_ms`: so much is the database's clock ahead of the machine's. `lag_ms`: so long
-- had the last thing of the last push been waiting to be sent.
CREATE TABLE machines (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    role text COLLATE "C" NOT NULL UNIQUE,
    person integer REFERENCES people (id),
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    host text COLLATE "C",
    program text COLLATE "C",
    first_heard_at timestamptz,
    heard_at timestamptz,
    clock_ms bigint,
    lag_ms bigint,
    last_seen_at text COLLATE "C",
    refused bigint NOT NULL DEFAULT 0,
    refused_at timestamptz,
    refusal text
);

-- The logs that a machine has sent from: one, but for one that was begun anew, or other users of the machine. `upto` is
-- the number of the last change that has come, `last` that of the last one that there was at the time.
CREATE TABLE logs (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine integer NOT NULL REFERENCES machines (id),
    name text COLLATE "C" NOT NULL,
    upto bigint NOT NULL,
    last bigint NOT NULL,
    heard_at timestamptz NOT NULL,
    UNIQUE (machine, name)
);

CREATE TABLE projects (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE models (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE endpoints (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    url text COLLATE "C",
    via text COLLATE "C"
);
CREATE UNIQUE INDEX endpoints_kind_url_via ON endpoints (kind, coalesce(url, ''), coalesce(via, '-'));

-- What a server is known to be on a machine: 127.0.0.1 is another one on each.
CREATE TABLE backends (
    machine integer NOT NULL,
    url text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    version text COLLATE "C",
    seen_at text COLLATE "C" NOT NULL CHECK (is_moment(seen_at)),
    PRIMARY KEY (machine, url)
);

-- Where a team keeps the client's own telemetry: who a session's person is, for those whose machine does not say so.
-- Filled by the team, or replaced by a view of this name.
CREATE TABLE telemetry (
    session_id text COLLATE "C" PRIMARY KEY,
    person text COLLATE "C" NOT NULL
);

CREATE SEQUENCE session_ids;
CREATE SEQUENCE span_ids;
CREATE SEQUENCE event_ids;

-- Whole numbers stay numbers, as in a machine's log. `counts` is 0 for a session that ended and in which nothing was
-- sent. `changed` tells which of two tellings of a session, from the same log, is the later one.
CREATE TABLE sessions (
    id bigint NOT NULL,
    machine integer NOT NULL,
    person integer,
    log integer NOT NULL,
    changed bigint NOT NULL,
    counts smallint NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    started_at text COLLATE "C" NOT NULL CHECK (is_moment(started_at)),
    last_seen_at text COLLATE "C" NOT NULL CHECK (is_moment(last_seen_at)),
    ended_at text COLLATE "C" CHECK (is_moment(ended_at)),
    end_reason text COLLATE "C",
    source text COLLATE "C",
    cwd text COLLATE "C",
    project text COLLATE "C",
    backend_kind text COLLATE "C" NOT NULL,
    backend_url text COLLATE "C",
    via text COLLATE "C",
    model text COLLATE "C",
    reachable integer,
    latency_ms double precision,
    blocked bigint NOT NULL,
    client_version text COLLATE "C",
    entrypoint text COLLATE "C",
    profile text COLLATE "C",
    host text COLLATE "C",
    sent integer NOT NULL,
    PRIMARY KEY (id, started_at)
) PARTITION BY RANGE (started_at);
-- one of each machine: `push` is the only one that writes, and lets one of a machine in at a time
CREATE UNIQUE INDEX sessions_session_id ON sessions (session_id, machine, started_at);
CREATE INDEX sessions_started_at ON sessions (started_at, id);
CREATE INDEX sessions_machine ON sessions (machine, started_at);
CREATE INDEX sessions_open ON sessions (id) WHERE ended_at IS NULL;
CREATE INDEX sessions_killed ON sessions (started_at) WHERE end_reason = 'killed';
CREATE INDEX sessions_unsent ON sessions (id) WHERE sent = 0;

CREATE TABLE spans (
    id bigint NOT NULL,
    session bigint NOT NULL,
    machine integer NOT NULL,
    person integer,
    counts smallint NOT NULL,
    started_at text COLLATE "C" NOT NULL CHECK (is_moment(started_at)),
    ended_at text COLLATE "C" NOT NULL CHECK (is_moment(ended_at)),
    cause text COLLATE "C" NOT NULL,
    endpoint integer NOT NULL,
    model integer,
    model_is_certain integer NOT NULL,
    project integer,
    main integer NOT NULL,
    first integer NOT NULL,
    new_endpoint integer NOT NULL,
    new_model integer NOT NULL,
    duration_ms bigint NOT NULL,
    messages bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    errors bigint NOT NULL,
    retries bigint NOT NULL
) PARTITION BY RANGE (started_at);
CREATE INDEX spans_session ON spans (session, id);
CREATE INDEX spans_started_at ON spans (started_at);
CREATE INDEX spans_ended_at ON spans (ended_at);
CREATE INDEX spans_machine ON spans (machine, started_at);

CREATE TABLE events (
    id bigint NOT NULL,
    session bigint NOT NULL,
    machine integer NOT NULL,
    at text COLLATE "C" NOT NULL CHECK (is_moment(at)),
    event text COLLATE "C" NOT NULL,
    cause text COLLATE "C",
    backend_kind text COLLATE "C" NOT NULL,
    backend_url text COLLATE "C",
    via text COLLATE "C",
    outcome text COLLATE "C",
    status bigint,
    latency_ms double precision,
    blocked integer NOT NULL,
    detail text COLLATE "C"
) PARTITION BY RANGE (at);
CREATE INDEX events_session ON events (session, id);
CREATE INDEX events_blocked ON events (at) WHERE blocked = 1;
CREATE INDEX events_looks ON events (at) WHERE outcome IS NOT NULL;

-- What `stats` is asked for most, added up in the transaction that changes a span; 0 stands for none on record. Only the
-- hours are shared by machines.
CREATE TABLE sums (
    machine integer NOT NULL,
    person integer NOT NULL,
    endpoint integer NOT NULL,
    model integer NOT NULL,
    project integer NOT NULL,
    counts smallint NOT NULL,
    spans bigint NOT NULL,
    sessions bigint NOT NULL,
    on_endpoint bigint NOT NULL,
    with_model bigint NOT NULL,
    duration_ms bigint NOT NULL,
    messages bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    errors bigint NOT NULL,
    retries bigint NOT NULL,
    PRIMARY KEY (machine, person, endpoint, model, project, counts)
);

CREATE TABLE sums_by_hour (
    hour text COLLATE "C" NOT NULL,
    endpoint integer NOT NULL,
    counts smallint NOT NULL,
    spans bigint NOT NULL,
    sessions bigint NOT NULL,
    on_endpoint bigint NOT NULL,
    with_model bigint NOT NULL,
    duration_ms bigint NOT NULL,
    messages bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    errors bigint NOT NULL,
    retries bigint NOT NULL,
    PRIMARY KEY (hour, endpoint, counts)
);

CREATE TABLE looks_by_hour (
    hour text COLLATE "C" NOT NULL,
    backend_url text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    latency double precision NOT NULL,
    looks bigint NOT NULL,
    PRIMARY KEY (hour, backend_url, outcome, latency)
);

-- The machine that is connected; NULL for everybody else.
CREATE FUNCTION me() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT id FROM claude_local.machines WHERE role = session_user
$$;

-- The partitions of a month. Attached, not made as parts: so nobody who reads or writes has to wait, or to be waited for.
CREATE FUNCTION make_month(month text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
    following text := to_char((month || '-01')::date + interval '1 month', 'YYYY-MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('claude_local.make_month'), 0);
    FOREACH parent IN ARRAY ARRAY['sessions', 'spans', 'events'] LOOP
        child := parent || '_' || replace(month, '-', '_');
        CONTINUE WHEN to_regclass('claude_local.' || child) IS NOT NULL;
        EXECUTE format('CREATE TABLE claude_local.%I (LIKE claude_local.%I INCLUDING CONSTRAINTS)', child, parent);
        EXECUTE format('ALTER TABLE claude_local.%I ENABLE ROW LEVEL SECURITY', child);
        EXECUTE format('ALTER TABLE claude_local.%I ATTACH PARTITION claude_local.%I FOR VALUES FROM (%L) TO (%L)',
            parent, child, month, following);
    END LOOP;
END
$$;

-- What is read of a batch, once.
CREATE TYPE given_session AS (
    n integer, id bigint, old bigint, why text, counts smallint, session_id text, started_at text, last_seen_at text,
    ended_at text, end_reason text, source text, cwd text, project text, backend_kind text, backend_url text, via text,
    model text, reachable integer, latency_ms double precision, blocked bigint, client_version text, entrypoint text,
    profile text, host text, sent integer, changed bigint
);
CREATE TYPE given_span AS (
    n integer, place integer, started_at text, ended_at text, cause text, kind text, url text, via text, model text,
    model_is_certain integer, project text, main integer, first integer, new_endpoint integer, new_model integer,
    duration_ms bigint, messages bigint, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
    cache_write_tokens bigint, errors bigint, retries bigint
);

-- Takes in what a machine has to tell: sessions whole, each in the place of what was told of it before. Whose they are
-- is decided by the role that is connected. What cannot be true of a session is refused with it, and nothing else is.
--
-- Nobody waits in a circle: pushes of one machine come one after the other, and rows that machines share (names, then
-- hours) are taken in order. The planner, which knows nothing of a table that is not analysed yet, has one way to each:
-- the + 0 keeps it from going through all rows of a machine.
CREATE FUNCTION push(batch jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, claude_local, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
AS $$
DECLARE
    most constant integer := 20000;
    largest constant integer := 64000000;
    earliest constant text := '2020-01-01';
    now_here timestamptz := clock_timestamp();
    latest text := to_char((now_here + interval '32 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD');
    called text := clipped(nullif(batch->>'person', ''), 200);
    sent_at text := batch->>'sent_at';
    me integer;
    who integer;
    from_log integer;
    sessions_in given_session[];
    spans_in given_span[];
    ids bigint[];
    counted smallint[];
    old bigint[];
    rows_in bigint;
    more bigint;
    refusals jsonb;
    not_taken integer;
    skipped integer;
    month text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'push needs the isolation level read committed';
    END IF;
    SELECT machines.id, machines.person INTO me, who FROM machines WHERE role = session_user;
    IF me IS NULL THEN
        RAISE EXCEPTION 'the role % is no machine of this team', session_user
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'claude_local.no_machine';
    END IF;
    IF jsonb_typeof(batch->'sessions') IS DISTINCT FROM 'array' OR jsonb_array_length(batch->'sessions') > most THEN
        RAISE EXCEPTION 'a batch has a list of at most % sessions', most USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF pg_column_size(batch) > largest THEN
        RAISE EXCEPTION 'a batch has at most % bytes', largest USING ERRCODE = 'program_limit_exceeded';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('claude_local.push'), me);

    INSERT INTO logs (machine, name, upto, last, heard_at)
    SELECT me, clipped(coalesce(batch->>'log', ''), 100), whole((batch->>'upto')::numeric),
        greatest(whole((batch->>'upto')::numeric), whole((batch->>'last')::numeric)), now_here
    ON CONFLICT (machine, name) DO UPDATE SET upto = greatest(logs.upto, excluded.upto),
        last = greatest(logs.last, excluded.last), heard_at = excluded.heard_at
    RETURNING id INTO from_log;

    -- each session that is right: its number, kept where it has one; the later telling of two. Materialized, since row
    -- security lets no function of ours into the condition on an index
    WITH given AS (
        SELECT n, entry, s.*, clipped(s.session_id, 100) AS known_as
        FROM jsonb_array_elements(batch->'sessions') WITH ORDINALITY AS listed (entry, n),
        LATERAL jsonb_to_record(entry->'session') AS s (
            session_id text, started_at text, last_seen_at text, ended_at text, end_reason text, source text, cwd text,
            project text, backend_kind text, backend_url text, via text, model text, reachable numeric,
            latency_ms numeric, blocked numeric, client_version text, entrypoint text, profile text, host text,
            sent numeric, changed numeric
        )
    ), judged AS MATERIALIZED (
        SELECT given.*, times.messages, CASE
            WHEN coalesce(session_id, '') = '' THEN 'it has no id'
            WHEN faulty IS NOT NULL THEN 'a time that is none: ' || left(faulty, 40)
            WHEN first_at < earliest THEN 'a time that cannot be: ' || first_at
            WHEN last_at > latest THEN 'a time that cannot be: ' || last_at
        END AS why
        FROM given CROSS JOIN LATERAL (
            SELECT min(moment COLLATE "C") AS first_at, max(moment COLLATE "C") AS last_at,
                coalesce(sum(messages), 0) AS messages,
                min(coalesce(moment, 'null')) FILTER (WHERE is_moment(moment) IS NOT TRUE) AS faulty
            FROM (
                SELECT unnest(ARRAY[started_at, last_seen_at, coalesce(ended_at, started_at)]), 0
                UNION ALL SELECT unnest(ARRAY[span->>'started_at', span->>'ended_at']),
                    unnest(ARRAY[whole((span->>'messages')::numeric), 0])
                    FROM jsonb_array_elements(entry->'spans') AS span
                UNION ALL SELECT event->>'at', 0 FROM jsonb_array_elements(entry->'events') AS event
            ) AS times (moment, messages)
        ) AS times
    ), placed AS (
        SELECT judged.*, there.id AS there, CASE
            WHEN why IS NOT NULL THEN false
            WHEN row_number() OVER (PARTITION BY known_as, why ORDER BY judged.changed DESC, n DESC) > 1 THEN false
            WHEN there.id IS NULL THEN true
            WHEN there.log = from_log THEN whole(judged.changed) > there.changed
            -- a log that was begun anew, without what the transcripts of then would tell
            ELSE judged.last_seen_at >= there.last_seen_at AND judged.messages >=
                (SELECT coalesce(sum(messages), 0) FROM spans WHERE session = there.id)
        END AS taken
        FROM judged LEFT JOIN sessions AS there ON there.session_id = known_as AND there.machine + 0 = me
    ), numbered AS (
        SELECT placed.*, CASE WHEN taken THEN coalesce(there, nextval('session_ids')) END AS number
        FROM (SELECT * FROM placed ORDER BY n) AS placed
    )
    SELECT array_agg(ROW(
        n, number, CASE WHEN taken THEN there END, why,
        CASE WHEN ended_at IS NOT NULL AND flag(sent) = 0 THEN 0 ELSE 1 END,
        known_as, started_at, last_seen_at, ended_at, clipped(end_reason, 100), clipped(source, 100),
        clipped(cwd, 600), clipped(project, 600), clipped(coalesce(backend_kind, 'unknown'), 40),
        clipped(backend_url, 300), clipped(via, 300), clipped(model, 200),
        CASE WHEN reachable IS NOT NULL THEN flag(reachable) END,
        latency(latency_ms), whole(blocked), clipped(client_version, 100),
        clipped(entrypoint, 100), clipped(profile, 200), clipped(host, 200), flag(sent), whole(changed)
    )::given_session ORDER BY n)
    INTO sessions_in FROM numbered;

    SELECT array_agg(id ORDER BY n), array_agg(counts ORDER BY n), coalesce(array_agg(given.old) FILTER (WHERE given.old > 0), '{}'),
        count(id), count(why), count(*) FILTER (WHERE id IS NULL AND why IS NULL)
    INTO ids, counted, old, rows_in, not_taken, skipped FROM unnest(sessions_in) AS given;
    SELECT coalesce(jsonb_agg(jsonb_build_object('session_id', session_id, 'why', why)), '[]') INTO refusals
    FROM (SELECT session_id, why FROM unnest(sessions_in) WHERE why IS NOT NULL LIMIT 20) AS told;

    SELECT array_agg(ROW(
        n, place, s.started_at, s.ended_at, clipped(coalesce(cause, 'start'), 100),
        clipped(coalesce(backend_kind, 'unknown'), 40), clipped(backend_url, 300), clipped(via, 300),
        clipped(model, 200), flag(model_is_certain), clipped(project, 600), flag(main), flag(first),
        flag(new_endpoint), flag(new_model), whole(duration_ms), whole(messages), whole(input_tokens),
        whole(output_tokens), whole(cache_read_tokens), whole(cache_write_tokens), whole(errors), whole(retries)
    )::given_span ORDER BY n, place)
    INTO spans_in
    FROM jsonb_array_elements(batch->'sessions') WITH ORDINALITY AS listed (entry, n),
    LATERAL jsonb_array_elements(entry->'spans') WITH ORDINALITY AS told (span, place),
    LATERAL jsonb_to_record(span) AS s (
        started_at text, ended_at text, cause text, backend_kind text, backend_url text, via text, model text,
        model_is_certain numeric, project text, main numeric, first numeric, new_endpoint numeric, new_model numeric,
        duration_ms numeric, messages numeric, input_tokens numeric, output_tokens numeric, cache_read_tokens numeric,
        cache_write_tokens numeric, errors numeric, retries numeric
    ) WHERE ids[n] IS NOT NULL;

    FOR month IN
        SELECT left(started_at, 7) FROM unnest(sessions_in) WHERE id IS NOT NULL
        UNION SELECT left(started_at, 7) FROM unnest(spans_in)
        UNION SELECT left(event->>'at', 7) FROM jsonb_array_elements(batch->'sessions') WITH ORDINALITY AS listed (entry, n),
            jsonb_array_elements(entry->'events') AS event WHERE ids[n] IS NOT NULL
        ORDER BY 1
    LOOP
        IF to_regclass('claude_local.events_' || replace(month, '-', '_')) IS NULL THEN
            PERFORM make_month(month);
        END IF;
    END LOOP;

    -- names, in the order in which everybody takes them
    IF who IS NULL AND called IS NOT NULL THEN
        INSERT INTO people (name) SELECT called WHERE NOT EXISTS (SELECT FROM people WHERE name = called)
        ON CONFLICT DO NOTHING;
        SELECT id INTO who FROM people WHERE name = called;
    END IF;
    INSERT INTO endpoints (kind, url, via)
    SELECT DISTINCT kind COLLATE "C", url COLLATE "C", via COLLATE "C" FROM unnest(spans_in) AS s
    WHERE NOT EXISTS (SELECT FROM endpoints AS e WHERE e.kind = s.kind
        AND coalesce(e.url, '') = coalesce(s.url, '') AND coalesce(e.via, '-') = coalesce(s.via, '-'))
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    INSERT INTO models (name) SELECT DISTINCT model COLLATE "C" FROM unnest(spans_in)
    WHERE model IS NOT NULL AND NOT EXISTS (SELECT FROM models WHERE name = model) ORDER BY 1 ON CONFLICT DO NOTHING;
    INSERT INTO projects (path) SELECT DISTINCT project COLLATE "C" FROM unnest(spans_in)
    WHERE project IS NOT NULL AND NOT EXISTS (SELECT FROM projects WHERE path = project)
    ORDER BY 1 ON CONFLICT DO NOTHING;

    DELETE FROM sessions WHERE id = ANY (old);
    INSERT INTO sessions (
        id, machine, person, log, changed, counts, session_id, started_at, last_seen_at, ended_at, end_reason, source,
        cwd, project, backend_kind, backend_url, via, model, reachable, latency_ms, blocked, client_version, entrypoint,
        profile, host, sent
    ) SELECT
        id, me, who, from_log, changed, counts, session_id, started_at, last_seen_at, ended_at, end_reason, source,
        cwd, project, backend_kind, backend_url, via, model, reachable, latency_ms, blocked, client_version, entrypoint,
        profile, host, sent
    FROM unnest(sessions_in) WHERE id IS NOT NULL;

    WITH gone AS (
        DELETE FROM spans WHERE session = ANY (old) RETURNING *
    ), come AS (
        INSERT INTO spans (
            id, session, machine, person, counts, started_at, ended_at, cause, endpoint, model, model_is_certain, project,
            main, first, new_endpoint, new_model, duration_ms, messages, input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, errors, retries
        ) SELECT
            nextval('span_ids'), ids[n], me, who, counted[n], started_at, ended_at, cause, endpoint, model,
            model_is_certain, project, main, first, new_endpoint, new_model, duration_ms, messages, input_tokens,
            output_tokens, cache_read_tokens, cache_write_tokens, errors, retries
        FROM (
            SELECT s.n, s.place, s.started_at, s.ended_at, s.cause, e.id AS endpoint, m.id AS model,
                s.model_is_certain, p.id AS project, s.main, s.first, s.new_endpoint, s.new_model, s.duration_ms,
                s.messages, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.errors,
                s.retries
            FROM unnest(spans_in) AS s
            LEFT JOIN endpoints AS e ON e.kind = s.kind AND coalesce(e.url, '') = coalesce(s.url, '')
                AND coalesce(e.via, '-') = coalesce(s.via, '-')
            LEFT JOIN models AS m ON m.name = s.model
            LEFT JOIN projects AS p ON p.path = s.project
            ORDER BY s.n, s.place
        ) AS placed RETURNING *
    ), changes AS (
        SELECT 1 AS sign, come.* FROM come UNION ALL SELECT -1, gone.* FROM gone
    ), added_up AS (
        INSERT INTO sums AS kept
        SELECT me, coalesce(person, 0), endpoint, coalesce(model, 0), coalesce(project, 0), counts,
            sum(sign), sum(sign * first), sum(sign * new_endpoint), sum(sign * new_model), sum(sign * duration_ms),
            sum(sign * messages), sum(sign * input_tokens), sum(sign * output_tokens), sum(sign * cache_read_tokens),
            sum(sign * cache_write_tokens), sum(sign * errors), sum(sign * retries)
        FROM changes GROUP BY 2, 3, 4, 5, 6 ORDER BY 2, 3, 4, 5, 6
        ON CONFLICT (machine, person, endpoint, model, project, counts) DO UPDATE SET
            spans = kept.spans + excluded.spans, sessions = kept.sessions + excluded.sessions,
            on_endpoint = kept.on_endpoint + excluded.on_endpoint, with_model = kept.with_model + excluded.with_model,
            duration_ms = kept.duration_ms + excluded.duration_ms, messages = kept.messages + excluded.messages,
            input_tokens = kept.input_tokens + excluded.input_tokens,
            output_tokens = kept.output_tokens + excluded.output_tokens,
            cache_read_tokens = kept.cache_read_tokens + excluded.cache_read_tokens,
            cache_write_tokens = kept.cache_write_tokens + excluded.cache_write_tokens,
            errors = kept.errors + excluded.errors, retries = kept.retries + excluded.retries
    )
    INSERT INTO sums_by_hour AS kept
    SELECT left(started_at, 13), endpoint, counts,
        sum(sign), sum(sign * first), sum(sign * new_endpoint), sum(sign * new_model), sum(sign * duration_ms),
        sum(sign * messages), sum(sign * input_tokens), sum(sign * output_tokens), sum(sign * cache_read_tokens),
        sum(sign * cache_write_tokens), sum(sign * errors), sum(sign * retries)
    FROM changes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (hour, endpoint, counts) DO UPDATE SET
        spans = kept.spans + excluded.spans, sessions = kept.sessions + excluded.sessions,
        on_endpoint = kept.on_endpoint + excluded.on_endpoint, with_model = kept.with_model + excluded.with_model,
        duration_ms = kept.duration_ms + excluded.duration_ms, messages = kept.messages + excluded.messages,
        input_tokens = kept.input_tokens + excluded.input_tokens,
        output_tokens = kept.output_tokens + excluded.output_tokens,
        cache_read_tokens = kept.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = kept.cache_write_tokens + excluded.cache_write_tokens,
        errors = kept.errors + excluded.errors, retries = kept.retries + excluded.retries;
    more := coalesce(array_length(spans_in, 1), 0);
    rows_in := rows_in + more;

    WITH gone AS (
        DELETE FROM events WHERE session = ANY (old)
        RETURNING at, backend_url, outcome, latency_ms
    ), come AS (
        INSERT INTO events (
            id, session, machine, at, event, cause, backend_kind, backend_url, via, outcome, status, latency_ms, blocked,
            detail
        ) SELECT nextval('event_ids'), ids[n], me, at, clipped(coalesce(event, 'unknown'), 100), clipped(cause, 600),
            clipped(coalesce(backend_kind, 'unknown'), 40), clipped(backend_url, 300), clipped(via, 300),
            clipped(outcome, 100), CASE WHEN status IS NOT NULL THEN whole(status) END,
            latency(latency_ms), flag(blocked), clipped(detail, 600)
        FROM (
            SELECT n, e.* FROM jsonb_array_elements(batch->'sessions') WITH ORDINALITY AS listed (entry, n),
            LATERAL jsonb_array_elements(entry->'events') WITH ORDINALITY AS told (told, place),
            LATERAL jsonb_to_record(told) AS e (
                at text, event text, cause text, backend_kind text, backend_url text, via text, outcome text,
                status numeric, latency_ms numeric, blocked numeric, detail text
            ) WHERE ids[n] IS NOT NULL ORDER BY n, place
        ) AS placed RETURNING at, backend_url, outcome, latency_ms
    ), changes AS (
        SELECT 1 AS sign, come.* FROM come UNION ALL SELECT -1, gone.* FROM gone
    ), added_up AS (
        INSERT INTO looks_by_hour AS kept
        SELECT left(at, 13), coalesce(backend_url, ''), outcome, rounded(latency_ms), sum(sign)
        FROM changes WHERE outcome IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (hour, backend_url, outcome, latency) DO UPDATE SET looks = kept.looks + excluded.looks
    )
    SELECT count(*) INTO more FROM come;
    rows_in := rows_in + more;

    INSERT INTO backends AS known (machine, url, kind, version, seen_at)
    SELECT DISTINCT ON (clipped(url, 300)) me, clipped(url, 300), clipped(coalesce(kind, 'unknown'), 40),
        clipped(version, 100), seen_at
    FROM jsonb_to_recordset(coalesce(batch->'backends', '[]')) AS b (url text, kind text, version text, seen_at text)
    WHERE url IS NOT NULL AND is_moment(seen_at) AND seen_at COLLATE "C" <= latest
    ORDER BY clipped(url, 300), seen_at DESC
    ON CONFLICT (machine, url) DO UPDATE SET kind = excluded.kind, version = coalesce(excluded.version, known.version),
        seen_at = excluded.seen_at WHERE excluded.seen_at >= known.seen_at;

    UPDATE machines SET
        host = coalesce(clipped(batch->>'machine', 200), host),
        program = coalesce(clipped(batch->>'program', 100), program),
        first_heard_at = coalesce(first_heard_at, now_here),
        heard_at = now_here,
        clock_ms = CASE WHEN is_moment(sent_at)
            THEN round(extract(epoch FROM now_here - sent_at::timestamptz) * 1000)::bigint ELSE clock_ms END,
        lag_ms = CASE WHEN is_moment(sent_at) AND newest.moment IS NOT NULL
            THEN round(extract(epoch FROM sent_at::timestamptz - newest.moment::timestamptz) * 1000)::bigint ELSE lag_ms END,
        last_seen_at = greatest(last_seen_at, newest.moment COLLATE "C"),
        refused = refused + not_taken,
        refused_at = CASE WHEN not_taken > 0 THEN now_here ELSE refused_at END,
        refusal = CASE WHEN not_taken > 0 THEN refusals->0->>'why' ELSE refusal END
    FROM (SELECT max(last_seen_at COLLATE "C") AS moment FROM unnest(sessions_in) WHERE why IS NULL) AS newest
    WHERE machines.id = me;

    RETURN jsonb_build_object('sessions', (SELECT count(*) FROM unnest(ids) AS id WHERE id IS NOT NULL),
        'rows', rows_in, 'skipped', skipped, 'refused', not_taken, 'refusals', refusals);
END
$$;

-- Up to which change of this log of the machine that is connected everything has come; 0 for one nothing is known of.
CREATE FUNCTION reached(log text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, claude_local, pg_temp AS $$
    SELECT coalesce(max(upto), 0) FROM logs WHERE machine = claude_local.me() AND name = clipped(log, 100)
$$;

-- For people with psql: the same with names, and with moments that can be reckoned with. Who asks needs the right to.
CREATE VIEW readable_sessions WITH (security_invoker = true) AS
SELECT s.id, m.name AS machine, p.name AS person, s.session_id, s.started_at::timestamptz AS started_at,
    s.last_seen_at::timestamptz AS last_seen_at, s.ended_at::timestamptz AS ended_at, s.end_reason, s.source, s.cwd,
    s.project, s.backend_kind, s.backend_url, s.via, s.model, s.reachable = 1 AS reachable, s.latency_ms, s.blocked,
    s.client_version, s.entrypoint, s.profile, s.host, s.sent = 1 AS something_was_sent
FROM sessions AS s JOIN machines AS m ON m.id = s.machine LEFT JOIN people AS p ON p.id = s.person;

CREATE VIEW readable_spans WITH (security_invoker = true) AS
SELECT s.id, m.name AS machine, p.name AS person, s.session, s.started_at::timestamptz AS started_at,
    s.ended_at::timestamptz AS ended_at, s.cause, e.kind AS backend_kind, e.url AS backend_url, e.via, o.name AS model,
    r.path AS project, s.main = 1 AS main, s.duration_ms * interval '1 millisecond' AS duration, s.messages,
    s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.errors, s.retries
FROM spans AS s JOIN machines AS m ON m.id = s.machine LEFT JOIN people AS p ON p.id = s.person
JOIN endpoints AS e ON e.id = s.endpoint LEFT JOIN models AS o ON o.id = s.model
LEFT JOIN projects AS r ON r.id = s.project;

CREATE VIEW readable_events WITH (security_invoker = true) AS
SELECT e.id, m.name AS machine, e.session, e.at::timestamptz AS at, e.event, e.cause, e.backend_kind, e.backend_url,
    e.via, e.outcome, e.status, e.latency_ms, e.blocked = 1 AS blocked, e.detail
FROM events AS e JOIN machines AS m ON m.id = e.machine;

CREATE VIEW readable_machines WITH (security_invoker = true) AS
SELECT m.id, m.name AS machine, m.role, p.name AS person, m.host, m.program, m.first_heard_at, m.heard_at,
    m.clock_ms * interval '1 millisecond' AS clock_behind_database, m.lag_ms * interval '1 millisecond' AS lag,
    m.last_seen_at::timestamptz AS last_seen_at, (SELECT sum(last - upto) FROM logs WHERE machine = m.id) AS waiting,
    m.refused, m.refused_at, m.refusal
FROM machines AS m LEFT JOIN people AS p ON p.id = m.person;

-- A writer writes rows of its own machine, through `push` alone, and reads none; a reader reads all.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA claude_local FROM PUBLIC;
GRANT USAGE ON SCHEMA claude_local TO claude_local_writer, claude_local_reader;
GRANT SELECT ON versions TO claude_local_writer, claude_local_reader;
GRANT EXECUTE ON FUNCTION push(jsonb), reached(text) TO claude_local_writer;
GRANT SELECT ON people, machines, logs, projects, models, endpoints, backends, telemetry, sessions, spans, events, sums,
    sums_by_hour, looks_by_hour, readable_sessions, readable_spans, readable_events, readable_machines
    TO claude_local_reader;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['people', 'machines', 'logs', 'projects', 'models', 'endpoints', 'backends', 'telemetry',
        'sessions', 'spans', 'events', 'sums', 'sums_by_hour', 'looks_by_hour'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY readers ON %I FOR SELECT TO claude_local_reader USING (true)', name);
    END LOOP;
    -- `push` runs as the owner of the tables, and is held to the rows of the machine that is connected as well; for the
    -- + 0 see there
    FOREACH name IN ARRAY ARRAY['sessions', 'spans', 'events', 'sums', 'backends'] LOOP
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own ON %I TO claude_local_owner USING (machine + 0 = (SELECT claude_local.me()))'
            ' WITH CHECK (machine + 0 = (SELECT claude_local.me()))', name);
    END LOOP;
END
$$;
