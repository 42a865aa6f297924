"""What a check's end means, and that neither a check nor the code that it runs can do what is not its own."""

import os
import time
from pathlib import Path

import pytest

from claude_local_plugin.evaluation import checking
from claude_local_plugin.evaluation import trial as trials
from claude_local_plugin.evaluation.checking import Verdict
from claude_local_plugin.evaluation.task import Task, read
from claude_local_plugin.evaluation.trial import NoBoxError
from tests.looped import looped

pytestmark = pytest.mark.process

TASK = """
what = "A task."
prompt = "Do it."
tools = ["Read"]
tags = ["edit"]
difficulty = 1
limits = { turns = 1, minutes = 1, tokens = 1 }
check_seconds = SECONDS
"""


def made(folder: Path, check: str, *, seconds: float = 30, **files: str) -> Task:
    """A task with this check, whose repository has these files (`a__py` for a.py)."""
    for name, text in {"check.py": check, "task.toml": TASK.replace("SECONDS", str(seconds)), **files}.items():
        where = folder if name in ("check.py", "task.toml") else folder / "repo"
        where.mkdir(parents=True, exist_ok=True)
        (where / name.replace("__", ".")).write_text(text)
    (folder / "solution").mkdir(exist_ok=True)
    (folder / "repo").mkdir(exist_ok=True)
    return read(folder)


def judged(tmp_path: Path, check: str, **files: str) -> Verdict:
    """The verdict of a check about a result that has these files, of a task that had none."""
    result = tmp_path / "result"
    result.mkdir()
    for name, text in files.items():
        (result / name.replace("__", ".")).write_text(text)
    return checking.check(made(tmp_path / "task", check), result)


ENDS = [
    ("", Verdict("passed")),
    ("raise SystemExit(0)", Verdict("passed")),
    ("print('seen'); raise SystemExit(0)", Verdict("passed")),
    ("print('  a is missing  \\nmore'); raise SystemExit(1)", Verdict("wrong", "a is missing")),
    ("print('\\x1b[31mred'); raise SystemExit(1)", Verdict("wrong", "\\x1b[31mred")),
    ("raise SystemExit(1)", Verdict("broken", "the check ended with exit code 1: it said nothing")),
    ("raise SystemExit('no')", Verdict("broken", "the check ended with exit code 1: no")),
    ("1/0", Verdict("broken", "the check ended with exit code 1: ZeroDivisionError: division by zero")),
    ("print('x'); raise SystemExit(3)", Verdict("broken", "the check ended with exit code 3: x")),
    ("import sys; (", Verdict("broken", "the check ended with exit code 1: SyntaxError: '(' was never closed")),
]


@looped(("check", "verdict"), ENDS)
def test_the_end_of_a_check_says_what_the_result_is(check: str, verdict: Verdict, tmp_path: Path) -> None:
    assert judged(tmp_path, check) == verdict


@looped(("check", "verdict"), ENDS)
def test_it_says_the_same_in_a_box_where_it_has_waited_for_the_result(
    check: str, verdict: Verdict, tmp_path: Path
) -> None:
    try:
        trials.possible()
    except NoBoxError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)
    (tmp_path / "result").mkdir()
    assert trials.judge(made(tmp_path / "task", check), tmp_path / "result", isolated=True) == verdict


def test_a_check_knows_the_two_folders_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = """
import os, sys
left = {name for name in os.environ if not name.startswith("LC_")}
print(sorted(left), len(sys.argv), sys.argv[1].endswith("result"), sys.flags.isolated)
raise SystemExit(1)
"""
    assert judged(tmp_path, check) == Verdict("wrong", "[] 2 True 1")


def test_a_check_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    check = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + "/child", "w").write(str(child.pid))
time.sleep(600)
"""
    task = made(tmp_path / "task", check, seconds=2)
    result = tmp_path / "result"
    result.mkdir()
    assert checking.check(task, result) == Verdict("broken", "the check took longer than 2 s")
    child = int((result / "child").read_text())
    while _runs(child):
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not fetched yet is none."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


ASKS = """
from claude_local_plugin.evaluation.judging import python, wrong
if python("import a; answer(a.f())") != 1:
    wrong("f is not 1")
"""


@looped(
    ("code", "reason"),
    [
        ("def f(): return 1", None),
        ("print('anything')\ndef f():\n    print('1')\n    return 1", None),
        ("def f(): return 2", "f is not 1"),
        ("import os\nos._exit(0)", "the code ends its own process"),
        ("import sys\nsys.exit(0)", "the code ends its own process"),
        ("import os\nos.kill(os.getppid(), 9)\nos._exit(0)", "the code ends its own process"),
        ("def f(): raise SystemExit", "the code ends its own process"),
        ("def f(): return {}[1]", "the code fails: KeyError: 1"),
        ("def f(): return object()", "the code fails: TypeError: Object of type object is not JSON serializable"),
        (
            "import json\njson.dump = None\ndef f(): return 1",
            "the code fails: TypeError: 'NoneType' object is not callable",
        ),
    ],
)
def test_the_agents_code_passes_for_nothing_that_it_does_not_do(code: str, reason: str | None, tmp_path: Path) -> None:
    verdict = judged(tmp_path, ASKS, a__py=code)
    assert verdict == (Verdict("wrong", reason) if reason else Verdict("passed"))


def test_each_question_is_asked_of_a_process_that_has_seen_no_other(tmp_path: Path) -> None:
    check = """
from claude_local_plugin.evaluation.judging import python, wrong
said = [python("import a, os; answer([a.count(), os.getpid(), os.getcwd(), __name__])") for _ in range(2)]
wrong(f"{said[0][0]} {said[1][0]} {said[0][1] != said[1][1]} {said[0][2].endswith('result')} {said[0][3]}")
"""
    code = "seen = []\ndef count():\n    seen.append(1)\n    return len(seen)"
    assert judged(tmp_path, check, a__py=code) == Verdict("wrong", "1 1 True True __main__")


def test_code_that_never_ends_is_wrong(tmp_path: Path) -> None:
    check = ASKS.replace('a.f())"', 'a.f())", seconds=1')
    assert judged(tmp_path, check, a__py="while True: pass") == Verdict("wrong", "the code runs longer than 1 s")


def test_a_module_of_the_result_does_not_stand_for_one_of_the_checks_own(tmp_path: Path) -> None:
    assert judged(tmp_path, ASKS, a__py="def f(): return 1", json__py="raise SystemExit(0)") == Verdict("passed")


TESTS = """
from claude_local_plugin.evaluation.judging import unit_tests_notice, unit_tests_pass
unit_tests_pass(least=1)
unit_tests_notice("a.py", "def f(): return 0", "that f is another one")
"""
CASE = "import unittest\nimport a\nclass T(unittest.TestCase):\n    def test_f(self):\n        "


@looped(
    ("test", "reason"),
    [
        (f"{CASE}self.assertEqual(a.f(), 1)", None),
        (f"{CASE}self.assertEqual(a.f(), 2)", "a test fails: test_a.T.test_f"),
        (f"{CASE}self.assertTrue(True)", "no test notices that f is another one"),
        (f"{CASE}self.skipTest('later')", "there are 0 tests, and there should be 1 or more"),
        ("", "there are 0 tests, and there should be 1 or more"),
        ("import os; os._exit(0)", "the code ends its own process"),
    ],
)
def test_tests_that_the_agent_wrote_are_tried_on_broken_code(test: str, reason: str | None, tmp_path: Path) -> None:
    verdict = judged(tmp_path, TESTS, a__py="def f(): return 1", test_a__py=test)
    assert verdict == (Verdict("wrong", reason) if reason else Verdict("passed"))


def test_nothing_is_written_through_a_link_of_the_agents(tmp_path: Path) -> None:
    """A copy that gets hidden tests stays inside itself, whatever the agent has put in the place of their folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.py").write_text("mine")
    check = """
from claude_local_plugin.evaluation.judging import changed, wrong
with changed({"tests/mine.py": "theirs", "link.py": "theirs"}, ["other/mine.py"]) as folder:
    wrong((folder / "tests/mine.py").read_text() + " " + (folder / "link.py").read_text())
"""
    task = made(tmp_path / "task", check)
    result = tmp_path / "result"
    result.mkdir()
    for name in ("tests", "other"):
        (result / name).symlink_to(outside)
    (result / "link.py").symlink_to(outside / "mine.py")
    assert checking.check(task, result) == Verdict("wrong", "theirs theirs")
    assert (outside / "mine.py").read_text() == "mine"


def test_links_pipes_and_folders_in_a_result_are_seen_and_not_followed(tmp_path: Path) -> None:
    check = """
from claude_local_plugin.evaluation.judging import changed, found, only_changed, wrong
with changed({}) as folder:
    pass
wrong(str(sorted(found().items())))
"""
    task = made(tmp_path / "task", check)
    result = tmp_path / "result"
    (result / ".git").mkdir(parents=True)
    (result / ".git" / "config").touch()
    (result / "__pycache__").mkdir()
    (result / "__pycache__" / "a.pyc").touch()
    (result / "out").symlink_to("/etc")
    os.mkfifo(result / "pipe")
    assert checking.check(task, result).reason == "[('out', b'-> /etc'), ('pipe', b'no file')]"
