"""How the time of a command grows with the number of variables in a settings file.

    python tests/benchmarks/bench_settings_size.py [--most N] [--rounds R]

Each command runs in a process of its own, on files of 10, 100, 1,000 … variables, the sizes taking turns. Printed are
processor milliseconds (the least of the rounds), and per further variable in microseconds, against the size before:
that stays as it is where time grows with the size, and grows tenfold where it grows with its square.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ENABLE = ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check")
COMMANDS = {
    "status": ("status",),
    "explain-precedence": ("explain-precedence",),
    "doctor": ("doctor",),
    "enable --dry-run": (*ENABLE, "--dry-run"),
    "enable": (*ENABLE, "--yes"),
}


def spent(arguments: tuple[str, ...], project: Path, home: Path, size: int) -> float:
    """Processor milliseconds of one run on a fresh file of this many variables."""
    file = project / ".claude" / "settings.local.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"env": {f"NAME_{i}": str(i) for i in range(size)}}, indent=2))
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "claude_local_plugin", *arguments],
        cwd=project,
        env=environ,
        check=False,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sizes = [size for size in (10, 100, 1_000, 10_000, 60_000) if size <= options.most]
    for name, arguments in COMMANDS.items():
        least = dict.fromkeys(sizes, float("inf"))
        for _ in range(options.rounds):
            for size in sizes:
                with tempfile.TemporaryDirectory() as folder:
                    project, home = Path(folder, "project"), Path(folder, "home")
                    project.mkdir()
                    home.mkdir()
                    least[size] = min(least[size], spent(arguments, project, home, size))
        for before, size in zip([0, *sizes], sizes, strict=False):
            more = f"{(least[size] - least[before]) * 1000 / (size - before):8.1f} µs a variable" if before else ""
            print(f"{name:20} {size:6,} variables {least[size]:8.0f} ms {more}")


if __name__ == "__main__":
    main()
