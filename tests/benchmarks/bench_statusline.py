"""How long the status line takes as installed, beside a bare interpreter, all run in turns.

    python tests/benchmarks/bench_statusline.py [--rounds N] [--max-ms X]

The server stands on loopback. "fresh look" has nothing to ask, "look of its own" asks the server each time, "dead
server" is refused each time, and "around another" wraps `true`. Printed are the medians, the quickest runs (the
steadier figure on a busy machine) and the ratios to the bare interpreter; with `--max-ms` the exit code is 1 when the
slowest of our medians is above that.
"""

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
from pathlib import Path

from bench_hook import ROOT, loopback_server, milliseconds

from claude_local_plugin.core.probe import probe
from claude_local_plugin.core.probe_cache import remember

SCRIPT = ROOT / "hooks" / "claude_local_statusline.py"
BARE = "python3 -I -S -c pass"
STDIN = json.dumps(
    {
        "model": {"id": "qwen3-coder-next"},
        "context_window": {
            "context_window_size": 65_536,
            "current_usage": {
                "input_tokens": 600,
                "cache_creation_input_tokens": 400,
                "cache_read_input_tokens": 11_000,
            },
        },
        "prompt_cache": {"caching_observed": True, "hit_ratio": 0.92},
    }
).encode()


def measure(rounds: int) -> dict[str, list[float]]:
    """Times in milliseconds per contestant, run in turns; the first round is not counted."""
    with tempfile.TemporaryDirectory() as folder, loopback_server() as url, socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound and not listening: a port that refuses
        state, config = Path(folder) / "state", Path(folder) / "config"
        config.mkdir()
        (config / "config.toml").write_text("recheck_after_s = 0\n")
        remember(str(state), url, probe(url))
        line = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(state)]
        base = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "ANTHROPIC_BASE_URL": url}
        base["XDG_CONFIG_HOME"] = folder
        dead = base | {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{holder.getsockname()[1]}"}
        looking = [*line[:-1], str(Path(folder) / "other")]
        contestants = {
            BARE: ([sys.executable, "-I", "-S", "-c", "pass"], base),
            "cloud": (line, base | {"ANTHROPIC_BASE_URL": ""}),
            "fresh look": (line, base),
            "look of its own": ([*looking, "--config", str(config)], base),
            "dead server": (line, dead),
            "around another": ([*line, "--wrap", "true"], base),
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for round_number in range(rounds + 1):
            remember(str(state), url, probe(url))
            for name, (command, environ) in contestants.items():
                took = milliseconds(command, STDIN, environ)
                if round_number:
                    times[name].append(took)
    return times


def main() -> int:
    """Measures, prints the table, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--max-ms", type=float, help="the most milliseconds that a median may come to")
    chosen = options.parse_args()
    times = measure(chosen.rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{'':24}{'median':>10}{'quickest':>10}{'/ pass':>9}   ({chosen.rounds} rounds)")
    for name, median in medians.items():
        print(f"{name:24}{median:>7.1f} ms{min(times[name]):>7.1f} ms{median / medians[BARE]:>9.2f}")
    slowest = max(median for name, median in medians.items() if name != BARE)
    return int(chosen.max_ms is not None and slowest > chosen.max_ms)


if __name__ == "__main__":
    raise SystemExit(main())
