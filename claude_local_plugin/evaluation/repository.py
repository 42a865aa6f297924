"""The repository that an agent works in: a copy of a task's files with one commit, and nothing else of the task."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from claude_local_plugin import git
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation.task import GENERATE, REPO, Task, Variant
from claude_local_plugin.evaluation.tree import files
from claude_local_plugin.text import printable

#: How long a task's generate.py may take, in seconds.
_PATIENCE = 60


def make(task: Task, folder: Path) -> str:
    """The task's repository in a folder that is not there yet, or empty; the hash of its one commit.

    The same task gives the same files and the same hash, whoever makes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{printable(str(folder))} is not empty", "a trial begins in a folder of its own")
    give(task, folder)
    return git.commit_everything(folder, "As it was given")


def give(task: Task, folder: Path) -> None:
    """The files that the agent begins with, without a repository around them."""
    _lay(task.folder / REPO, folder)
    if (generate := task.folder / GENERATE).is_file():
        generated(generate, folder)


def generated(program: Path, folder: Path) -> None:
    """Has a task's generate.py write its files into the folder."""
    ended = subprocess.run(
        [sys.executable, "-I", "-B", str(program), str(folder)],
        env={name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    if ended.returncode != 0:
        said = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ClaudeLocalError(f"{program} ended with exit code {ended.returncode}: {printable(said)}")


def lay_over(variant: Variant, folder: Path) -> None:
    """Makes of the repository as it was given that of a solution."""
    for name in variant.deletes:
        path = folder / name
        if not path.is_file() and not path.is_symlink():
            raise UsageError(f"{printable(variant.name)} deletes {printable(name)}, which is not in the repository")
        path.unlink()
    if variant.folder.is_dir():
        _lay(variant.folder, folder)


def _lay(source: Path, folder: Path) -> None:
    if not source.is_dir():
        return
    for path in files(source):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{printable(str(path))} lies behind a link that leads out of the repository")
        if target.is_symlink():
            target.unlink()  # to be replaced, not written through
        shutil.copy(source / path, target, follow_symlinks=False)
