"""A task: what an agent is asked for, in which repository, and how the result is judged; read from a folder.

NAME/task.toml      prompt, limits, tools, tags, difficulty; the solutions with what must be said of each
NAME/repo/          what the agent gets
NAME/generate.py    adds generated files to that (the folder is its argument); where there is any
NAME/check.py       judges the result; the agent never sees it
NAME/solution/      files of the reference solution, laid over the repository
NAME/wrong/X/       the same for a wrong solution that the check must refuse
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation.tree import LEFT_BEHIND, files
from claude_local_plugin.settings import schema
from claude_local_plugin.text import printable

#: The files of a task's folder, and its folders.
TASK, CHECK, GENERATE, REPO, SOLUTION, WRONG = "task.toml", "check.py", "generate.py", "repo", "solution", "wrong"
#: A task.toml is read up to so many bytes.
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one trial may use: turns of the model, minutes by the clock, tokens written and read."""

    turns: int
    minutes: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Variant:
    """A state of the repository: these files laid over it, and those taken away.

    Of a wrong one `what` says what is wrong with it, and `refused` is a part of the reason that the check must give.
    """

    name: str
    folder: Path
    deletes: tuple[str, ...] = ()
    what: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task as its folder says it. The first of its tags is its kind."""

    id: str
    suite: str
    folder: Path
    what: str
    prompt: str
    limits: Limits
    tools: tuple[str, ...]
    tags: tuple[str, ...]
    difficulty: int
    digest: str
    solution: Variant
    wrong: tuple[Variant, ...] = ()
    #: Tools of which each must have been called for a trial to count.
    must_call: tuple[str, ...] = ()
    #: The repository is right as it is: the check passes what nobody touched.
    nothing_to_do: bool = False
    #: How long the check may take, in seconds.
    check_seconds: float = 60.0

    @property
    def kind(self) -> str:
        """The kind of work, by which skills and failures are told apart: the first tag."""
        return self.tags[0]


def is_task(folder: Path) -> bool:
    """Whether a folder is a task's."""
    return (folder / TASK).is_file()


def is_name(word: str) -> bool:
    """Whether a folder's name can be a task's."""
    return re.fullmatch(r"[a-z0-9][a-z0-9-]*", word) is not None


def read(folder: Path, suite: str = "") -> Task:
    """The task in a folder; raises UsageError with the place of what is wrong there."""
    if not is_name(folder.resolve().name):
        raise _wrong(folder, "a task's name is of small letters, digits and hyphens")
    said = _document(folder / TASK)
    problems = [problem for problem in schema.problems(said, "eval-task") if problem.severity == "error"]
    if problems:
        raise _wrong(folder / TASK, "; ".join(f"{each.path}: {each.message}" for each in problems))
    if not (folder / CHECK).is_file():
        raise _wrong(folder, f"there is no {CHECK}, which judges the result")
    if not (folder / REPO).is_dir() and not (folder / GENERATE).is_file():
        raise _wrong(folder, f"there is neither {REPO}/ nor {GENERATE}: the agent would have nothing to work in")
    paths = list(files(folder))
    for path in paths:
        if ".git" in path.parts:
            raise _wrong(folder / path, "a repository is made for each trial; the task has its files alone")
    return Task(
        id=folder.resolve().name,
        suite=suite,
        folder=folder.resolve(),
        what=said["what"],
        prompt=said["prompt"].strip(),
        limits=Limits(**said["limits"]),
        tools=tuple(said["tools"]),
        tags=tuple(said["tags"]),
        difficulty=said["difficulty"],
        digest=_digest(folder, paths),
        solution=_solution(folder, said),
        wrong=_wrongs(folder, said),
        must_call=tuple(said.get("must_call", ())),
        nothing_to_do=said.get("nothing_to_do", False),
        check_seconds=said.get("check_seconds", 60.0),
    )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
        if len(data) > _MOST:
            raise _wrong(path, f"longer than {_MOST:,} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError as fault:
        raise _wrong(path.parent, f"there is no {TASK}") from fault
    except OSError as fault:
        raise _wrong(path, fault.strerror or str(fault)) from fault
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise _wrong(path, f"not TOML: {fault}") from fault


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(f"{printable(str(path))}: {printable(what)}", "docs/evaluation.md has the form of a task")


def _solution(folder: Path, said: Mapping[str, Any]) -> Variant:
    variant = Variant("solution", folder.resolve() / SOLUTION, _deletes(folder, said.get("solution", {})))
    empty = not variant.folder.is_dir() and not variant.deletes
    if empty and not said.get("nothing_to_do"):
        raise _wrong(folder, f"there is no {SOLUTION}/: without one nobody knows whether {CHECK} can be passed")
    if not empty and said.get("nothing_to_do"):
        raise _wrong(folder, f"nothing_to_do, and yet there is a {SOLUTION}")
    return variant


def _wrongs(folder: Path, said: Mapping[str, Any]) -> tuple[Variant, ...]:
    named = said.get("wrong", {})
    parent = folder.resolve() / WRONG
    there = {path.name for path in parent.iterdir() if path.is_dir()} if parent.is_dir() else set()
    if unsaid := sorted(there - {*named, *LEFT_BEHIND}):
        raise _wrong(parent / unsaid[0], f"{TASK} does not say what is wrong with it: [{WRONG}.{unsaid[0]}]")
    found = []
    for name, table in named.items():
        deletes = _deletes(folder, table)
        if name not in there and not deletes:
            raise _wrong(
                folder / TASK, f"[{WRONG}.{name}] changes nothing: neither a folder {WRONG}/{name}/ nor deletes"
            )
        found.append(Variant(name, parent / name, deletes, table["what"], table["refused"]))
    return tuple(found)


def _deletes(folder: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    for name in (paths := tuple(table.get("deletes", ()))):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
            raise _wrong(folder / TASK, f"deletes {name!r}, which is no path inside {REPO}/")
    return paths


def _digest(folder: Path, paths: list[Path]) -> str:
    """SHA-256 of all that the folder holds: names and contents, each with its length before it."""
    whole = hashlib.sha256()
    for path in paths:
        name = path.as_posix().encode("utf-8", "surrogateescape")
        full = folder / path
        data = os.fsencode(full.readlink()) if full.is_symlink() else full.read_bytes()
        for part in (name, data):
            whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()
