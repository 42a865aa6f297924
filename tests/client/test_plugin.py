"""The plugin: what it consists of, on which Python its hooks run, and what the real Claude Code makes of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import claude_local_plugin
from claude_local_plugin.core import registration
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.sessionlog import queries
from tests.client.conftest import Person
from tests.client.terminal import DOWN, ENTER, Terminal

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
FINDER = ROOT / "hooks" / "find_python.sh"
PLUGIN = "local-backend@claude-local"

#: A Python without any package: what a machine has on which claude-local itself is not installed.
BARE_PYTHON = Path(getattr(sys, "_base_executable", sys.executable)).resolve()


# --- what it consists of


def test_manifest_and_marketplace_name_the_plugin_and_the_version_of_the_package() -> None:
    manifest = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    marketplace = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text())
    assert f"{manifest['name']}@{marketplace['name']}" == PLUGIN
    assert manifest["version"] == claude_local_plugin.__version__
    (entry,) = marketplace["plugins"]
    assert (entry["name"], entry["source"]) == (manifest["name"], "./")


def test_its_hooks_are_those_of_the_registration() -> None:
    manifest = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    assert manifest["hooks"] == "./hooks/newer_events.json"
    tables = [json.loads((ROOT / "hooks" / name).read_text())["hooks"] for name in ("hooks.json", "newer_events.json")]
    older, newer = map(tuple, tables)
    # of a table with an event that it does not know, Claude Code takes no hook at all
    assert newer == registration.NEWER_EVENTS
    assert older == tuple(event for event in registration.EVENTS if event not in newer)
    hooks = {**tables[0], **tables[1]}
    for groups in hooks.values():
        ((handler,),) = ([*group["hooks"]] for group in groups)
        assert handler == {
            "type": "command",
            "command": '/bin/sh "${CLAUDE_PLUGIN_ROOT}/hooks/find_python.sh"',
            "timeout": registration.TIMEOUT_S,
        }


def test_the_finder_starts_the_hook_as_enable_does() -> None:
    text = FINDER.read_text()
    assert text.count(f'{" ".join(registration.INTERPRETER_FLAGS)} "$hook"') == 2
    assert f"hook=${{0%/*}}/{registration.SCRIPT}" in text


def test_on_windows_too_the_finder_is_checked_out_with_line_ends_that_sh_reads() -> None:
    assert b"\r" not in FINDER.read_bytes()
    assert "*.sh text eol=lf" in (FINDER.parent / ".gitattributes").read_text().splitlines()


def test_the_icon_is_a_square_png_of_the_size_that_is_asked_for() -> None:
    icon = (ROOT / ".claude-plugin" / "icon.png").read_bytes()
    assert icon.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(icon[start : start + 4], "big") for start in (16, 20))
    assert width == height == 512


# --- on which Python its hooks run

SHELLS = {name: path for name in ("sh", "dash", "bash", "busybox") if (path := shutil.which(name))}

#: A program that says how it was started and what it was given, as a Python that can run the hook would get it.
WORKS = f'#!/bin/sh\necho "$0 $*"\n{shutil.which("cat")}\n'
#: How those end that cannot run it: Python 2, an older Python 3, Windows' alias, the launcher without a Python, a shim.
FAILS = {2: "unknown option: -I", 1: "is older", 49: "Python was not found", 103: "no Python", 127: "not installed"}


class Machine:
    """A machine with only the programs that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path: list[str] = []
        self.hooks = folder / "hooks of the plugin"
        self.hooks.mkdir()
        shutil.copy(FINDER, self.hooks)
        (self.hooks / registration.SCRIPT).touch()

    def has(self, program: str, text: str = WORKS) -> str:
        """Puts a program there, its folder at the end of PATH."""
        file = self.folder / program
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        if str(file.parent) not in self.path:
            self.path.append(str(file.parent))
        return str(file)

    def run(self, shell: str = "sh", stdin: str = "{}", *arguments: str) -> subprocess.CompletedProcess[str]:
        finder = [SHELLS[shell], *(["sh"] if shell == "busybox" else []), str(self.hooks / FINDER.name), *arguments]
        done = subprocess.run(
            finder,
            input=stdin,
            env={"PATH": ":".join([*self.path, "/nowhere"])},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0
        return done

    def started(self, program: str, *before: str) -> str:
        """What a program that works prints when the finder has started it."""
        return " ".join([program, *before, *registration.INTERPRETER_FLAGS, str(self.hooks / registration.SCRIPT)])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("name", "before"), [("python3", []), ("python", []), ("py", ["-3"]), ("python3.12", [])])
def test_the_only_python_is_found_whatever_it_is_called(
    machine: Machine, shell: str, name: str, before: list[str]
) -> None:
    python = machine.has(f"bin/{name}")
    done = machine.run(shell, stdin='{"event": 1}')
    assert done.stdout == machine.started(python, *before) + '\n{"event": 1}'
    assert done.stderr == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("name", "before"), [("python3", []), ("py", ["-3"])])
def test_a_question_of_a_skill_reaches_the_hook_as_one_word(
    machine: Machine, shell: str, name: str, before: list[str]
) -> None:
    python = machine.has(f"bin/{name}")
    done = machine.run(shell, "", "--ask", "why")
    assert done.stdout == machine.started(python, *before) + " --ask=why\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_question_without_a_python_is_told_so(machine: Machine, shell: str) -> None:
    done = machine.run(shell, "", "--ask", "why")
    assert done.stdout == "claude-local: no Python 3.9 or newer on PATH, so nothing can be said about this session\n"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("code", FAILS)
def test_one_that_cannot_run_the_hook_is_passed_over(machine: Machine, shell: str, code: int) -> None:
    machine.has("first/python3", f"#!/bin/sh\necho {FAILS[code]} >&2\nexit {code}\n")
    machine.has("first/python", f"#!/bin/sh\nexit {code}\n")
    python = machine.has("second/python3")
    done = machine.run(shell, stdin="the event")
    assert done.stdout == machine.started(python) + "\nthe event"


@pytest.mark.parametrize("folder", ["WindowsApps", "pyenv/shims"])
def test_an_alias_or_a_shim_is_taken_only_where_there_is_nothing_else(machine: Machine, folder: str) -> None:
    other = machine.has(f"{folder}/python3")
    python = machine.has("bin/python")
    assert machine.run().stdout.startswith(python)
    Path(python).unlink()
    assert machine.run().stdout.startswith(other)


def test_a_program_in_the_project_is_not_run(machine: Machine) -> None:
    machine.has("python3")
    machine.has("bin/python3")
    for relative in ("", ".", "bin", "./bin"):
        machine.path = [relative]
        assert machine.run().stdout == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("event", registration.EVENTS)
def test_without_a_python_the_session_goes_on_and_its_start_says_so_to_the_person(
    machine: Machine, shell: str, event: str
) -> None:
    machine.has("bin/head", f'#!/bin/sh\nexec {shutil.which("head")} "$@"\n')
    stdin = {"session_id": "1", "hook_event_name": event, "prompt": '"hook_event_name":"SessionStart"'}
    done = machine.run(shell, stdin=json.dumps(stdin, separators=(",", ":")))
    assert done.stderr == "claude-local: no Python 3.9 or newer on PATH, so this session is not looked after\n"
    if event == "SessionStart":
        assert json.loads(done.stdout)["systemMessage"].startswith("claude-local: no Python 3.9 or newer")
    else:
        assert done.stdout == ""


def test_the_hook_refuses_an_older_python_before_it_reads_the_event(tmp_path: Path) -> None:
    script = ROOT / "hooks" / registration.SCRIPT
    older = f"import sys; sys.version_info = (3, 8, 20); exec(open({str(script)!r}).read())"
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -I -S -c "$1"; echo "$?"; cat', sys.executable, older],
        input="the event",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "1\nthe event"
    assert done.stderr.splitlines() == [f"claude-local: the hook needs Python 3.9, and {sys.executable} is older"]


# --- what the real Claude Code makes of it


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the plugin consists of; nothing in it is installed or on any path."""
    folder = tmp_path_factory.mktemp("checkout") / "claude-local"
    folder.mkdir()
    for name in (".claude-plugin", "hooks", "skills", claude_local_plugin.__name__):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def user(person: Person, server: EmbeddedBackend, tmp_path: Path) -> Person:
    """Somebody whose shell points every session to the server, with a Python and without a way out of the machine."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(BARE_PYTHON)
    person.shell |= {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_AUTH_TOKEN": "placeholder",
        "ANTHROPIC_MODEL": "qwen3-coder-next",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return person


def claude(person: Person, *arguments: str) -> str:
    """What `claude …` prints, in the project; it must end well."""
    done = subprocess.run(
        [str(person.claude), *arguments],
        cwd=person.project,
        env=person.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(person: Person, checkout: Path, scope: str) -> None:
    claude(person, "plugin", "marketplace", "add", str(checkout), "--scope", scope)
    claude(person, "plugin", "install", PLUGIN, "--scope", scope)


def recorded(person: Person) -> list[list[str]]:
    """The events on record, of each session in turn, the earliest first."""
    state = person.home / ".local" / "state" / "claude-local"
    sessions = sorted(queries.sessions(state), key=lambda session: session.started_at)
    return [[event.event for event in queries.events(state, session.session_id)] for session in sessions]


WHOLE_SESSION = ["SessionStart", "UserPromptSubmit", "SessionEnd"]


@pytest.mark.client
def test_it_is_valid_to_the_strictest_of_claude_codes_checks(person: Person, checkout: Path) -> None:
    for strictness in (["--strict"], ["--profile", "directory"], ["--strict", "--profile", "directory"]):
        report = json.loads(claude(person, "plugin", "validate", *strictness, "--json", str(checkout)))
        assert report["success"] is True
        for file in (report["manifest"], *report["contents"]):
            assert (file["errors"], file["warnings"]) == ([], [])
    assert (report["directory"]["findings"], report["directory"]["undecided"]) == ([], [])
    assert report["directory"]["failure"] is None
    provided = {hook["event"] for hook in report["provides"]["hooks"]}
    assert provided == set(registration.EVENTS)
    assert report["hosts"]["declared"]["plugin"] is True


@pytest.mark.client
@pytest.mark.parametrize("scope", ["user", "project", "local"])
def test_installed_from_a_folder_it_records_and_uninstalled_it_leaves_nothing_that_runs(
    user: Person, checkout: Path, scope: str
) -> None:
    files = {
        "user": user.home / ".claude" / "settings.json",
        "project": user.project / ".claude" / "settings.json",
        "local": user.local_settings,
    }
    files[scope].parent.mkdir(parents=True, exist_ok=True)
    files[scope].write_text('{"permissions": {"allow": ["Bash(make:*)"]}}')
    install(user, checkout, scope)
    assert user.session().stdout.strip() == "pong"
    assert recorded(user) == [WHOLE_SESSION]
    claude(user, "plugin", "uninstall", PLUGIN, "--scope", scope)
    claude(user, "plugin", "marketplace", "remove", "claude-local")
    ended = user.session("ping", "--output-format", "stream-json", "--verbose", "--include-hook-events")
    assert recorded(user) == [WHOLE_SESSION]
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    assert not [message for message in messages if message.get("subtype") == "hook_response"]
    assert json.loads(files[scope].read_text()) == {
        "permissions": {"allow": ["Bash(make:*)"]},
        "enabledPlugins": {},
        "extraKnownMarketplaces": {},
    }


#: The ways to have the hooks, and how each is taken.
WAYS: dict[str, Callable[[Person, Path], object]] = {
    "`claude-local hooks install --scope user`": lambda user, _: user.ours("hooks", "install", "--scope", "user"),
    "plugin, `--scope user`": lambda user, checkout: install(user, checkout, "user"),
    "plugin, `--scope project`": lambda user, checkout: install(user, checkout, "project"),
    "plugin, `--scope local`": lambda user, checkout: install(user, checkout, "local"),
    "`claude --plugin-dir`, each time": lambda user, checkout: None,
}


def documented() -> dict[str, dict[str, bool]]:
    """The table of the page: way -> session -> whether it is on record."""
    lines = (ROOT / "docs" / "plugin.md").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| way |"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    heading, _, *ways = rows
    return {way: dict(zip(heading[1:], (cell == "yes" for cell in cells), strict=True)) for way, *cells in ways}


@pytest.mark.client
@pytest.mark.parametrize("way", WAYS)
def test_each_way_reaches_the_sessions_that_the_page_says(
    user: Person, checkout: Path, tmp_path: Path, way: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    WAYS[way](user, checkout)
    always = ["--plugin-dir", str(checkout)] if "--plugin-dir" in way else []
    reached = {}
    for session, arguments, cwd in (
        ("this project", [], user.project),
        ("another project", [], other),
        ("only project settings are read", ["--setting-sources", "project"], user.project),
        ("the local settings file is broken", [], user.project),
    ):
        if "broken" in session:
            user.local_settings.parent.mkdir(exist_ok=True)
            user.local_settings.write_text('{"env": {},}')
        before = len(recorded(user))
        assert user.session("ping", *always, *arguments, cwd=cwd).stdout.startswith("pong")
        # on a busy machine the client may be gone, and be found so, before its last hook has written its line
        added = [[event for event in events if event != "FoundGone"] for events in recorded(user)[before:]]
        assert added in ([], [WHOLE_SESSION])
        reached[session] = bool(added)
    assert reached == documented()[way]


@pytest.mark.client
def test_with_the_server_down_a_script_hears_the_client_s_own_failure(
    user: Person, server: EmbeddedBackend, checkout: Path
) -> None:
    server.stop()
    user.shell["CLAUDE_CODE_MAX_RETRIES"] = "1"  # a plugin cannot set it, as enable does
    ended = user.session("ping", "--plugin-dir", str(checkout), "--output-format", "json")
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["is_error"]) == (1, True)
    assert "ECONNREFUSED" in answer["result"]
    # the client does not always wait for the hook of its own failure
    assert [[event for event in session if event != "StopFailure"] for session in recorded(user)] == [WHOLE_SESSION]


@pytest.mark.client
def test_with_plugin_and_settings_hooks_both_nothing_runs_twice(
    user: Person, server: EmbeddedBackend, checkout: Path
) -> None:
    install(user, checkout, "user")
    user.ours("hooks", "install", "--scope", "user")
    user.ours("hooks", "install", "--scope", "local")
    seen = user.home / "seen"
    settings = user.home / ".claude" / "settings.json"
    document = json.loads(settings.read_text())
    copies = [{"type": "command", "command": f"cat >> {seen}-{number}"} for number in (1, 2)]
    for event in registration.EVENTS:
        document["hooks"].setdefault(event, []).append({"hooks": copies})
    settings.write_text(json.dumps(document))
    server.clear()
    ended = user.session("ping", "--output-format", "stream-json", "--verbose", "--include-hook-events")
    assert recorded(user) == [WHOLE_SESSION]
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    started = [message for message in messages if message.get("hook_event") == "SessionStart"]
    answers = [message["stdout"] for message in started if message["subtype"] == "hook_response"]
    # what it rests on: one process for each entry, the same bytes for all, and one of them is answered by us
    assert len(answers) == 4
    assert sum("systemMessage" in answer for answer in answers) == 1
    assert Path(f"{seen}-1").read_bytes() == Path(f"{seen}-2").read_bytes() != b""
    looks = [request for request in server.requests if request.headers.get("user-agent") == "claude-local"]
    assert len(looks) <= 2


@pytest.mark.client
def test_an_interactive_session_with_plugin_and_settings_hooks_is_recorded_once(
    user: Person, server: EmbeddedBackend, checkout: Path
) -> None:
    (user.home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    install(user, checkout, "user")
    user.ours("hooks", "install", "--scope", "local")
    with Terminal([str(user.claude)], cwd=user.project, environ=user.environ) as terminal:
        terminal.wait_for("Itrustthisfolder")
        terminal.settle()
        terminal.type(DOWN)
        terminal.wait_for("❯Yes")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("localbackend:qwen3-coder-next")
        terminal.settle()
        assert terminal.text.count("localbackend:qwen3-coder-next") == 1
        terminal.type("/local-backend:")
        terminal.wait_for("local-backend:why")
        terminal.type("status")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("theserveranswers")
        terminal.wait_for("sentwitheachrequest")
        terminal.settle()
        assert not server.messages
        terminal.type("ping")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("pong")
        terminal.settle()
        terminal.type("/exit")
        terminal.settle()
        terminal.type(ENTER)
        assert terminal.wait_for_exit() == 0
    assert recorded(user) == [WHOLE_SESSION]


# --- the questions that can be asked in a session


def program(user: Person, name: str) -> Path:
    """Where a program of this person's own goes."""
    return Path(user.shell["PATH"].partition(":")[0], name)


def initial(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    (message,) = [message for message in messages if message.get("subtype") == "init"]
    return message


#: What the plugin says by itself, on a Python without any package and in isolation, by question.
SAID = {
    "status": ["sent with each request: your ANTHROPIC_AUTH_TOKEN (exported in the shell)"],
    "why": ["endpoint  http://127.0.0.1", "window    65536   exported in the shell"],
    "doctor": ["✓ nothing that a hook can see is wrong"],
}
MORE = {"status": "claude-local status", "why": "claude-local explain-precedence", "doctor": "claude-local doctor"}


@pytest.mark.client
@pytest.mark.parametrize("question", SAID)
def test_without_the_package_a_question_is_answered_at_no_request_and_says_how_to_get_more(
    user: Person, server: EmbeddedBackend, checkout: Path, question: str
) -> None:
    ended = user.session(f"/local-backend:{question}", "--plugin-dir", str(checkout))
    assert ended.returncode == 0
    assert f"This session goes to {server.url} as qwen3-coder-next." in ended.stdout
    assert "✓ the server answers (" in ended.stdout
    assert all(each in ended.stdout for each in SAID[question]), ended.stdout
    assert f"{MORE[question]} says more, once it is installed:\n" in ended.stdout
    assert f"~/.claude-local/bin/pip install {checkout}" in ended.stdout
    assert f"/local-backend:{question}" not in ended.stdout
    assert "placeholder" not in ended.stdout  # which is the token
    assert server.messages == []
    # nothing was sent, so nothing is on record as a prompt
    assert recorded(user) == [["SessionStart", "SessionEnd"]]


@pytest.mark.client
def test_on_a_dead_server_the_answer_is_what_to_do(user: Person, server: EmbeddedBackend, checkout: Path) -> None:
    server.stop()
    user.local_settings.parent.mkdir()
    user.local_settings.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": server.url}}))
    # nobody waits for a client that goes on trying: it is not asked at all
    ended = user.session("/local-backend:status", "--plugin-dir", str(checkout))
    assert f"✗ local backend 127.0.0.1:{server.port} refuses connections" in ended.stdout
    assert "start it on this machine" in ended.stdout
    assert f"ask again: curl -i {server.url}/v1/models" in ended.stdout
    place = "exported in the shell" if "unset ANTHROPIC_BASE_URL" in ended.stdout else ".claude/settings.local.json"
    assert place == ".claude/settings.local.json"
    program(user, "claude-local").symlink_to(Path(sys.executable).parent / "claude-local")
    ended = user.session("/local-backend:status", "--plugin-dir", str(checkout))
    assert "go on in the cloud, once: claude-local run --cloud -- claude" in ended.stdout
    assert "go back to what was before: claude-local disable" in ended.stdout


@pytest.mark.client
@pytest.mark.parametrize(
    ("question", "said"),
    [("why", ["endpoint", "Authorization", "x-api-key"]), ("status", ["answers", "ready"]), ("doctor", ["checks"])],
)
def test_with_the_command_line_its_own_report_is_the_answer(
    user: Person, server: EmbeddedBackend, checkout: Path, question: str, said: list[str]
) -> None:
    program(user, "claude-local").symlink_to(Path(sys.executable).parent / "claude-local")
    ended = user.session(f"/local-backend:{question}", "--plugin-dir", str(checkout))
    assert f"This session goes to {server.url} as qwen3-coder-next." in ended.stdout
    assert all(word in ended.stdout for word in said), ended.stdout
    assert "once it is installed" not in ended.stdout
    assert server.messages == []


@pytest.mark.client
def test_a_question_in_words_of_one_s_own_goes_to_the_model_with_both_reports(
    user: Person, server: EmbeddedBackend, checkout: Path
) -> None:
    stream = ["--plugin-dir", str(checkout), "--output-format", "stream-json", "--verbose"]
    ended = user.session("/local-backend:why is this not the cloud?", *stream)
    commands = {"local-backend:why", "local-backend:status", "local-backend:doctor"}
    assert commands <= set(initial(ended)["slash_commands"])
    (text,) = {
        part["text"]
        for request in server.messages
        for message in request.body["messages"]
        for part in (message["content"] if isinstance(message["content"], list) else [])
        if part["type"] == "text" and "/skills/why\n" in part["text"]
    }
    assert "Answer the user's question" in text
    assert f"This session goes to {server.url}" in text
    assert "✓ nothing that a hook can see is wrong" in text
    assert "!`" not in text
    # the question may also be the model's to recognise; the two commands are the user's to type
    listed = json.dumps([request.body for request in server.messages])
    assert "local-backend:why" in listed
    assert "local-backend:status" not in listed
