"""What the hook does at each event, and what config.toml changes about it."""

import json
import os
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import faults, probe_cache, protection
from claude_local_plugin.core.probe import Probe
from claude_local_plugin.core.registration import EVENTS, SCRIPT
from claude_local_plugin.hook_runtime import background
from claude_local_plugin.sessionlog import queries
from tests.hook_runtime.hook_process import HookRunner, Ran, recorded
from tests.hook_runtime.moody_server import MoodyServer, http_answer

pytestmark = pytest.mark.process

START, PROMPT, STOP = "print-SessionStart-startup", "attended-UserPromptSubmit", "print-Stop"


class Machine:
    """A machine with a config.toml, and hooks that run on it one after the other."""

    def __init__(self, hook: HookRunner, folder: Path) -> None:
        self.config = folder / "config"
        self.hook = HookRunner(hook.state, self.config)
        self.project = folder / "project"
        self.prompts = 0
        self.project.mkdir()

    def configure(self, text: str) -> None:
        self.config.mkdir(exist_ok=True)
        (self.config / "config.toml").write_text(text)

    def run(self, name: str, url: str = "", event: dict[str, Any] | None = None, **environ: str | None) -> Ran:
        """One recorded event in the project, changed by `event`."""
        payload, known = recorded(name)
        self.prompts += 1
        payload |= {"cwd": str(self.project), "prompt_id": f"p{self.prompts}"} | (event or {})
        changed = {
            **known,
            "ANTHROPIC_BASE_URL": url,
            "CLAUDE_PROJECT_DIR": str(self.project),
            "HOME": str(self.project.parent),
            **environ,
        }
        ran = self.hook(payload, {key: value for key, value in changed.items() if value is not None})
        assert (ran.code, ran.stderr) == (0, "")
        return ran

    @property
    def events(self) -> list[queries.Event]:
        (session,) = queries.sessions(self.hook.state)
        return list(queries.events(self.hook.state, session.session_id))

    @property
    def faults(self) -> str:
        path = self.hook.state / faults.FAULTS
        return path.read_text() if path.exists() else ""


@pytest.fixture
def machine(hook: HookRunner, tmp_path: Path) -> Machine:
    return Machine(hook, tmp_path)


def wait_for(found: Callable[[], bool]) -> None:
    """Until what another process is about to do is done."""
    for _ in range(600):
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it was not done within 30 s")


# --- looking at the server


def test_a_server_that_answered_a_moment_ago_is_not_asked_again(machine: Machine, healthy: MoodyServer) -> None:
    machine.run(START, healthy.url)
    assert machine.run(PROMPT, healthy.url).stdout == ""
    assert len(healthy.requests) == 1
    assert [event.outcome for event in machine.events] == ["ok", None]
    (session,) = queries.sessions(machine.hook.state)
    assert session.reachable is True


def test_a_server_is_asked_again_when_its_last_answer_is_too_old(machine: Machine, healthy: MoodyServer) -> None:
    machine.configure("recheck_after_s = 0")
    machine.run(START, healthy.url)
    machine.run(PROMPT, healthy.url)
    assert len(healthy.requests) == 2


def test_a_bad_look_is_not_relied_upon(machine: Machine, healthy: MoodyServer) -> None:
    probe_cache.remember(str(machine.hook.state), healthy.url, Probe("refused", "connection refused"))
    assert machine.run(PROMPT, healthy.url).stdout == ""
    assert len(healthy.requests) == 1


def test_another_server_is_looked_at_for_itself(machine: Machine, healthy: MoodyServer, closed_port: int) -> None:
    machine.run(START, healthy.url)
    assert machine.run(PROMPT, f"http://127.0.0.1:{closed_port}").said["decision"] == "block"


def test_on_a_dead_server_a_person_who_wants_that_is_only_warned(machine: Machine, closed_port: int) -> None:
    machine.configure('on_dead_backend = "warn"')
    said = machine.run(PROMPT, f"http://127.0.0.1:{closed_port}").said
    assert said.keys() == {"systemMessage"}
    assert "refuses connections" in said["systemMessage"]
    assert [event.blocked for event in machine.events] == [False]


@pytest.mark.parametrize(("deadline", "outcome"), [(0.1, "timeout"), (2.5, "ok")])
def test_a_slow_server_is_waited_for_as_long_as_is_wanted(
    machine: Machine, serve: Callable[..., MoodyServer], deadline: float, outcome: str
) -> None:
    def slow(connection: socket.socket) -> None:
        time.sleep(1.2)  # longer than the usual deadline
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    machine.configure(f"probe_deadline_s = {deadline}")
    machine.run(START, serve(slow).url)
    assert [event.outcome for event in machine.events] == [outcome]


# --- events without a look


@pytest.mark.parametrize(
    "name",
    ["interactive-Stop", "print-Stop", "print-SubagentStop", "print-StopFailure-model_not_found",
     "interactive-ConfigChange-local_settings", "interactive-PostModelSwitch-command", "print-SessionEnd-other"],
)  # fmt: skip
def test_only_a_start_and_a_prompt_look_at_the_server(machine: Machine, healthy: MoodyServer, name: str) -> None:
    assert machine.run(name, healthy.url).stdout == ""
    assert healthy.requests == []
    assert len(queries.sessions(machine.hook.state)) == 1
    assert machine.faults == ""


def test_a_failed_turn_is_told_with_its_error(machine: Machine) -> None:
    machine.run("print-StopFailure-model_not_found", "http://127.0.0.1:9")
    (event,) = machine.events
    assert (event.event, event.cause) == ("StopFailure", "model_not_found")


def test_a_switch_of_the_model_is_told_with_the_new_one(machine: Machine) -> None:
    machine.run("interactive-PostModelSwitch-command", "http://127.0.0.1:9")
    (session,) = queries.sessions(machine.hook.state)
    assert session.model == "local-sonnet"


def test_neither_prompt_nor_answer_is_kept(machine: Machine, healthy: MoodyServer) -> None:
    marked = {"prompt": "PROMPT-MARK", "last_assistant_message": "ANSWER-MARK", "error_details": "DETAIL-MARK"}
    for name in (START, PROMPT, STOP, "print-StopFailure-model_not_found", "print-SessionEnd-other"):
        machine.run(name, healthy.url, marked)
    for path in machine.hook.state.rglob("*"):
        assert path.is_dir() or b"-MARK" not in path.read_bytes(), path


# --- protected projects


def local_settings(machine: Machine, *, hooked: bool = True, **env: str) -> None:
    """The project's local settings, with our hooks in them unless somebody took them out."""
    ours = {"hooks": [{"type": "command", "command": "python3", "args": ["-I", f"/x/{SCRIPT}"]}]}
    settings = {"env": env, "hooks": {event: [ours] for event in EVENTS if hooked}}
    (machine.project / ".claude").mkdir(exist_ok=True)
    (machine.project / ".claude" / "settings.local.json").write_text(json.dumps(settings))


def change(machine: Machine, url: str) -> Ran:
    path = str(machine.project / ".claude" / "settings.local.json")
    return machine.run("interactive-ConfigChange-local_settings", url, {"file_path": path})


def test_a_protected_session_does_not_move_to_another_backend(machine: Machine) -> None:
    machine.configure(f'[projects."{machine.project}"]\nprotect = true')
    local_settings(machine, ANTHROPIC_BASE_URL="http://client-b:8000")
    said = change(machine, "http://client-a:8000").said
    assert said["decision"] == "block"
    assert "stays on http://client-a:8000, away from http://client-b:8000" in said["reason"]
    (event,) = machine.events
    assert (event.blocked, event.detail) == (True, "would have moved to http://client-b:8000")


@pytest.mark.parametrize(
    ("config", "env"),
    [
        ("", {"ANTHROPIC_BASE_URL": "http://client-b:8000"}),
        ("protect = true", {"ANTHROPIC_BASE_URL": "http://client-a:8000/"}),
        ("protect = true", {"ANTHROPIC_MODEL": "other"}),
        ('protect = true\nallowed_backends = ["http://client-b:8000"]', {"ANTHROPIC_BASE_URL": "http://client-b:8000"}),
    ],
    ids=["not protected", "same server", "not its business", "allowed"],
)
def test_other_changes_are_let_through(machine: Machine, config: str, env: dict[str, str]) -> None:
    machine.configure(config)
    local_settings(machine, **env)
    assert change(machine, "http://client-a:8000").stdout == ""
    assert [event.blocked for event in machine.events] == [False]


def test_a_provider_is_another_backend_and_a_weaker_file_decides_nothing(machine: Machine) -> None:
    environ = {"HOME": str(machine.project.parent), "ANTHROPIC_BASE_URL": "http://a:1"}
    user = machine.project.parent / ".claude"
    user.mkdir()
    (user / "settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": "http://b:2"}}))
    local_settings(machine, ANTHROPIC_BASE_URL="http://a:1")
    nobody = str(machine.project / "managed")
    assert protection.after_change(environ, str(machine.project), nobody).url == "http://a:1"
    local_settings(machine, CLAUDE_CODE_USE_BEDROCK="1")
    assert protection.after_change(environ, str(machine.project), nobody).kind == "bedrock"
    local_settings(machine)
    assert protection.after_change(environ, str(machine.project), nobody).url == "http://b:2"


def test_a_prompt_in_a_protected_project_goes_to_no_other_backend_than_its_own(machine: Machine) -> None:
    machine.configure(f'[projects."{machine.project}"]\nprotect = true\nallowed_backends = ["http://127.0.0.1:9"]')
    assert "is protected" in machine.run(START, "").said["systemMessage"]
    said = machine.run(PROMPT, "").said
    assert said["decision"] == "block"
    assert "may use http://127.0.0.1:9, and this session is on https://api.anthropic.com" in said["reason"]
    assert [event.blocked for event in machine.events] == [False, True]


def test_cloud_on_the_list_means_all_of_it(machine: Machine) -> None:
    machine.configure('protect = true\nallowed_backends = ["cloud"]')
    assert machine.run(PROMPT, "").stdout == ""
    assert machine.run(PROMPT, "", {"session_id": "another"}, CLAUDE_CODE_USE_BEDROCK="1").stdout == ""


def test_a_session_that_walks_into_a_protected_folder_is_told_and_then_blocked(machine: Machine) -> None:
    client = machine.project.parent / "client"
    client.mkdir()
    machine.configure(f'[projects."{client}"]\nprotect = true\nallowed_backends = ["http://127.0.0.1:9"]')
    walked = {"hook_event_name": "CwdChanged", "old_cwd": str(machine.project), "new_cwd": str(client)}
    assert machine.run(PROMPT, "").stdout == ""
    assert f"{client} is protected" in machine.run(STOP, "", {**walked, "cwd": str(client)}).said["systemMessage"]
    assert machine.run(PROMPT, "", {"cwd": str(client)}).said["decision"] == "block"
    assert [(event.event, event.cause) for event in machine.events][1] == ("CwdChanged", str(client))


# --- what is logged of folders


def test_folders_can_be_hashed_or_left_out(machine: Machine, healthy: MoodyServer) -> None:
    machine.configure('[log]\ncwd = "off"\nproject = "hash"')
    for name in (START, PROMPT, STOP, "print-SessionEnd-other"):
        machine.run(name, healthy.url)
    (session,) = queries.sessions(machine.hook.state)
    assert session.cwd is None
    assert str(session.project).startswith("sha256:")
    mark = machine.project.parent.name.encode()
    for path in machine.hook.state.glob("sessions.db*"):
        assert mark not in path.read_bytes(), path


# --- errands


def test_a_dead_server_is_brought_back_by_the_command_once_a_minute(machine: Machine, closed_port: int) -> None:
    ran = machine.project / "ran"
    script = f'import os; open({str(ran)!r}, "a").write(os.environ["CLAUDE_LOCAL_BACKEND_URL"] + "\\n")'
    machine.configure(f"down_command = [{json.dumps(sys.executable)}, '-c', {json.dumps(script)}]")
    url = f"http://127.0.0.1:{closed_port}"
    machine.run(START, url)
    wait_for(lambda: ran.exists() and ran.read_text().endswith("\n"))
    machine.run(PROMPT, url)
    assert ran.read_text() == f"{url}\n"
    (mark,) = (machine.hook.state / background.FOLDER).iterdir()
    assert stat.S_IMODE(mark.stat().st_mode) == 0o600


def test_a_command_that_is_not_there_is_a_fault_and_no_more(machine: Machine, closed_port: int) -> None:
    machine.configure('down_command = "/nowhere/at/all"')
    assert machine.run(PROMPT, f"http://127.0.0.1:{closed_port}").said["decision"] == "block"
    assert "No such file" in machine.faults


def test_a_server_is_warmed_up_by_one_small_request_with_the_sessions_own_token(
    machine: Machine, healthy: MoodyServer
) -> None:
    machine.configure("warm_up = true")
    environ = {"ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_API_KEY": "", "ANTHROPIC_MODEL": "qwen3"}
    local_settings(machine, **environ, ANTHROPIC_BASE_URL=healthy.url)
    machine.run(START, healthy.url, **environ)
    wait_for(lambda: len(healthy.requests) == 2)
    machine.run(START, healthy.url, {"source": "resume"}, **environ)
    wait_for(lambda: len(healthy.requests) == 3)  # a look, and no second warm-up
    first, warm_up, second = (request.decode() for request in healthy.requests)
    assert first.startswith("GET /v1/models ")
    assert second.startswith("GET /v1/models ")
    assert warm_up.startswith("POST /v1/messages ")
    assert "Authorization: Bearer claude-local" in warm_up


def test_a_server_that_would_be_sent_somebody_elses_credential_is_not_warmed_up(
    machine: Machine, healthy: MoodyServer
) -> None:
    machine.configure("warm_up = true")
    local_settings(machine, ANTHROPIC_BASE_URL=healthy.url)
    ran = machine.run(START, healthy.url, ANTHROPIC_AUTH_TOKEN="dummy-somebody-elses")
    assert "is sent there too" in ran.said["systemMessage"]
    assert not (machine.hook.state / background.FOLDER).exists()


def test_an_errand_is_due_again_after_its_pause(tmp_path: Path) -> None:
    assert background._due(str(tmp_path), "down_command", "http://a")
    assert not background._due(str(tmp_path), "down_command", "http://a")
    assert background._due(str(tmp_path), "down_command", "http://b")
    for mark in (tmp_path / background.FOLDER).iterdir():
        os.utime(mark, (0, 0))
    assert background._due(str(tmp_path), "down_command", "http://a")


def test_an_errand_whose_mark_is_of_the_future_is_due(tmp_path: Path) -> None:
    """The clock was set back: nobody waits for days until it has caught up."""
    assert background._due(str(tmp_path), "down_command", "http://a")
    (mark,) = (tmp_path / background.FOLDER).iterdir()
    tomorrow = time.time() + 86_400
    os.utime(mark, (tomorrow, tomorrow))
    assert background._due(str(tmp_path), "down_command", "http://a")
    assert not background._due(str(tmp_path), "down_command", "http://a")


def test_the_answer_to_a_warm_up_may_be_a_refusal(serve: Callable[..., MoodyServer]) -> None:
    server = serve(http_answer(status="404 Not Found"))
    assert background.warm_up({"ANTHROPIC_BASE_URL": server.url}) == 404
    with pytest.raises(OSError, match="no server of one's own"):
        background.warm_up({})
