"""One trial: the real client on one task, in a repository, a home and a world that are thrown away afterwards."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from claude_local_plugin import isolated, paths
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.evaluation import box as boxes
from claude_local_plugin.evaluation import checking, judging, outcome, repository
from claude_local_plugin.evaluation.box import NO_BOX, NO_PROGRAM, SYSTEM, Order
from claude_local_plugin.evaluation.checking import Verdict
from claude_local_plugin.evaluation.outcome import Ended, Prices, Session, Trial
from claude_local_plugin.evaluation.relay import Relay
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.text import printable

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

#: Where things are in a box.
CLIENT, HOME, PROJECT, SETTINGS = "/opt/claude/claude", "/home/agent", "/project", "/run/claude-local/settings.json"
#: How long a box may take to be made, and what is left of a client to end, in seconds.
_PATIENCE = 30.0
#: What no evaluation wants of a client, whatever its settings say.
_QUIET = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "LANG": "C.UTF-8"}


class NoBoxError(ClaudeLocalError):
    """There is nothing here to keep a trial apart with."""


class Stop:
    """Ends the clients of all trials that it was given to, and of those that begin later."""

    def __init__(self) -> None:
        self._lock, self._asked = threading.Lock(), False
        self._running: set[subprocess.Popen[bytes]] = set()

    @property
    def asked(self) -> bool:
        """Whether all are to end."""
        return self._asked

    def now(self) -> None:
        """End them."""
        with self._lock:
            self._asked = True
            for process in self._running:
                checking.end(process)

    @contextlib.contextmanager
    def holds(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Whatever happens in the block, the process ends with the others."""
        with self._lock:
            self._running.add(process)
            if self._asked:
                checking.end(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)


@dataclass(frozen=True, slots=True)
class Start:
    """What each trial's client is started with: the program, the variables and settings of the backend, its address.

    `options` are more of the client's own. `isolated` trials see nothing of the machine, and reach the backend alone.
    """

    client: Path
    environ: Mapping[str, str] = field(repr=False)
    settings: str | None = field(repr=False, default=None)
    host: str = "127.0.0.1"
    port: int = 0
    options: tuple[str, ...] = ()
    isolated: bool = True
    prices: Prices | None = None


def run(task: Task, repeat: int, start: Start, stop: Stop | None = None) -> Trial:
    """Run one trial to its end, judge what came of it, and leave nothing behind.

    Raises NoBoxError where trials are to be isolated and cannot be, and ClaudeLocalError where there is no room.
    """
    whole = time.monotonic()
    with _place() as folder, contextlib.ExitStack() as stack:
        _refuse_a_full(folder)
        home, project = folder / "home", folder / "project"
        home.mkdir()
        # both are begun before they are wanted: nobody waits until their interpreters are there
        box = stack.enter_context(contextlib.closing(_Box())) if start.isolated else None
        check = stack.enter_context(contextlib.closing(_Check(task, project, folder, isolated=start.isolated)))
        repository.make(task, project)
        given = judging.contents_of(project)
        session, ended, code, said, seconds = _session(task, start, folder, stop or Stop(), box, check.begin)
        verdict = check.verdict()
        changed = judging.contents_of(project) != given
    passed, failure, reason = outcome.judged(
        session, ended, verdict, changed=changed, must_call=task.must_call, fault=said
    )
    return Trial(
        task=task.id,
        kind=task.kind,
        repeat=repeat,
        passed=passed,
        failure=failure,
        reason=reason or said,
        turns=session.turns,
        calls=len(session.calls),
        valid_calls=sum(call.valid for call in session.calls),
        tokens_in=session.tokens_in,
        tokens_cached=session.tokens_cached,
        tokens_out=session.tokens_out,
        ttft_ms=session.ttft_ms,
        tokens_per_second=session.tokens_per_second,
        compactions=session.compactions,
        seconds=seconds,
        overhead=time.monotonic() - whole - seconds,
        cost=start.prices.cost(session) if start.prices else None,
        client=session.client,
        model=session.model,
        exit_code=code,
        said=session.said[:500],
    )


_PLACES = "claude-local-eval-"
#: A folder that nobody holds is left over once it is as old as this, in seconds.
_NEW = 60


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """A folder for a trial, held as long as we are there."""
    with tempfile.TemporaryDirectory(prefix=_PLACES, ignore_cleanup_errors=True) as place:
        held = os.open(place, os.O_RDONLY) if fcntl is not None else None
        try:
            if fcntl is not None and held is not None:
                fcntl.flock(held, fcntl.LOCK_EX)
            yield Path(place)
        finally:
            if held is not None:
                os.close(held)


#: A repository, a home with a transcript, and what a task's commands write, in bytes.
_ROOM = 64 << 20


def _refuse_a_full(folder: Path) -> None:
    """Raise ClaudeLocalError where a trial would end for want of room, and not by what the model does."""
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        place = printable(str(folder.parent))
        raise ClaudeLocalError(
            f"{place} has room for {free >> 20} MB, and a trial wants {_ROOM >> 20}",
            "make room there, or name another folder in TMPDIR; the same command goes on",
        )


def sweep() -> None:
    """Remove the folders of trials whose evaluation was killed."""
    if fcntl is None:
        return
    for place in Path(tempfile.gettempdir()).glob(f"{_PLACES}*"):
        with contextlib.suppress(OSError):  # somebody else's, or held, or gone
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                found = os.fstat(descriptor)
                if found.st_uid == os.geteuid() and time.time() - found.st_mtime > _NEW:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(descriptor)


def arguments(task: Task, start: Start, settings: str | None) -> list[str]:
    """The client's own words for a task."""
    names = dict.fromkeys(tool.partition("(")[0] for tool in task.tools)
    return [
        *("-p", task.prompt),
        *("--output-format", "stream-json", "--verbose", "--include-partial-messages"),
        *("--max-turns", str(task.limits.turns)),
        *("--tools", ",".join(names)),
        *("--allowedTools", ",".join(task.tools)),
        *(("--settings", settings) if settings else ()),
        *start.options,
    ]


# --- the client


_Ran = tuple[Session, Ended, int | None, str, float]


def _session(
    task: Task, start: Start, folder: Path, stop: Stop, box: "_Box | None", meanwhile: Callable[[], object]
) -> _Ran:
    environ = {**_QUIET, **start.environ}
    home, project = folder / "home", folder / "project"
    if box is None:
        settings = None
        if start.settings is not None:
            (folder / "settings.json").write_text(start.settings, encoding="utf-8")
            settings = str(folder / "settings.json")
        environ |= {"HOME": str(home), "PATH": _path(), "CLAUDE_CODE_TMPDIR": str(folder), "TMPDIR": str(folder)}
        command = [str(start.client), *arguments(task, start, settings)]
        with tempfile.TemporaryFile() as faults, _started(command, project, environ, faults) as process:
            return _followed(process, faults, task, stop)
    order = Order(
        root=str(_made(folder / "root")),
        command=[CLIENT, *arguments(task, start, SETTINGS if start.settings is not None else None)],
        environ={**environ, "HOME": HOME, "PATH": _path()},
        folder=PROJECT,
        shown=[(str(program(start.client)), CLIENT), *((each, each) for each in _interpreter())],
        lent=[(str(project), PROJECT), (str(home), HOME)],
        hidden=_hidden(task),
        texts={} if start.settings is None else {SETTINGS: start.settings},
        host=start.host,
        port=start.port,
    )
    with contextlib.closing(box):
        box.give(order, relayed=start)
        return _followed(box.process, box.faults, task, stop, meanwhile)


def _followed(
    process: "subprocess.Popen[bytes]",
    faults: IO[bytes],
    task: Task,
    stop: Stop,
    meanwhile: Callable[[], object] = lambda: None,
) -> _Ran:
    """What the client does until it ends, or is ended at a limit of the task's; `meanwhile` is called once it talks."""
    began, reader, ended = time.monotonic(), outcome.Reader(), list[Ended]()
    assert process.stdout is not None

    def end(why: Ended) -> None:
        if process.poll() is None:
            ended.append(why)
            checking.end(process)

    late = threading.Timer(task.limits.minutes * 60, end, ("time",))
    late.daemon = True
    late.start()
    try:
        with stop.holds(process):
            for number, line in enumerate(process.stdout):
                if number == 0:
                    meanwhile()
                for event in outcome.events([line.decode("utf-8", "replace")]):
                    reader.add(event)
                if not ended and reader.tokens > task.limits.tokens and not reader.finished:
                    end("tokens")
            code = process.wait()
    finally:
        late.cancel()
    seconds = time.monotonic() - began
    said = _last(faults)
    if stop.asked:
        ended.insert(0, "harness")
    if code in (NO_BOX, NO_PROGRAM) and not ended and not reader.finished:
        raise NoBoxError(
            f"a trial cannot be kept apart: {said}" if code == NO_BOX else said,
            "--no-isolation runs them without: they then see this machine's files, and reach its network",
        )
    session = reader.session()
    return session, ended[0] if ended else "itself", code, "" if session.answered else said, seconds


@contextlib.contextmanager
def _started(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], faults: IO[bytes], hand_over: Sequence[int] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process whose whole group ends with the block."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.PIPE if hand_over else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=faults,
            pass_fds=hand_over,
            start_new_session=True,
        )
    except OSError as fault:
        raise ClaudeLocalError(f"{command[0]} cannot be started: {fault.strerror or fault}") from fault
    try:
        yield process
    finally:
        checking.end(process)
        process.wait()
        for each in (process.stdin, process.stdout):
            if each is not None:
                with contextlib.suppress(BrokenPipeError):  # what it did not live to read
                    each.close()


#: Begins a box: imported, and not run as a script, it is compiled once for all.
_BOX = "import sys; sys.path.append(sys.argv[1]); import box; box.main()"


class _Box:
    """A box that waits for its order; it ends with the block, and so does its way out to the backend."""

    def __init__(self) -> None:
        with contextlib.ExitStack() as stack:
            self.faults: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            here, there = socket.socketpair()
            self._here = stack.enter_context(here)
            # of the standard library alone, so that nothing of an environment has to be looked at first
            command = [*namespaces(), sys.executable, "-I", "-S", "-c", _BOX, str(Path(boxes.__file__).parent)]
            with there:
                self._number = there.fileno()
                self.process = stack.enter_context(
                    _started(command, Path("/"), {"PATH": os.defpath}, self.faults, hand_over=(self._number,))
                )
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End it with all that is in it."""
        self._stack.close()

    @property
    def number(self) -> int:
        """The descriptor that whoever is in it has of the way to us."""
        return self._number

    def go(self) -> None:
        """Have what waits at that way begin."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            self._here.sendall(b".")

    def give(self, order: Order, relayed: Start | None = None) -> None:
        """Say what is to be run in it, and answer for the backend if there is to be one."""
        if relayed is not None:
            order.hand_over = self._number
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            # it stays open: the box ends when we do
            self.process.stdin.write(order.sent())
            self.process.stdin.flush()
        if relayed is not None:
            self._here.settimeout(_PATIENCE)
            with contextlib.suppress(TimeoutError, ConnectionError):  # likewise
                _, numbers, _, _ = socket.recv_fds(self._here, 1, 1)
                for number in numbers:
                    self._stack.enter_context(Relay(socket.socket(fileno=number), relayed.host, relayed.port))


def namespaces() -> list[str]:
    """The command that gives its argument namespaces of its own, and ends with it all that is in them."""
    found = isolated.program("unshare", os.environ) if sys.platform == "linux" else None
    if found is None:
        raise NoBoxError(
            "there is no `unshare` here to keep a trial apart with",
            "--no-isolation runs them without: they then see this machine's files, and reach its network",
        )
    return [found, "-r", "-n", "-m", "-p", "-i", "-f", "--kill-child"]


def possible() -> None:
    """Make a box and run nothing in it; raises NoBoxError with the reason where there can be none."""
    with _place() as place, contextlib.closing(_Box()) as box:
        box.give(Order(str(_made(place / "root")), ["/bin/sh", "-c", ":"], {}, "/"))
        if box.process.wait(_PATIENCE) != 0:
            raise NoBoxError(
                f"trials cannot be kept apart here: {_last(box.faults)}",
                "--no-isolation runs them without: they then see this machine's files, and reach its network",
            )


# --- the check


def judge(task: Task, result: Path, *, isolated: bool) -> Verdict:
    """What the check says of a result in a folder, as it would after a trial; raises NoBoxError where it cannot be."""
    with _place() as folder, contextlib.closing(_Check(task, result, folder, isolated=isolated)) as check:
        return check.verdict()


class _Check:
    """A task's check, begun before there is a result, and waiting for it.

    It is in a box, since it runs what the agent has written. The check of a user's own task may need any program of
    this machine, so that it sees all of it. It can write nothing there either, and reach nobody.
    """

    def __init__(self, task: Task, result: Path, folder: Path, *, isolated: bool) -> None:
        self._task, self._result, self._folder, self._isolated = task, result, folder, isolated
        self._box: _Box | None = None

    def close(self) -> None:
        """End it."""
        if self._box is not None:
            self._box.close()

    def begin(self) -> None:
        """Have it wait."""
        if not self._isolated:
            return
        task = self._task
        self._box = _Box()
        self._box.give(
            Order(
                root=str(_made(self._folder / "root")),
                command=checking.command(task, Path(PROJECT), waits_at=self._box.number),
                environ={**checking.environment(), "PATH": _path(), "HOME": "/tmp"},
                folder=str(task.folder),
                shown=[(each, each) for each in (*_interpreter(), *_ours(), *_needed(task))],
                lent=[(str(self._result), PROJECT)],
            )
        )

    def verdict(self) -> Verdict:
        """What it says of the result."""
        if not self._isolated:
            return checking.check(self._task, self._result)
        if self._box is None:
            self.begin()
        assert self._box is not None
        process, seconds, late = self._box.process, self._task.check_seconds, threading.Event()

        def end() -> None:
            late.set()
            checking.end(process)

        timer = threading.Timer(seconds, end)
        timer.start()
        self._box.go()
        assert process.stdout is not None
        first = process.stdout.read(4_000).strip().partition(b"\n")[0].strip().decode("utf-8", "replace")
        code = process.wait()
        timer.cancel()
        if late.is_set():
            return Verdict("broken", f"the check took longer than {seconds:g} s")
        return checking.verdict(code, printable(first)[:500], _last(self._box.faults))


# --- what is shown


def program(client: Path) -> Path:
    """The client's own file, which is all of it; raises ClaudeLocalError where it is a script with more around it."""
    real = client.resolve()
    with real.open("rb") as file:
        native = file.read(4) == b"\x7fELF"
    if not native:
        raise NoBoxError(
            f"{printable(str(client))} is a script: its parts cannot be shown to a trial one by one",
            "have Claude Code's own program first on PATH, as its native installer puts it, or add --no-isolation",
        )
    return real


def _path() -> str:
    """Where programs are looked for: the system's folders, and this interpreter's if `python3` is not among them."""
    folders = ["/usr/local/bin", "/usr/bin", "/bin"]
    if not any((Path(folder) / "python3").exists() for folder in folders):
        folders.append(str(Path(sys.base_prefix) / "bin"))
    return os.pathsep.join(folders)


def _interpreter() -> list[str]:
    """The folder of this Python, where it is none of the system's."""
    return [] if _inside(sys.base_prefix, SYSTEM) else [os.path.realpath(sys.base_prefix)]


def _ours() -> list[str]:
    """What the interpreter of a check needs beside: its environment, and us."""
    folders = [sys.prefix, str(Path(isolated.__file__).resolve().parent), str(paths.shipped("suites"))]
    return [each for each in dict.fromkeys(folders) if Path(each).exists() and not _inside(each, SYSTEM)]


def _needed(task: Task) -> list[str]:
    """What a task's check may need."""
    if task.folder.is_relative_to(paths.shipped("suites").resolve()):
        return [str(task.folder)]
    ours = ("dev", "etc", "proc", "tmp", "run", "sys", "lost+found")
    return [str(each) for each in sorted(Path("/").iterdir()) if each.name not in ours and str(each) not in SYSTEM] + [
        str(task.folder)
    ]


def _hidden(task: Task) -> list[str]:
    """The folders with checks in them that lie inside of what an agent is shown."""
    shown = (*SYSTEM, *_interpreter())
    folders = [os.path.realpath(each) for each in (paths.shipped("suites"), task.folder.parent)]
    return [each for each in dict.fromkeys(folders) if _inside(each, shown)]


def _inside(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _last(faults: IO[bytes]) -> str:
    faults.seek(max(0, faults.seek(0, os.SEEK_END) - 4_000))
    return faults.read().decode("utf-8", "replace").strip().rpartition("\n")[2][:500]
