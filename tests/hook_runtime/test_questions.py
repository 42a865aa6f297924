"""Questions to the plugin in a session: answered by the hook itself, on a bare Python, and sent nowhere."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.registration import PLUGIN_ROOT
from claude_local_plugin.hook_runtime import questions
from claude_local_plugin.precedence import models
from claude_local_plugin.sessionlog import queries
from tests.hook_runtime.hook_process import ROOT, HookRunner, Ran, recorded
from tests.hook_runtime.moody_server import MoodyServer
from tests.looped import looped

pytestmark = pytest.mark.process

SECRET = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"


class Session:
    """A session in a project, whose settings files may say where it goes."""

    def __init__(self, hook: HookRunner, folder: Path) -> None:
        self.hook, self.home, self.project = hook, folder / "home", folder / "home" / "shop"
        (self.project / ".claude").mkdir(parents=True)
        (self.home / ".claude").mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()

    def asks(self, question: str, **environ: str) -> Ran:
        event, known = recorded("attended-UserPromptSubmit")
        event |= {"cwd": str(self.project), "prompt": f"/local-backend:{question}"}
        place = {"CLAUDE_PROJECT_DIR": str(self.project), "HOME": str(self.home), "PATH": str(self.bin)}
        known = {name: value for name, value in known.items() if not name.startswith("ANTHROPIC_")}
        ran = self.hook(event, {**known, **place, **environ})
        assert (ran.code, ran.stderr) == (0, "")
        return ran

    def told(self, question: str, **environ: str) -> str:
        said: Any = self.asks(question, **environ).said
        assert said["decision"] == "block"
        assert said["hookSpecificOutput"] == {"hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": True}
        return str(said["reason"])

    def write(self, name: str, text: str | dict[str, Any]) -> None:
        (self.home / name).write_text(text if isinstance(text, str) else json.dumps(text))

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)


@pytest.fixture
def session(hook: HookRunner, tmp_path: Path) -> Session:
    return Session(hook, tmp_path)


@looped(
    ("prompt", "question"),
    [
        ("/local-backend:status", "status"),
        ("  /local-backend:why \n", "why"),
        ("/local-backend:doctor", "doctor"),
        ("/local-backend:why is haiku asked?", None),
        ("/local-backend:", None),
        ("/local-backend:other", None),
        ("what is /local-backend:status?", None),
        ("/status", None),
        ("", None),
        (None, None),
        (["/local-backend:status"], None),
    ],
)
def test_a_question_is_the_whole_prompt(prompt: object, question: str | None) -> None:
    assert questions.asked(prompt) == question


def test_where_the_session_goes_is_said_first_and_what_is_sent_there(session: Session, healthy: MoodyServer) -> None:
    told = session.told("status", ANTHROPIC_BASE_URL=healthy.url, ANTHROPIC_MODEL="m", ANTHROPIC_AUTH_TOKEN="own")
    first, second, *more = told.splitlines()
    assert first == f"This session goes to {healthy.url} as m."
    assert second.startswith("✓ the server answers (")
    assert "sent with each request: your ANTHROPIC_AUTH_TOKEN (exported in the shell)" in more


def test_each_value_has_its_place_and_what_it_beats(session: Session) -> None:
    here = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "claude-local"}
    session.write("shop/.claude/settings.local.json", {"env": here})
    session.write(".claude/settings.json", {"env": {"ANTHROPIC_BASE_URL": "http://other:1", "ANTHROPIC_MODEL": "m"}})
    told = session.told("why", **here, ANTHROPIC_MODEL="m", CLAUDE_CODE_MAX_CONTEXT_TOKENS="65536").splitlines()
    local, user = ".claude/settings.local.json", "~/.claude/settings.json"
    assert f"endpoint  http://127.0.0.1:9   {local}, beats {user} (http://other:1)" in told
    assert f"token     a placeholder   {local}" in told
    assert f'key       ""   {local}' in told
    assert f"model     m   {user}" in told
    assert "window    65536   exported in the shell" in told


def test_the_cloud_is_called_the_cloud_and_a_provider_says_who_chose_it(session: Session) -> None:
    assert session.told("status").startswith("This session goes to https://api.anthropic.com: the cloud")
    told = session.told("why", CLAUDE_CODE_USE_BEDROCK="1")
    assert "This session goes to bedrock: the cloud" in told
    assert "provider  CLAUDE_CODE_USE_BEDROCK=1   exported in the shell" in told


def test_what_is_wrong_is_named_and_no_secret_is_shown(session: Session) -> None:
    session.write("shop/.claude/settings.local.json", {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}})
    session.write(".claude/settings.json", '{"model": "opus",}')
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": SECRET}
    for question in questions.QUESTIONS:
        told = session.told(question, **environ)
        assert "✗ local backend 127.0.0.1:9 refuses connections" in told
        assert "take ANTHROPIC_BASE_URL, and the token beside it, out of .claude/settings.local.json" in told
        assert SECRET not in told
        assert SECRET[:20] not in told
    told = session.told("doctor", **environ)
    assert "✗ ~/.claude/settings.json: not valid JSON: line 1, column 17: trailing comma; Claude Code ignores" in told
    assert any("ANTHROPIC_API_KEY" in line for line in told.splitlines() if line.startswith("✗"))
    assert "nothing that a hook can see" not in told


def test_nothing_goes_on_record_and_another_prompt_does(session: Session, hook: HookRunner) -> None:
    session.asks("status")
    assert list(queries.sessions(hook.state)) == []
    session.asks("why is that so?")
    (one,) = queries.sessions(hook.state)
    assert [event.event for event in queries.events(hook.state, one.session_id)] == ["UserPromptSubmit"]


def test_the_command_line_says_the_rest_in_the_shell_s_own_environment(session: Session) -> None:
    session.write(
        "shop/.claude/settings.local.json", {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "A": "file"}}
    )
    session.program("claude-local", 'echo "ran $* in $PWD"; echo "url=$ANTHROPIC_BASE_URL a=$A b=$B"; exit 1')
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "A": "file", "B": "shell"}
    for question, words in {"status": "status", "why": "explain-precedence", "doctor": "doctor"}.items():
        told = session.told(question, **environ)
        assert f"ran {words} in {session.project}\nurl= a= b=shell" in told
        assert "install" not in told
    assert "go on in the cloud, once: claude-local run --cloud -- claude" in told


@pytest.mark.parametrize("fails", ["exit 2", "exit 127", "sleep 30", "kill -9 $$"])
def test_a_command_line_that_fails_or_takes_too_long_leaves_the_hook_s_own_answer(session: Session, fails: str) -> None:
    session.program("claude-local", f"PATH=/usr/bin:/bin; {fails}")
    told = session.told("why")
    assert "endpoint  (not set)" in told
    assert told.splitlines()[-1] == "It could not be asked here; in a terminal: claude-local explain-precedence"


@looped(
    ("program", "words"),
    [("uv", ["uv", "tool", "install"]), ("pipx", ["pipx", "install"]), (None, None)],
)
def test_one_command_brings_the_command_line_with_what_is_there(
    session: Session, program: str | None, words: list[str] | None
) -> None:
    for each in session.bin.iterdir():
        each.unlink()
    if program is not None:
        session.program(program, "")
    line = session.told("status").splitlines()[-1].strip()
    if words is None:
        line, where = (each.strip() for each in session.told("status").splitlines()[-2:])
        assert where == "(its programs are in ~/.claude-local/bin, which belongs on your PATH)"
    if words is not None:
        assert shlex.split(line) == [*words, str(ROOT)]
    else:
        made, installed = line.split(" && ")
        assert made.endswith(" -m venv ~/.claude-local")
        assert installed == f"~/.claude-local/bin/pip install {ROOT}"


def test_a_window_that_is_only_assumed_is_told_and_what_to_set(session: Session, healthy: MoodyServer) -> None:
    own = {"ANTHROPIC_BASE_URL": healthy.url, "ANTHROPIC_MODEL": "qwen3-coder-next", questions.WINDOW: ""}
    assert "window    (not set: Claude Code assumes 1,000,000 tokens for a model" in session.told("why", **own)
    assert "✗ CLAUDE_CODE_MAX_CONTEXT_TOKENS is not set: Claude Code assumes 1,000,000" in session.told("doctor", **own)
    for known in (
        {**own, questions.WINDOW: "65536"},
        {**own, "ANTHROPIC_MODEL": "claude-sonnet-4-5"},
        {**own, "ANTHROPIC_MODEL": "opus[1m]"},
        {"ANTHROPIC_MODEL": "qwen3-coder-next", questions.WINDOW: ""},
    ):
        assert "assumes" not in session.told("why", **known) + session.told("doctor", **known)
    assert set(questions.ALIASES) == set(models.ALIASES)


def test_the_command_line_is_found_where_the_plugin_says_to_put_it_and_knows_that_the_plugin_asks(
    session: Session,
) -> None:
    programs = session.home / ".claude-local" / "bin"
    programs.mkdir(parents=True)
    (programs / "claude-local").write_text(f'#!/bin/sh\necho "ran $* for ${PLUGIN_ROOT}"\n')
    (programs / "claude-local").chmod(0o755)
    assert f"ran doctor for {ROOT}" in session.told("doctor")


def test_a_program_in_the_project_is_not_run(session: Session) -> None:
    session.program("claude-local", "echo from the project")
    (session.project / "claude-local").write_text("#!/bin/sh\necho from the project\n")
    (session.project / "claude-local").chmod(0o755)
    for path in (".", "", "bin"):
        assert "from the project" not in session.told("status", PATH=path)


@pytest.mark.parametrize("question", [*questions.QUESTIONS, "nonsense"])
def test_the_skills_get_the_same_answer_through_the_finder(session: Session, question: str) -> None:
    (session.bin / "python3").symlink_to(Path(sys.executable).resolve())
    ended = subprocess.run(
        ["/bin/sh", str(ROOT / "hooks" / "find_python.sh"), "--ask", question],
        cwd=session.project,
        env={"HOME": str(session.home), "PATH": str(session.bin), "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.startswith("This session goes to http://127.0.0.1:9.\n✗ local backend 127.0.0.1:9 refuses")
    assert ("endpoint" in ended.stdout) is (question == "why")
    assert ended.stderr == ""


def test_whoever_has_the_plugin_alone_is_told_nothing_of_commands_that_are_not_there(
    session: Session, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    session.write("shop/.claude/settings.local.json", {"env": {"ANTHROPIC_BASE_URL": url}})
    own = {
        "CLAUDE_PROJECT_DIR": str(session.project),
        "HOME": str(session.home),
        "PATH": str(session.bin),
        "ANTHROPIC_BASE_URL": url,
        PLUGIN_ROOT: str(ROOT),
    }
    for name, said in (("print-SessionStart-startup", "systemMessage"), ("attended-UserPromptSubmit", "reason")):
        event, known = recorded(name)
        known = {each: value for each, value in known.items() if not each.startswith("ANTHROPIC_")}
        alone = session.hook({**event, "cwd": str(session.project)}, {**known, **own}).said[said]
        assert "claude-local status" not in alone
        assert "claude-local run" not in alone
        assert f"Ask again: curl -i {url}/v1/models" in alone
        assert "Go elsewhere: take ANTHROPIC_BASE_URL, and the token beside it, out of .claude/settings.local" in alone
    session.program("claude-local", "")
    event, known = recorded("print-SessionStart-startup")
    told = session.hook({**event, "cwd": str(session.project)}, {**known, **own}).said["systemMessage"]
    assert "Check it: claude-local status" in told


def test_a_command_that_is_named_to_the_plugin_alone_comes_with_where_it_is_had(
    session: Session, healthy: MoodyServer
) -> None:
    session.write(".claude/settings.json", {"env": {"ANTHROPIC_API_KEY": SECRET}})
    event, known = recorded("print-SessionStart-startup")
    own = {
        **{name: value for name, value in known.items() if not name.startswith("ANTHROPIC_")},
        "CLAUDE_PROJECT_DIR": str(session.project),
        "HOME": str(session.home),
        "PATH": str(session.bin),
        "ANTHROPIC_BASE_URL": healthy.url,
        "ANTHROPIC_API_KEY": SECRET,
        PLUGIN_ROOT: str(ROOT),
    }
    said = session.hook({**event, "cwd": str(session.project)}, own).said["systemMessage"]
    assert said.count("claude-local enable --url") == 1
    assert said.endswith("(that program is not installed yet: /local-backend:status says how)")
    session.program("claude-local", "")
    assert "not installed" not in session.hook({**event, "cwd": str(session.project)}, own).said["systemMessage"]
