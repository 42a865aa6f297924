"""Is a task sound? Its check passes the right solution and refuses every wrong one, and the prompt gives neither away.

What an evaluation is worth hangs on its checks: one that passes too much, or refuses what is right, tells nothing about
a model. So each solution that lies in a task's folder is judged here, as a trial would be.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import judging, repository, task, trial
from claude_local_plugin.evaluation.checking import Outcome
from claude_local_plugin.evaluation.outcome import EDITS
from claude_local_plugin.evaluation.task import CHECK, GENERATE, REPO, SOLUTION, TASK, WRONG, Task, Variant
from claude_local_plugin.evaluation.tree import files
from claude_local_plugin.text import printable

#: So many wrong solutions a task should have.
WRONG_ONES = 3
#: A line that is as long as this stands in a prompt by no chance.
_TELLING = 20
#: Tools that can change a file.
_CHANGING = (*EDITS, "Bash", "Agent", "Task")


@dataclass(frozen=True, slots=True)
class Judged:
    """A solution of the task's, and what its check makes of it. Of what nobody touched the name is `untouched`."""

    name: str
    wanted: Outcome
    outcome: Outcome
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that makes a task worth less: where it is, what it is, and what mends it."""

    where: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A task's folder, the solutions that were judged, and what is wrong with the task."""

    id: str
    folder: Path
    judged: tuple[Judged, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `--json` says of it."""
        return {
            "id": self.id,
            "folder": str(self.folder),
            "sound": not self.problems,
            "solutions": [asdict(each) for each in self.judged],
            "problems": [asdict(each) for each in self.problems],
        }


def prove(folder: Path, *, isolated: bool, wrong_ones: int = WRONG_ONES) -> Proof:
    """Judge all solutions of the task in a folder, and look at what else can be wrong with it."""
    name = printable(folder.resolve().name)
    try:
        read = task.read(folder)
    except UsageError as fault:
        said = fault.message.removeprefix(printable(str(folder))).lstrip("/")
        where, _, what = said.partition(": ")
        return Proof(name, folder, problems=(Problem(where or "./", what, fault.hint or ""),))
    problems = list(_by_reading(read, wrong_ones))
    judged: list[Judged] = []
    try:
        problems += _given(read)
        variants = (None, *(() if read.nothing_to_do else (read.solution, read.solution)), *read.wrong)
        for variant in variants:
            judged.append(one := _judged(read, variant, isolated=isolated))
            problems += _amiss(read, variant, one)
    except trial.NoBoxError:
        raise
    except ClaudeLocalError as fault:
        problems.append(Problem(TASK, fault.message, fault.hint or "mend what it names"))
    return Proof(read.id, folder, tuple(judged), tuple(dict.fromkeys(problems)))


# --- by running


def _judged(of: Task, variant: Variant | None, *, isolated: bool) -> Judged:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="claude-local-eval-check-") as aside:
        result = Path(aside) / "result"
        repository.make(of, result)
        if variant is not None:
            repository.lay_over(variant, result)
        verdict = trial.judge(of, result, isolated=isolated)
    right = of.nothing_to_do if variant is None else variant is of.solution
    return Judged(
        "untouched" if variant is None else variant.name,
        "passed" if right else "wrong",
        verdict.outcome,
        verdict.reason,
        round(time.monotonic() - began, 3),
    )


def _amiss(of: Task, variant: Variant | None, one: Judged) -> Iterator[Problem]:
    """What is wrong where a solution is not judged as it should be."""
    where = _place(variant)
    if one.outcome == "broken":
        yield Problem(where, f"the check is broken: {one.reason}", f"{CHECK} ends with 0, or with 1 and a reason")
    elif one.outcome != one.wanted and one.wanted == "passed":
        what = "what is right as it is" if variant is None else "the reference solution"
        yield Problem(where, f"the check refuses {what}: {one.reason}", f"mend {CHECK}, or {where}")
    elif one.outcome != one.wanted:
        what = "what nobody touched" if variant is None else f"a wrong solution ({variant.what})"
        yield Problem(where, f"the check passes {what}", f"have {CHECK} look at what is wrong with it")
    elif variant is not None and one.wanted == "wrong" and variant.refused not in one.reason:
        yield Problem(
            where,
            f"it is refused for another reason: {one.reason!r}, where {TASK} says {variant.refused!r}",
            f"mend the solution so that this alone is wrong with it, or `refused` in {TASK}",
        )


def _place(variant: Variant | None) -> str:
    if variant is None:
        return f"{REPO}/"
    return f"{SOLUTION}/" if variant.name == SOLUTION else f"{WRONG}/{variant.name}/"


def _given(of: Task) -> Iterator[Problem]:
    """What is wrong with what the agent is given: another one each time, or something that it should not have."""
    with tempfile.TemporaryDirectory(prefix="claude-local-eval-check-") as aside:
        folders = [Path(aside) / name for name in ("one", "other")]
        hashes = {repository.make(of, folder) for folder in folders}
        contents = judging.contents_of(folders[0])
    if len(hashes) > 1:
        yield Problem(GENERATE, "it writes other files each time", "have it draw nothing, and ask no clock")
    telling = {path.read_bytes(): name for name, path in _hidden(of).items() if path.stat().st_size}
    for name, content in contents.items():
        if (source := telling.get(content)) is not None:
            yield Problem(f"{REPO}/{name}", f"the agent is given {source}", "take it away there")


# --- by reading


def _by_reading(of: Task, wrong_ones: int) -> Iterator[Problem]:
    if len(of.wrong) < wrong_ones:
        yield Problem(
            TASK,
            f"{_many(len(of.wrong))}; with fewer than {wrong_ones} nobody knows what {CHECK} lets through",
            f"add what somebody might hand in: {WRONG}/NAME/ and [{WRONG}.NAME] (fewer are all right with --wrong N)",
        )
    names = {tool.partition("(")[0] for tool in of.tools}
    for tool in of.must_call:
        if tool not in names:
            yield Problem(TASK, f"{tool} must be called, and is none of the tools", "add it to `tools`")
    if not of.nothing_to_do and not names & {*_CHANGING}:
        yield Problem(TASK, "none of the tools can change a file", f"add one of {', '.join(EDITS[:2])} or Bash")
    for name in (CHECK, f"{WRONG}/", f"{SOLUTION}/", "hidden/", TASK):
        if name in of.prompt:
            yield Problem(TASK, f"the prompt speaks of {name}, which the agent does not see", "leave it out")
    for name, path in {**_hidden(of), **_solved(of)}.items():
        if (line := _told(of, path)) is not None:
            yield Problem(TASK, f"the prompt has a line of {name} in it: {line!r}", "say what is wanted, not how")


def _many(count: int) -> str:
    return f"{count} wrong solution{'' if count == 1 else 's'}"


def _hidden(of: Task) -> dict[str, Path]:
    """The files that judge a result."""
    hidden = of.folder / "hidden"
    below = sorted(path for path in hidden.rglob("*") if path.is_file() and not path.is_symlink())
    return {CHECK: of.folder / CHECK, **{path.relative_to(of.folder).as_posix(): path for path in below}}


def _solved(of: Task) -> dict[str, Path]:
    """The files of the reference solution."""
    below = sorted(path for path in of.solution.folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(of.folder).as_posix(): path for path in below}


def _told(of: Task, path: Path) -> str | None:
    """A line of the file that stands in the prompt, and not in what the agent is given anyway."""
    told = {text for text in _lines(path) if len(text) >= _TELLING and text in of.prompt}
    if told:
        for given in files(of.folder / REPO):
            told -= _lines(of.folder / REPO / given)
    return min(told, default=None)


def _lines(path: Path) -> set[str]:
    try:
        return {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}
    except (UnicodeDecodeError, OSError):  # no text, or a link to nowhere
        return set()
