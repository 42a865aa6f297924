"""The command line itself: help, misspelt words, exit codes, colour, and being interrupted or not listened to."""

import gc
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest

from claude_local_plugin import __version__, cli
from claude_local_plugin.cli import group
from claude_local_plugin.cli.examples import EXAMPLES
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.terminal import Terminal
from tests.commands.place import flat

pytestmark = pytest.mark.process

PROGRAM = (sys.executable, "-m", "claude_local_plugin")
SUBCOMMANDS = [
    *((name,) for name in cli.COMMANDS),
    *(("hooks", name) for name in ("install", "uninstall", "status")),
    *(("launcher", name) for name in ("install", "list", "remove")),
    *(("sessions", name) for name in ("list", "show", "stats", "tail", "export", "prune", "push")),
    *(("sessions", "team", name) for name in ("init", "status")),
    *(("config", name) for name in ("path", "list", "get", "set", "unset")),
]


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, with nothing to read."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- help and mistakes


def test_help_lists_every_command_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (_, text) in cli.COMMANDS.items():
        assert re.search(rf"^  {name}\s+{re.escape(text[:30])}", shown, re.MULTILINE)
    assert "Exit codes: 0 well, 1 something is wrong (said on stderr), 2 a usage error." in flat(shown)
    assert "Documentation, once it is released: https://" in shown


def test_the_manual_is_named_by_the_path_where_the_installation_has_it(tmp_path: Path) -> None:
    place = tmp_path / "tool" / "share" / "man" / "man1" / "claude-local.1"
    place.parent.mkdir(parents=True)
    place.touch()
    assert group._manual(tmp_path / "tool", str(tmp_path)) == "~/tool/share/man/man1/claude-local.1"
    assert group._manual(tmp_path / "other", "") == str(Path(cli.__file__).parents[2] / "docs" / "claude-local.1")


def test_every_command_stands_below_one_heading() -> None:
    listed = [name for names in cli.SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(cli.COMMANDS)


def parsed(line: str) -> None:
    """Have click take the line apart, without running it; raises where it is none of ours."""
    # a shell's $(…) around it, and what reads it behind it
    typed = re.sub(r".*\$\((.*)\).*", r"\1", line).partition(" | ")[0].partition(" > ")[0]
    name, *words = shlex.split(typed)
    assert name == "claude-local"
    command: click.Command = group.main
    context = click.Context(command, info_name=name, **command.context_settings)
    while isinstance(command, click.Group) and not (command.invoke_without_command and words[0].startswith("-")):
        found = command.get_command(context, words[0])
        assert found is not None, line
        context = click.Context(found, context, info_name=words.pop(0))
        command = found
    command.make_context(context.info_name, words, context.parent)


def test_every_command_has_two_examples_that_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = list(every_name(group.main, click.Context(group.main, info_name="claude-local")))
    assert {"recipe fit", "eval new", "sessions team init", "profile use"} < set(names)
    assert sorted(EXAMPLES) == sorted(names)
    for name in names:
        assert cli.run_line([*name.split(), "--help"]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80, name
        block = out.partition("Examples:\n")[2]
        lines = [line.strip() for line in block.splitlines() if re.match(r"  \S*.*claude-local", line)]
        assert len(lines) >= 2, name
        for line in lines:
            for folder in re.findall(r"\.\./\w+", line):
                (tmp_path / folder).mkdir(exist_ok=True)
            for file in re.findall(r"[\w/.-]+\.(?:toml|ya?ml|json|log)\b", line):  # which has to be there
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / file).touch()
            parsed(re.split(r"\s{2,}", line)[0])
        (page,) = re.findall(r"^  More: (\S+), in the repository\.$", out, re.MULTILINE)
        assert (Path(cli.__file__).parents[2] / page).is_file(), name


def every_name(command: click.Command, context: click.Context) -> Iterator[str]:
    """Every command by what is typed behind `claude-local`, subcommands of subcommands too."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            below = click.Context(inner, context, info_name=name)
            yield below.command_path.partition(" ")[2]
            yield from every_name(inner, below)


@pytest.mark.parametrize(
    ("line", "said", "next_"),
    [
        ("explain-precedence --what-if", "--what-if needs SCOPE KEY=VALUE behind it", "explain-precedence --help"),
        ("explain-precedence --what-if user", "--what-if needs SCOPE KEY=VALUE behind it", "explain-precedence --help"),
        ("enable --scope", "--scope needs one of local, project, user behind it", "enable --help"),
        ("sessions team init --writer", "--writer needs NAME[=PERSON] behind it", "sessions team init --help"),
        ("sessions list --limit", "--limit needs a number behind it", "sessions list --help"),
        ("enable --yes=1", "option '--yes' does not take a value", "enable --help"),
    ],
)
def test_an_option_without_its_value_is_said_with_what_it_wants(
    line: str, said: str, next_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_line(line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {said}\nhint: claude-local {next_}\n")


@pytest.mark.parametrize(("word", "meant"), sorted(cli.MEANT.items()))
def test_other_peoples_words_lead_to_ours(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert word not in cli.COMMANDS
    assert meant.split()[0] in cli.COMMANDS
    assert cli.run_line([word]) == 2
    assert f"No such command '{word}'. Did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(words: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line([*words, option]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: claude-local {' '.join(words)} ")
    assert err == ""
    # a first paragraph, and no option without a word about it
    assert re.search(r"\n\n  [A-Z]", out)
    for line in out[out.index("Options:") :].splitlines()[1:]:
        assert not re.fullmatch(r"  -\S+( \S+)?", line), line


def test_help_of_enable_names_every_promised_option(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run_line(["enable", "--help"])
    shown = capsys.readouterr().out
    for option in ("--url", "--model", "--token-env", "--scope", "--dry-run", "--yes", "--json", "--no-check"):
        assert f"{option} " in shown or f"{option}\n" in shown
    assert "--no-hooks" in shown
    assert "--port-scan / --no-port-scan" in shown
    assert "[local|project|user]" in shown


@pytest.mark.parametrize(
    ("word", "meant"), [("enabel", "enable"), ("stauts", "status"), ("session", "sessions"), ("hook", "hooks")]
)
def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_line([word]) == 2
    assert f"No such command '{word}'. Did you mean {meant}?" in capsys.readouterr().err


def test_a_word_like_no_command_is_just_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line(["xyzzy"]) == 2
    said = capsys.readouterr().err
    assert "No such command 'xyzzy'." in said
    assert "Did you mean" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("enable", "--nope"),
        ("enable", "--scope", "managed"),
        ("enable", "--max-model-len", "0"),
        ("enable", "--max-model-len", "64k"),
        ("enable", "surplus"),
        ("disable", "surplus"),
        ("hooks", "nope"),
        ("sessions", "show"),
        ("sessions", "list", "--limit", "x"),
        ("demo", "--port", "8000"),
        ("demo", "--serve", "--port", "99999"),
        ("--nope",),
    ],
    ids=" ".join,
)
def test_a_call_that_cannot_be_understood_ends_with_2_and_writes_nothing(
    arguments: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_line(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "rror: " in err
    assert list(home.iterdir()) == []


def test_without_a_command_it_shows_the_help_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line([]) == 2
    shown = "".join(capsys.readouterr())
    assert "\n\nBegin:\n  demo " in shown
    assert "\\n" not in shown


@pytest.mark.parametrize("group", ["config", "hooks", "launcher", "managed", "profile", "recipe", "sessions"])
def test_a_group_without_a_command_shows_what_each_does_in_full(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line([group]) == 2
    shown = "".join(capsys.readouterr())
    assert "\n\nCommands:\n  " in shown
    assert [line for line in shown.splitlines() if line.endswith("...") or "\\n" in line] == [shown.splitlines()[0]]


def test_the_version_is_said_the_quick_way_and_the_usual_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line(["--version"]) == 0
    assert capsys.readouterr().out == f"claude-local {__version__}\n"
    assert start("--version").stdout == f"claude-local {__version__}\n"


def test_an_error_says_what_and_what_next_on_stderr_in_two_lines(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_line(["enable", "--url", "localhost:8000"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == "error: the URL does not begin with http:// or https://\nhint: claude-local enable --url http://localhost:8000\n"
    )


def test_in_a_folder_that_was_deleted_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.run_line(["status"]) == 1
    assert capsys.readouterr().err.startswith("error: the current folder does not exist any more\nhint: ")


# --- colour


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_where_it_is_asked_for(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    coloured: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    cli.run_line(["enable", "--url", "localhost"])
    assert ("\x1b[" in capsys.readouterr().err) is coloured


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"TERM": "dumb", "FORCE_COLOR": "1"}, True)],
)
def test_colour_on_a_terminal(project: Path, environ: dict[str, str], coloured: bool) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    argv = [*PROGRAM, "enable", "--url", "localhost"]
    with Terminal(argv, cwd=project, environ={**clean, **environ}) as terminal:
        assert terminal.wait_for_exit() == 2
        assert (b"\x1b[" in terminal._seen) is coloured


def test_the_words_are_the_same_with_and_without_colour(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for colour in ("NO_COLOR", "FORCE_COLOR"):
        with monkeypatch.context() as patch:
            patch.setenv(colour, "1")
            cli.run_line(["enable", "--no-check", "--url", "http://far:1", "--model", "m", "--dry-run"])
        out, err = capsys.readouterr()
        shown.append(re.sub(r"\x1b\[[0-9;]*m", "", out + err))
    assert shown[0] == shown[1]


# --- listeners that go away, and people in a hurry


def test_a_reader_that_goes_away_is_no_reason_for_a_traceback(project: Path) -> None:
    command = f"'{sys.executable}' -m claude_local_plugin enable --no-check --url http://far:1 --model m --dry-run"
    ended = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=True
    )
    first, code = ended.stdout.splitlines()
    assert first == "--- /dev/null"
    assert code in ("0", "1")  # by the time it writes, the reader may or may not have gone
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_was_never_there_is_none_either(project: Path, unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [*PROGRAM, "status"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writing)
    assert process.returncode == 1
    assert process.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to be had so easily")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [("config", "list"), ("sessions", "export", "--format", "csv"), ("status", "--json")])
def test_a_full_disk_is_said_in_one_line(project: Path, words: tuple[str, ...], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == "error: standard output cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of the other kind")
@pytest.mark.parametrize("words", ["sessions tail", "sessions list --json", "sessions export", "config path"])
def test_without_any_output_at_all_there_is_no_traceback(project: Path, words: str) -> None:
    command = f"'{sys.executable}' -m claude_local_plugin {words} >&-"
    ended = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_output_that_cannot_carry_every_letter_carries_the_others(project: Path) -> None:
    ended = start(
        "enable", "--no-check", "--url", "http://far:1", "--model", "m", "--dry-run", PYTHONIOENCODING="ascii"
    )
    assert ended.returncode == 0
    assert '+    "ANTHROPIC_MODEL": "m",' in ended.stdout
    assert "else ?opus? asks your server" in ended.stderr


def test_a_folder_whose_name_is_no_text_is_worked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert start("enable", "--no-check", "--url", "http://far:1", "--model", "m").returncode == 0
    assert (folder / ".claude" / "settings.local.json").exists()
    assert start("status", "--json").returncode == 1
    assert start("disable").returncode == 0
    assert list(folder.iterdir()) == []


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_ctrl_c_ends_it_with_130_and_one_word(project: Path, home: Path, silent: str) -> None:
    argv = [*PROGRAM, "enable", "--url", silent]
    port = int(silent.rpartition(":")[2])
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        _wait_until(lambda: _is_connected_to(port))
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert process.wait(timeout=20) == 130
    assert said.strip() == "interrupted"
    assert list(home.iterdir()) == []
    assert list(project.iterdir()) == []


def _is_connected_to(port: int) -> bool:
    """Whether anybody on this machine has a connection to the port."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[2].endswith(f":{port:04X}") and line.split()[3] in ("01", "02") for line in table)


def _wait_until(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def test_ctrl_c_at_the_question_says_that_nothing_was_written(project: Path, home: Path) -> None:
    with EmbeddedBackend(models=(Model("m"),)) as backend:
        argv = [*PROGRAM, "enable", "--url", backend.url]
        with Terminal(argv, cwd=project, environ=dict(os.environ)) as terminal:
            terminal.wait_for(r"Writethis\?")
            terminal.settle()  # as a person does, who has read the question
            terminal.type(b"\x03")
            terminal.wait_for("nothingwaswritten")
            assert terminal.wait_for_exit() == 1
    assert list(home.iterdir()) == []
    assert list(project.iterdir()) == []


# --- the demonstration


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for temporary files, to see what stays behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_demonstration_shows_every_step_and_leaves_nothing_behind(
    project: Path, home: Path, temporary: Path
) -> None:
    ended = start("demo", "--hooks-only")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    steps = [line for line in ended.stdout.splitlines() if line.startswith(("✓", "✗"))]
    assert len(steps) == 7
    assert all(line.startswith("✓") for line in steps)
    for command in ("enable --url http://127.0.0.1:", "status", "sessions list", "disable"):
        assert f"  $ claude-local {command}" in ended.stdout
    assert "the same, byte for byte" in ended.stdout
    assert re.search(r"All of it worked, in \d+\.\d s; the temporary home and project are gone", ended.stdout)
    for folder in (home, project, temporary):
        assert list(folder.iterdir()) == []


def test_the_stand_in_server_prints_its_address_answers_and_ends_with_0(project: Path, home: Path) -> None:
    argv = [*PROGRAM, "demo", "--serve"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline().decode()
        (url,) = re.findall(r"listens at (http://127\.0\.0\.1:\d+)   \(Ctrl-C ends it\)", first)
        assert f"claude-local enable --url {url}" in process.stdout.readline().decode()
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"{url}/health").status_code == 200
            assert client.get(f"{url}/v1/models").json()["data"][0]["max_model_len"] > 0
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == b""
    assert list(home.iterdir()) == []


def test_a_port_that_is_taken_is_said_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBackend() as backend:
        assert cli.run_line(["demo", "--serve", "--port", str(backend.port)]) == 1
    assert f"cannot listen on 127.0.0.1 port {backend.port}" in capsys.readouterr().err


def test_a_port_without_serve_makes_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_line(["demo", "--port", "8000"]) == 2
    assert "--port goes with --serve" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("command", ["status", "explain-precedence"])
def test_what_is_answered_without_click_is_answered_the_same_with_it(
    command: str, options: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_line(["enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m"]) == 0
    capsys.readouterr()
    answers = []
    for run in (cli.run_line, lambda argv: group.run(argv, "claude-local")):
        code = run([command, *options])
        told = capsys.readouterr()
        # how long a server took to refuse is another time each time
        answers.append((code, re.sub(r"[\d.]+( ms|,$)", r"#\1", told.out, flags=re.MULTILINE), told.err))
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_what_may_go_on_for_long_has_the_garbage_collector(project: Path) -> None:
    gc.disable()
    try:
        cli.run_line(["status", "--all"])
        assert gc.isenabled()
    finally:
        gc.enable()


def test_ctrl_c_where_there_is_no_click_is_told_as_click_has_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("claude_local_plugin.cli.show_status.show_status", interrupt)
    monkeypatch.setattr("claude_local_plugin.cli.status.show_status", interrupt)
    told = []
    for call in (["status"], ["status", "--all"]):
        assert cli.run_line(call) == 130
        told.append(capsys.readouterr())
    assert told[0] == told[1]
    assert told[0].err == "\ninterrupted\n"
