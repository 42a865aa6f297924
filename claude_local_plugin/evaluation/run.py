"""An evaluation: which trials in which order, a line of a results file for each that has ended, and going on."""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from claude_local_plugin.core.installed import newer
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation.cost import spent
from claude_local_plugin.evaluation.outcome import Trial
from claude_local_plugin.evaluation.scripted import drawn
from claude_local_plugin.evaluation.statistics import Outcomes
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.evaluation.trial import Stop
from claude_local_plugin.text import printable

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

#: Of a results file; raised when a reader that does not know the new one would be wrong.
FORMAT = 1
#: The first line's mark.
_KIND = "claude-local-eval"


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that is needed to repeat an evaluation. What two of one file must agree in is `same`."""

    suite: str
    digest: str
    #: Each task with its own digest.
    tasks: Mapping[str, str]
    repeat: int
    seed: int
    url: str
    model: str
    window: int | None = None
    server: str = ""
    client: str = ""
    profile: str | None = None
    isolated: bool = True
    options: tuple[str, ...] = ()
    #: The settings that the client was given, without secrets.
    settings: Mapping[str, Any] = field(default_factory=dict)
    parallel: int = 1
    claude_local: str = ""
    system: str = ""
    began: str = ""
    #: What was typed, but for where the results go.
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """The first line of a results file."""
        return {"kind": _KIND, "format": FORMAT, **asdict(self), "options": [*self.options]}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Conditions":
        """Those of a first line."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in said.items() if name in known}
        return cls(**{**values, "tasks": dict(said["tasks"]), "options": tuple(said.get("options", ()))})

    def differs(self, other: "Conditions") -> str | None:
        """In what another evaluation is another one, so that its trials are not of this one; None where in nothing."""
        names = (
            "digest",
            "tasks",
            "seed",
            "url",
            "model",
            "window",
            "server",
            "client",
            "isolated",
            "options",
            "settings",
        )
        return next((name for name in names if _plain(getattr(self, name)) != _plain(getattr(other, name))), None)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


@dataclass(frozen=True, slots=True)
class Result:
    """An evaluation as far as it has come."""

    conditions: Conditions
    trials: tuple[Trial, ...] = ()
    #: Why its server cannot be asked any more, where that is why it has not come further.
    away: str = ""

    @property
    def wanted(self) -> int:
        """How many trials it is to have."""
        return len(self.conditions.tasks) * self.conditions.repeat

    def outcomes(self) -> Outcomes:
        """Which trials passed, by task; those of which nothing follows are left out."""
        found: dict[str, list[bool]] = {}
        for trial in sorted(self.trials, key=lambda trial: (trial.task, trial.repeat)):
            if trial.passed is not None:
                found.setdefault(trial.task, []).append(trial.passed)
        return found


Planned = tuple[Task, int]


def plan(tasks: Sequence[Task], repeat: int, seed: int, done: Iterable[Trial] = ()) -> tuple[Planned, ...]:
    """The trials that are left, in order: all tasks once before any is tried again, each time in another order.

    One of which nothing follows is tried again.
    """
    ended = {(trial.task, trial.repeat) for trial in done if trial.passed is not None}
    left = [(task, number) for task in tasks for number in range(repeat) if (task.id, number) not in ended]
    return tuple(sorted(left, key=lambda each: (each[1], drawn(seed, "order", each[0].id, each[1]))))


# --- the file


def read(path: Path) -> Result:
    """The evaluation in a results file; UsageError where it is none. A line that was cut off counts for nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"there is no {printable(str(path))}", "`claude-local eval --output FILE` writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{printable(str(path))} cannot be read: {fault}") from fault
    lines = text.splitlines(keepends=True)
    try:
        first = json.loads(lines[0]) if lines else {}
        if first.get("kind") != _KIND:
            raise ValueError("its first line is not one of an evaluation's")
        if first.get("format", 0) > FORMAT:
            raise UsageError(f"{printable(str(path))} has format {first['format']}, of a newer claude-local", newer())
        conditions = Conditions.from_json(first)
        trials = {}
        for line in lines[1:]:
            if line.endswith("\n"):
                trial = Trial.from_json(json.loads(line))
                trials[trial.task, trial.repeat] = trial
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise UsageError(
            f"{printable(str(path))} is no result of an evaluation: {printable(str(fault))}",
            "name a file that `claude-local eval --output FILE` has written",
        ) from fault
    return Result(conditions, tuple(trials.values()))


def first_line(path: Path) -> Conditions | None:
    """What the evaluation in a file is of, without reading its trials; None where it is none."""
    try:
        with path.open(encoding="utf-8") as file:
            said = json.loads(file.readline())
        return Conditions.from_json(said) if said.get("kind") == _KIND else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The results file is ours as long as the block lasts; raises UsageError where another evaluation writes it."""
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"{printable(str(path))} is written by another evaluation, which has not ended",
                    "wait until it has, or name another file with --output",
                ) from None
            except OSError:
                pass  # a file system that knows no locks: then nobody can say
        yield


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise ClaudeLocalError(
            f"{printable(str(path))} cannot be written: {fault.strerror or fault}", "name another file with --output"
        ) from fault


class Log:
    """A results file that is written: each line is on the disk before the next trial counts."""

    def __init__(self, path: Path, conditions: Conditions) -> None:
        """Begin the file, or go on with it; raises UsageError where it is another evaluation's."""
        self._path, self._lock = path, threading.Lock()
        self.done: tuple[Trial, ...] = ()
        if path.exists() and not _hardly_begun(path):
            before = read(path)
            if other := conditions.differs(before.conditions):
                raise UsageError(
                    f"{printable(str(path))} is of another evaluation: its {other} is another",
                    "name another file with --output",
                )
            self.done = before.trials
            _cut(path)
        else:
            with _writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
            self._write(conditions.to_json())

    def add(self, trial: Trial) -> None:
        """Write down a trial that has ended."""
        self._write(trial.to_json())

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise ClaudeLocalError(
                f"{printable(str(self._path))} cannot be written: {fault.strerror or fault}",
                "the trials that are in it are kept; the same command goes on once it can be",
            ) from fault


def _hardly_begun(path: Path) -> bool:
    """Whether there is nothing, or not even the whole first line of ours."""
    content = path.read_bytes()
    mark = f'{{"kind": "{_KIND}"'.encode()
    return b"\n" not in content and (content.startswith(mark) or mark.startswith(content))


def _cut(path: Path) -> None:
    """Take away a line that was cut off when somebody was killed."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


# --- running

#: How long a server that has gone away is waited for, and how often it is asked, in seconds.
PATIENCE, _PAUSE = 600.0, 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears what happens on the way."""

    #: A trial has ended, and of how many how many have.
    ended: Callable[[Trial, int, int], None] = lambda *_: None
    #: The server cannot be asked any more, for this reason; and it can be again.
    away: Callable[[str], None] = lambda _: None
    back: Callable[[], None] = lambda: None


def evaluate(
    tasks: Sequence[Task],
    conditions: Conditions,
    log: Log,
    one: Callable[[Task, int, Stop], Trial],
    *,
    minutes: float | None = None,
    cost_limit: float | None = None,
    told: Told | None = None,
    away: Callable[[], str | None] = lambda: None,
    patience: float = PATIENCE,
) -> Result:
    """Run the trials that are left, some side by side, until all have ended, the minutes are over or it costs enough.

    What is running when this is interrupted is ended, and counts for nothing. `away` says why the server cannot be
    asked, None where it can: a trial that ended in its error is followed by that question. A server that has gone away
    is waited for, and is nothing that a model has failed by: a trial that got no word of it begins again, once.
    """
    told = told or Told()
    left = list(plan(tasks, conditions.repeat, conditions.seed, log.done))
    whole = {(task.id, number) for task in tasks for number in range(conditions.repeat)}
    ended = whole - {(task.id, number) for task, number in left}
    trials = [trial for trial in log.done if (trial.task, trial.repeat) in ended]
    until = None if minutes is None else time.monotonic() + minutes * 60
    again, gone = Counter[Planned](), ""
    stop = Stop()
    with ThreadPoolExecutor(conditions.parallel) as pool:
        running: dict[Future[Trial], Planned] = {}
        try:
            while running or left:
                affordable = cost_limit is None or spent(trials) < cost_limit
                in_time = until is None or time.monotonic() < until
                while left and len(running) < conditions.parallel and affordable and in_time and not gone:
                    task, number = left.pop(0)
                    running[pool.submit(one, task, number, stop)] = task, number
                if not running:
                    if gone and affordable and in_time and _is_back(away, patience, until):
                        told.back()
                        gone = ""
                        continue
                    break
                for each in wait(running, return_when=FIRST_COMPLETED).done:
                    planned, trial = running.pop(each), each.result()
                    if trial.failure == "server-error" and (why := away()) is not None:
                        if not gone:
                            told.away(why)
                        gone = why
                        if not trial.tokens_out and not again[planned]:
                            again[planned] += 1
                            left.insert(0, planned)
                            continue
                    log.add(trial)
                    trials.append(trial)
                    told.ended(trial, len(trials), len(whole))
        except BaseException:
            stop.now()
            raise
    return Result(conditions, tuple(trials), gone if left else "")


def _is_back(away: Callable[[], str | None], patience: float, until: float | None) -> bool:
    """Wait for a server that has gone away; False where it does not come."""
    end = time.monotonic() + patience
    end = end if until is None else min(end, until)
    while away() is not None:
        if (left := end - time.monotonic()) <= 0:
            return False
        time.sleep(min(_PAUSE, left))
    return True
