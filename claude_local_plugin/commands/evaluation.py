"""The tasks of an evaluation: listed, and made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import from_git as git_task
from claude_local_plugin.evaluation import proof, skeleton
from claude_local_plugin.evaluation import suite as suites
from claude_local_plugin.evaluation import task as reading
from claude_local_plugin.evaluation import trial as trials
from claude_local_plugin.evaluation.from_git import Asked, Made
from claude_local_plugin.evaluation.proof import Proof
from claude_local_plugin.evaluation.suite import Suite
from claude_local_plugin.evaluation.task import Task

__all__ = ["Asked", "Checked", "Listed", "Made", "New", "check", "from_git", "new", "steps", "tasks"]


@dataclass(frozen=True, slots=True)
class Listed:
    """Suites, each with those of its tasks that were asked for."""

    suites: tuple[tuple[Suite, tuple[Task, ...]], ...]

    def report(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "suites": [
                {"name": suite.name, "digest": suite.digest, "tasks": len(suite.tasks)} for suite, _ in self.suites
            ],
            "tasks": [
                {
                    "id": task.id,
                    "suite": task.suite,
                    "what": task.what,
                    "tags": list(task.tags),
                    "difficulty": task.difficulty,
                    "limits": {
                        "turns": task.limits.turns,
                        "minutes": task.limits.minutes,
                        "tokens": task.limits.tokens,
                    },
                }
                for _, tasks in self.suites
                for task in tasks
            ],
        }


def tasks(word: str | None, pattern: str | None) -> Listed:
    """The tasks of a suite, or of all that came with us; those alone whose name or tag is like the pattern."""
    found = [suites.suite(each) for each in ((word,) if word else suites.SHIPPED)]
    if pattern is None:
        return Listed(tuple((suite, suite.tasks) for suite in found))
    like = suites.chosen([task for suite in found for task in suite.tasks], pattern)
    kept = ((suite, tuple(task for task in suite.tasks if task in like)) for suite in found)
    return Listed(tuple((suite, some) for suite, some in kept if some))


@dataclass(frozen=True, slots=True)
class New:
    """The files of a new task, and what to type next."""

    folder: Path
    files: tuple[Path, ...]

    def report(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"folder": str(self.folder), "files": [str(each) for each in self.files], "next": _next(self.folder)}


def new(folder: Path) -> New:
    """A first task in a folder; its name will be the task's."""
    if not reading.is_name(folder.name):
        raise UsageError(
            f"{folder.name!r} cannot be a task's name: small letters, digits and hyphens", "name another folder"
        )
    return New(folder, tuple(skeleton.make(folder)))


def from_git(asked: Asked, environ: Mapping[str, str], cwd: Path) -> Made:
    """A task of a commit."""
    return git_task.make(asked, environ, cwd)


def report_of(made: Made) -> dict[str, Any]:
    """What `eval from-git --json` prints."""
    return {
        "folder": str(made.folder),
        "commit": made.commit,
        "tests": list(made.tests),
        "command": list(made.command),
        "notes": list(made.notes),
        "next": _next(made.folder, wrong_ones=0),
    }


def steps(folder: Path, *, wrong_ones: int = proof.WRONG_ONES) -> list[tuple[str, str]]:
    """What to type with a new task, and what for."""
    enough = () if wrong_ones == proof.WRONG_ONES else ("--wrong", str(wrong_ones))
    return [
        ("look at it", command("claude-local", "eval", "--list", "--suite", str(folder))),
        ("once it is changed", command("claude-local", "eval", "check", str(folder), *enough)),
    ]


def _next(folder: Path, *, wrong_ones: int = proof.WRONG_ONES) -> list[dict[str, str]]:
    return [{"what": what, "command": line} for what, line in steps(folder, wrong_ones=wrong_ones)]


# --- checked


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of tasks, and how: why their checks were not run as those of a trial are, where they were not."""

    proofs: tuple[Proof, ...]
    not_isolated: str = ""

    @property
    def problems(self) -> int:
        """How many there are in all."""
        return sum(len(each.problems) for each in self.proofs)

    def report(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "sound": not self.problems,
            "isolated": not self.not_isolated,
            "why_not": self.not_isolated,
            "tasks": [each.to_json() for each in self.proofs],
        }


def check(
    word: str,
    pattern: str | None,
    wrong_ones: int,
    told: Callable[[Proof], None] = lambda _: None,
) -> Checked:
    """Prove the tasks of a suite or a folder, one after another; `told` hears of each as it is done."""
    _, folders = suites.places(word)
    if pattern is not None:
        folders = suites.chosen_folders(folders, pattern)
    why_not = ""
    try:
        trials.possible()
    except trials.NoBoxError as none:
        why_not = none.message
    found = []
    for folder in folders:
        found.append(proof.prove(folder, isolated=not why_not, wrong_ones=wrong_ones))
        told(found[-1])
    return Checked(tuple(found), why_not)
