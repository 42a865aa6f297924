"""`claude-local eval --list`, `eval new` and `eval from-git`, as they are typed."""

import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.settings import schema
from tests.commands.place import Place


def test_the_list_names_every_task_with_its_limits(place: Place) -> None:
    report = place.ok("eval", "--list", "--json").json
    assert schema.problems(report, "eval-list") == ()
    assert [(suite["name"], suite["tasks"]) for suite in report["suites"]] == [("smoke", 6), ("core", 30)]
    assert len(report["tasks"]) == 36
    shown = place.ok("eval", "--list").out
    for task in report["tasks"]:
        assert f"  {task['id']} " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_some_of_the_tasks(place: Place) -> None:
    report = place.ok("eval", "--list", "--suite", "core", "--tasks", "long", "--json").json
    assert {task["id"] for task in report["tasks"]} == {"minutes-20k", "handbook-40k", "first-cause"}
    assert "core  3 of 30 tasks" in place.ok("eval", "--list", "--tasks", "long").out


def test_what_is_wrong_is_a_usage_error_with_a_hint(place: Place) -> None:
    for words, said in (
        (("eval", "--profile", "a", "--url", "http://b:1"), "say different things"),
        (("eval", "--list", "--suite", "no-such-suite"), "neither a suite nor a folder"),
        (("eval", "--list", "--tasks", "no-such-task"), "no task's name or tag"),
        (("eval", "--list", "new", "x"), "do not go with new: --list"),
        (("eval", "new", "My Task"), "cannot be a task's name"),
        (("eval", "from-git", "HEAD", "--run", "'"), "--run is no command line"),
        (("eval", "from-git", "HEAD", "--run", ""), "--run is empty"),
    ):
        ended = place.ends(2, *words)
        assert said in ended.err
        assert "hint: " in ended.err


def test_a_new_task_works_and_what_is_wrong_in_it_later_is_said(place: Place) -> None:
    ended = place.ok("eval", "new", "tasks/mine")
    assert "claude-local eval --list --suite tasks/mine" in ended.out
    folder = place.project / "tasks" / "mine"
    assert [task["id"] for task in place.ok("eval", "--list", "--suite", "tasks", "--json").json["tasks"]] == ["mine"]
    assert "is there already" in place.ends(2, "eval", "new", "tasks/mine").err
    (folder / "check.py").unlink()
    assert f"{folder.relative_to(place.project)}: there is no check.py" in place.ends(
        2, "eval", "--list", "--suite", "tasks"
    ).err  # fmt: skip


@pytest.mark.process
def test_a_commit_becomes_a_task(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(message: str, number: int) -> None:
        (place.project / "a.py").write_text(f"def f(): return {number}\n")
        test = (
            "import unittest\nimport a\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(a.f(), {})\n"
        )
        (place.project / "test_a.py").write_text(test.format(number))
        own = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        for words in (("add", "."), ("commit", "-qm", message)):
            subprocess.run(["git", *own, *words], cwd=place.project, check=True)

    subprocess.run(["git", "init", "-q"], cwd=place.project, check=True)
    commit("One", 1)
    commit("Have f say 2", 2)
    run = f"'{sys.executable}' -m unittest"
    ended = place.ok("eval", "from-git", "HEAD", "--run", run, "--output", "tasks/two")
    assert "with 1 test file" in ended.out
    assert "claude-local eval check tasks/two --wrong 0" in ended.out
    made = place.ok("eval", "from-git", "HEAD", "--run", run, "--output", "tasks-too/two", "--json").json
    assert schema.problems(made, "eval-from-git") == ()
    assert (made["tests"], made["notes"]) == (["test_a.py"], [])
    assert place.ok("eval", "check", "tasks/two", "--wrong", "0", "--json").json["sound"] is True
    assert "the tests fail before the commit and pass with it" in ended.out
    (task,) = place.ok("eval", "--list", "--suite", "tasks", "--json").json["tasks"]
    assert (task["id"], task["tags"]) == ("two", ["from-git"])
    assert (Path("tasks") / "two" / "repo" / "a.py").read_text() == "def f(): return 1\n"
    assert "is the first commit" in place.ends(2, "eval", "from-git", "HEAD~1", "--run", run).err
