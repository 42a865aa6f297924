"""How long it takes to put an event on record and to ask the log, at a thousand, 100,000 and a million sessions.

    python tests/benchmarks/bench_log.py [--sessions N …] [--rounds N] [--max-stats-s X]

Every log is made in a temporary folder: each session with three events and one span, each tenth with a second span on
another backend. One insert is what an import does with an event, in this process: read its line, open the log, write.
A question is the whole command in a process of its own, taken in turns with a bare interpreter. Printed are medians,
their ratios to the smallest log and to `python3 -I -S -c pass`; with `--max-stats-s` the exit code is 1 when `sessions
stats` over the largest log takes longer.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from claude_local_plugin.core import text
from claude_local_plugin.sessionlog import importer, journal, store

INSERTS = 300
BARE = [sys.executable, "-I", "-S", "-c", "pass"]
QUESTIONS = {
    "sessions list": ("sessions", "list"),
    "sessions stats": ("sessions", "stats"),
    "sessions stats --by model": ("sessions", "stats", "--by", "model"),
    "sessions stats --by project": ("sessions", "stats", "--by", "project"),
    "sessions stats --by day": ("sessions", "stats", "--by", "day"),
    "sessions stats --since 7d": ("sessions", "stats", "--since", "7d"),
}

#: Two years of sessions up to now, on five backends, with twelve models, in 300 projects.
_MADE = """
CREATE TEMP TABLE made AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT i, julianday('now') - 730.0 * ({count} - i) / {count} - 0.01 AS day,
    1 + (i * 7919) % 5 AS endpoint, 1 + i % 12 AS model, 1 + (i * 31) % 300 AS project FROM n;
INSERT INTO endpoints (kind, url) VALUES ('vllm', 'http://dell-pro-max:8000'), ('ollama', 'http://nas:11434'),
    ('anthropic', 'https://api.anthropic.com'), ('litellm', 'http://gate:4000'), ('bedrock', NULL);
INSERT INTO models (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
    SELECT 'model-' || i FROM n;
INSERT INTO projects (path) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    SELECT '/home/dev/src/project-' || i FROM n;
INSERT INTO sessions (
    id, session_id, started_at, last_seen_at, ended_at, end_reason, source, cwd, project, backend_kind, backend_url,
    model, reachable, latency_ms, blocked, client_version, entrypoint, client_pid, transcript_path, host
) SELECT i, printf('%08x-aaaa-4000-8000-%012x', i * 2654435761 % 4294967296, i),
    strftime('%Y-%m-%dT%H:%M:%fZ', day), strftime('%Y-%m-%dT%H:%M:%fZ', day + 0.01),
    strftime('%Y-%m-%dT%H:%M:%fZ', day + 0.01), 'other', 'startup', path, path, kind, url, name, 1, 3.2, 0, '2.1.329',
    'cli', 4711, '/home/dev/.claude/projects/x/' || i || '.jsonl', 'elsewhere'
FROM made JOIN endpoints ON endpoints.id = endpoint JOIN models ON models.id = made.model
JOIN projects ON projects.id = made.project ORDER BY i;
INSERT INTO events (session, at, event, cause, backend_kind, backend_url, outcome, status, latency_ms, blocked)
SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', day + 0.005 * part), event, NULL, kind, url, outcome, 200, 3.2, 0
FROM made JOIN endpoints ON endpoints.id = endpoint
CROSS JOIN (SELECT 0 AS part, 'SessionStart' AS event, 'ok' AS outcome
    UNION ALL SELECT 1, 'UserPromptSubmit', 'ok' UNION ALL SELECT 2, 'SessionEnd', NULL) ORDER BY i, part;
INSERT INTO spans (
    session, started_at, ended_at, cause, endpoint, model, model_is_certain, project, main, first, new_endpoint,
    new_model, duration_ms, messages, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
) SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', day + 0.005 * part), strftime('%Y-%m-%dT%H:%M:%fZ', day + 0.01),
    CASE part WHEN 0 THEN 'start' ELSE 'backend' END, (endpoint + part - 1) % 5 + 1, model, 1, project, 1, part = 0, 1,
    part = 0, 432000, 12, i % 50000, i % 9000, i % 90000, i % 700
FROM made CROSS JOIN (SELECT 0 AS part UNION ALL SELECT 1) WHERE part = 0 OR i % 10 = 0 ORDER BY i, part;
DROP TABLE made;
"""


def make(state: Path, count: int) -> None:
    """A log of so many sessions."""
    with closing(store.connect(str(state))) as log:
        log.execute("PRAGMA synchronous = OFF")
        log.executescript(f"BEGIN; {_MADE.format(count=count)} COMMIT;")


def inserts(state: Path) -> list[float]:
    """How long single events take, in milliseconds, each imported by itself."""
    took = []
    for number in range(INSERTS):
        record = {
            "session_id": f"benchmark-{number // 3}",
            "at": text.now(),
            "event": ("SessionStart", "UserPromptSubmit", "SessionEnd")[number % 3],
            "project": "/home/dev/src/project-1",
            "backend_kind": "vllm",
            "backend_url": "http://dell-pro-max:8000",
            "model": "model-1",
            "outcome": "ok",
        }
        journal.append(str(state), record)
        began = time.perf_counter()
        importer.run(str(state), os.environ, 1.0, quick=True)
        took.append((time.perf_counter() - began) * 1000)
    return took


def milliseconds(command: Sequence[str], environ: dict[str, str]) -> float:
    """How long one run takes; a run that fails ends the benchmark."""
    began = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def questions(state: Path, rounds: int) -> dict[str, float]:
    """The medians in milliseconds, of the bare interpreter too; the first round is not counted."""
    ours = shutil.which("claude-local", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if ours is None:
        raise SystemExit("claude-local must be installed")
    environ = {"PATH": os.environ["PATH"], "HOME": str(state), "CLAUDE_LOCAL_STATE_DIR": str(state)}
    commands = {"pass": BARE} | {name: [ours, *words] for name, words in QUESTIONS.items()}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            took = milliseconds(command, environ)
            if number:
                times[name].append(took)
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> int:
    """Measures, prints the table, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sessions", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--max-stats-s", type=float, help="the most seconds that `sessions stats` may take")
    chosen = options.parse_args()
    sizes = sorted(chosen.sessions)
    found: dict[int, dict[str, float]] = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count)
            found[count] = {"one insert": statistics.median(inserts(Path(folder)))}
            found[count] |= questions(Path(folder), chosen.rounds)
    bare = statistics.median(each["pass"] for each in found.values())
    print(f"python3 -I -S -c pass: {bare:.1f} ms   (medians; {INSERTS} inserts, {chosen.rounds} rounds of questions)")
    print(f"{'':30}{'sessions':>10}{'median':>12}{'/ smallest':>12}{'/ pass':>9}")
    for name in ("one insert", *QUESTIONS):
        for count in sizes:
            took = found[count][name]
            row = f"{count:>10,}{took:>9.2f} ms{took / found[sizes[0]][name]:>12.2f}{took / bare:>9.2f}"
            print(f"{name if count == sizes[0] else '':30}{row}")
    slow = chosen.max_stats_s is not None and found[sizes[-1]]["sessions stats"] > chosen.max_stats_s * 1000
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
