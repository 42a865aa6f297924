"""A task's folder: what is wrong in it is said with its place, its digest is of all of it, and its trials are equal."""

import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin import cli, paths
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import checking, repository, skeleton
from claude_local_plugin.evaluation.suite import chosen, suite
from claude_local_plugin.evaluation.task import Task, Variant, is_task, read
from tests.looped import looped

ROOT = Path(__file__).parents[2]


def example(folder: Path) -> Path:
    """A whole task of its own in the folder."""
    skeleton.make(folder / "mine")
    return folder / "mine"


def changed(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))

    return change


def gone(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def there(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    return change


@looped(
    ("change", "said"),
    [
        (gone("task.toml"), "mine: there is no task.toml"),
        (gone("check.py"), "mine: there is no check.py, which judges the result"),
        (gone("repo"), "mine: there is neither repo/ nor generate.py"),
        (gone("solution"), "mine: there is no solution/"),
        (gone("wrong/everybody"), "task.toml: [wrong.everybody] changes nothing"),
        (there("wrong/more/a.py"), "wrong/more: task.toml does not say what is wrong with it: [wrong.more]"),
        (there("repo/.git/config"), "repo/.git/config: a repository is made for each trial"),
        (changed("task.toml", "difficulty = 1", "difficulty = "), "task.toml: not TOML: Invalid value (at line 11"),
        (changed("task.toml", "difficulty = 1", "difficulty = 9"), "task.toml: $.difficulty: "),
        (changed("task.toml", "turns = 12, ", ""), "task.toml: $.limits: turns is missing"),
        (changed("task.toml", "difficulty = 1", 'dificulty = 1\ndifficulty = 1'), "task.toml: $"),
        (changed("task.toml", '"Read",', '"rm -rf",'), "task.toml: $.tools[0]: must be the name of a tool of Claude"),
        (changed("task.toml", "[wrong.every", '[solution]\ndeletes = ["../x"]\n[wrong.every'), "deletes '../x'"),
        (changed("task.toml", "difficulty = 1", "difficulty = 1\nnothing_to_do = true"), "and yet there is a solution"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wrong_in_a_folder_is_said_with_its_place(
    change: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    folder = example(tmp_path)
    change(folder)
    with pytest.raises(UsageError) as caught:
        read(folder)
    assert said in caught.value.message
    assert str(folder) in caught.value.message
    assert "docs/evaluation.md" in str(caught.value.hint)


def test_a_name_that_no_report_could_show_is_refused(tmp_path: Path) -> None:
    skeleton.make(tmp_path / "Mine!")
    with pytest.raises(UsageError, match="small letters"):
        read(tmp_path / "Mine!")


@looped(
    "change",
    [
        changed("task.toml", "turns = 12", "turns = 13"),
        changed("check.py", "Ann", "Bo"),
        changed("repo/greeting.py", "Greetings", "Greeting"),
        changed("wrong/everybody/greeting.py", "Greetings", "Greeting"),
        gone("wrong/more-than-asked/NOTES.md"),
        lambda folder: (folder / "repo/greeting.py").rename(folder / "repo/greetings.py"),
        lambda folder: (folder / "repo/link").symlink_to("greeting.py"),
    ],
)
def test_whatever_changes_makes_another_digest(change: Callable[[Path], None], tmp_path: Path) -> None:
    folder = example(tmp_path)
    before = suite(str(tmp_path)).digest, read(folder).digest
    change(folder)
    after = suite(str(tmp_path)).digest, read(folder).digest
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_what_python_and_file_managers_leave_behind_is_no_part_of_a_task(tmp_path: Path) -> None:
    folder = example(tmp_path)
    before = read(folder).digest
    for name in ("__pycache__/check.pyc", "repo/__pycache__/greeting.pyc", "repo/x.pyc", ".DS_Store"):
        there(name)(folder)
    assert read(folder).digest == before
    repository.make(read(folder), tmp_path / "trial")
    assert sorted(path.name for path in (tmp_path / "trial").iterdir()) == [".git", "greeting.py"]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True).stdout.decode()


def test_a_trial_has_one_commit_of_everything_whatever_the_user_has_configured(tmp_path: Path, home: Path) -> None:
    marks = home / "ran"
    hook = home / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\n: > {marks}\nexit 1\n")
    hook.chmod(0o755)
    config = f"[core]\nhooksPath = {hook.parent}\nautocrlf = true\n[commit]\ngpgSign = true\n[user]\nname = Me\n"
    (home / ".gitconfig").write_text(config + f"[init]\ntemplateDir = {hook.parent}\ndefaultBranch = other\n")
    folder = example(tmp_path)
    (folder / "repo" / ".gitignore").write_text("ignored\n")
    (folder / "repo" / "ignored").write_bytes(b"a\r\n")
    name = repository.make(read(folder), tmp_path / "trial")
    assert not marks.exists()
    assert git(tmp_path / "trial", "log", "--format=%H %an").split() == [name, "claude-local"]
    assert git(tmp_path / "trial", "ls-files").split() == [".gitignore", "greeting.py", "ignored"]
    assert "\r\n" in git(tmp_path / "trial", "show", "HEAD:ignored")
    assert git(tmp_path / "trial", "status", "--porcelain") == ""
    assert git(tmp_path / "trial", "branch", "--show-current").strip() == "main"


def test_a_trial_begins_in_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "mine").touch()
    with pytest.raises(UsageError, match="is not empty"):
        repository.make(read(example(tmp_path)), tmp_path / "trial")


def test_a_solution_is_not_laid_over_what_lies_outside(tmp_path: Path) -> None:
    folder, trial, outside = example(tmp_path), tmp_path / "trial", tmp_path / "outside"
    outside.mkdir()
    (folder / "repo" / "out").symlink_to(outside)
    (folder / "solution" / "out").mkdir()
    (folder / "solution" / "out" / "x").touch()
    task = read(folder)
    repository.make(task, trial)
    with pytest.raises(UsageError, match="leads out of the repository"):
        repository.lay_over(task.solution, trial)
    assert not list(outside.iterdir())


def test_a_file_that_a_solution_takes_away_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"deletes a.py, which is not in the repository"):
        repository.lay_over(Variant("mine", tmp_path / "none", ("a.py",)), tmp_path)


# --- suites


def test_a_folder_of_tasks_is_a_suite_and_so_is_one_task(tmp_path: Path) -> None:
    folder = example(tmp_path)
    shutil.copytree(folder, tmp_path / "another")
    (tmp_path / "no-task").mkdir()
    assert [task.id for task in suite(str(tmp_path)).tasks] == ["another", "mine"]
    assert [task.id for task in suite(str(folder)).tasks] == ["mine"]


@looped(("word", "said"), [("smoek", "smoek is neither a suite nor a folder"), ("empty", "has no task in it")])
def test_what_is_no_suite_says_so(word: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=said):
        suite(word)


def test_tasks_are_chosen_by_name_and_tag() -> None:
    tasks = suite("core").tasks
    assert {task.kind for task in chosen(tasks, "long")} == {"long"}
    assert [task.id for task in chosen(tasks, "*-40k")] == ["handbook-40k"]
    with pytest.raises(UsageError, match="no task's name or tag is like nothing"):
        chosen(tasks, "nothing")


# --- the skeleton, and what is written of tasks


@pytest.mark.process
def test_the_skeleton_is_a_task_that_is_proved(tmp_path: Path) -> None:
    task = read(example(tmp_path))
    assert _verdict(task, task.solution, tmp_path / "right").outcome == "passed"
    for variant in task.wrong:
        assert variant.refused in _verdict(task, variant, tmp_path / variant.name).reason
    assert len(task.wrong) == 3


def _verdict(task: Task, variant: Variant, folder: Path) -> checking.Verdict:
    repository.make(task, folder)
    repository.lay_over(variant, folder)
    return checking.check(task, folder)


def test_the_page_lists_the_tasks_there_are() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "evaluation_page.py"))["page"]()
    assert (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8") == made, "python docs/evaluation_page.py"


def test_no_folder_of_a_suite_is_lost_on_the_way() -> None:
    for name in ("smoke", "core"):
        folder = paths.shipped("suites") / name
        assert {path for path in folder.iterdir() if path.is_dir()} == {
            path for path in folder.iterdir() if is_task(path)
        }
    assert cli.COMMANDS["eval"]


def test_no_program_of_a_task_is_run_by_being_read(tmp_path: Path) -> None:
    folder = example(tmp_path)
    (folder / "check.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    read(folder)
    assert not (tmp_path / "ran").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
