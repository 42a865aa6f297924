"""Suites: the tasks that came with this installation, and folders of the user's own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import task as tasks
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.text import printable

#: The suites that came with this installation, the shortest first.
SHIPPED = ("smoke", "core")


@dataclass(frozen=True, slots=True)
class Suite:
    """Tasks by their ids, in order; `digest` is another one as soon as a byte of any of them is."""

    name: str
    tasks: tuple[Task, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of all tasks."""
        return hashlib.sha256("".join(f"{task.id} {task.digest}\n" for task in self.tasks).encode()).hexdigest()


def suite(word: str) -> Suite:
    """A suite by its name, or the one in a folder: a folder of tasks, or one task's own."""
    if word in SHIPPED:
        return _of(paths.shipped("suites") / word, word)
    folder = Path(word)
    if not folder.is_dir():
        raise UsageError(f"{printable(word)} is neither a suite nor a folder", f"the suites are {', '.join(SHIPPED)}")
    if tasks.is_task(folder):
        name = folder.resolve().parent.name
        return Suite(name, (tasks.read(folder, name),))
    return _of(folder, folder.resolve().name)


def _of(folder: Path, name: str) -> Suite:
    found = tuple(tasks.read(path, name) for path in sorted(folder.iterdir()) if tasks.is_task(path))
    if not found:
        raise UsageError(
            f"{printable(str(folder))} has no task in it: no folder with a {tasks.TASK}",
            "`claude-local eval new` makes one",
        )
    return Suite(name, found)


def chosen(found: Sequence[Task], pattern: str) -> tuple[Task, ...]:
    """The tasks whose id, or one of whose tags, is like the pattern (`*` and `?`); raises UsageError where none is."""
    like = tuple(task for task in found if any(fnmatchcase(word, pattern) for word in (task.id, *task.tags)))
    if not like:
        raise UsageError(f"no task's name or tag is like {printable(pattern)}", "`claude-local eval --list` has them")
    return like
