"""How long one resolution takes, over random configurations, in one process.

    python tests/benchmarks/bench_resolve.py [--cases N] [--seed S]

Printed are processor milliseconds per configuration: reading the files (from the page cache) and resolving apart.
The aim is under 1 ms for resolving.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from claude_local_plugin.precedence import Snapshot, gather, resolve

VARIABLES = {
    "ANTHROPIC_BASE_URL": ("http://127.0.0.1:8000", "http://server:4000/", "", "https://api.anthropic.com"),
    "ANTHROPIC_AUTH_TOKEN": ("claude-local", "token", "", " "),
    "ANTHROPIC_API_KEY": ("key", ""),
    "ANTHROPIC_MODEL": ("qwen3-coder", "opus", "sonnet[1m]", "claude-sonnet-4-5", ""),
    "ANTHROPIC_DEFAULT_OPUS_MODEL": ("local-opus", ""),
    "ANTHROPIC_DEFAULT_SONNET_MODEL": ("local-sonnet",),
    "ANTHROPIC_CUSTOM_HEADERS": ("x-team: a\nx-api-key: b", "Authorization: Bearer c", ""),
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": ("65536", "64k", ""),
    "CLAUDE_CODE_OAUTH_TOKEN": ("oauth", ""),
    "CLAUDE_CODE_USE_BEDROCK": ("1", "0", ""),
    "HTTP_PROXY": ("http://proxy:3128", ""),
    "NO_PROXY": ("127.0.0.1,localhost", ""),
}


def some(chance: random.Random) -> dict[str, str]:
    """A few variables with a few values."""
    names = chance.sample(sorted(VARIABLES), chance.randint(0, 6))
    return {name: chance.choice(VARIABLES[name]) for name in names}


def settings(chance: random.Random) -> str:
    """The text of a settings file: mostly sound, sometimes broken, with the filling real ones have."""
    data: dict[str, object] = {"env": some(chance), "permissions": {"allow": ["Bash(ls:*)"] * chance.randint(0, 20)}}
    if chance.random() < 0.2:
        data["model"] = chance.choice(["opus", "qwen", 5])
    if chance.random() < 0.2:
        data["apiKeyHelper"] = "echo key"
    text = json.dumps(data, indent=2)
    return text + "," if chance.random() < 0.1 else text


def worlds(root: Path, cases: int, seed: int) -> Iterator[tuple[Snapshot, float]]:
    """Snapshots of random configurations, each with the processor time it took to read it."""
    chance = random.Random(seed)
    home, project = root / "home", root / "project"
    places = {
        "managed": root / "managed" / "managed-settings.json",
        "user": home / ".claude" / "settings.json",
        "project": project / ".claude" / "settings.json",
        "local": project / ".claude" / "settings.local.json",
    }
    for path in places.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(cases):
        for path in places.values():
            path.unlink(missing_ok=True)
            if chance.random() < 0.6:
                path.write_text(settings(chance), encoding="utf-8")
        environ = some(chance)
        began = time.process_time()
        snapshot = gather(
            cwd=project, home=home, environ=environ, managed_dir=root / "managed", client_version="2.1.329"
        )
        yield snapshot, time.process_time() - began


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    reading: list[float] = []
    resolving: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for snapshot, spent in worlds(Path(folder), options.cases, options.seed):
            reading.append(spent * 1000)
            began = time.process_time()
            resolve(snapshot)
            resolving.append((time.process_time() - began) * 1000)
    for name, times in (("reading", reading), ("resolving", resolving)):
        ordered = sorted(times)
        tail = ordered[int(len(ordered) * 0.95)]
        print(f"{name:10} median {statistics.median(times):.2f} ms   95 % below {tail:.2f} ms   of {len(times)}")


if __name__ == "__main__":
    main()
