"""The suites that came with us: each check passes its reference solution and refuses every wrong one for its reason."""

import os
import re
from pathlib import Path

import pytest

from claude_local_plugin import paths
from claude_local_plugin.evaluation import checking, repository
from claude_local_plugin.evaluation.suite import SHIPPED, suite
from claude_local_plugin.evaluation.task import Task, Variant

pytestmark = pytest.mark.process

SUITES = {name: suite(name) for name in SHIPPED}
TASKS = [task for each in SUITES.values() for task in each.tasks]
#: Many results make many tests; one for each task names it.
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.suite}-{task.id}")


@pytest.fixture(autouse=True)
def nothing_but_python_and_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task may need a program, a package or a variable of this machine."""
    for name in list(os.environ):
        if name not in ("HOME", "TMPDIR", "SYSTEMROOT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", os.defpath)


def result(task: Task, folder: Path, variant: Variant | None) -> Path:
    repository.make(task, folder)
    if variant:
        repository.lay_over(variant, folder)
    return folder


@each_task
def test_the_check_passes_the_solution_again_and_again(task: Task, tmp_path: Path) -> None:
    folder = result(task, tmp_path / "result", task.solution)
    assert [checking.check(task, folder) for _ in range(2)] == [checking.Verdict("passed")] * 2


@each_task
def test_the_check_refuses_what_nobody_touched(task: Task, tmp_path: Path) -> None:
    verdict = checking.check(task, result(task, tmp_path / "result", None))
    assert verdict.outcome == ("passed" if task.nothing_to_do else "wrong"), verdict


@each_task
def test_the_check_refuses_every_wrong_solution_for_its_reason(task: Task, tmp_path: Path) -> None:
    assert len(task.wrong) >= 3
    said = {each.name: checking.check(task, result(task, tmp_path / each.name, each)) for each in task.wrong}
    assert {name: verdict.outcome for name, verdict in said.items()} == dict.fromkeys(said, "wrong"), said
    for variant in task.wrong:
        assert variant.refused in said[variant.name].reason, variant.name
    again = task.wrong[0].name
    assert checking.check(task, tmp_path / again) == said[again]


@each_task
def test_an_agent_is_given_the_repository_and_nothing_else(task: Task, tmp_path: Path) -> None:
    one, other = (repository.make(task, tmp_path / name) for name in ("one", "other"))
    assert one == other
    given = {path.name for path in (tmp_path / "one").rglob("*")}
    assert given & {"check.py", "task.toml", "generate.py", "solution", "wrong", "hidden"} == set()
    assert given - {".git"}


def test_no_two_tasks_are_the_same() -> None:
    assert {name: len(each.tasks) for name, each in SUITES.items()} == {"smoke": 6, "core": 30}
    assert len({task.id for task in TASKS}) == len({task.digest for task in TASKS}) == len(TASKS)
    assert SUITES["smoke"].digest != SUITES["core"].digest


def test_they_cover_every_kind_of_work() -> None:
    kinds = {task.kind for task in SUITES["core"].tasks}
    wanted = {"edit", "fix", "rename", "feature", "answer", "data", "parallel", "long", "subagent", "plan", "rule"}
    assert kinds >= wanted | {"forbidden", "recover", "stop"}
    assert {task.difficulty for task in SUITES["core"].tasks} == {1, 2, 3, 4, 5}


def test_the_shipped_tasks_stay_small() -> None:
    folder = TASKS[0].folder.parent.parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_000_000


def generated(name: str, folder: Path) -> dict[str, str]:
    """The text files that an agent is given in a task of core."""
    (task,) = (each for each in TASKS if each.id == name)
    folder.mkdir()
    repository.give(task, folder)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}


def answer(name: str) -> str:
    (task,) = (each for each in TASKS if each.id == name)
    return (task.solution.folder / "answer.txt").read_text().strip()


def test_long_files_are_as_long_as_they_say_and_end_in_no_question_of_luck(tmp_path: Path) -> None:
    """At four characters a token; what is asked for stands far from both ends."""
    for name, file, tokens, key in (
        ("minutes-20k", "minutes.txt", 20_000, "keys to the mooring go to Ottilie"),
        ("handbook-40k", "handbook.txt", 40_000, "half a bar less"),
        ("first-cause", "service.log", 31_000, f"{answer('first-cause')} INFO  kernel  /data: errors=remount-ro"),
    ):
        text = generated(name, tmp_path / name)[file]
        assert abs(len(text) / 4 - tokens) < tokens / 20
        assert text.count(key) == 1
        assert 0.2 < text.index(key) / len(text) < 0.8
        assert max(map(len, text.splitlines())) < 200


def test_the_sum_that_is_asked_for_is_that_of_the_reports(tmp_path: Path) -> None:
    totals = {
        name: int(re.findall(r"total of \w+ is (\d+) euros", text)[-1])
        for name, text in generated("twelve-reports", tmp_path / "given").items()
        if name.startswith("reports/")
    }
    assert len(totals) == 12
    most = Path(max(totals, key=lambda name: totals[name])).stem
    assert answer("twelve-reports") == f"{most} {sum(totals.values())}"


def test_the_suites_travel_with_the_package() -> None:
    """`.ci/package` compares what an installed one lists; this is the reason it can."""
    assert paths.shipped("suites") == Path(paths.__file__).parent / "suites"
