"""The tasks of an evaluation: listed, and made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import from_git as git_task
from claude_local_plugin.evaluation import skeleton
from claude_local_plugin.evaluation import suite as suites
from claude_local_plugin.evaluation import task as reading
from claude_local_plugin.evaluation.from_git import Asked, Made
from claude_local_plugin.evaluation.suite import Suite
from claude_local_plugin.evaluation.task import Task

__all__ = ["Asked", "Listed", "Made", "New", "from_git", "new", "steps", "tasks"]


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
    """The files of a new task."""

    files: tuple[Path, ...]


def new(folder: Path) -> New:
    """A first task in a folder; its name will be the task's."""
    if not reading.is_name(folder.name):
        raise UsageError(
            f"{folder.name!r} cannot be a task's name: small letters, digits and hyphens", "name another folder"
        )
    return New(tuple(skeleton.make(folder)))


def from_git(asked: Asked, environ: Mapping[str, str], cwd: Path) -> Made:
    """A task of a commit."""
    return git_task.make(asked, environ, cwd)


def steps(folder: Path) -> list[tuple[str, str]]:
    """What to type with a new task, and what for."""
    return [("look at it", command("claude-local", "eval", "--list", "--suite", str(folder)))]
