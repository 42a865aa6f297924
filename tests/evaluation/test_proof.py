"""`eval check`: a sound task is called so, and whatever can be wrong with one is named with its place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin.evaluation import skeleton, suite, trial
from claude_local_plugin.evaluation.proof import Proof, prove
from claude_local_plugin.settings import schema
from tests.commands.place import Place
from tests.evaluation.test_task import changed, gone
from tests.looped import looped

pytestmark = pytest.mark.process


@pytest.fixture(scope="module", autouse=True)
def boxes() -> bool:
    """Whether there can be any here; what is found is the same."""
    try:
        trial.possible()
    except trial.NoBoxError:
        return False
    return True


def proved(folder: Path, change: Callable[[Path], object] = lambda _: None) -> Proof:
    """What is found of the example with one wrong solution left, once it is changed."""
    made = folder / "mine"
    skeleton.make(made)
    text = (made / "task.toml").read_text()
    (made / "task.toml").write_text(text[: text.index("[wrong.another-answer]")])
    for name in ("another-answer", "more-than-asked"):
        shutil.rmtree(made / "wrong" / name)
    change(made)
    return prove(made, isolated=False, wrong_ones=1)


def written(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return change


def test_a_sound_task_is_called_so(tmp_path: Path, boxes: bool) -> None:
    skeleton.make(tmp_path / "mine")
    found = prove(tmp_path / "mine", isolated=boxes)
    assert found.problems == ()
    assert [(each.name, each.outcome) for each in found.judged] == [
        ("untouched", "wrong"),
        ("solution", "passed"),
        ("solution", "passed"),
        ("everybody", "wrong"),
        ("another-answer", "wrong"),
        ("more-than-asked", "wrong"),
    ]


CHECK_ONLY_FILES = "from claude_local_plugin.evaluation.judging import only_changed\nonly_changed('greeting.py')\n"
RANDOM = "import os, sys\nopen(sys.argv[1] + '/x', 'wb').write(os.urandom(9))\n"
GIVEN = "a line that is long enough to be told"
HIDDEN_LINE = "    expected = 'Hello, nobody in particular'\n"


@looped(
    ("change", "where", "what"),
    [
        (changed("solution/greeting.py", '"Hello!"', '"Hi!"'), "solution/", "refuses the reference solution: nobody"),
        (written("check.py", ""), "repo/", "the check passes what nobody touched"),
        (written("check.py", CHECK_ONLY_FILES), "wrong/everybody/", "the check passes a wrong solution (Nobody is"),
        (written("check.py", "1/0"), "solution/", "the check is broken: the check ended with exit code 1: ZeroDivis"),
        (
            changed("task.toml", "Ann is not greeted", "the moon"),
            "wrong/everybody/",
            "refused for another reason: 'Ann",
        ),
        (changed("task.toml", "turns = 12, ", ""), "task.toml", "$.limits: turns is missing"),
        (gone("check.py"), "./", "there is no check.py"),
        (written("generate.py", RANDOM), "generate.py", "it writes other files each time"),
        (written("generate.py", "1/0"), "task.toml", "generate.py ended with exit code 1: ZeroDivisionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_its_place(
    change: Callable[[Path], object], where: str, what: str, tmp_path: Path
) -> None:
    found = proved(tmp_path, change)
    matching = [each for each in found.problems if each.where == where and what in each.what]
    assert matching, found.problems
    assert matching[0].mend


def test_what_is_wrong_by_reading_is_named_all_at_once(tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        written("hidden/test_it.py", HIDDEN_LINE)(folder)
        shutil.copy(folder / "check.py", folder / "repo" / "x.py")
        told = f"See check.py, {HIDDEN_LINE.strip()}, and not {GIVEN}."
        for name in ("repo/notes.txt", "solution/notes.txt"):
            written(name, f"{GIVEN}\n")(folder)
        changed("task.toml", "Change nothing else.", told)(folder)
        tools = '["Read", "Edit", "Write", "Bash", "Glob", "Grep"]'
        changed("task.toml", tools, '["Read"]\nmust_call = ["Grep"]')(folder)

    proved(tmp_path, change)
    said = [f"{each.where}: {each.what}" for each in prove(tmp_path / "mine", isolated=False).problems]
    assert said == [
        "task.toml: 1 wrong solution; with fewer than 3 nobody knows what check.py lets through",
        "task.toml: Grep must be called, and is none of the tools",
        "task.toml: none of the tools can change a file",
        "task.toml: the prompt speaks of check.py, which the agent does not see",
        "task.toml: the prompt has a line of hidden/test_it.py in it: \"expected = 'Hello, nobody in particular'\"",
        "repo/x.py: the agent is given check.py",
    ]


def test_the_shipped_suites_give_nothing_away() -> None:
    """Their solutions are judged in test_suites.py; here is what is found by reading."""
    from claude_local_plugin.evaluation import proof

    for name in suite.SHIPPED:
        for task in suite.suite(name).tasks:
            assert [*proof._by_reading(task, 3)] == [], task.id


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(home, project, capsys)


def test_as_it_is_typed(place: Place, boxes: bool) -> None:
    for name in ("mine", "other"):
        made = place.ok("eval", "new", f"tasks/{name}", "--json").json
        assert schema.problems(made, "eval-new") == ()
        assert len(made["files"]) == 8
    (place.project / "tasks" / "other" / "check.py").write_text("")
    shown = place.ends(1, "eval", "check", "tasks")
    assert "✓ mine                       2 × passed, 4 × refused, as it should be\n✗ other\n" in shown.out
    assert "\n  repo/: the check passes what nobody touched\n    → have check.py" in shown.out
    assert "2 tasks, 1 not sound" in shown.out
    assert ("where they see this machine" in shown.err) is not boxes
    report = place.ends(1, "eval", "check", "tasks", "--tasks", "o*", "--json").json
    assert schema.problems(report, "eval-check") == ()
    assert ([task["id"] for task in report["tasks"]], report["isolated"]) == (["other"], boxes)
    for words, said in (
        (("nowhere",), "neither a suite nor a folder"),
        (("tasks/mine/repo",), "has no task in it"),
        (("tasks", "--tasks", "z*"), "no task's name is like z*"),
        (("tasks", "--wrong", "-1"), "--wrong"),
    ):
        assert said in place.ends(2, "eval", "check", *words).err
    assert sorted(path.name for path in (place.project / "tasks").iterdir()) == ["mine", "other"]
