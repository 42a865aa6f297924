"""How long the quick commands take, beside a bare interpreter and `git config`, all run in turns.

    python tests/benchmarks/bench_cli.py [--rounds N]

`status` runs in an enabled project against a stand-in server. Printed are the medians, the quickest runs (the steadier
figure on a busy machine) and the ratios to `python3 -c pass` and to `git config --show-origin --list`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from claude_local_plugin.fake_server.server import EmbeddedBackend


def milliseconds(command: list[str], cwd: Path, environ: dict[str, str]) -> float:
    """How long one run takes; a run that fails ends the benchmark."""
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def measure(rounds: int) -> dict[str, list[float]]:
    """Times in milliseconds per contestant; the first round is not counted."""
    ours = shutil.which("claude-local", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if ours is None or shutil.which("git") is None:
        raise SystemExit("claude-local must be installed, and git, for the comparison")
    with tempfile.TemporaryDirectory() as folder, EmbeddedBackend() as backend:
        project = Path(folder) / "project"
        project.mkdir()
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
        for command in (["git", "init", "-q"], [ours, "enable", "--url", backend.url, "--yes"]):
            milliseconds(command, project, environ)
        contestants = {
            "python3 -c pass": [sys.executable, "-c", "pass"],
            "git config --show-origin": ["git", "config", "--show-origin", "--list"],
            "claude-local --version": [ours, "--version"],
            "claude-local status": [ours, "status"],
            "claude-local sessions list": [ours, "sessions", "list"],
            "claude-local explain-precedence": [ours, "explain-precedence"],
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for round_number in range(rounds + 1):
            for name, command in contestants.items():
                took = milliseconds(command, project, environ)
                if round_number:
                    times[name].append(took)
    return times


def main() -> int:
    """Measures and prints the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=30)
    rounds = options.parse_args().rounds
    times = measure(rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    bare, git = medians["python3 -c pass"], medians["git config --show-origin"]
    print(f"{'':34}{'median':>10}{'quickest':>10}{'/ pass':>9}{'/ git config':>14}   ({rounds} rounds)")
    for name, median in medians.items():
        row = f"{median:>7.1f} ms{min(times[name]):>7.1f} ms{median / bare:>9.2f}{median / git:>14.2f}"
        print(f"{name:34}{row}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
