"""How much our hooks add to a session of the real Claude Code, from its start to its end and to its first request.

    CLAUDE_LOCAL_TEST_CLAUDE=…/claude python tests/benchmarks/bench_claude_start.py [--rounds N]
        [--answer-after SECONDS] [--max-added PERCENT]

`claude -p ping` runs in four projects in turns, which are alike but for their hooks: none, `/bin/true` for every
event, a Python that does nothing, and ours. The second says what any hook costs, since Claude Code starts a process for
it, the third what any hook in Python costs. All talk to our own
small server on this machine, which answers at once, or after as long as a real model takes to read Claude Code's first
prompt, some 15,000 tokens: then the share of the hooks is smaller.
Printed are medians and the quickest runs, and what is added: as the median of the differences to the run without hooks
of the same round, and as the difference between the quickest. With `--max-added` the exit code is 1 when the first of
these is more than that share of the session without hooks.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.settings.hooks import entries

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

#: What is measured of a session: until its first request arrives, and until the process has ended.
FIRST_REQUEST, WHOLE = "until the first request", "the whole session"


NO_HOOKS, NOTHING, BARE, OURS = "no hooks", "/bin/true as hook", "a bare Python", "our hooks"


def alike(command: str) -> dict[str, Any]:
    """The same command for every event that our hook is for."""
    return {event: [{"hooks": [{"type": "command", "command": command, "timeout": 5}]}] for event in EVENTS}


def ours(state: Path) -> dict[str, Any]:
    """Our hook for every event, as `enable` writes it."""
    return {edit.path[-1]: [edit.item] for edit in entries(sys.executable, ROOT / "hooks", state)}


@dataclass
class Session:
    """`claude -p ping` in a project of its own; `times` in milliseconds by what is measured."""

    claude: Path
    folder: Path
    backend: EmbeddedBackend
    hooks: dict[str, Any]
    answer_after: float
    times: dict[str, list[float]] = field(default_factory=lambda: {FIRST_REQUEST: [], WHOLE: []})

    def __post_init__(self) -> None:
        settings = {
            "env": {
                "ANTHROPIC_BASE_URL": self.backend.url,
                "ANTHROPIC_AUTH_TOKEN": "claude-local",
                "ANTHROPIC_API_KEY": "",
                "ANTHROPIC_MODEL": "qwen3-coder-next",
                "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
            "hooks": self.hooks,
        }
        (self.folder / "project" / ".claude").mkdir(parents=True)
        (self.folder / "home").mkdir()
        (self.folder / "project" / ".claude" / "settings.local.json").write_text(json.dumps(settings))

    def run(self, *, counts: bool) -> None:
        """Once, in a process of its own that can reach nothing but this machine."""
        arrived: list[float] = []

        def reply(_: Mapping[str, Any]) -> str:
            arrived.append(time.perf_counter())
            time.sleep(self.answer_after)
            return "pong"

        self.backend.reply = reply
        nowhere = "http://127.0.0.1:9"
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "HTTPS_PROXY": nowhere}
        began = time.perf_counter()
        done = subprocess.run(
            [str(self.claude), "-p", "ping"],
            cwd=self.folder / "project",
            env={**environ, "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        ended = time.perf_counter()
        if done.stdout.strip() != "pong":
            raise SystemExit(f"not a session: {done.stdout}{done.stderr}")
        if counts:
            self.times[FIRST_REQUEST].append((arrived[0] - began) * 1000)
            self.times[WHOLE].append((ended - began) * 1000)


def measure(claude: Path, rounds: int, answer_after: float = 0.0) -> dict[str, dict[str, list[float]]]:
    """Times in milliseconds by hooks and by what is measured, in turns; the first round is not counted."""
    with tempfile.TemporaryDirectory() as name, EmbeddedBackend() as backend:
        folder = Path(name)
        state = folder / "state"
        bare = f"'{sys.executable}' -I -S -c pass"
        installed = {NO_HOOKS: {}, NOTHING: alike("/bin/true"), BARE: alike(bare), OURS: ours(state)}
        sessions = {
            label: Session(claude, folder / str(number), backend, those, answer_after)
            for number, (label, those) in enumerate(installed.items())
        }
        for number in range(rounds + 1):
            order = [*sessions.values()]
            for session in order if number % 2 else reversed(order):
                session.run(counts=number > 0)
        if not state.is_dir() or not any(state.iterdir()):
            raise SystemExit("our hooks did not run")
    return {label: session.times for label, session in sessions.items()}


def main() -> int:
    """Measures, prints the table, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--answer-after", type=float, default=0.0, help="how long the model takes, in seconds")
    options.add_argument("--max-added", type=float, help="the most that hooks may add, in percent of the whole")
    chosen = options.parse_args()
    from tests.conftest import find_claude

    claude = find_claude()
    if claude is None:
        raise SystemExit("no Claude Code here: set CLAUDE_LOCAL_TEST_CLAUDE")
    found = measure(claude, chosen.rounds, chosen.answer_after)
    added = 0.0
    for what in (FIRST_REQUEST, WHOLE):
        print(f"{what:22}{'median':>10}{'added':>10}{'':>9}{'quickest':>12}{'added':>10}")
        plain = found[NO_HOOKS][what]
        for label, measured in found.items():
            times = measured[what]
            more = statistics.median(b - a for a, b in zip(plain, times, strict=True))
            added, least = 100 * more / statistics.median(plain), min(times) - min(plain)
            print(
                f"  {label:20}{statistics.median(times):>7.0f} ms{more:>7.1f} ms{added:>7.1f} %"
                f"{min(times):>9.0f} ms{least:>7.1f} ms{100 * least / min(plain):>7.1f} %"
            )
    print(f"({chosen.rounds} rounds)")
    return int(chosen.max_added is not None and added > chosen.max_added)


if __name__ == "__main__":
    raise SystemExit(main())
