"""Trials through the real client: what it does is judged, and it sees nothing but its repository and its backend."""

import contextlib
import ctypes
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.evaluation import trial as trials
from claude_local_plugin.evaluation.outcome import Prices
from claude_local_plugin.evaluation.scripted import ScriptedServer, Skill
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.evaluation.task import Limits, Task
from claude_local_plugin.evaluation.trial import NoBoxError, Start, Stop
from claude_local_plugin.fake_server.server import Block, EmbeddedBackend, Model, ToolUse

pytestmark = [pytest.mark.client, pytest.mark.process]

SMOKE = suite("smoke").tasks
TASK = next(task for task in SMOKE if task.id == "price-with-discount")
TOKEN = "box-key-with-some-length-0123456789"


def start(claude: Path, server: EmbeddedBackend, **more: Any) -> Start:
    name = server.models[0].name
    environ = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": TOKEN, "CLAUDE_CODE_MAX_RETRIES": "1"}
    environ |= {"ANTHROPIC_MODEL": name, "ANTHROPIC_DEFAULT_HAIKU_MODEL": name}
    return Start(claude, environ, host="127.0.0.1", port=server.port, **more)


@pytest.fixture
def isolation() -> None:
    try:
        trials.possible()
    except NoBoxError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)


def left_behind(mark: str) -> list[str]:
    """The processes with this in their environment, as all that a client starts have its backend's address."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.usefixtures("isolation")
@pytest.mark.parametrize("isolated", [True, False])
def test_what_was_solved_has_passed_with_its_figures(claude_binary: Path, isolated: bool) -> None:
    with ScriptedServer(Skill("box", 1.0), SMOKE) as server:
        found = trials.run(TASK, 2, start(claude_binary, server, isolated=isolated, prices=Prices(1.0, 2.0, 0.0)))
    assert (found.passed, found.failure, found.repeat, found.kind) == (True, None, 2, "edit")
    assert (found.turns, found.calls, found.valid_calls) == (3, 2, 2)
    assert found.cost == pytest.approx((found.tokens_in + 2 * found.tokens_out) / 1_000_000)
    assert found.tokens_out > 100
    assert found.client
    assert found.model == "box"


@pytest.mark.usefixtures("isolation")
def test_limits_are_kept_and_nothing_is_left(claude_binary: Path) -> None:
    cases = {
        "time": Limits(12, 0.06, 400_000),
        "tokens": Limits(12, 3, 60_000),
        "turns": Limits(3, 3, 400_000),
    }
    for way, limits in cases.items():
        with ScriptedServer(Skill("box", 0.0, fails={way: 1.0}), [TASK]) as server:
            found = trials.run(replace(TASK, limits=limits), 0, start(claude_binary, server))
        assert (found.passed, found.failure) == (False, way)
        assert left_behind(server.url) == []


class Spy(EmbeddedBackend):
    """A model that has commands run, one after another, and keeps what they say."""

    def __init__(self, *commands: str) -> None:
        super().__init__(models=(Model("spy", 200_000),))
        self.commands, self.heard = commands, list[str]()
        self.reply = self._says

    def _says(self, body: Mapping[str, Any]) -> Block:
        blocks = [block for m in body["messages"] if isinstance(m["content"], list) for block in m["content"]]
        results = [block for block in blocks if block.get("type") == "tool_result"]
        self.heard = [str(block["content"]) for block in results]
        if len(results) == len(self.commands) or not body.get("tools"):
            return "Done."
        call = ToolUse("Bash", {"command": self.commands[len(results)], "description": "Looks around"})
        return ToolUse(call.name, call.input, then=call)


@pytest.mark.usefixtures("isolation")
def test_an_agent_that_tries_finds_no_check_no_home_no_other_trial_and_no_network(
    claude_binary: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of-the-user")
    mine = Path.home() / "of-mine"
    mine.write_text("of-the-user")
    with socket.create_server(("127.0.0.1", 0)) as other:
        places = f"127.0.0.1/{other.getsockname()[1]} 1.1.1.1/443"
        commands = (
            f"cat {secret} {mine} {TASK.folder}/check.py {TASK.folder}/solution/price.py /etc/shadow; echo read",
            "find / -xdev \\( -name check.py -o -name '*.jsonl' -path '*eval*' \\) 2>/dev/null; echo found",
            f'for to in {places}; do bash -c "exec 3<>/dev/tcp/$to" && echo CONNECTED; done; echo tried',
            "find /tmp -name 'claude-local-eval-*'; ls -d /proc/[0-9]* | wc -l",
            "mount -t tmpfs none /mnt && echo MOUNTED; touch /usr/x && echo WRITTEN; mknod /tmp/d b 8 0 && echo MADE",
            "cat /proc/1/environ /proc/1/mem 2>&1 | tr '\\0' '\\n'; env | grep -v '^ANTHROPIC' | sort",
        )
        with Spy(*commands) as server:
            trials.run(replace(TASK, limits=Limits(20, 3, 1_000_000)), 0, start(claude_binary, server))
    assert len(server.heard) == len(commands)
    read, found, tried, processes, done, variables = server.heard
    assert "of-the-user" not in read
    assert "def " not in read
    assert read.endswith("read")
    assert found.strip() == "found"
    assert "CONNECTED" not in tried
    assert "claude-local-eval" not in processes
    assert int(processes.split()[-1]) < 15
    assert not {"MOUNTED", "WRITTEN", "MADE"} & set(done.split())
    assert str(Path.home()) not in variables


#: What a trial leaves wherever one might look: files, a process with its words and variables, sockets of both kinds.
LEFT = """\
for place in /tmp /dev/shm /home/agent /project /run; do echo of-a-trial > $place/of-a-trial; done
OF_A_TRIAL=of-a-trial setsid python3 -c '
import socket, time
named, port = socket.socket(socket.AF_UNIX), socket.create_server(("", 39999))
named.bind("\\0of-a-trial")
named.listen()
open("/tmp/of-a-trial-is-there", "w").close()
time.sleep(86399)' of-a-trial >/dev/null 2>&1 &
until test -e /tmp/of-a-trial-is-there; do sleep 0.1; done; echo left
"""
#: What another one tries; `[t]` keeps a search from finding itself.
LOOKED = (
    """\
find / -xdev -name '*of-a-[t]rial*' 2>/dev/null
grep -rsl 'of-a-[t]rial' /tmp /dev/shm /home /project /run
""",
    "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/net/unix 2>/dev/null | tr '\\0' '\\n' | grep 'of-a-[t]rial'",
    """\
python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\\0" + "of-a-" + "trial")' && echo CONNECTED
bash -c 'exec 3<>/dev/tcp/127.0.0.1/39999' && echo CONNECTED
""",
    """\
for file in /proc/sys/vm/swappiness /proc/sys/kernel/core_pattern /proc/irq/[0-9]*/smp_affinity; do
  cat $file > /tmp/kept && cat /tmp/kept > $file && echo "WRITTEN $file"
done
""",
    """\
python3 -c 'import ctypes
print(ctypes.CDLL(None).syscall(KEYCTL, 10, -3, b"user", b"of-a-" + b"trial", 0) > 0)'
""",
)


@pytest.mark.usefixtures("isolation")
def test_an_agent_that_tries_finds_nothing_of_a_trial_that_runs_beside_it_or_of_the_kernels_settings(
    claude_binary: Path,
) -> None:
    """As root, too, whose the files of /proc/sys are; and with a key in the keyring of whoever began the evaluation."""
    libc, (add, keyctl) = ctypes.CDLL(None), {"x86_64": (248, 250)}.get(os.uname().machine, (217, 219))
    libc.syscall(keyctl, 1, None)
    libc.syscall(add, b"user", b"of-a-trial", b"of-the-user", 11, -3)
    looked = [f"{each.strip().replace('KEYCTL', str(keyctl))}\necho seen" for each in LOOKED]
    over = threading.Event()
    task = replace(TASK, limits=Limits(20, 3, 1_000_000))
    with Spy(LEFT) as left, Spy(*looked) as spy, ThreadPoolExecutor(1) as beside:
        says = left.reply

        def lives_on(body: Mapping[str, Any]) -> Block:
            said: Block = says(body)  # type: ignore[operator]
            if left.heard:
                over.wait(170)
            return said

        left.reply = lives_on
        runs = beside.submit(trials.run, task, 0, start(claude_binary, left))
        try:
            while not left.heard and not runs.done():
                time.sleep(0.05)
            assert "left" in left.heard[0]
            trials.run(task, 0, start(claude_binary, spy))
            assert not runs.done()
        finally:
            over.set()
        runs.result()
    assert [each.strip().splitlines()[-1] for each in spy.heard] == ["seen"] * len(looked)
    files, processes, sockets, written, key = spy.heard
    assert files.strip() == processes.strip() == "seen"
    assert "CONNECTED" not in sockets
    assert "WRITTEN" not in written
    assert key.splitlines()[-2:] == ["False", "seen"]
    assert left_behind("of-a-trial") == []


@pytest.mark.usefixtures("isolation")
def test_suites_that_lie_inside_of_what_an_agent_is_shown_are_covered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where claude-local is installed for everybody, or beside the interpreter."""
    shown = tmp_path / "python"
    shutil.copytree(TASK.folder.parent, shown / "lib" / "suites" / "smoke")
    (shown / "lib" / "module.py").touch()
    (tmp_path / "root").mkdir()
    monkeypatch.setattr(trials, "_interpreter", lambda: [str(shown)])
    task = next(each for each in suite(str(shown / "lib" / "suites" / "smoke")).tasks if each.id == TASK.id)
    order = trials.Order(
        root=str(tmp_path / "root"),
        command=["/usr/bin/find", str(shown), "-type", "f"],
        environ={},
        folder="/",
        shown=[(str(shown), str(shown))],
        hidden=trials._hidden(task),
    )
    with contextlib.closing(trials._Box()) as box:
        box.give(order)
        assert box.process.stdout is not None
        said = box.process.stdout.read().decode()
    assert said.split() == [str(shown / "lib" / "module.py")]


@pytest.mark.usefixtures("isolation")
@pytest.mark.parametrize("host", ["dell-pro-max", "192.168.77.9", "fd00::77"])
def test_a_backend_elsewhere_is_reached_by_its_own_name_and_address(claude_binary: Path, host: str) -> None:
    """In the box the name, or the address, is that of the relay: nothing about the backend's URL changes."""
    with ScriptedServer(Skill("box", 1.0), [TASK]) as server:
        begun = start(claude_binary, server)
        url = f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
        order = {**begun.environ, "ANTHROPIC_BASE_URL": url}
        with pytest.MonkeyPatch.context() as patch:
            # out here it is this machine all the same
            relayed = trials.Relay
            patch.setattr(trials, "Relay", lambda listener, _host, port: relayed(listener, "127.0.0.1", port))
            found = trials.run(TASK, 0, replace(begun, environ=order, host=host))
        assert (found.passed, found.reason) == (True, "")
        assert server.messages[0].headers["host"] == url.removeprefix("http://")


@pytest.mark.usefixtures("isolation")
def test_what_an_agent_leaves_running_ends_with_its_trial(claude_binary: Path) -> None:
    with Spy("setsid nohup sleep 86399 >/dev/null 2>&1 & echo begun") as server:
        found = trials.run(TASK, 0, start(claude_binary, server))
    assert "begun" in server.heard[0]
    assert found.failure == "no-change"
    assert left_behind(server.url) == []


@pytest.mark.usefixtures("isolation")
def test_a_trial_that_is_broken_off_says_nothing_of_the_model(claude_binary: Path) -> None:
    stop = Stop()
    with ScriptedServer(Skill("box", 0.0, fails={"time": 1.0}), [TASK]) as server:
        begun = threading.Event()
        watching = server.respond

        def respond(request: Any, problem: Any) -> Any:
            if request.method == "POST" and left_behind(server.url):
                begun.set()
            return watching(request, problem)

        server.respond = respond  # type: ignore[method-assign]
        threading.Thread(target=lambda: (begun.wait(60), stop.now()), daemon=True).start()
        found = trials.run(TASK, 0, start(claude_binary, server), stop)
    assert begun.is_set()
    assert found.passed is None
    assert left_behind(server.url) == []


def test_a_box_ends_with_whoever_wanted_it(tmp_path: Path) -> None:
    """Killed, we can end nothing any more: the box notices."""
    (tmp_path / "root").mkdir()
    order = trials.Order(str(tmp_path / "root"), ["/bin/sleep", "86399"], {"MARK": str(tmp_path)}, "/")
    with contextlib.closing(trials._Box()) as box:
        box.give(order)
        process = box.process
        assert process.stdin is not None
        while not left_behind(f"MARK={tmp_path}"):
            time.sleep(0.05)
        process.stdin.close()
        assert process.wait(60) == 124
        process.stdin = None
    assert left_behind(f"MARK={tmp_path}") == []


@pytest.mark.usefixtures("isolation")
def test_the_check_of_ones_own_task_sees_the_machine_and_can_change_nothing_there(
    claude_binary: Path, tmp_path: Path
) -> None:
    mine = Path(tempfile.mkdtemp(prefix="claude-local-test-", dir="/var/tmp"))  # /tmp is another one in a box
    try:
        (mine / "word").write_text("expected")
        folder = tmp_path / "suite" / "my-task"
        shutil.copytree(TASK.folder, folder)
        (folder / "check.py").write_text(
            "import socket, sys\n"
            "from pathlib import Path\n"
            "from claude_local_plugin.evaluation.judging import wrong\n"
            f"word = Path({str(mine / 'word')!r})\n"
            "try:\n    word.write_text('changed')\n"
            "except OSError:\n    pass\n"
            "else:\n    wrong('it can be written')\n"
            "try:\n    socket.create_connection(('1.1.1.1', 443), 2)\n"
            "except OSError:\n    pass\n"
            "else:\n    wrong('there is a network')\n"
            "if 'raise ValueError' not in (Path(sys.argv[1]) / 'price.py').read_text():\n    wrong('no result')\n"
            "if word.read_text() != 'expected':\n    wrong('another word')\n"
        )
        (task,) = suite(str(folder)).tasks
        with ScriptedServer(Skill("box", 1.0), [task]) as server:
            found = trials.run(task, 0, start(claude_binary, server))
        assert (found.passed, found.reason) == (True, "")
        assert (mine / "word").read_text() == "expected"
    finally:
        shutil.rmtree(mine)


def test_what_a_killed_evaluation_left_is_removed_and_what_is_held_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old = time.time() - 3600
    (tmp_path / "claude-local-eval-left").mkdir()
    (tmp_path / "claude-local-eval-left" / "home").mkdir()
    (tmp_path / "claude-local-eval-new").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "claude-local-eval-link").symlink_to(tmp_path / "kept")
    with trials._place() as held:
        for name in ("claude-local-eval-left", "kept", held.name):
            os.utime(tmp_path / name, (old, old))
        trials.sweep()
        there = {path.name for path in tmp_path.iterdir()}
    assert there == {"claude-local-eval-new", "claude-local-eval-link", "kept", held.name}
    assert not held.exists()


def test_a_client_that_is_a_script_is_refused_with_the_way_out(tmp_path: Path) -> None:
    script = tmp_path / "claude"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(ClaudeLocalError, match="is a script") as refused:
        trials.run(TASK, 0, Start(script, {}))
    assert "--no-isolation" in (refused.value.hint or "")


def test_tools_are_those_of_the_task_alone() -> None:
    task: Task = replace(TASK, tools=("Read", "Bash(git status)", "Bash(git diff:*)"))
    words = trials.arguments(task, Start(Path("claude"), {}), None)
    assert words[words.index("--tools") + 1] == "Read,Bash"
    assert words[words.index("--allowedTools") + 1] == "Read,Bash(git status),Bash(git diff:*)"
