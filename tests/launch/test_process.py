"""A program that a run starts: its exit code, its signals, its terminal and its standard input are its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.launch import process
from tests.client.terminal import Terminal

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
#: What runs the rest of its arguments as a child, and ends as that does; or becomes it.
STAYING = """
import sys, os
from claude_local_plugin.launch import process
path = process.found(sys.argv[1], os.environ, __import__("pathlib").Path.cwd())
raise SystemExit(process.ended_like(process.wait_for(path, sys.argv[1:], os.environ)))
"""
BECOMING = """
import sys, os
from claude_local_plugin.launch import process
process.become(process.found(sys.argv[1], os.environ, __import__("pathlib").Path.cwd()), sys.argv[1:], os.environ)
"""
WAYS = {"as a child": STAYING, "in our place": BECOMING}
ways = pytest.mark.parametrize("way", WAYS)

#: Says when it is ready, then each signal that it gets; SIGTERM and SIGINT end it, with a code of its own.
LISTENING = """
import os, signal, sys, time
def say(*words): os.write(1, (" ".join(words) + "\\n").encode())  # print cannot be entered once more by a signal
def heard(number, frame):
    say("heard", signal.Signals(number).name)
    if number in (signal.SIGTERM, signal.SIGINT): sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT):
    signal.signal(number, heard)
say("ready", str(os.getpid()))
while True: time.sleep(60)
"""


def words(way: str, *command: str) -> list[str]:
    return [sys.executable, "-c", WAYS[way], *command]


def python(way: str, code: str) -> list[str]:
    return words(way, sys.executable, "-c", code)


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def ended(command: list[str], **more: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload, no-any-return]


@contextmanager
def started(way: str, code: str = LISTENING) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(python(way, code), env=environ(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline().startswith("ready")
            yield running
        finally:
            running.kill()


@ways
@pytest.mark.parametrize("code", [0, 1, 2, 77, 255])
def test_the_exit_code_is_the_programs(way: str, code: int) -> None:
    assert ended(python(way, f"raise SystemExit({code})")).returncode == code


@ways
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV", "SIGPIPE"])
def test_whoever_waits_sees_the_signal_that_the_program_died_of(way: str, name: str) -> None:
    code = (
        f"import os, signal; signal.signal(signal.{name}, signal.SIG_DFL)" if name != "SIGKILL" else "import os, signal"
    )
    killed = ended(python(way, f"{code}; os.kill(os.getpid(), signal.{name})"))
    assert killed.returncode == -getattr(signal, name)


@ways
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_a_signal_to_us_is_one_to_the_program(way: str, name: str) -> None:
    with started(way) as running:
        running.send_signal(getattr(signal, name))
        assert running.stdout is not None
        assert running.stdout.readline() == f"heard {name}\n"
        if name == "SIGTERM":
            assert running.wait(timeout=30) == 7


@ways
def test_a_hangup_that_was_ignored_before_is_ignored_by_the_program(way: str) -> None:
    code = "import signal; raise SystemExit(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN)"
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *python(way, code)]
    assert ended(command).returncode == 0


@ways
def test_the_program_has_its_signals_as_a_shell_gives_them(way: str) -> None:
    """Python ignores SIGPIPE, and what it starts would inherit that: `claude -p | head` would not end."""
    # a shell shows what it was given; another Python would already ignore SIGPIPE itself
    shown = ended(words(way, "sh", "-c", "grep SigIgn /proc/self/status"))
    assert int(shown.stdout.split()[1], 16) == 0, shown.stdout


@ways
def test_standard_input_and_output_are_the_programs(way: str) -> None:
    assert ended(words(way, "cat"), input="é\0two\n").stdout == "é\0two\n"


@ways
def test_a_reader_that_goes_away_ends_the_program(way: str) -> None:
    command = ["sh", "-c", '("$@"; echo ended $? >&2) | head -n 1', "sh", *words(way, "yes")]
    done = ended(command)
    assert done.stdout == "y\n"
    assert done.stderr in ("ended 141\n",)


@ways
def test_the_arguments_and_their_first_are_handed_on_as_they_are(way: str) -> None:
    shown = ended([*python(way, "import sys; print(sys.argv[1:])"), "", "a b", "--", "é*"])
    assert shown.stdout == str(["", "a b", "--", "é*"]) + "\n"


# --- at a terminal

#: A shell with job control, whose prompt is `$ ` alone.
SHELL = ["/bin/bash", "--norc", "--noprofile", "-i"]


@contextmanager
def shell(tmp_path: Path, way: str, code: str) -> Iterator[Terminal]:
    """A shell, and `./go` in it, which starts the program."""
    (tmp_path / "way.py").write_text(WAYS[way])
    (tmp_path / "program.py").write_text(code)
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/way.py {sys.executable} {tmp_path}/program.py "$@"\n')
    go.chmod(0o755)
    with Terminal(SHELL, cwd=tmp_path, environ={**environ(), "PS1": "PROMPT>"}) as terminal:
        terminal.wait_for("PROMPT>")
        yield terminal


@ways
def test_ctrl_c_is_heard_by_the_program_alone_once(tmp_path: Path, way: str) -> None:
    with shell(tmp_path, way, LISTENING) as terminal:
        terminal.type("./go; echo code=$?\r")
        terminal.wait_for("ready")
        terminal.type(b"\x03")
        terminal.wait_for("heardSIGINT.*code=7")
        assert terminal.text.count("heardSIGINT") == 1
        assert "Traceback" not in terminal.text


@ways
def test_a_program_that_goes_on_at_ctrl_c_goes_on(tmp_path: Path, way: str) -> None:
    code = LISTENING.replace("(signal.SIGTERM, signal.SIGINT): sys", "(signal.SIGTERM,): sys")
    with shell(tmp_path, way, code) as terminal:
        terminal.type("./go; echo code=$?\r")
        terminal.wait_for(r"ready\d+")
        terminal.settle(0.3)
        program = re.search(r"ready(\d+)", terminal.text)
        assert program is not None
        terminal.type(b"\x03")
        terminal.wait_for("heardSIGINT")
        terminal.forget()
        terminal.type(b"\x03")
        terminal.wait_for("heardSIGINT")
        assert "code=" not in terminal.text.replace("code=$?", "")
        os.kill(int(program[1]), signal.SIGKILL)  # the end of its terminal need not end it


@ways
def test_a_program_is_stopped_by_ctrl_z_and_goes_on_with_fg(tmp_path: Path, way: str) -> None:
    with shell(tmp_path, way, LISTENING) as terminal:
        terminal.type("./go; echo code=$?\r")
        terminal.wait_for("ready")
        terminal.type(b"\x1a")
        terminal.wait_for("Stopped")
        for _ in range(2):  # a second time, too
            terminal.forget()
            terminal.type("fg\r")
            terminal.wait_for("heardSIGCONT")
            terminal.settle(0.3)
            terminal.forget()
            terminal.type(b"\x1a")
            terminal.wait_for("Stopped")
        terminal.forget()
        terminal.type("fg\r")
        terminal.wait_for("heardSIGCONT")
        terminal.type(b"\x03")
        terminal.wait_for("heardSIGINT")
        terminal.wait_for("PROMPT>$")


@ways
def test_the_size_of_the_terminal_is_the_programs_to_see_change(tmp_path: Path, way: str) -> None:
    code = (
        "import signal, sys, time, os\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print('size', os.get_terminal_size().columns, flush=True))\n"
        "print('ready', flush=True)\nwhile True: time.sleep(60)\n"
    )
    with shell(tmp_path, way, code) as terminal:
        terminal.type("./go\r")
        terminal.wait_for("ready")
        terminal.resize(99)
        terminal.wait_for("size99")


def test_a_program_that_there_is_not_is_said(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    for name in ("no-such-program", "./plain", "./nowhere", ""):
        with pytest.raises(ClaudeLocalError, match="not a program that can be run"):
            process.found(name, {"PATH": "/usr/bin:/bin"}, tmp_path)
    assert process.found("sh", {"PATH": "/usr/bin:/bin"}, tmp_path).endswith("/sh")


def test_a_program_in_the_current_folder_needs_its_path(tmp_path: Path) -> None:
    program = tmp_path / "sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert process.found("./sh", {"PATH": "."}, tmp_path) == str(program)
    with pytest.raises(ClaudeLocalError):
        process.found("sh", {"PATH": "."}, tmp_path)


@ways
def test_a_program_for_another_machine_is_said(way: str, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.write_bytes(b"\x7fELF nonsense")
    odd.chmod(0o755)
    done = ended(words(way, str(odd)))
    assert "cannot be run: Exec format error" in done.stderr
    assert done.returncode == 1
