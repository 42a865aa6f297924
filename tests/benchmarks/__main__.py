"""The figures that this project holds itself to, in one table: each against its yardstick in one run, with its goal.

    python -m tests.benchmarks [--only NAME …] [--rounds N] [--crowd N] [--sessions N] [--team N] [--json] [--strict]

Run from the top of the repository. Yardstick and contestant take turns, so that whatever else the machine does hits
both. A row that cannot be measured here says why. With `--strict` the exit code is 1 when a goal is missed; the scripts
beside this one show each measurement in full.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks import bench_claude_start, bench_cli, bench_eval, bench_hook, bench_launch, bench_log, bench_team
from tests.conftest import find_claude

ROOT = Path(__file__).resolve().parents[2]

#: Events at which the hook asks nobody anything, under the names of bench_hook.
QUIET = (
    *("UserPromptSubmit", "ConfigChange", "PostModelSwitch", "CwdChanged"),
    *("SubagentStop", "Stop", "StopFailure", "SessionEnd"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in `unit`, the most it may be, and what it stands against.

    `value` is None where it could not be measured: then `note` says why.
    """

    work: str
    against: str
    value: float | None
    unit: str
    goal: float
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None where nothing was measured."""
        return None if self.value is None else self.value <= self.goal


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int
    crowd: int
    sessions: int
    team: int = 100_000


#: What a row says of itself before it is measured: work, yardstick, unit, goal.
Row = tuple[str, str, str, float]

HOOK: tuple[Row, ...] = (
    ("hook, slowest event that looks at no server", "python3 -I -S -c pass", "×", 1.3),
    ("SessionStart with its look", "python3 -I -S -c pass", "×", 1.5),
    ("SessionStart with its look", "two curls in bash", "×", 0.75),
)
SESSION: tuple[Row, ...] = (("claude -p, added by our hooks", "/bin/true as hooks", "points", 6),)
CROWD: tuple[Row, ...] = (("hooks at once in a new folder, lost", "", "hooks", 0),)
COMMANDS: tuple[Row, ...] = (
    ("status", "python3 -c pass", "×", 5),
    ("explain-precedence", "python3 -c pass", "×", 5),
)
LAUNCH: tuple[Row, ...] = (
    ("run, before the program", "python3 -c pass", "×", 5),
    ("token", "python3 -c pass", "×", 5),
)
LOG: tuple[Row, ...] = (
    ("sessions stats", "", "s", 0.25),
    ("sessions stats --by day", "", "s", 0.25),
)
EVAL: tuple[Row, ...] = (
    ("eval beside the client, answers at once", "claude -p, its trials", "%", 10),
    (f"eval beside the client, answers in {bench_eval.USUAL:g} s", "claude -p, its trials", "%", 10),
)
TEAM: tuple[Row, ...] = (
    ("sessions stats --from a team's log", "", "s", 1),
    ("sessions stats --by day --from", "", "s", 1),
    ("report --from, of 30 days", "", "s", 5),
    ("sessions push, 5,000 rows of four machines", "", "s", 1),
)
INSTALL: tuple[Row, ...] = (("a fresh installation, without pip", "", "MB", 45),)

#: The value of each row, and a note on it.
Values = Iterator[tuple[float, str]]


def hook(sizes: Sizes) -> Values:
    """One hook in a process of its own."""
    medians = {name: statistics.median(times) for name, times in bench_hook.measure(sizes.rounds).items()}
    bare = medians[bench_hook.PASS]
    slowest = max(QUIET, key=medians.__getitem__)
    yield medians[slowest] / bare, f"{slowest}; the quickest {min(medians[name] for name in QUIET) / bare:.2f}"
    start = medians[bench_hook.START]
    yield start / bare, f"{start:.1f} ms"
    yield start / medians[bench_hook.TWO_CURLS], ""


def session(sizes: Sizes) -> Values:
    """Whole sessions of the real client."""
    claude = find_claude()
    if claude is None:
        raise SystemExit("no Claude Code here: set CLAUDE_LOCAL_TEST_CLAUDE")
    found = bench_claude_start.measure(claude, sizes.rounds)
    plain, nothing, ours = (
        found[label][bench_claude_start.WHOLE]
        for label in (bench_claude_start.NO_HOOKS, bench_claude_start.NOTHING, bench_claude_start.OURS)
    )
    whole = statistics.median(plain)
    beyond, any_hook = (
        100 * statistics.median(more - less for more, less in zip(mores, lesses, strict=True)) / whole
        for mores, lesses in ((ours, nothing), (nothing, plain))
    )
    yield beyond, f"of {whole:.0f} ms; /bin/true itself adds {any_hook:.1f}"


def crowd(sizes: Sizes) -> Values:
    """Many first hooks at once."""
    yield float(bench_hook.lost(sizes.crowd)[0]), f"of {sizes.crowd}"


def commands(sizes: Sizes) -> Values:
    """The quick commands."""
    medians = {name: statistics.median(times) for name, times in bench_cli.measure(sizes.rounds).items()}
    for name, *_ in COMMANDS:
        took = medians[f"claude-local {name}"]
        yield took / medians["python3 -c pass"], f"{took:.0f} ms"


def launch(sizes: Sizes) -> Values:
    """What programs wait for."""
    medians = {name: statistics.median(times) for name, times in bench_launch.measure(sizes.rounds).items()}
    for name in (bench_launch.RUN, bench_launch.TOKEN):
        yield medians[name] / medians[bench_launch.BARE], f"{medians[name]:.0f} ms"


def log(sizes: Sizes) -> Values:
    """Questions to a large log."""
    with tempfile.TemporaryDirectory() as folder:
        bench_log.make(Path(folder), sizes.sessions)
        medians = bench_log.questions(Path(folder), min(sizes.rounds, 5))
    for name, *_ in LOG:
        yield medians[name] / 1000, f"over {sizes.sessions:,} sessions; python3 -I -S -c pass {medians['pass']:.0f} ms"


def evaluation(sizes: Sizes) -> Values:
    """What is done for a trial beside running the client."""
    claude = find_claude()
    if claude is None:
        raise SystemExit("no Claude Code here: set CLAUDE_LOCAL_TEST_CLAUDE")
    for seconds in (0.0, bench_eval.USUAL):
        trials, parts = bench_eval.measure(claude, min(sizes.rounds, 3), seconds)
        own = statistics.mean(each.seconds for each in trials)
        note = ", ".join(f"{part} {1000 * took / len(trials):.0f} ms" for part, took in parts.items())
        yield bench_eval.share(trials), f"of {own:.1f} s a trial; {note}"


def team(sizes: Sizes) -> Values:
    """Questions to a team's log of 1,000 machines, and how fast it grows."""
    names = ("sessions stats", "sessions stats --by day", "report")
    with bench_team.server() as server:
        least = bench_team.ask(bench_team.make(server, sizes.team, "team"), min(sizes.rounds, 5), names)
        alone, together = bench_team.rows_a_second(server, "team", min(sizes.team, bench_team.PUSHED))
    for name in names:
        yield least[name], f"over {sizes.team:,} sessions; python3 -I -S -c pass {least['pass'] * 1000:.0f} ms"
    yield 5000 / together, f"{together:,.0f} rows a second; {alone:,.0f} from one machine alone"


def install(_: Sizes) -> Values:
    """What pip puts on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment, target = Path(folder) / "venv", Path(folder) / "target"
        for command in (
            [sys.executable, "-m", "venv", str(environment)],
            [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", "--target", str(target), str(ROOT)],
        ):
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise SystemExit((ended.stderr.strip().splitlines() or ["it failed"])[-1])
        sizes = {part.name: _on_disk(part) for part in target.iterdir()}
    heaviest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:4]
    yield sum(sizes.values()) / 1e6, ", ".join(f"{name} {sizes[name] / 1e6:.1f}" for name in heaviest)


def _on_disk(path: Path) -> int:
    """The bytes that a file or a folder takes, in whole blocks."""
    paths = [path, *path.rglob("*")]
    return sum(512 * one.lstat().st_blocks for one in paths)


#: What can be measured, and the rows that come of it.
MEASURES: dict[str, tuple[tuple[Row, ...], Callable[[Sizes], Values]]] = {
    "hook": (HOOK, hook),
    "session": (SESSION, session),
    "crowd": (CROWD, crowd),
    "commands": (COMMANDS, commands),
    "launch": (LAUNCH, launch),
    "log": (LOG, log),
    "team": (TEAM, team),
    "eval": (EVAL, evaluation),
    "install": (INSTALL, install),
}


def figures(names: Sequence[str], sizes: Sizes) -> Iterator[Figure]:
    """The rows in order, those of one measurement as soon as it is made."""
    for name in names:
        rows, measure = MEASURES[name]
        try:
            values: list[tuple[float | None, str]] = [*measure(sizes)]
        except SystemExit as reason:  # so the scripts beside this one say that they cannot measure here
            values = [(None, f"not measured: {reason}")] * len(rows)
        for (work, against, unit, goal), (value, note) in zip(rows, values, strict=True):
            yield Figure(work, against, value, unit, goal, note)


def line(figure: Figure) -> str:
    """A row of the table."""
    value = "–" if figure.value is None else f"{figure.value:.3g} {figure.unit}"
    verdict = {True: "reached", False: "not yet", None: ""}[figure.reached]
    goal = f"≤ {figure.goal:g}"
    return f"{figure.work:44} {figure.against:22} {value:>12} {goal:>7}  {verdict:8} {figure.note}".rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the table row by row, and judges when asked to."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    options.add_argument("--only", nargs="+", choices=MEASURES, default=[*MEASURES], metavar="NAME")
    options.add_argument("--rounds", type=int, default=30, help="how often everything that takes turns is run")
    options.add_argument("--crowd", type=int, default=300, help="how many hooks run at once")
    options.add_argument("--sessions", type=int, default=1_000_000, help="in the log that is asked")
    options.add_argument("--team", type=int, default=100_000, help="in the team's log that is asked")
    options.add_argument("--json", action="store_true", help="one JSON array in place of the table")
    options.add_argument("--strict", action="store_true", help="exit code 1 when a goal is missed")
    chosen = options.parse_args(arguments)
    found = []
    if not chosen.json:
        print(f"{'work':44} {'against':22} {'value':>12} {'goal':>7}")
    for figure in figures(chosen.only, Sizes(chosen.rounds, chosen.crowd, chosen.sessions, chosen.team)):
        found.append(figure)
        if not chosen.json:
            print(line(figure), flush=True)
    if chosen.json:
        print(json.dumps([{**asdict(figure), "reached": figure.reached} for figure in found], indent=1))
    return int(chosen.strict and any(figure.reached is False for figure in found))


if __name__ == "__main__":
    raise SystemExit(main())
