"""What a check.py may import: it looks at a result, runs its code at arm's length, and says what is wrong with it.

    from claude_local_plugin.evaluation.judging import only_changed, python, wrong

    only_changed("price.py")
    if python("import price; answer(price.total([1, 2]))") != 3:
        wrong("the total of 1 and 2 is not 3")

A check ends with exit code 0 (passed), or with 1 and a line on standard output (wrong, and why). The agent's code
runs in processes of its own, so that one that ends its process, or prints, or never ends, passes for nothing.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from claude_local_plugin.evaluation.tree import files

#: How long the agent's code may run, in seconds, and how much of one file is looked at.
PATIENCE, MOST = 20, 20_000_000

#: `answer` hands one value to the check; what the agent's code prints goes nowhere.
_DRIVER = """\
import json, sys
_to, _folder = sys.argv[1:3]
del sys.argv[1:]
sys.path.insert(0, _folder)
def answer(value):
    with open(_to, "w", encoding="utf-8") as file:
        json.dump(value, file)
"""

#: An interpreter that has not seen any code of the agent's, and forks for each question: the fork goes on below the
#: loop as one of its own would, and what it does is gone with it.
_ASKED = """\
import json, os, sys
_said = os.dup(1)
for _line in sys.stdin.buffer:
    _code, _folder, sys.argv, _faults = json.loads(_line)
    _child = os.fork()
    if not _child:
        break
    os.write(_said, b"%d\\n" % _child)
    os.write(_said, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(_child, 0)[1]))
else:
    os._exit(0)
os.close(_said)
for _number, _name in enumerate((os.devnull, os.devnull, _faults)):
    os.dup2(os.open(_name, os.O_RDWR), _number)
sys.stdin = open(0)
os.chdir(_folder)
del os, _said, _line, _child, _number, _name, _faults, _folder
exec(compile(_code, "<string>", "exec"))
"""

_TESTS = """\
import io, unittest
found = unittest.TestLoader().discover({where!r}, pattern="test*.py", top_level_dir=".")
done = unittest.TextTestRunner(stream=io.StringIO()).run(found)
bad = [*done.errors, *done.failures, *((test, "") for test in done.unexpectedSuccesses)]
answer([done.testsRun - len(done.skipped), [test.id() for test, _ in bad]])
"""


def result() -> Path:
    """The folder that is judged."""
    return Path(sys.argv[1])


def task() -> Path:
    """The task's own folder."""
    return Path(sys.argv[0]).resolve().parent


def wrong(reason: str) -> NoReturn:
    """Ends the check: the result is wrong, for this reason."""
    print(" ".join(reason.split()), flush=True)
    raise SystemExit(1)


# --- files


@cache
def given() -> Mapping[str, bytes]:
    """What the agent was given: name -> content."""
    contents = contents_of(task() / "repo")
    if (generate := task() / "generate.py").is_file():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-I", "-B", str(generate), folder], env=_environment(), check=True)
            contents |= contents_of(Path(folder))
    return contents


@cache
def found() -> Mapping[str, bytes]:
    """What there is now: name -> content; a link is `-> ` and where it leads."""
    return contents_of(result())


def contents_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder but git's: name -> content."""
    paths = [path for path in files(folder) if path.parts[0] != ".git"]
    return {path.as_posix(): _content(folder / path) for path in paths}


def _content(path: Path) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return b"-> " + os.fsencode(path.readlink())
    if not stat.S_ISREG(mode):
        return b"no file"
    with path.open("rb") as file:
        return file.read(MOST)


def text(name: str) -> str:
    """A file of the result as text, to the byte; wrong where it is not there."""
    if name not in found():
        wrong(f"there is no {name}")
    try:
        return found()[name].decode("utf-8")
    except UnicodeDecodeError:
        wrong(f"{name} is no UTF-8 text")


def document(name: str) -> Any:
    """A JSON file of the result; wrong where it is none."""
    try:
        return json.loads(text(name))
    except ValueError as fault:
        wrong(f"{name} is no JSON: {fault}")


def original(name: str) -> str:
    """The same file as it was given."""
    return given()[name].decode("utf-8")


def only_changed(*allowed: str) -> None:
    """Wrong where another file than these (`*` and `?` too) was changed, made or removed."""
    for name in sorted({*given(), *found()}):
        before, after = given().get(name), found().get(name)
        if before != after and not any(fnmatchcase(name, pattern) for pattern in allowed):
            how = "made" if before is None else "removed" if after is None else "changed"
            wrong(f"{name} was {how}, which nobody asked for")


def is_exactly(name: str, wanted: str) -> None:
    """Wrong where a file is not this text to the byte; the reason says in which line it begins."""
    have = text(name)
    if have == wanted:
        return
    pairs = zip([*have.splitlines(True), ""], [*wanted.splitlines(True), ""], strict=False)
    number = next((number for number, (left, right) in enumerate(pairs, 1) if left != right), 1)
    wrong(f"{name} is not as it should be, from line {number} on")


def answered(name: str, wanted: str) -> None:
    """Wrong where a file does not hold just this answer; blanks and line ends around it do not count."""
    if " ".join(text(name).split()) != " ".join(wanted.split()):
        wrong(f"{name} does not hold the answer")


def mentions(name: str, word: str) -> bool:
    """Whether the file has this name in it as a whole word."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text(name)) is not None


# --- code


def python(code: str, *, folder: Path | None = None, seconds: float = PATIENCE) -> Any:
    """What the code hands to `answer` when it is run in the result's folder, whose modules it can import.

    Wrong where it raises, ends before it has answered, or takes too long.
    """
    with tempfile.TemporaryDirectory() as aside:
        to, faults = Path(aside) / "answer", Path(aside) / "faults"
        faults.touch()
        if hasattr(os, "fork"):
            ended = _interpreter().ask(_DRIVER + code, folder or result(), ["-c", str(to), "."], faults, seconds)
        else:
            done = run(sys.executable, "-I", "-B", "-c", _DRIVER + code, str(to), ".", folder=folder, seconds=seconds)
            faults.write_text(done.stderr, encoding="utf-8")
            ended = done.returncode
        if ended == 0 and to.is_file():
            return json.loads(to.read_text(encoding="utf-8"))
        with faults.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST))
            fault = file.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    wrong(f"the code fails: {fault}" if fault else "the code ends its own process")


class _Interpreter:
    """An interpreter that answers one question after another, each in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _ASKED],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def ask(self, code: str, folder: Path, words: list[str], faults: Path, seconds: float) -> int | None:
        """The exit code of this code; None where nobody knows. Wrong where it takes too long."""
        assert self._process.stdin is not None
        child = ended = None
        try:
            self._process.stdin.write(json.dumps([code, str(folder), words, str(faults)]).encode() + b"\n")
            child = self._number(PATIENCE)
            ended = None if child is None else self._number(seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid if child is None else child, signal.SIGKILL)
            wrong(f"the code runs longer than {seconds:g} s")
        except BrokenPipeError:
            pass
        if ended is None:  # the agent's code has ended more than itself
            _interpreter.cache_clear()
        return ended

    def _number(self, seconds: float) -> int | None:
        """The next number that it says; None where it does not live any more."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise TimeoutError
        said = self._process.stdout.readline()
        return int(said) if said else None


@cache
def _interpreter() -> _Interpreter:
    return _Interpreter()


def be_ready() -> None:
    """Begin what a check will ask, while there is nothing to judge yet."""
    if hasattr(os, "fork"):
        _interpreter()


def run(
    *words: str, folder: Path | None = None, seconds: float = PATIENCE, path: str = os.defpath
) -> "subprocess.CompletedProcess[str]":
    """A program of `path` that is run in the result's folder, or this one; wrong where it takes too long."""
    try:
        return subprocess.run(
            words,
            cwd=folder or result(),
            env=_environment(path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        wrong(f"the code runs longer than {seconds:g} s")


def _environment(path: str = os.defpath) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    return {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", **kept}


def unit_tests(where: str = ".", *, folder: Path | None = None) -> tuple[int, list[str]]:
    """How many unit tests the result has below a folder, and the names of those that fail."""
    count, bad = python(_TESTS.format(where=where), folder=folder)
    return count, bad


def unit_tests_pass(where: str = ".", *, least: int = 1) -> None:
    """Wrong where a unit test of the result fails, or where there are fewer than so many."""
    count, bad = unit_tests(where)
    if bad:
        wrong(f"a test fails: {bad[0]}")
    if count < least:
        wrong(f"there are {count} tests, and there should be {least} or more")


def unit_tests_notice(name: str, code: str, what: str, where: str = ".") -> None:
    """Wrong where the result's unit tests pass although this file has a fault put into it: it is tested by none."""
    with changed({name: code}) as folder:
        count, bad = unit_tests(where, folder=folder)
    if count and not bad:
        wrong(f"no test notices {what}")


@contextlib.contextmanager
def changed(contents: Mapping[str, str | bytes], without: Iterable[str] = ()) -> Iterator[Path]:
    """A copy of the result with other contents in some files, and without some.

    Nothing is written through a link that the agent may have made.
    """
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "copy"
        _copy(result(), folder)
        for name in without:
            _cleared(folder, name)
        for name, content in contents.items():
            path = _cleared(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield folder


def hidden() -> dict[str, bytes]:
    """The files in the task's folder hidden/: tests that the agent does not see, for `changed`."""
    return contents_of(task() / "hidden")


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir()
    for path in files(source):
        mode = (source / path).lstat().st_mode
        if path.parts[0] != ".git" and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / path, folder / path, follow_symlinks=False)


def _cleared(folder: Path, name: str) -> Path:
    """The path of a file that is not there any more, and whose folders are none but folders."""
    path = folder
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink() or path.is_file():
            path.unlink()
    if path.is_dir():
        shutil.rmtree(path)
    return path
