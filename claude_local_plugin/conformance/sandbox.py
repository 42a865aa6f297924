"""Boxes: processes with a loopback world of their own in which the real Claude Code is run on scenarios."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from claude_local_plugin import isolated
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import Scenario
from claude_local_plugin.errors import ClaudeLocalError


class BoxError(ClaudeLocalError):
    """The box itself failed, not the client in it."""


class ClientError(ClaudeLocalError):
    """The client to be asked cannot be run."""


class Box:
    """One process that runs scenarios one after another; in namespaces of its own with `alone`.

    Raises BoxError when the box cannot be made (without the permission for namespaces, for one).
    """

    def __init__(self, claude: Path, *, alone: bool, patience: float = 30.0) -> None:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="claude-local-box-", ignore_cleanup_errors=True)
            )
            self._words = Path(folder) / "stderr"
            order = {"claude": str(claude.absolute()), "folder": folder, "alone": alone, "patience": patience}
            self._process = _begin(order, self._words)
            stack.callback(self._end)
            ready = self._answer()
            self.tls, self.client_version = bool(ready["tls"]), str(ready["version"])
            if not self.client_version:
                raise ClientError(
                    f"{claude} does not run: `--version` names no version", "name Claude Code's own program"
                )
            self._open = stack.pop_all()

    def observe(self, scenario: Scenario) -> Observed:
        """What the client does with this scenario."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(scenario.to_json()) + "\n")
            self._process.stdin.flush()
        except OSError:  # it has ended; why, is told where its answer would be
            pass
        return Observed.from_json(self._answer())

    def close(self) -> None:
        """End the process and remove its folder."""
        self._open.close()

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._words.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise BoxError(f"the box for Claude Code ended early: {said[-1] if said else 'without a word'}")
        answer: dict[str, object] = json.loads(line)
        return answer

    def abandon(self) -> None:
        """Have the process stop whatever it does; who waits for its answer gets a BoxError."""
        self._process.terminate()

    def _end(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it ended before it had read the last question
                self._process.stdin.close()  # it ends at that, together with the client it may be running
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _begin(order: dict[str, object], words: Path) -> "subprocess.Popen[str]":
    """Start the box's process; what it says on stderr is kept in the file `words`."""
    command = [*(unshare() if order["alone"] else []), *isolated.python("claude_local_plugin.conformance.worker")]
    folder = str(order["folder"])
    with words.open("w", encoding="utf-8") as stderr:
        return subprocess.Popen(
            [*command, json.dumps(order)],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to hear; the box ends when we do
        )


def unshare() -> list[str]:
    """The command that gives its argument a network, mounts and (unless we are root) a user of its own."""
    found = isolated.program("unshare", os.environ)
    if found is None:
        raise BoxError("no `unshare` command here to make namespaces with")
    root = os.geteuid() == 0
    return [found, "-n", "-m"] if root else [found, "-r", "-n", "-m"]


class Boxes:
    """Several boxes side by side, with namespaces of their own where permitted (`alone` says whether they have)."""

    def __init__(self, claude: Path, *, workers: int = 2, patience: float = 30.0, alone: bool | None = None) -> None:
        self._open = ExitStack()
        self._boxes: list[Box] = []
        self._idle: SimpleQueue[Box] = SimpleQueue()
        self.alone, first = self._first(claude, patience, alone)
        self.tls, self.client_version = first.tls, first.client_version
        self.workers = workers
        try:
            self._keep(first)
            for _ in range(workers - 1):
                self._keep(Box(claude, alone=self.alone, patience=patience))
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> "Boxes":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def observe(self, scenario: Scenario) -> Observed:
        """What the client does with this scenario; waits for an idle box."""
        box = self._idle.get()
        try:
            return box.observe(scenario)
        finally:
            self._idle.put(box)

    def observe_all(
        self, scenarios: Iterable[Scenario], stop: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Scenario, Observed]]:
        """Each scenario with what was observed, in order; begins no further one once `stop()` is true."""

        def one(scenario: Scenario) -> tuple[Scenario, Observed] | None:
            return None if stop() else (scenario, self.observe(scenario))

        with ThreadPoolExecutor(self.workers) as pool:
            try:
                for answer in pool.map(one, scenarios):
                    if answer is not None:
                        yield answer
            except BaseException:  # interrupted, say: the threads of the pool wait for answers that nobody wants
                for box in self._boxes:
                    box.abandon()
                pool.shutdown(cancel_futures=True)
                raise

    def _keep(self, box: Box) -> None:
        self._open.callback(box.close)
        self._boxes.append(box)
        self._idle.put(box)

    @staticmethod
    def _first(claude: Path, patience: float, alone: bool | None) -> tuple[bool, Box]:
        if alone is not False and sys.platform == "linux":
            try:
                return True, Box(claude, alone=True, patience=patience)
            except BoxError:
                if alone:
                    raise
        return False, Box(claude, alone=False, patience=patience)
