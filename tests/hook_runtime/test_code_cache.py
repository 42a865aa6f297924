"""The code of what hooks import is kept in one file, and never stands for a source that is another one by now."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

import claude_local_plugin
from claude_local_plugin.hook_runtime import code_cache
from tests.hook_runtime.hook_process import SCRIPT, HookRunner, recorded
from tests.hook_runtime.test_main import faults, without_roots_privilege

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Python's own way alone is taken there"),
]

#: Of events, none of which is to be taken for another.
NUMBERS = count()

START, PROMPT, STOP = "print-SessionStart-startup", "attended-UserPromptSubmit", "print-Stop"


class Installation:
    """The package in a folder of its own, where nothing has run yet."""

    def __init__(self, folder: Path) -> None:
        package = Path(claude_local_plugin.__file__).parent
        self.package = folder / package.name
        self.package.mkdir(parents=True)
        shutil.copy(package / "__init__.py", self.package)
        for room in ("core", "hook_runtime", "sessionlog"):
            shutil.copytree(package / room, self.package / room, ignore=shutil.ignore_patterns("__pycache__"))
        self.script = folder / "hooks" / SCRIPT.name
        self.script.parent.mkdir()
        shutil.copy(SCRIPT, self.script)

    @property
    def kept(self) -> Path:
        return self.package / f"hook_runtime/__pycache__/claude_local_hook.{sys.implementation.cache_tag}.code"

    def run(self, hook: HookRunner, name: str = STOP) -> set[str]:
        """Runs the hook at an event; the modules of ours that Python itself had to import."""
        event, environ = recorded(name)
        told = [sys.executable, "-X", "importtime", "-I", "-S", str(self.script), *hook.registered]
        stdin = json.dumps({**event, "prompt_id": f"event {next(NUMBERS)}"}).encode()
        done = subprocess.run(told, input=stdin, env=environ, capture_output=True, check=True, timeout=60)
        assert b"cannot run" not in done.stderr
        imported = (line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines())
        return {each for each in imported if each.startswith("claude_local_plugin")}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "installation")


def lines(hook: HookRunner) -> list[dict[str, object]]:
    """All that is in the journal."""
    text = "".join(file.read_text() for file in sorted(hook.state.glob("journal/*.jsonl")))
    return [json.loads(line) for line in text.split("\n") if line]


def test_what_one_hook_has_imported_the_next_one_need_not_look_for(
    hook: HookRunner, installation: Installation
) -> None:
    assert "claude_local_plugin.sessionlog.journal" in installation.run(hook)
    assert installation.kept.exists()
    installation.run(hook)  # what stands for `os` is another module where `os` is there already
    assert installation.run(hook) == set()
    more = installation.run(hook, START)
    assert "claude_local_plugin.core.leaks" in more
    assert "claude_local_plugin.sessionlog.journal" not in more
    before = installation.kept.read_bytes()
    for name in (START, PROMPT, STOP):
        installation.run(hook, name)
    assert not installation.run(hook, START) | installation.run(hook, PROMPT) | installation.run(hook)
    assert len(installation.kept.read_bytes()) >= len(before)
    assert len(lines(hook)) == 10
    assert faults(hook) == ""


def test_a_source_that_is_another_one_now_is_what_runs(hook: HookRunner, installation: Installation) -> None:
    for _ in range(3):
        installation.run(hook)
    source = installation.package / "sessionlog" / "journal.py"
    text = source.read_text()
    source.write_text(text.replace("\nFORMAT = 1\n", "\nFORMAT = 7\n"))  # of the same size
    assert "claude_local_plugin.sessionlog.journal" in installation.run(hook)
    assert installation.run(hook) == set()
    assert [line["format"] for line in lines(hook)] == [1, 1, 1, 7, 7]


def test_a_copy_of_the_folder_runs_its_own_sources(
    hook: HookRunner, installation: Installation, tmp_path: Path
) -> None:
    for _ in range(3):
        installation.run(hook)
    copy = Installation.__new__(Installation)
    shutil.copytree(tmp_path / "installation", tmp_path / "copy")  # with times of change and all that is kept
    copy.package, copy.script = tmp_path / "copy" / "claude_local_plugin", tmp_path / "copy" / "hooks" / SCRIPT.name
    assert copy.kept.exists()
    assert copy.run(hook)
    copy.run(hook)
    shutil.rmtree(tmp_path / "installation")
    assert copy.run(hook) == set()
    assert len(lines(hook)) == 6
    assert faults(hook) == ""


def cut(size: Callable[[int], int]) -> Callable[[bytes], bytes]:
    return lambda whole: whole[: size(len(whole))]


@pytest.mark.parametrize(
    "spoiled",
    [
        cut(lambda size: 0),
        cut(lambda size: 3),
        cut(lambda size: 100),
        cut(lambda size: size - 1),
        cut(lambda size: size // 2),
        lambda whole: b"\0" * len(whole),
        lambda whole: whole[: len(whole) // 2] + b"\0" * (len(whole) - len(whole) // 2),
        lambda whole: b"\1\2\3\4" + whole[4:],
        lambda whole: whole[:4] + b"\xff" * 8 + whole[12:],
    ],
    ids=["empty", "magic cut", "header cut", "code cut", "half of it", "zeros", "half zeros", "magic", "length"],
)
def test_what_is_damaged_is_done_without_and_made_anew(
    hook: HookRunner, installation: Installation, spoiled: Callable[[bytes], bytes]
) -> None:
    for _ in range(3):
        installation.run(hook)
    installation.kept.write_bytes(spoiled(installation.kept.read_bytes()))
    for _ in range(3):
        installation.run(hook)
    assert installation.run(hook) == set()
    assert len(lines(hook)) == 7
    assert faults(hook) == ""


def test_one_that_was_left_half_written_is_cleared_away(hook: HookRunner, installation: Installation) -> None:
    installation.run(hook)
    whole = installation.kept.read_bytes()
    installation.kept.unlink()
    begun = installation.kept.with_name(f"{installation.kept.name}.new")
    begun.write_bytes(whole[:1000])
    installation.run(hook)
    assert begun.exists(), "whoever began it may be at it still"
    assert not installation.kept.exists()
    os.utime(begun, (time.time() - 100,) * 2)
    installation.run(hook)
    assert not begun.exists()
    installation.run(hook)
    assert installation.kept.exists()
    assert len(lines(hook)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="root's privileges are dropped the Linux way")
def test_where_nothing_can_be_written_nothing_is_kept(hook: HookRunner, installation: Installation) -> None:
    folder = installation.kept.parent
    folder.mkdir()
    folder.chmod(0o500)
    event, environ = recorded(STOP)
    ran = hook(event, environ, script=installation.script, preexec_fn=without_roots_privilege)
    folder.chmod(0o700)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    assert not list(folder.iterdir())
    assert len(lines(hook)) == 1
    assert faults(hook) == ""


def test_many_first_ones_at_once_are_all_on_record(hook: HookRunner, installation: Installation) -> None:
    event, environ = recorded(STOP)

    def one(number: int) -> str:
        return hook({**event, "prompt_id": f"at once {number}"}, environ, script=installation.script).stderr

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {""}
    assert len(lines(hook)) == 24
    assert faults(hook) == ""
    for _ in range(2):
        installation.run(hook)
    assert installation.run(hook) == set()


def test_it_can_be_taken_away_and_nothing_else_is(hook: HookRunner, installation: Installation) -> None:
    code_cache.forget(str(installation.package))  # where nothing ever ran there is nothing to take away
    installation.run(hook)
    folder = installation.kept.parent
    (folder / "claude_local_hook.cpython-39.code.new").touch()
    others = {path for path in folder.iterdir() if path.suffix == ".pyc"}
    code_cache.forget(str(installation.package))
    assert others
    assert set(folder.iterdir()) == others
