"""A place where the model server is another machine's: loopback alone, and names in /etc/hosts for one address of it.

Run as `python -m tests.commands.lan HOSTS` inside a network and a mount namespace (see `Lan`): serves, and does what it
is asked for, one JSON object a line. A line is *typed*: a real bash runs it, on a terminal, in the folder it is to be
typed in. A command of ours can also be *called*, to see what it prints and which places in the source have made the
commands in it. Both are carried out by a process that is forked from one that has imported everything.
"""

import contextlib
import gc
import importlib
import json
import marshal
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from tests.commands import printed
from tests.sources import modules

#: The one address that the servers listen on, so that nothing is found on this machine's own well-known ports; and
#: that of another machine, for servers of a test's own.
ADDRESS, FAR_ADDRESS = "127.0.0.2", "127.0.0.3"
HOST, FAR = "dell-pro-max", "spark"
#: A server with one model, one that asks for a key, one with two models, one with two names for one.
OPEN, GUARDED, SEVERAL, ALIASED = (f"http://{HOST}:{port}" for port in (8000, 8001, 8002, 8003))
KEY = "server-key-with-some-length-0123456789"
MODEL = "qwen3-coder-next"
ROOT = Path(__file__).parents[2]

#: How long a line or a call may take, in seconds; nothing here takes nearly as long.
PATIENCE_S = 300
#: What bash sets of its own.
OF_THE_SHELL = ("_", "SHLVL", "PWD", "OLDPWD")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a line typed into bash came to, and the variables that a next line would find."""

    code: int
    out: str
    err: str
    environ: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The object that it printed."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Everything that was shown."""
        return self.out + self.err


@dataclass(frozen=True, slots=True)
class Called:
    """What a command of ours came to, and the commands to type that were made meanwhile or by its modules."""

    code: int
    out: str
    err: str
    made: tuple[printed.Made, ...]

    @property
    def json(self) -> Any:
        """The object that it printed."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Everything that was shown."""
        return self.out + self.err


class Lan:
    """The process inside the namespaces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Homes to begin with (see `House.enable`), by what was done in them.
        self.kept: dict[object, Path] = {}
        #: How many servers were started with `serve`.
        self.serving = 0
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n{FAR_ADDRESS} {FAR}\n")
        root = [] if os.geteuid() == 0 else ["-r"]
        self._process = subprocess.Popen(
            ["unshare", *root, "-n", "-m", sys.executable, "-m", "tests.commands.lan", str(hosts)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = self._answer()
        self.works = answer is not None
        #: What the modules make as they are imported.
        self.made = tuple(_made(answer["made"])) if answer else ()

    def type(self, line: str, *, cwd: Path, environ: Mapping[str, str], answers: str = "") -> Typed:
        """Type this into a bash that was started in `cwd` with this environment and nothing else."""
        return Typed(**self._ask("type", line=line, cwd=str(cwd), environ=dict(environ), answers=answers))

    def call(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        event: Mapping[str, Any] | None = None,
        function: str | None = None,
        interrupted_after: float = 0.0,
    ) -> Called:
        """Run a command of ours with these arguments, or our hook for an event, with nobody at a terminal.

        Or a function of `tests.commands.advised`, which prints what no state of a folder here makes us print.
        """
        answer = self._ask(
            "call",
            arguments=list(arguments),
            cwd=str(cwd),
            environ=dict(environ),
            event=event,
            function=function,
            interrupted_after=interrupted_after,
        )
        made = (*self.made, *_made(answer.pop("made")))
        return Called(**answer, made=made)

    def serve(self, name: str, port: int, **options: Any) -> str:
        """Have the server of this name (see `tests.commands.servers`) listen there; gives its URL."""
        self.serving += 1
        self._ask("serve", name=name, port=port, options=options)
        return f"http://{FAR}:{port}"

    def stop(self) -> None:
        """Stop what was started with `serve`."""
        if self.serving:
            self._ask("stop")
        self.serving = 0

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._process.wait(timeout=30)

    def _ask(self, what: str, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, **order}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert answer is not None, "the process inside the namespaces has ended"
        assert "fault" not in answer, answer["fault"]
        return answer

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def _made(rows: Sequence[Any]) -> list[printed.Made]:
    return [
        printed.Made(
            row["text"],
            tuple((word, place) for word, place in row["words"]),
            tuple(row["parts"]),
            tuple(row["keys"]),
        )
        for row in rows
    ]


def can_be_had() -> bool:
    """Whether this system gives us namespaces of our own."""
    found = shutil.which("unshare")
    if sys.platform != "linux" or found is None or shutil.which("mount") is None:
        return False
    root = [] if os.geteuid() == 0 else ["-r"]
    tried = subprocess.run([found, *root, "-n", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


# --- inside


def _loopback_up() -> None:
    import fcntl

    up_and_running, set_flags = 0x1 | 0x40, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up_and_running))


def _be_nobody_special() -> None:
    """Give up what lets root read and write whatever the mode says, for this process and all that it starts."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    dac_override, dac_read_search, drop_from_bounding_set = 1, 2, 24
    for capability in (dac_override, dac_read_search):
        if libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, ourselves
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low half first
    if libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    for place in range(3):
        data[place] &= ~(1 << dac_override | 1 << dac_read_search)
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def import_all() -> None:
    """Import every module of the package."""
    for path in modules(printed.PACKAGE):
        name = ".".join(path.relative_to(printed.PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__"):
            importlib.import_module(name)


class _Caller:
    """A process that has imported everything, has no thread, and forks for each call and each `claude-local` typed."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        self.typed = socket.socket(socket.AF_UNIX)
        self.typed.bind(f"\0claude-local-typed-{os.getpid()}")  # of this network namespace alone
        self.typed.listen()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            _answer_calls(its, self.typed)
            os._exit(0)
        its.close()
        self.lines = ours.makefile("rw")
        ours.close()
        self.made = json.loads(self.lines.readline())

    def call(self, order: Mapping[str, Any]) -> Any:
        self.lines.write(json.dumps(order) + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())

    def end(self) -> None:
        self.lines.close()
        os.waitpid(self.pid, 0)


def _answer_calls(asking: socket.socket, typed: socket.socket) -> None:
    lines = asking.makefile("rw")
    sys.executable = _script().read_text().partition("\n")[0].removeprefix("#!").strip()  # what is typed runs with it
    made = printed.recorded(import_all)
    gc.freeze()  # what is there stays: a fork that looked through it for garbage would have to copy it
    lines.write(json.dumps([asdict(each) for each in made]) + "\n")
    lines.flush()
    children: set[int] = set()
    while True:
        for ready in select.select([asking, typed], [], [])[0]:
            if ready is typed:
                children = {pid for pid in children if os.waitpid(pid, os.WNOHANG) == (0, 0)}
                children.add(_forked_for_what_was_typed(typed))
            elif text := lines.readline():
                lines.write(json.dumps(_forked_for(json.loads(text), typed, children, made)) + "\n")
                lines.flush()
            else:
                return


def _forked_for(
    order: Mapping[str, Any], typed: socket.socket, children: set[int], made: list[printed.Made]
) -> dict[str, Any]:
    """Have a fork carry out one call, and others what it may type meanwhile."""
    with tempfile.TemporaryDirectory(prefix="called-") as folder:
        over, its = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(over)
            _called(order, Path(folder), made)
        os.close(its)
        while over not in (ready := select.select([over, typed], [], [])[0]):
            children.update(_forked_for_what_was_typed(each) for each in ready)
        os.close(over)
        os.waitpid(child, 0)
        found = json.loads((Path(folder) / "answer").read_text())
        shown = {name: (Path(folder) / name).read_text(errors="replace") for name in ("out", "err")}
    for name in (imported := found.pop("imported")):  # the next one finds it there
        with contextlib.suppress(ImportError):  # a module that only its package can import
            importlib.import_module(name)
    if imported:
        gc.freeze()
    return {**found, **shown}


def _called(order: Mapping[str, Any], folder: Path, made: list[printed.Made]) -> NoReturn:
    """Carry out one call and end."""
    code = 70
    before = len(made)
    known = set(sys.modules)
    try:
        signal.alarm(PATIENCE_S)
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir(order["cwd"])
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if order["interrupted_after"]:
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
            signal.setitimer(signal.ITIMER_REAL, order["interrupted_after"])
        if order["function"] is not None:
            from tests.commands import advised

            getattr(advised, order["function"])()
            code = 0
        elif order["event"] is None:
            from claude_local_plugin import cli

            code = cli.run_line(order["arguments"])
        else:
            from claude_local_plugin.core import locations, registration
            from claude_local_plugin.hook_runtime import main

            sys.argv[1:] = order["arguments"]
            environ = registration.as_registered(order["arguments"], os.environ)
            main.run(json.dumps(order["event"]).encode(), environ, locations.state_dir_of(environ))
            code = 0
    except BaseException:  # a fault is what the test is to see
        os.write(2, traceback.format_exc().encode())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        rows = [asdict(each) for each in made[before:]]
        answer = {"code": code, "made": rows, "imported": _imported_since(known)}
        (folder / "answer").write_text(json.dumps(answer))
        os._exit(0)


def _imported_since(known: set[str]) -> list[str]:
    """The modules of others that came from files since then, and can be imported again by their names."""
    new = {name: module for name, module in sys.modules.items() if name not in known}
    return [
        name
        for name, module in new.items()
        if getattr(module, "__spec__", None) is not None and module.__spec__.name == name and name[:5] != "tests"
    ]


# `claude-local` as it is typed: a program that hands itself over to a fork of what has imported everything. Starting
# up is for other tests to see; with CLAUDE_LOCAL_TEST_ALL the installed script itself is started.

_HANDED_OVER = """#!{python} -IS
import _socket, _struct, marshal, os, sys
whole = marshal.dumps((sys.argv, os.getcwd(), dict(os.environb)))
talk = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
talk.connect({address!r})
talk.sendmsg([_struct.pack("q", len(whole))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _struct.pack("3i", 0, 1, 2))])
talk.sendall(whole)
code = talk.recv(4)
os._exit(_struct.unpack("i", code)[0] if code else 70)
"""


def _script() -> Path:
    """The installed `claude-local`."""
    return Path(sys.executable).with_name("claude-local")


def _put_in_the_scripts_place(folder: Path, address: str) -> None:
    """Have `claude-local` be handed over, in this mount namespace."""
    standing_in = folder / "claude-local"
    standing_in.write_text(_HANDED_OVER.format(python=os.path.realpath(sys.executable), address=address))
    standing_in.chmod(0o755)
    subprocess.run(["mount", "--bind", str(standing_in), str(_script())], check=True, capture_output=True)


def _forked_for_what_was_typed(listener: socket.socket) -> int:
    """A process that is the `claude-local` which has just asked; its id."""
    talk, _ = listener.accept()
    with talk:
        size, streams, _, _ = socket.recv_fds(talk, 8, 3)
        with talk.makefile("rb") as rest:
            arguments, cwd, environ = marshal.loads(rest.read(struct.unpack("q", size)[0]))
        child = os.fork()
        if child == 0:
            listener.close()
            _be_what_was_typed(talk, streams, arguments, cwd, environ)
    for stream in streams:
        os.close(stream)
    return child


def _be_what_was_typed(
    talk: socket.socket, streams: Sequence[int], arguments: list[str], cwd: str, environ: Mapping[bytes, bytes]
) -> NoReturn:
    code: object = 1
    try:
        signal.alarm(PATIENCE_S)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.environb.clear()
        os.environb.update(environ)
        os.chdir(cwd)
        sys.argv = arguments
        from claude_local_plugin.__main__ import main

        code = _in_its_own_process(main) if arguments[1:2] == ["run"] else main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # as Python would show it
        os.write(2, traceback.format_exc().encode())
    finally:
        for written in (sys.stdout, sys.stderr):
            written.flush()
        talk.sendall(struct.pack("i", code if isinstance(code, int) else code is not None))
        os._exit(0)


def _in_its_own_process(main: Callable[[], int]) -> int:
    """The exit code of what may become another program."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = main()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            for written in (sys.stdout, sys.stderr):
                written.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _typed(order: Mapping[str, Any]) -> dict[str, Any]:
    """Have bash run the line on a terminal of its own, and see which variables are set at its end."""
    with tempfile.TemporaryDirectory(prefix="typed-") as name:
        folder = Path(name)
        script = f'{order["line"]}\n__code=$?; env -0 >"$__typed/env"; exit $__code'
        master, slave = pty.openpty()
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-c", script],
                cwd=order["cwd"],
                env={**order["environ"], "__typed": name},
                stdin=slave,
                stdout=out,
                stderr=slave,
                start_new_session=True,
            )
        os.close(slave)
        os.write(master, order["answers"].encode() + b"\x04\x04\x04\x04")
        said = _all_that_is_said(process, master, order["answers"].encode())
        found = (folder / "env").read_bytes() if (folder / "env").exists() else b""
        pairs = (row.decode("utf-8", "surrogateescape").partition("=") for row in found.split(b"\0") if row)
        environ = {key: value for key, _, value in pairs if key not in OF_THE_SHELL and not key.startswith("__")}
        shown = (folder / "out").read_text(errors="replace")
    return {"code": process.returncode, "out": shown, "err": said, "environ": environ}


def _all_that_is_said(process: "subprocess.Popen[bytes]", master: int, answers: bytes) -> str:
    """What comes on the terminal until the process is done. Who asks for a key forgets what was typed before that."""
    pieces: list[bytes] = []
    left, ended = PATIENCE_S * 10, False
    while left:
        ready, _, _ = select.select([master], [], [], 0.1)
        if not ready:
            left -= 1
            if ended:
                break
            ended = process.poll() is not None  # it may have said something before it ended: look once more
            continue
        try:
            pieces.append(os.read(master, 65536))
            if b"(not shown)" in pieces[-1]:
                os.write(master, answers)
        except OSError:  # nobody has the other end any more
            break
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    os.close(master)
    return b"".join(pieces).decode("utf-8", "replace").replace("\r\n", "\n")


def _serve_and_do(hosts: str) -> None:
    _loopback_up()
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True, capture_output=True)
    _be_nobody_special()
    caller = _Caller()  # before any thread
    if not os.environ.get("CLAUDE_LOCAL_TEST_ALL"):
        _put_in_the_scripts_place(Path(hosts).parent, caller.typed.getsockname().decode())
    from tests.commands import servers

    with contextlib.ExitStack() as standing, contextlib.ExitStack() as started:
        for server in servers.standing():
            standing.enter_context(server)

        def serve(order: Mapping[str, Any]) -> Any:
            started.enter_context(getattr(servers, order["name"])(order["port"], **order["options"]))
            return {}

        def stop(_: Mapping[str, Any]) -> Any:
            started.close()
            return {}

        doing: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "type": _typed,
            "call": caller.call,
            "serve": serve,
            "stop": stop,
        }
        print(json.dumps({"ready": True, "made": caller.made}), flush=True)
        while text := sys.stdin.readline():
            order = json.loads(text)
            try:
                answer = doing[order["what"]](order)
            except Exception:  # which the one who asked is to hear of
                answer = {"fault": traceback.format_exc()}
            print(json.dumps(answer), flush=True)
    caller.end()


if __name__ == "__main__":
    _serve_and_do(sys.argv[1])
