"""The hook inside the real Claude Code, which can reach nothing but this machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hook_process import SCRIPT

from claude_local_plugin import ledger
from claude_local_plugin.backends.embedded import EmbeddedBackend
from claude_local_plugin.guest import registration

pytestmark = pytest.mark.claude

#: What a hook prints as plain text reaches the model: the control for what must not.
PLAIN_TEXT = "plain text of another hook"


class Client:
    """Claude Code in a project whose local settings point to a server and have our three hooks."""

    def __init__(self, binary: Path, folder: Path, url: str) -> None:
        self.binary = binary
        self.state = folder / "state"
        self.project = folder / "project"
        self.home = folder / "home"
        self.home.mkdir()
        (self.project / ".claude").mkdir(parents=True)
        hook = {
            "type": "command",
            "command": sys.executable,
            "args": [*registration.INTERPRETER_FLAGS, str(SCRIPT), registration.STATE_OPTION, str(self.state)],
            "timeout": registration.TIMEOUT_S,
        }
        hooks: dict[str, Any] = {event: [{"hooks": [hook]}] for event in registration.EVENTS}
        hooks["SessionStart"].append({"hooks": [{"type": "command", "command": f"echo {PLAIN_TEXT}"}]})
        environ = {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_AUTH_TOKEN": "placeholder",
            "ANTHROPIC_API_KEY": "",
            "ANTHROPIC_MODEL": "qwen3-coder-next",
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        settings = self.project / ".claude" / "settings.local.json"
        settings.write_text(json.dumps({"env": environ, "hooks": hooks}))

    def ask(self, prompt: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The result of `claude -p prompt`, and all messages of its stream."""
        nowhere = "http://127.0.0.1:9"  # the way to everything but the loopback leads to a closed port
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1"}
        stream = ["--output-format", "stream-json", "--verbose", "--include-hook-events"]
        done = subprocess.run(
            [str(self.binary), "-p", prompt, *stream],
            cwd=self.project,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,  # the retries of an unguarded session on a dead server take 180 s
            check=True,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        (result,) = [message for message in messages if message["type"] == "result"]
        return result, messages


def hook_answers(messages: list[dict[str, Any]], event: str) -> list[str]:
    """What the hooks of this event printed."""
    return [
        message["stdout"]
        for message in messages
        if message.get("subtype") == "hook_response" and message["hook_event"] == event
    ]


def test_a_session_is_on_record_and_the_model_hears_nothing_of_it(claude_binary: Path, tmp_path: Path) -> None:
    with EmbeddedBackend() as backend:
        client = Client(claude_binary, tmp_path, backend.url)
        result, messages = client.ask("ping")
        asked = [json.dumps(request.body) for request in backend.messages]
        looks = [request for request in backend.requests if request.headers.get("user-agent") == "claude-local"]
    assert result["result"] == "pong"

    shown = [json.loads(answer) for answer in hook_answers(messages, "SessionStart") if answer.startswith("{")]
    assert len(shown) == 1
    assert shown[0]["systemMessage"].startswith(f"local backend: qwen3-coder-next on 127.0.0.1:{backend.port} (")
    assert any(PLAIN_TEXT in body for body in asked)
    assert not any("local backend:" in body for body in asked)

    assert [(look.method, look.route) for look in looks] == [("GET", "/v1/models")] * 2
    assert not any({"authorization", "x-api-key"} & set(look.headers) for look in looks)

    (session,) = ledger.sessions(client.state)
    assert session.session_id == result["session_id"]
    assert (session.source, session.end_reason, session.entrypoint) == ("startup", "other", "sdk-cli")
    assert session.ended_at is not None
    assert (session.cwd, session.project) == (str(client.project), str(client.project))
    assert (session.backend_kind, session.backend_url) == ("vllm", backend.url)
    assert (session.model, session.reachable, session.blocked) == ("qwen3-coder-next", True, 0)
    assert session.client_version == next(m["claude_code_version"] for m in messages if m.get("subtype") == "init")
    events = ledger.events(client.state, session.session_id)
    assert [event.event for event in events] == ["SessionStart", "UserPromptSubmit", "SessionEnd"]


def test_on_a_dead_server_the_prompt_is_blocked_at_once_and_the_log_says_so(
    claude_binary: Path, tmp_path: Path, closed_port: int
) -> None:
    client = Client(claude_binary, tmp_path, f"http://127.0.0.1:{closed_port}")
    result, messages = client.ask("ping")
    assert result["num_turns"] == 0
    assert f"local backend 127.0.0.1:{closed_port} refuses connections" in result["result"]
    assert "claude-local disable" in result["result"]
    assert any("refuses connections" in answer for answer in hook_answers(messages, "SessionStart"))
    (session,) = ledger.sessions(client.state)
    assert (session.session_id, session.reachable, session.blocked) == (result["session_id"], False, 1)
    assert [
        (event.event, event.outcome, event.blocked) for event in ledger.events(client.state, session.session_id)
    ] == [
        ("SessionStart", "refused", False),
        ("UserPromptSubmit", "refused", True),
        ("SessionEnd", None, False),
    ]


# --- the warning about leaks

#: The hook as a user would have it who set the endpoint up by hand: in the user's own settings.
def by_hand(folder: Path, home: Path, url: str) -> None:
    """User settings that name a server, its token and a model, with our hook at the session's start."""
    command = [*registration.INTERPRETER_FLAGS, str(SCRIPT), registration.STATE_OPTION, str(folder / "state")]
    handler = {"type": "command", "command": sys.executable, "args": command, "timeout": registration.TIMEOUT_S}
    content = {
        "env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "placeholder", "ANTHROPIC_MODEL": MODEL},
        "hooks": {"SessionStart": [{"hooks": [handler]}]},
    }
    (home / ".claude").mkdir(parents=True)
    (home / ".claude" / "settings.json").write_text(json.dumps(content))


def enabled(folder: Path, home: Path, project: Path, url: str, shell: dict[str, str]) -> None:
    """What `claude-local enable` makes of the project."""
    world = World(
        cwd=project,
        home=home,
        environ={"HOME": str(home), **shell},
        state_dir=folder / "state",
        python=sys.executable,
        managed_dir=folder / "managed",
    )
    enable.write(enable.prepare(enable.Request(url=url), world))
