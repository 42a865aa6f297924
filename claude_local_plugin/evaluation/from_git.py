"""A task out of a repository's history: the agent gets a commit's parent, and that commit's tests are the check."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from claude_local_plugin import git
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import checking, repository, task
from claude_local_plugin.evaluation.task import CHECK, REPO, SOLUTION, TASK
from claude_local_plugin.text import printable

#: Where a commit's tests lie in the task.
HIDDEN = "hidden"
#: A repository with more bytes than this is nothing to copy for every trial.
MOST = 200_000_000
#: How long the commit's tests may take, in seconds.
PATIENCE = 300

#: Folders of tests, and names of test files, as the common tools find them.
_TEST_FOLDERS = frozenset(("test", "tests", "__tests__", "spec", "specs", "testdata"))
_TEST_NAME = re.compile(r"^test_|^conftest\.py$|[_.-](test|tests|spec)\.[^.]+$|(Test|Tests|Spec)\.[^.]+$")
#: Lines at the end of a message that say who signed it, and nothing of the change.
_TRAILER = re.compile(r"^([A-Z][\w-]*-by|Change-Id|Co-authored-by|Fixes|Closes|Refs): .*$", re.MULTILINE)

_CHECK = '''"""The tests of commit {commit}, run on a copy of the result; the agent has not seen them."""

from claude_local_plugin.evaluation.judging import changed, hidden, run, wrong

COMMAND = {command!r}
PATH = {path!r}
REMOVED = {removed!r}

with changed(hidden(), REMOVED) as folder:
    ended = run(*COMMAND, folder=folder, seconds={seconds}, path=PATH)
if ended.returncode != 0:
    lines = [*ended.stdout.splitlines(), *ended.stderr.splitlines()]
    failed = [line for line in lines if line.startswith(("FAIL", "ERROR"))]
    wrong("the commit's tests fail" + (f": {{failed[0]}}" if failed else ""))
'''


@dataclass(frozen=True, slots=True)
class Asked:
    """Which commit of which repository, where the task goes, and how the tests are run where that is said."""

    word: str
    repository: Path
    output: Path | None
    run: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The task's folder, the command that runs its tests, and what has to be said."""

    folder: Path
    commit: str
    tests: tuple[str, ...]
    command: tuple[str, ...]
    notes: tuple[str, ...] = ()


def make(asked: Asked, environ: Mapping[str, str], cwd: Path) -> Made:
    """Makes the task and proves it: the tests fail on the parent, and pass on the commit. Otherwise nothing is left."""
    commit = git.commit(asked.repository, asked.word)
    if commit is None:
        raise UsageError(f"{printable(asked.word)} names no commit in {printable(str(asked.repository))}")
    if not commit.parents:
        raise UsageError(f"{commit.hash[:12]} is the first commit: nothing came before it", "choose a later one")
    before, after = (git.files_of(asked.repository, each) for each in (commit.parents[0], commit.hash))
    differ = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    tests = tuple(path for path in differ if is_test(path) and path in after)
    _worth_it(commit, differ, tests, sum(entry.size for entry in before.values()))
    words = _command(asked, tests, environ)
    folder = cwd / asked.output if asked.output else cwd / _slug(commit.message)
    if not task.is_name(folder.name):
        raise UsageError(
            f"{printable(folder.name)} cannot be a task's name: small letters, digits and hyphens",
            "name another folder with --output",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{printable(str(folder))} is there already", "name another folder with --output")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".task-") as aside:
        made = Path(aside) / folder.name
        made.mkdir()
        changed = {path: after[path] for path in differ if path in after}
        skipped = [
            *_write(asked.repository, before, made / REPO),
            *_write(asked.repository, changed, made / SOLUTION),
            *_write(asked.repository, {path: after[path] for path in tests}, made / HIDDEN),
        ]
        gone = [path for path in differ if path not in after and before[path].mode != _SUBMODULE]
        (made / TASK).write_text(_document(commit, gone), encoding="utf-8")
        text = _CHECK.format(
            commit=commit.hash[:12],
            command=list(words),
            path=environ.get("PATH", os.defpath),
            removed=[path for path in gone if is_test(path)],
            seconds=PATIENCE,
        )
        (made / CHECK).write_text(text, encoding="utf-8")
        _prove(made, words)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    notes = tuple(f"{path} is another repository, which is left out" for path in dict.fromkeys(skipped))
    return Made(folder, commit.hash, tests, words, notes)


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests, by its name or by the folder it is in."""
    pure = PurePosixPath(path)
    return bool(_TEST_NAME.search(pure.name)) or any(part.lower() in _TEST_FOLDERS for part in pure.parts[:-1])


def _worth_it(commit: git.Commit, differ: Sequence[str], tests: Sequence[str], size: int) -> None:
    name = commit.hash[:12]
    if not tests:
        raise UsageError(
            f"{name} brings no test: nothing could tell whether an agent's work is right",
            "choose a commit that adds or changes tests, or make a task by hand with `claude-local eval new`",
        )
    if all(map(is_test, differ)):
        raise UsageError(f"{name} changes tests alone: there is nothing for an agent to do", "choose another commit")
    if not _TRAILER.sub("", commit.message).strip():
        raise UsageError(f"{name} has no message, which would be the agent's prompt", "choose another commit")
    if size > MOST:
        raise UsageError(f"{name} has {size:,} bytes of files; more than {MOST:,} are not copied for every trial")


#: How git writes the mode of a link, of a program, and of another repository inside one.
_LINK, _PROGRAM, _SUBMODULE = "120000", "100755", "160000"


def _write(source: Path, entries: Mapping[str, git.Entry], folder: Path) -> list[str]:
    """The files as they were committed, below the folder; what is left out."""
    kept = {path: entry for path, entry in entries.items() if entry.mode != _SUBMODULE}
    contents = git.contents(source, [entry.content for entry in kept.values()])
    for path, entry in kept.items():
        pure = PurePosixPath(path)
        if pure.is_absolute() or {"..", ".git"} & set(pure.parts):
            raise ClaudeLocalError(f"the commit has a file {printable(path)}, which is no path inside a repository")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == _LINK:
            target.symlink_to(os.fsdecode(contents[entry.content]))
        else:
            target.write_bytes(contents[entry.content])
            target.chmod(0o755 if entry.mode == _PROGRAM else 0o644)
    return [path for path, entry in entries.items() if entry.mode == _SUBMODULE]


def _command(asked: Asked, tests: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """How the tests are run: as it was said, or for Python with pytest where the project's interpreter has it."""
    path = environ.get("PATH", os.defpath)
    if asked.run:
        program = shutil.which(asked.run[0], path=path)
        if program is None:
            raise UsageError(f"{printable(asked.run[0])} is not on PATH", "name the program of --run with its path")
        return (str(Path(program).absolute()), *asked.run[1:])
    python = [each for each in tests if PurePosixPath(each).name.startswith("test") and each.endswith(".py")]
    if not python:
        raise UsageError(
            f"how is {printable(tests[0])} run? It is no test of Python's",
            "say it with --run, as in --run 'npm test'",
        )
    own = [environ.get("VIRTUAL_ENV"), *(str(asked.repository / name) for name in (".venv", "venv"))]
    places = [Path(each) / "bin" / "python" for each in own if each]
    interpreter = next((str(each.absolute()) for each in places if each.is_file()), None)
    interpreter = interpreter or shutil.which("python3", path=path) or sys.executable
    has_pytest = checking.ends_well([interpreter, "-I", "-c", "import pytest"])
    module = ("pytest", "-q", "-p", "no:cacheprovider") if has_pytest else ("unittest",)
    return (interpreter, "-m", *module, *python)


def _prove(folder: Path, words: Sequence[str]) -> None:
    made = task.read(folder)
    said = []
    for variant in (None, made.solution):
        with tempfile.TemporaryDirectory() as aside:
            repository.give(made, Path(aside))
            if variant:
                repository.lay_over(variant, Path(aside))
            said.append(checking.check(made, Path(aside)))
    command = printable(" ".join(words))
    if said[1].outcome != "passed":
        raise ClaudeLocalError(
            f"the tests do not pass on the commit itself: {said[1].reason} ({command})",
            "say how they are run, with an environment that has what they need: --run '/path/to/python -m pytest …'",
        )
    if said[0].outcome != "wrong":
        raise ClaudeLocalError(
            f"the tests pass before the commit, too, and would tell nothing ({command})", "choose another commit"
        )


def _slug(message: str) -> str:
    words = re.findall(r"[a-z0-9]+", message.partition("\n")[0].lower())
    return "-".join(words)[:40].strip("-") or "task"


def _document(commit: git.Commit, gone: Sequence[str]) -> str:
    message = _TRAILER.sub("", commit.message).strip()
    lines = [
        f"# made of commit {commit.hash}",
        f"what = {_text(f'As in commit {commit.hash[:12]}: {printable(message.partition(chr(10))[0])}')}",
        f"prompt = {_text(f'Make the change that this message of a commit describes.{chr(10) * 2}{message}')}",
        'tools = ["Read", "Edit", "Write", "Bash", "Glob", "Grep"]',
        'tags = ["from-git"]',
        "difficulty = 3",
        "limits = { turns = 40, minutes = 15, tokens = 2_000_000 }",
        f"check_seconds = {2 * PATIENCE}",
    ]
    if gone:
        lines += ["", "[solution]", f"deletes = [{', '.join(map(_text, gone))}]"]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
