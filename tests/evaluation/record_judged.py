"""The judge is judged: eight agents of known skill, each evaluated over `core` by `claude-local eval` as it is typed.

Run by hand: `python -m tests.evaluation.record_judged CLAUDE [--parallel N]`; it takes half an hour or so, and needs no
GPU.

What each agent would come to is known before: its own draws say it. Recorded is what was found, task by task, with what
it was found by; the test beside this asks that the eight stand in the right order there, each trial as it was drawn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from claude_local_plugin.evaluation.scripted import ScriptedServer, Skill, outcomes
from claude_local_plugin.evaluation.suite import suite

FOUND = Path(__file__).parent / "judged.json"
CORE = suite("core").tasks
#: How they fail, in ways that take no minutes.
FAILS = {"wrong-result": 4.0, "no-change": 1.0, "not-parsed": 1.0, "malformed": 1.0, "empty-answer": 1.0}
CHANCES = (0.94, 0.82, 0.70, 0.58, 0.46, 0.34, 0.22, 0.10)
#: Eight agents, the best first; some kinds of work are easier for each of them than others.
SKILLS = [
    Skill(name, chance, {"edit": chance + 0.05, "fix": chance - 0.05}, FAILS)
    for name, chance in zip("abcdefgh", CHANCES, strict=True)
]


def truth(skill: Skill) -> float:
    """The share of trials over `core` that it passes in the long run."""
    return sum(skill.chance(task) for task in CORE) / len(CORE)


def evaluate(skill: Skill, claude: Path, parallel: int) -> dict[str, Any]:
    """The document of one evaluation, by somebody with a home of their own and the real client."""
    with ScriptedServer(skill, CORE) as server, tempfile.TemporaryDirectory() as home:
        words = ("--url", server.url, "--model", skill.name, "--suite", "core", "--parallel", str(parallel), "--json")
        ended = subprocess.run(
            [sys.executable, "-m", "claude_local_plugin", "eval", *words],
            cwd=home,
            env={"HOME": home, "PATH": os.pathsep.join((str(claude.parent), "/usr/bin", "/bin")), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    if ended.returncode != 0:
        raise SystemExit(f"{skill.name}: exit code {ended.returncode}")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def main() -> None:
    """Evaluates them one after another, with a line for each, and writes down what was found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("claude", type=Path)
    options.add_argument("--parallel", type=int, default=2)
    chosen = options.parse_args()
    found, conditions = {}, dict[str, Any]()
    print("agent  skill  drawn  found  interval     not as drawn", flush=True)
    for skill in SKILLS:
        document = evaluate(skill, chosen.claude.absolute(), chosen.parallel)
        conditions, share = document["conditions"], document["pass_at_1"]
        failures = {each["task"]: each["failure"] for each in document["trials"]}
        other = [task.id for task in CORE if failures[task.id] != skill.way(task, 0, 0)]
        drawn = sum(row[0] for row in outcomes(skill, CORE, 1, 0).values())
        passed = sum(failure is None for failure in failures.values())
        interval = f"{100 * share['low']:.0f} to {100 * share['high']:.0f} %"
        rows = f"{skill.name:5}  {truth(skill):5.2f}  {drawn:2}/30  {passed:2}/30  {interval:11}"
        print(f"{rows}  {', '.join(other) or 'none'}", flush=True)
        found[skill.name] = {
            "pass_at_1": {name: round(share[name], 4) for name in ("value", "low", "high")},
            "seconds": round(sum(each["seconds"] for each in document["trials"]), 1),
            "overhead": round(sum(each["overhead"] for each in document["trials"]), 1),
            "failures": failures,
        }
    kept = ("client", "claude_local", "system", "parallel", "isolated", "began", "digest", "tasks")
    document = {"conditions": {name: conditions[name] for name in kept}, "agents": found}
    FOUND.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
