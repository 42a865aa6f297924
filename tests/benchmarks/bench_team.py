"""What a team's log takes at 100,000, a million and ten million sessions of 1,000 machines: pushing, and each question.

    python tests/benchmarks/bench_team.py [--sessions N …] [--rounds N]

Each log is generated inside a PostgreSQL of its own, in a temporary folder: two years up to now, per session two events
and a span, for each tenth a second span on another backend; each fiftieth ended before anything was sent. The sums are
made from the rows. A question is the whole command in a process of its own, as a reader who may do nothing else; they
take turns, and the least of all rounds counts, since whatever else the machine does makes it longer. What is pushed
are the logs of further machines, by `sessions push` itself, one after the other and four at once. Printed are seconds,
rows a second, and how much more the largest log takes than the smallest. Ten million sessions take 20 GB meanwhile.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from claude_local_plugin.team import setup

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks import bench_log  # noqa: E402 - of the folder above, as a script too
from tests.postgres import Cluster, cluster  # noqa: E402 - likewise

QUESTIONS: dict[str, tuple[str, ...]] = {
    "sessions stats": ("sessions", "stats"),
    "sessions stats --by day": ("sessions", "stats", "--by", "day"),
    "sessions stats --by model": ("sessions", "stats", "--by", "model"),
    "sessions stats --by machine": ("sessions", "stats", "--by", "machine"),
    "sessions stats --by person": ("sessions", "stats", "--by", "person"),
    "sessions stats --by project": ("sessions", "stats", "--by", "project"),
    "sessions stats --since 7d": ("sessions", "stats", "--since", "7d"),
    "sessions stats --machine": ("sessions", "stats", "--machine", "box-0007"),
    "sessions list": ("sessions", "list"),
    "sessions list --project": ("sessions", "list", "--project", "/home/dev7/src/project-1"),
    "sessions team status": ("sessions", "team", "status"),
    "audit --since 7d": ("audit", "--since", "7d", "--allow", "local"),
    "audit": ("audit", "--allow", "local"),
    "report": ("report", "--output", "-"),
    "report --since all": ("report", "--since", "all", "--output", "-"),
}
#: So many sessions has the log of each machine that is pushed, with three events each and 1.1 spans.
PUSHED = 10_000
#: How many push, one after the other and then at once.
ALONE, TOGETHER = 2, 4
BARE = [sys.executable, "-I", "-S", "-c", "pass"]

MACHINES = 1000
#: As a server of its own would have; the rest is as its defaults are.
OPTIONS = (
    "shared_buffers=1GB",
    "maintenance_work_mem=512MB",
    "max_wal_size=8GB",
    "wal_level=minimal",
    "max_wal_senders=0",
)

#: Nothing but the rows themselves is to be checked and kept in order while they come.
_BARE_TABLES = """
DO $$ DECLARE made record; BEGIN
    FOR made IN SELECT conrelid::regclass AS on_table, conname FROM pg_constraint
        WHERE contype = 'c' AND conislocal AND connamespace = 'claude_local'::regnamespace
        AND conrelid IN ('sessions'::regclass, 'spans'::regclass, 'events'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', made.on_table, made.conname);
    END LOOP;
END $$;
SELECT make_month(to_char(month, 'YYYY-MM'))
FROM generate_series(date_trunc('month', now() - interval '731 days'), now() + interval '2 days', '1 month') AS month;
"""
#: A machine has two servers of its own, three models and five projects; one in ten goes to the cloud now and then.
_NAMES = """
INSERT INTO people (name) SELECT format('dev-%s', n) FROM generate_series(1, 800) AS n;
INSERT INTO machines (name, role, person)
    SELECT format('box-%s', lpad(n::text, 4, '0')), format('box-%s', n), CASE WHEN n % 10 <> 0 THEN 1 + n % 800 END
    FROM generate_series(0, {machines} - 1) AS n;
INSERT INTO endpoints (kind, url) SELECT 'vllm', format('http://gpu-%s:8000', n) FROM generate_series(1, 20) AS n;
INSERT INTO endpoints (kind, url) VALUES ('anthropic', 'https://api.anthropic.com'), ('bedrock', NULL);
INSERT INTO models (name) SELECT format('model-%s', n) FROM generate_series(1, 12) AS n;
INSERT INTO projects (path) SELECT format('/home/dev%s/src/project-%s', m, p)
    FROM generate_series(0, {machines} - 1) AS m, generate_series(1, 5) AS p ORDER BY m, p;
INSERT INTO logs (machine, name, upto, last, heard_at) SELECT id, md5(id::text), 1, 1, now() FROM machines;
CREATE FUNCTION at(i bigint, days double precision) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_char(timestamp '{now}' + make_interval(secs => 86400 * (days - 730.0 * ({count} - i) / {count} - 0.01)),
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
CREATE UNLOGGED TABLE made AS
SELECT i, m, m + 1 AS machine, CASE WHEN m % 10 <> 0 THEN 1 + m % 800 END AS person,
    CASE WHEN m % 10 = 3 AND i % 7 = 0 THEN 21 + (i % 2)::integer
        ELSE 1 + ((m + 3 * (i % 2)) % 20)::integer END AS endpoint,
    1 + ((m + i % 3) % 12)::integer AS model, 1 + m * 5 + ((i / 7) % 5)::integer AS project,
    i % 50 = 0 AS nothing, at(i, 0) AS began, at(i, 0.005) AS went_on, at(i, 0.01) AS ended
FROM (SELECT i, ((i * 7919) % {machines})::integer AS m FROM generate_series(1, {count}::bigint) AS i) AS counted;
"""
_ROWS = (
    """INSERT INTO sessions (
        id, machine, person, log, changed, counts, session_id, started_at, last_seen_at, ended_at, end_reason, source,
        cwd, project, backend_kind, backend_url, model, reachable, latency_ms, blocked, client_version, entrypoint,
        host, sent
    ) SELECT i, machine, person, machine, i, CASE WHEN nothing THEN 0 ELSE 1 END,
        format('%s-aaaa-4000-8000-%s', lpad(to_hex((i * 2654435761) % 4294967296), 8, '0'), lpad(to_hex(i), 12, '0')),
        began, ended, ended, CASE WHEN i % 200 = 3 THEN 'killed' ELSE 'other' END, 'startup', path, path, kind, url,
        name, 1, 3.2, CASE WHEN i % 1000 = 9 THEN 1 ELSE 0 END, '2.1.332', 'cli', format('box-%s', m),
        CASE WHEN nothing THEN 0 ELSE 1 END
    FROM made JOIN endpoints ON endpoints.id = endpoint JOIN models ON models.id = model
    JOIN projects ON projects.id = made.project""",
    """INSERT INTO spans (
        id, session, machine, person, counts, started_at, ended_at, cause, endpoint, model, model_is_certain, project,
        main, first, new_endpoint, new_model, duration_ms, messages, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, errors, retries
    ) SELECT 2 * i + part, i, machine, person, CASE WHEN nothing THEN 0 ELSE 1 END,
        CASE part WHEN 0 THEN began ELSE went_on END, ended, CASE part WHEN 0 THEN 'start' ELSE 'backend' END,
        CASE part WHEN 0 THEN endpoint ELSE 1 + endpoint % 20 END, model, 1, project, 1, 1 - part, 1, 1 - part, 432000,
        CASE WHEN nothing THEN 0 ELSE 12 END, i % 50000, i % 9000, i % 90000, i % 700,
        CASE WHEN i % 100 = 5 THEN 1 ELSE 0 END, 0
    FROM made CROSS JOIN generate_series(0, 1) AS part WHERE part = 0 OR i % 10 = 0""",
    """INSERT INTO events (
        id, session, machine, at, event, backend_kind, backend_url, outcome, status, latency_ms, blocked
    ) SELECT 2 * i + part, i, machine, CASE part WHEN 0 THEN began ELSE went_on END,
        CASE part WHEN 0 THEN 'SessionStart' ELSE 'UserPromptSubmit' END, kind, url,
        CASE WHEN url IS NULL OR kind = 'anthropic' THEN NULL WHEN i % 61 = 0 THEN 'refused' ELSE 'ok' END, 200,
        CASE WHEN i % 61 <> 0 THEN 1.5 + i % 400 END, CASE WHEN part = 1 AND i % 1000 = 9 THEN 1 ELSE 0 END
    FROM made JOIN endpoints ON endpoints.id = endpoint CROSS JOIN generate_series(0, 1) AS part
    WHERE part = 0 OR NOT nothing""",
)
_SUMMED = "duration_ms, messages, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, errors, retries"
_TWELVE = "count(*), sum(first), sum(new_endpoint), sum(new_model), " + ", ".join(
    f"sum({name.strip()})" for name in _SUMMED.split(",")
)
_SUMS = f"""
INSERT INTO sums
    SELECT machine, coalesce(person, 0), endpoint, coalesce(model, 0), coalesce(project, 0), counts,
    {_TWELVE} FROM spans GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO sums_by_hour SELECT left(started_at, 13), endpoint, counts, {_TWELVE} FROM spans GROUP BY 1, 2, 3;
INSERT INTO looks_by_hour SELECT left(at, 13), coalesce(backend_url, ''), outcome, rounded(latency_ms), count(*)
    FROM events WHERE outcome IS NOT NULL GROUP BY 1, 2, 3, 4;
DROP TABLE made;
"""


def make(server: Cluster, count: int, database: str) -> str:
    """A log of so many sessions; returns its URL for a reader."""
    url = server.url(database)
    server.ask(f"CREATE DATABASE {database}")
    with psycopg.connect(url, autocommit=True) as connection:
        setup.init(connection, url, program="benchmark", readers=["lead"], passwords=False)
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    values = {"machines": MACHINES, "count": count, "now": now}
    indexes = [
        row[0]
        for row in server.ask(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
            " WHERE relname IN ('sessions', 'spans', 'events') AND relkind = 'p' AND NOT indisprimary",
            database,
        )
    ]
    _run(server, database, _BARE_TABLES)
    for definition in indexes:
        _run(server, database, f"DROP INDEX {definition.partition(' ON ')[0].rpartition(' ')[2]}")
    _run(server, database, _NAMES.format(**values))
    for statement in _ROWS:
        _run(server, database, statement)
    for definition in indexes:
        _run(server, database, definition.replace(" ON ONLY ", " ON "))
    _run(server, database, _SUMS)
    server.ask("VACUUM (ANALYZE)", database)
    return server.url(database, "lead")


def _run(server: Cluster, database: str, statements: str) -> None:
    server.ask(f"SET search_path = claude_local; {statements}", database)


def seconds(command: Sequence[str], environ: dict[str, str]) -> float:
    """How long one run takes; a run that fails ends the benchmark."""
    began = time.perf_counter()
    ended = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if ended.returncode not in (0, 1) or b"Traceback" in ended.stderr:
        raise SystemExit(f"{' '.join(command)}: {ended.stderr.decode()[-2000:]}")
    return time.perf_counter() - began


def ask(url: str, rounds: int, names: Sequence[str] = tuple(QUESTIONS)) -> dict[str, float]:
    """The least seconds for each question, and for a bare interpreter as `pass`."""
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": tempfile.gettempdir(), "TZ": "Europe/Berlin"}
    program = [sys.executable, "-m", "claude_local_plugin"]
    commands = {"pass": BARE} | {name: [*program, *QUESTIONS[name], "--from", url] for name in names}
    least = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for name, command in commands.items():
            least[name] = min(least[name], seconds(command, environ))
    return least


def rows_a_second(server: Cluster, database: str, pushed: int = PUSHED, called: str = "further") -> tuple[float, float]:
    """How many rows arrive a second: from one machine alone, the quickest of a few, and from four at once."""
    machines = [f"{called}-{number}" for number in range(ALONE + TOGETHER)]
    url = server.url(database)
    with psycopg.connect(url, autocommit=True) as connection:
        writers = [setup.Writer(machine) for machine in machines]
        setup.init(connection, url, program="benchmark", writers=writers, passwords=False)
    with tempfile.TemporaryDirectory() as folder:
        commands = []
        for machine in machines:
            state = Path(folder) / machine
            bench_log.make(state, pushed)
            environ = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "CLAUDE_LOCAL_STATE_DIR": str(state)}
            told = ["sessions", "push", "--to", server.url(database, machine)]
            commands.append(([sys.executable, "-m", "claude_local_plugin", *told], environ))
        before = _rows(server, database)
        alone = []
        for command, environ in commands[:ALONE]:
            alone.append(seconds(command, environ))
        each = (_rows(server, database) - before) / ALONE
        with ThreadPoolExecutor(TOGETHER) as pool:
            began = time.perf_counter()
            for ended in [pool.submit(seconds, *command) for command in commands[ALONE:]]:
                ended.result()
            together = time.perf_counter() - began
    return each / min(alone), TOGETHER * each / together


def _rows(server: Cluster, database: str) -> int:
    """How many rows the further machines have sent."""
    mine = "machine IN (SELECT id FROM machines WHERE name LIKE 'further%%')"
    tables = ("sessions", "spans", "events")
    counted = " + ".join(f"(SELECT count(*) FROM claude_local.{table} WHERE {mine})" for table in tables)
    ((count,),) = server.ask(f"SELECT {counted}".replace("FROM machines", "FROM claude_local.machines"), database)
    return int(count)


@contextmanager
def server() -> Iterator[Cluster]:
    """A PostgreSQL as long as a `with` lasts; raises SystemExit where there is none."""
    try:
        with cluster(*OPTIONS) as started:
            yield started
    except pytest.skip.Exception as reason:
        raise SystemExit(str(reason)) from None


def main() -> int:
    """Generates, measures, and prints the table."""
    options = argparse.ArgumentParser(prog="bench_team.py", description=__doc__.splitlines()[0])
    options.add_argument("--sessions", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    sizes = sorted(chosen.sessions)
    found: dict[int, dict[str, float]] = {}
    pushed: dict[int, tuple[float, float]] = {}
    with server() as started:
        for count in sizes:
            began = time.perf_counter()
            database = f"team_{count}"
            url = make(started, count, database)
            ((size,),) = started.ask(f"SELECT pg_size_pretty(pg_database_size('{database}'))")
            print(f"{count:,} sessions: {size}, generated in {time.perf_counter() - began:.0f} s", flush=True)
            found[count] = ask(url, chosen.rounds)
            for name, took in found[count].items():
                print(f"  {name:30}{took:8.2f} s", flush=True)
            pushed[count] = rows_a_second(started, database)
            print(f"  sessions push{pushed[count][0]:25,.0f} rows/s, four at once {pushed[count][1]:,.0f}", flush=True)
            started.ask(f"DROP DATABASE {database} WITH (FORCE)")
    print(f"{'':30}{''.join(f'{count:>14,}' for count in sizes)}{'growth':>9}")
    for name in ("pass", *QUESTIONS):
        took = [found[count][name] for count in sizes]
        print(f"{name:30}{''.join(f'{each:>12.2f} s' for each in took)}{took[-1] / took[0]:>9.2f}")
    for place, name in enumerate(("push, rows a second", "push, four machines at once")):
        rates = [pushed[count][place] for count in sizes]
        print(f"{name:30}{''.join(f'{each:>14,.0f}' for each in rates)}{rates[0] / rates[-1]:>9.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
