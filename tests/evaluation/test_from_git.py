"""`eval from-git`: a task of a commit is proved before it is written, and what makes none says why."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import checking, repository
from claude_local_plugin.evaluation.from_git import Asked, Made, is_test, make
from claude_local_plugin.evaluation.task import read
from tests.looped import looped

pytestmark = pytest.mark.process

TEST = "import unittest\nimport a\nclass T(unittest.TestCase):\n    def test_f(self): self.assertEqual(a.f(), {})\n"
ENVIRON = {"PATH": "/usr/bin:/bin"}
RUN = (sys.executable, "-m", "unittest", "-q")


class History:
    """A repository with some commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("First", {"a.py": "def f(): return 1\n", "tests/test_a.py": TEST.format(1), "old.py": "x = 1\n"})

    def git(self, *words: str) -> str:
        own = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        return subprocess.run(
            ["git", *own, *words], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self, message: str, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def made(self, word: str = "HEAD", run: tuple[str, ...] | None = (*RUN, "tests/test_a.py")) -> Made:
        return make(Asked(word, self.folder, None, run), ENVIRON, self.folder.parent)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "shop")


def test_a_commit_becomes_a_task_that_is_proved(history: History, tmp_path: Path) -> None:
    message = 'Have f say "2"\n\nIt said 1, and \\ nobody knew why.\n\nSigned-off-by: Ann <ann@example.com>'
    history.commit(message, {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2), "old.py": None})
    made = history.made()
    assert made.folder == tmp_path / "have-f-say-2"
    assert (made.tests, made.notes) == (("tests/test_a.py",), ())
    task = read(made.folder)
    assert task.prompt.endswith('Have f say "2"\n\nIt said 1, and \\ nobody knew why.')
    assert (task.kind, task.solution.deletes) == ("from-git", ("old.py",))
    repository.make(task, tmp_path / "trial")
    assert (tmp_path / "trial" / "tests" / "test_a.py").read_text() == TEST.format(1)
    assert checking.check(task, tmp_path / "trial").reason.startswith("the commit's tests fail: FAIL: test_f")
    (tmp_path / "trial" / "a.py").write_text("f = lambda: 1 + 1\n")
    assert checking.check(task, tmp_path / "trial").outcome == "passed"
    # tests of the agent's own in their place change nothing
    (tmp_path / "trial" / "a.py").write_text("def f(): return 1\n")
    (tmp_path / "trial" / "tests" / "test_a.py").write_text(TEST.format(1))
    assert checking.check(task, tmp_path / "trial").outcome == "wrong"
    assert (tmp_path / "trial" / "tests" / "test_a.py").read_text() == TEST.format(1)


def test_an_earlier_commit_is_taken_as_it_was_with_modes_and_links(history: History, tmp_path: Path) -> None:
    (history.folder / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    (history.folder / "run.sh").chmod(0o755)
    (history.folder / "link").symlink_to("a.py")
    history.commit("With a program", {})
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2)})
    history.commit("Three", {"a.py": "def f(): return 3\n", "tests/test_a.py": TEST.format(3)})
    history.git("config", "core.autocrlf", "true")
    (history.folder / "a.py").write_text("not committed")
    made = history.made("HEAD~1")
    given = made.folder / "repo"
    assert (given / "a.py").read_text() == "def f(): return 1\n"
    assert (given / "run.sh").read_bytes() == b"#!/bin/sh\r\n"
    assert (given / "run.sh").stat().st_mode & 0o111
    assert (given / "link").readlink() == Path("a.py")
    assert (made.folder / "solution" / "a.py").read_text() == "def f(): return 2\n"


def test_python_tests_are_run_with_what_the_project_has(history: History) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2)})
    own = history.folder / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.write_text(
        f'#!/bin/sh\ncase "$*" in *"import pytest"*) exit 1;; esac\nexec {shlex.quote(sys.executable)} "$@"\n'
    )
    own.chmod(0o755)
    made = history.made(run=None)
    assert made.command == (str(own), "-m", "unittest", "tests/test_a.py")


def refused(history: History, said: str, *, word: str = "HEAD", run: tuple[str, ...] | None = RUN) -> None:
    before = sorted(history.folder.parent.iterdir())
    with pytest.raises(ClaudeLocalError) as caught:
        history.made(word, run)
    assert said in caught.value.message
    assert caught.value.hint or "no commit" in said
    assert sorted(history.folder.parent.iterdir()) == before


def test_a_commit_without_tests_is_refused(history: History) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n"})
    refused(history, "brings no test: nothing could tell whether an agent's work is right")


def test_a_commit_of_tests_alone_is_refused(history: History) -> None:
    history.commit("Two", {"tests/test_b.py": TEST.format(1)})
    refused(history, "changes tests alone")


def test_the_first_commit_and_what_is_none_are_refused(history: History) -> None:
    refused(history, "is the first commit: nothing came before it")
    refused(history, "HAED names no commit in", word="HAED")
    refused(history, "--all names no commit in", word="--all")
    refused(history, "HEAD:a.py names no commit in", word="HEAD:a.py")


def test_tests_that_pass_before_the_commit_too_tell_nothing(history: History) -> None:
    history.commit("Two", {"a.py": "def f(): return 1  # more\n", "tests/test_b.py": TEST.format(1)})
    refused(history, "the tests pass before the commit, too", run=(*RUN, "tests/test_b.py"))


def test_tests_that_fail_on_the_commit_itself_make_no_task(history: History) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(3)})
    refused(history, "the tests do not pass on the commit itself", run=(*RUN, "tests/test_a.py"))


def test_tests_of_another_language_need_a_word(history: History) -> None:
    history.commit("Two", {"a.js": "x", "a.test.js": "x"})
    refused(history, "how is a.test.js run? It is no test of Python's", run=None)
    refused(history, "no-such-program is not on PATH", run=("no-such-program",))


def test_a_folder_that_is_there_stays_as_it_is(history: History, tmp_path: Path) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2)})
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "mine").touch()
    refused(history, "is there already", run=(*RUN, "tests/test_a.py"))


def test_a_folder_that_is_no_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClaudeLocalError, match="not a git repository"):
        make(Asked("HEAD", tmp_path, None), ENVIRON, tmp_path)


def test_a_repository_that_wants_a_program_run_does_not_get_it(history: History, tmp_path: Path) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2)})
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n: > {tmp_path / 'ran'}\ncat\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "filter.x.smudge", "gpg.program", "core.sshCommand"):
        history.git("config", name, str(program))
    history.git("config", "log.showSignature", "true")
    (history.folder / ".git" / "info" / "attributes").write_text("* filter=x\n")
    history.made()
    assert not (tmp_path / "ran").exists()


@looped(
    ("path", "answer"),
    [
        *((name, True) for name in ("tests/a.py", "a/test/x.c", "test_a.py", "a_test.go", "a.spec.ts", "ATest.java")),
        *((name, True) for name in ("spec/a.rb", "conftest.py", "src/__tests__/a.js", "a.test.tsx")),
        *((name, False) for name in ("a.py", "latest.py", "contest.py", "attest/a.py", "testing.md", "src/protest.go")),
    ],
)
def test_test_files_are_told_by_their_names(path: str, answer: bool) -> None:
    assert is_test(path) is answer


def test_output_of_a_name_that_is_no_task_s_is_a_usage_error(history: History) -> None:
    history.commit("Two", {"a.py": "def f(): return 2\n", "tests/test_a.py": TEST.format(2)})
    with pytest.raises(UsageError, match="cannot be a task's name"):
        make(Asked("HEAD", history.folder, Path("My Task"), RUN), ENVIRON, history.folder.parent)
