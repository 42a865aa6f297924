"""How long the hook takes as installed, beside a bare interpreter and the shell pre-flight it replaces.

    python tests/benchmarks/bench_hook.py [--rounds N] [--max-ratio X]

The pre-flight is what people put before a session otherwise: `bash` with two `curl -sf`, to `/health` and
`/v1/models`. All run against the same loopback server, in turns, so that whatever else the machine does hits all of
them alike. Printed are, for each event, the median and the quickest run and their ratios to a bare interpreter and to
the pre-flight; then how many of 100, 200 and 300 first ones at once are lost. With `--max-ratio` the exit code is 1
when the median SessionStart hook takes longer than that many pre-flights.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from claude_local_plugin.sessionlog import queries

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "hooks" / "claude_local_hook.py"
SESSION = "5b6f1f4e-0000-4000-8000-000000000000"

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
PASS, TWO_CURLS, START = "python3 -I -S -c pass", "pre-flight (bash, 2 curls)", "SessionStart"

CONFIG = """
on_dead_backend = "block"
recheck_after_s = 30
[log]
retention_days = 365
[projects."/srv/client"]
protect = true
allowed_backends = ["http://127.0.0.1:8000"]
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


@dataclass(frozen=True)
class Contestant:
    """A command to be timed; `prepare` is done before each run and not counted."""

    command: list[str]
    environ: Mapping[str, str]
    event: Mapping[str, str] | None = None
    prepare: Callable[[], None] = lambda: None

    def milliseconds(self, number: int) -> float:
        """How long one run takes."""
        # one that another contestant sends, too, would be taken for the same event, and not be handled
        own = f"{id(self)}-{number}"
        stdin = json.dumps({**self.event, "prompt_id": own}).encode() if self.event else b""
        self.prepare()
        return milliseconds(self.command, stdin, self.environ)


def milliseconds(command: list[str], stdin: bytes, environ: Mapping[str, str]) -> float:
    """How long one run takes; a run that fails ends the benchmark."""
    began = time.perf_counter()
    subprocess.run(command, input=stdin, env=dict(environ), stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


class Transcript:
    """A session's transcript of some megabytes, which gets an answer more before each turn's end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = count()
        path.write_text("".join(self._answer() + self._tool_result() for _ in range(500)))

    def grow(self) -> None:
        with self.path.open("a") as file:
            file.write(self._answer() + self._tool_result())

    def _answer(self) -> str:
        number = next(self._numbers)
        usage = {"input_tokens": 4000, "output_tokens": 300, "cache_read_input_tokens": 20000}
        line = {
            "type": "assistant",
            "sessionId": SESSION,
            "timestamp": "2026-11-21T10:00:00.000Z",
            "requestRef": f"r{number}",
            "message": {"id": f"m{number}", "model": "qwen3-coder-next", "usage": usage, "content": "x" * 1000},
        }
        return json.dumps(line) + "\n"

    def _tool_result(self) -> str:
        return json.dumps({"type": "user", "toolUseResult": "x" * 8000}) + "\n"


def contestants(folder: Path, url: str) -> dict[str, Contestant]:
    """Everything that is timed, by the name it is shown under."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("curl") is None:
        raise SystemExit("bash and curl are needed for the comparison")
    config = folder / "config"
    config.mkdir()
    (config / "config.toml").write_text(CONFIG)
    base = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    cloud = base | {
        "ANTHROPIC_MODEL": "qwen3-coder-next",
        "AI_AGENT": "claude-code_2-1-329_harness",
        "CLAUDE_PROJECT_DIR": str(folder),
        "CLAUDE_PID": str(os.getpid()),
    }
    own = cloud | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_API_KEY": ""}
    state = folder / "state"
    transcript = Transcript(folder / f"{SESSION}.jsonl")

    def forget_looks() -> None:
        shutil.rmtree(state / "looks", ignore_errors=True)

    def hook(name: str, environ: Mapping[str, str] = own, *options: str, **more: str) -> Contestant:
        event = {"session_id": SESSION, "transcript_path": str(transcript.path), "cwd": str(folder)}
        counted = name in ("Stop", "SubagentStop", "StopFailure", "SessionEnd")
        prepare = transcript.grow if counted else forget_looks if more.pop("asks", None) else (lambda: None)
        return Contestant([*hook_command(state), *options], environ, event | {"hook_event_name": name} | more, prepare)

    configured = (own, "--config", str(config))
    return {
        PASS: Contestant([sys.executable, "-I", "-S", "-c", "pass"], base),
        TWO_CURLS: Contestant([bash, "-c", PREFLIGHT], base | {"URL": url}),
        START: hook(START, source="startup"),
        "SessionStart, cloud": hook(START, cloud, source="startup"),
        "SessionStart, config.toml": hook(START, *configured, source="startup"),
        "UserPromptSubmit": hook("UserPromptSubmit", prompt="ping"),
        "UserPromptSubmit, asks again": hook("UserPromptSubmit", prompt="ping", asks="yes"),
        "UserPromptSubmit, config.toml": hook("UserPromptSubmit", *configured, prompt="ping"),
        "ConfigChange": hook("ConfigChange", source="local_settings"),
        "PostModelSwitch": hook("PostModelSwitch", to_model="other", source="command"),
        "CwdChanged": hook("CwdChanged", new_cwd=str(folder)),
        "SubagentStop": hook("SubagentStop"),
        "Stop": hook("Stop"),
        "Stop, config.toml": hook("Stop", *configured),
        "StopFailure": hook("StopFailure", error="overloaded"),
        "SessionEnd": hook("SessionEnd", reason="other"),
    }


def measure(rounds: int) -> dict[str, list[float]]:
    """Times in milliseconds per contestant, run in turns; the first round is not counted."""
    with tempfile.TemporaryDirectory() as folder, loopback_server() as url:
        all_of_them = contestants(Path(folder), url)
        times: dict[str, list[float]] = {name: [] for name in all_of_them}
        for number in range(rounds + 1):
            for name, contestant in all_of_them.items():
                took = contestant.milliseconds(number)
                if number:
                    times[name].append(took)
        return times


def lost(size: int) -> tuple[int, float]:
    """Of so many first hooks at once, with a config.toml and no state folder: how many are not on record, and how many
    seconds all of them took.
    """
    with tempfile.TemporaryDirectory() as folder:
        state, config = Path(folder) / "state", Path(folder) / "config"
        config.mkdir()
        (config / "config.toml").write_text(CONFIG)
        began = time.perf_counter()
        gone = [
            start([*hook_command(state), "--config", str(config)], state.parent, f"s-{each}") for each in range(size)
        ]
        for process in gone:
            process.wait()
        took = time.perf_counter() - began
        return size - len(queries.sessions(state)), took


def start(command: list[str], home: Path, session_id: str) -> "subprocess.Popen[bytes]":
    """A hook that has its event, a session's start."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"HOME": str(home)})
    assert process.stdin is not None
    event = {"session_id": session_id, "hook_event_name": "SessionStart", "source": "startup"}
    process.stdin.write(json.dumps(event).encode())
    process.stdin.close()
    process.stdin = None
    return process


def main() -> int:
    """Measures, prints the tables, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--max-ratio", type=float, help="the most pre-flights a SessionStart hook may take")
    chosen = options.parse_args()
    times = measure(chosen.rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    quickest = {name: min(taken) for name, taken in times.items()}
    print(f"{'':32}{'median':>10}{'/ pass':>8}{'/ curls':>9}{'quickest':>12}{'/ pass':>8}{'/ curls':>9}")
    for name in times:
        columns = "".join(
            f"{kind[name]:>7.1f} ms{kind[name] / kind[PASS]:>8.2f}{kind[name] / kind[TWO_CURLS]:>9.2f}"
            f"{'  ' if kind is medians else ''}"
            for kind in (medians, quickest)
        )
        print(f"{name:32}{columns}")
    print(f"({chosen.rounds} rounds)\n")
    for size in (100, 200, 300):
        gone, took = lost(size)
        print(f"{size} first hooks at once: {gone} lost, {took:.1f} s")
    return int(chosen.max_ratio is not None and medians[START] / medians[TWO_CURLS] > chosen.max_ratio)


if __name__ == "__main__":
    raise SystemExit(main())
