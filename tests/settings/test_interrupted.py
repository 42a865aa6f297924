"""Killed at any moment, apply and revert leave the old file or the new one, and the next run puts everything right."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killable import STEPS, do

import claude_local_plugin
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import Change, edit

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that forks cheaply is killed here"),
]

#: How many random moments are tried in all.
TRIALS = int(os.environ.get("CLAUDE_LOCAL_TRIALS", "200"))

TEXT = '{\r\n\t"theme": "dark",\r\n\t"env": {"ANTHROPIC_BASE_URL": "https://mine", "A": "\u00e9"}\r\n}'

originals = pytest.mark.parametrize("original", [pytest.param(TEXT, id="a file"), pytest.param(None, id="no file")])
ways = pytest.mark.parametrize("nameless", [True, False], ids=["nameless", "named"])


class Killable:
    """A process whose children do steps to a settings file and can be killed; and what they leave."""

    def __init__(self, folder: Path, original: str | None, nameless: bool) -> None:
        self.folder = folder
        self.path = folder / "project" / ".claude" / "settings.local.json"
        self.state = folder / "state"
        self.original = original
        self.nameless = nameless
        self.path.parent.parent.mkdir()
        if original is not None:
            self.path.parent.mkdir()
            self.path.write_bytes(original.encode())
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killable.py"))],
            env={**os.environ, "PYTHONPATH": str(Path(claude_local_plugin.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        self.process.communicate(timeout=60)

    def begin(self, steps: list[str], *, times: int = 1, kill_at: int = 0) -> int:
        """Start a child with these steps; its process id."""
        order = {"path": str(self.path), "state": str(self.state), "steps": steps, "times": times}
        assert self.process.stdin
        self.process.stdin.write(json.dumps({**order, "nameless": self.nameless, "kill_at": kill_at}) + "\n")
        self.process.stdin.flush()
        return self._answer("ready")

    def end(self) -> int:
        """Wait for the child; what it ended with: 0, or the signal that killed it."""
        return self._answer("dead")

    def _answer(self, word: str) -> int:
        assert self.process.stdout
        said, number = self.process.stdout.readline().split()
        assert said == word
        return int(number)

    @property
    def text(self) -> str | None:
        return file.read(self.path)

    def snapshot(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def restore(self, snapshot: dict[Path, bytes]) -> None:
        for folder in (self.path.parent, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        for path, content in snapshot.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def assert_clean(self, *, expected: str | None) -> None:
        """The file holds what is expected, and nothing of ours is anywhere (locks of no size apart)."""
        assert self.text == expected
        left = {path.relative_to(self.folder).parts for path in self.folder.rglob("*")}
        wanted = {("project",), ("state",), ("state", "locks"), ("state", "ownership")}
        if expected is not None:
            wanted |= {("project", ".claude"), ("project", ".claude", self.path.name)}
        locks = {parts for parts in left if parts[:2] == ("state", "locks") and parts[-1].endswith(".lock")}
        assert left - locks <= wanted


@pytest.fixture
def killable(tmp_path: Path, original: str | None, nameless: bool) -> Iterator[Killable]:
    process = Killable(tmp_path, original, nameless)
    yield process
    process.close()


def texts_of(original: str | None) -> set[str | None]:
    """Every text that the steps, in any order, can make of the file."""
    texts = {original}
    parts: list[list[Change]] = [list(changes) for step in STEPS.values() for changes in step.values()]
    backend, other, hooks = parts
    for changes in ([backend], [other], [hooks], [backend, hooks], [other, hooks], [hooks, backend], [hooks, other]):
        texts.add(edit(original or "", [change for part in changes for change in part]).text)
    return texts


@originals
@ways
def test_killed_at_random_moments_nothing_is_torn_or_lost(killable: Killable) -> None:
    chance = random.Random(f"{killable.original} {killable.nameless}")
    possible = texts_of(killable.original)
    for _ in range(TRIALS // 4):
        child = killable.begin(chance.sample(["backend", "other", "hooks", "-hooks", "-backend"], 5), times=1_000_000)
        time.sleep(chance.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        assert killable.end() == signal.SIGKILL
        assert killable.text in possible
        if chance.random() < 0.5:
            ownership.revert(killable.path, state_dir=killable.state)
            killable.assert_clean(expected=killable.original)
    ownership.revert(killable.path, state_dir=killable.state)
    killable.assert_clean(expected=killable.original)


SCENARIOS = [
    pytest.param([], "backend", True, id="first apply"),
    pytest.param(["backend"], "other", True, id="apply anew"),
    pytest.param(["backend"], "hooks", True, id="apply another"),
    pytest.param(["backend", "hooks"], "-hooks", True, id="revert one"),
    pytest.param(["backend", "hooks"], "-", True, id="revert all"),
    pytest.param([], "backend", False, id="first apply, named"),
    pytest.param(["backend", "hooks"], "-", False, id="revert all, named"),
]


@originals
@pytest.mark.parametrize(("before", "step", "nameless"), SCENARIOS)
def test_killed_before_any_change_on_disk_the_next_run_puts_everything_right(
    before: list[str], step: str, killable: Killable
) -> None:
    for earlier in before:
        do(earlier, killable.path, killable.state)
    start, old = killable.snapshot(), killable.text
    do(step, killable.path, killable.state)
    new = killable.text
    torn = []
    for number in count(1):
        killable.restore(start)
        killable.begin([step], kill_at=number)
        if killable.end() == 0:
            break
        torn.append(killable.text)
        left = killable.snapshot()

        do(step, killable.path, killable.state)
        assert killable.text == new
        ownership.revert(killable.path, state_dir=killable.state)
        killable.assert_clean(expected=killable.original)

        killable.restore(left)
        ownership.revert(killable.path, state_dir=killable.state)
        killable.assert_clean(expected=killable.original)

        killable.restore(left)
        if (text := killable.text) is not None:
            killable.path.write_text(json.dumps({"theirs": 1, **json.loads(text)}, indent=1))
            assert ownership.revert(killable.path, state_dir=killable.state).kept == ()
            expected = {"theirs": 1, **json.loads(killable.original or "{}")}
            assert json.loads(killable.text or "{}") == expected
            assert ownership.records(killable.state) == ()
    switch = torn.index(new)
    assert torn == [old] * switch + [new] * (len(torn) - switch)
    assert 0 < switch < len(torn)
