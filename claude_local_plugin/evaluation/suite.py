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
    name, folders = places(word)
    return Suite(name, tuple(tasks.read(folder, name) for folder in folders))


def places(word: str) -> tuple[str, tuple[Path, ...]]:
    """The name of that suite, and the folders of its tasks, of which none is read."""
    if word in SHIPPED:
        return word, _below(paths.shipped("suites") / word)
    folder = Path(word)
    if not folder.is_dir():
        raise UsageError(f"{printable(word)} is neither a suite nor a folder", f"the suites are {', '.join(SHIPPED)}")
    if tasks.is_task(folder):
        return folder.resolve().parent.name, (folder,)
    return folder.resolve().name, _below(folder)


def _below(folder: Path) -> tuple[Path, ...]:
    found = tuple(path for path in sorted(folder.iterdir()) if tasks.is_task(path))
    if not found:
        raise UsageError(
            f"{printable(str(folder))} has no task in it: no folder with a {tasks.TASK}",
            "`claude-local eval new` makes one",
        )
    return found


def chosen_folders(folders: Sequence[Path], pattern: str) -> tuple[Path, ...]:
    """Those of tasks that may not be readable whose name is like the pattern; raises UsageError where none is."""
    like = tuple(folder for folder in folders if fnmatchcase(folder.resolve().name, pattern))
    if not like:
        raise UsageError(f"no task's name is like {printable(pattern)}", "`claude-local eval --list` has them")
    return like


def chosen(found: Sequence[Task], pattern: str) -> tuple[Task, ...]:
    """The tasks whose id, or one of whose tags, is like the pattern (`*` and `?`); raises UsageError where none is."""
    like = tuple(task for task in found if any(fnmatchcase(word, pattern) for word in (task.id, *task.tags)))
    if not like:
        raise UsageError(f"no task's name or tag is like {printable(pattern)}", "`claude-local eval --list` has them")
    return like
