"""How long a program waits for `claude-local run`, and Claude Code for `claude-local token`, beside a bare interpreter.

    python tests/benchmarks/bench_launch.py [--rounds N]

`run` starts /bin/true as it would start Claude Code, towards a stand-in server on this machine; `token` writes a key
into a pipe. Printed are the medians, the quickest runs (the steadier figure on a busy machine), and the ratios to
`python3 -c pass`.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from claude_local_plugin.fake_server.server import EmbeddedBackend

BARE, RUN, TOKEN = "python3 -c pass", "claude-local run", "claude-local token"


def measure(rounds: int) -> dict[str, list[float]]:
    """Times in milliseconds per contestant; the first round is not counted."""
    ours = shutil.which("claude-local", path=str(Path(sys.executable).parent))
    if ours is None:
        raise SystemExit("claude-local must be installed beside this interpreter")
    with tempfile.TemporaryDirectory() as folder, EmbeddedBackend() as backend:
        config = Path(folder) / "config" / "config.toml"
        config.parent.mkdir()
        config.write_text(f'[profiles.box]\nurl = "{backend.url}"\ntoken = "env:BOX_KEY"\n', encoding="utf-8")
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "CLAUDE_LOCAL_CONFIG_DIR": str(config.parent),
            "BOX_KEY": "k",
        }
        contestants = {
            BARE: [sys.executable, "-c", "pass"],
            RUN: [ours, "run", "box", "--for", "claude", "--", "/bin/true"],
            TOKEN: [ours, "token", "box"],
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for number in range(rounds + 1):
            for name, command in contestants.items():
                began = time.perf_counter()
                subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=True)
                if number:
                    times[name].append((time.perf_counter() - began) * 1000)
    return times


def main() -> int:
    """Measures and prints the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=30)
    rounds = options.parse_args().rounds
    times = measure(rounds)
    bare = statistics.median(times[BARE])
    print(f"{'':22}{'median':>10}{'quickest':>10}{'/ pass':>9}   ({rounds} rounds)")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:22}{median:>7.1f} ms{min(taken):>7.1f} ms{median / bare:>9.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
