"""How much `claude-local eval` takes beside the client itself, for each trial.

    CLAUDE_LOCAL_TEST_CLAUDE=…/claude python tests/benchmarks/bench_eval.py [--rounds N] [--answer-after SECONDS]

The tasks of `smoke` go through the real Claude Code, kept apart as trials are, on a scripted agent that solves them.
Its answers come at once, or after as long as a server takes for one: at once is the worst case, in which the client has
the least to do. Printed is what a trial's repository, its box and its check took, as a share of the client's own time
in the same trials, and the same for each task.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from claude_local_plugin.errors import ClaudeLocalError  # noqa: E402
from claude_local_plugin.evaluation import repository, trial  # noqa: E402
from claude_local_plugin.evaluation.outcome import Trial  # noqa: E402
from claude_local_plugin.evaluation.scripted import ScriptedServer, Skill  # noqa: E402
from claude_local_plugin.evaluation.suite import suite  # noqa: E402
from tests.conftest import find_claude  # noqa: E402

REPOSITORY, CHECK, REST = "the repository", "the check", "box and folders"
#: As long as a fast box takes for an answer of a few hundred tokens.
USUAL = 2.0


@contextmanager
def _timed(sums: dict[str, float], owner: Any, name: str, part: str) -> Iterator[None]:
    """Add up how long a function takes, as long as the block lasts."""
    own: Callable[..., Any] = getattr(owner, name)

    def measured(*words: Any, **more: Any) -> Any:
        began = time.monotonic()
        try:
            return own(*words, **more)
        finally:
            sums[part] += time.monotonic() - began

    setattr(owner, name, measured)
    try:
        yield
    finally:
        setattr(owner, name, own)


def measure(claude: Path, rounds: int, answer_after: float = 0.0) -> tuple[list[Trial], dict[str, float]]:
    """The trials, and the seconds of each part of all of them together; the first trial is not counted."""
    try:
        trial.possible()
    except ClaudeLocalError as none:
        raise SystemExit(none.message) from none
    tasks, found, parts = suite("smoke").tasks, list[Trial](), defaultdict[str, float](float)
    with ScriptedServer(Skill("box", 1.0, delay=answer_after), tasks) as server:
        environ = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "dummy", "ANTHROPIC_MODEL": "box"}
        environ |= {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "box"}
        start = trial.Start(claude, environ, host="127.0.0.1", port=server.port)
        trial.run(tasks[0], 0, start)
        with (
            _timed(parts, repository, "make", REPOSITORY),
            _timed(parts, trial._Check, "verdict", CHECK),
        ):
            for number in range(rounds):
                found += [trial.run(task, number + 1, start) for task in tasks]
    if failed := [each for each in found if not each.passed]:
        raise SystemExit(f"{failed[0].task} was not solved: {failed[0].reason}")
    parts[REST] = sum(each.overhead for each in found) - parts[REPOSITORY] - parts[CHECK]
    return found, dict(parts)


def share(trials: list[Trial]) -> float:
    """What was taken beside the clients, of what they took, in percent."""
    return 100 * sum(each.overhead for each in trials) / sum(each.seconds for each in trials)


def main() -> int:
    """Measures and prints the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--answer-after", type=float, default=0.0, metavar="SECONDS")
    chosen = options.parse_args()
    claude = find_claude()
    if claude is None:
        raise SystemExit("no Claude Code here: set CLAUDE_LOCAL_TEST_CLAUDE")
    trials, parts = measure(claude, chosen.rounds, chosen.answer_after)
    whole = sum(each.seconds for each in trials)
    print(f"{len(trials)} trials, {whole / len(trials):.2f} s of the client each; beside it {share(trials):.1f} %:")
    for part, seconds in parts.items():
        print(f"  {part:20} {1000 * seconds / len(trials):6.0f} ms a trial  {100 * seconds / whole:5.1f} %")
    for task in dict.fromkeys(each.task for each in trials):
        own = [each for each in trials if each.task == task]
        print(f"  {task:20} {sum(each.seconds for each in own) / len(own):6.2f} s          {share(own):8.1f} %")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
