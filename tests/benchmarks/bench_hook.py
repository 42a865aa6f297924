"""How long the hook takes as installed, beside a bare interpreter and the shell pre-flight it replaces.

    python tests/benchmarks/bench_hook.py [--rounds N] [--max-ratio X]

The pre-flight is what people put before a session otherwise: `bash` with two `curl -sf`, to `/health` and
`/v1/models`. All run against the same loopback server, in turns, so that whatever else the machine does hits all of
them alike. Printed are the medians and their ratios; with `--max-ratio` the exit code is 1 when the median
SessionStart hook takes longer than that many pre-flights.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "hooks" / "claude_local_hook.py"

#: A server that costs next to nothing itself: one thread, one canned answer, in a process of its own.
SERVER = """
import socket, sys
body = b'{"object":"list","data":[{"id":"qwen3-coder-next","object":"model","owned_by":"vllm","max_model_len":65536}]}'
head = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n"
answer = head % len(body) + body
listener = socket.socket(fileno=int(sys.argv[1]))
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(answer)
    connection.close()
"""

PREFLIGHT = """
if ! curl -sf "$URL/health" > /dev/null 2>&1; then exit 1; fi
if ! curl -sf "$URL/v1/models" > /dev/null 2>&1; then exit 1; fi
"""


@contextmanager
def loopback_server() -> Iterator[str]:
    """The URL of a running server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", SERVER, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
    try:
        yield url
    finally:
        process.terminate()
        process.wait()


def hook_command(state: Path) -> list[str]:
    """The hook as `enable` writes it into a settings file."""
    return [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(state)]


def event(name: str, **more: str) -> bytes:
    """What Claude Code writes to the hook's standard input."""
    common = {
        "session_id": "5b6f1f4e-benchmark",
        "transcript_path": "/tmp/t.jsonl",
        "cwd": "/tmp",
        "hook_event_name": name,
    }
    return json.dumps(common | more).encode()


def milliseconds(command: list[str], stdin: bytes, environ: dict[str, str]) -> float:
    """How long one run takes; a run that fails ends the benchmark."""
    began = time.perf_counter()
    subprocess.run(command, input=stdin, env=environ, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def measure(rounds: int) -> dict[str, list[float]]:
    """Times in milliseconds per contestant, run in turns; the first round is not counted."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("curl") is None:
        raise SystemExit("bash and curl are needed for the comparison")
    with tempfile.TemporaryDirectory() as folder, loopback_server() as url:
        base = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
        session = base | {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_MODEL": "qwen3-coder-next",
            "AI_AGENT": "claude-code_2-1-329_harness",
            "CLAUDE_PROJECT_DIR": "/tmp",
        }
        cloud = {name: value for name, value in session.items() if name != "ANTHROPIC_BASE_URL"}
        hook = hook_command(Path(folder) / "state")
        contestants = {
            "python3 -I -S -c pass": ([sys.executable, "-I", "-S", "-c", "pass"], b"", base),
            "pre-flight (bash, 2 curls)": ([bash, "-c", PREFLIGHT], b"", base | {"URL": url}),
            "SessionStart": (hook, event("SessionStart", source="startup"), session),
            "SessionStart, cloud": (hook, event("SessionStart", source="startup"), cloud),
            "UserPromptSubmit": (hook, event("UserPromptSubmit", prompt="ping"), session),
            "SessionEnd": (hook, event("SessionEnd", reason="other"), session),
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for round_number in range(rounds + 1):
            for name, contestant in contestants.items():
                took = milliseconds(*contestant)
                if round_number:
                    times[name].append(took)
    return times


def main() -> int:
    """Measures, prints the table, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--max-ratio", type=float, help="the most pre-flights a SessionStart hook may take")
    chosen = options.parse_args()
    times = measure(chosen.rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    bare, preflight = medians["python3 -I -S -c pass"], medians["pre-flight (bash, 2 curls)"]
    print(f"{'':28}{'median':>10}{'quickest':>10}{'/ pass':>9}{'/ pre-flight':>14}   ({chosen.rounds} rounds)")
    for name, median in medians.items():
        quickest = min(times[name])
        print(f"{name:28}{median:>7.1f} ms{quickest:>7.1f} ms{median / bare:>9.2f}{median / preflight:>14.2f}")
    return int(chosen.max_ratio is not None and medians["SessionStart"] / preflight > chosen.max_ratio)


if __name__ == "__main__":
    raise SystemExit(main())
