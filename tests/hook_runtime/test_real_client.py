"""The hook inside the real Claude Code, which can reach nothing but this machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.core import registration
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import Scope
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.world import World
from tests.hook_runtime.hook_process import SCRIPT

pytestmark = pytest.mark.client

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
        hook = handler(self.state)
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

    def ask(self, prompt: str, **shell: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The result of `claude -p prompt` with these variables exported, and all messages of its stream."""
        return ask(self.binary, self.project, self.home, prompt, **shell)


def handler(state: Path) -> dict[str, Any]:
    """Our hook as it stands in a settings file."""
    return {
        "type": "command",
        "command": sys.executable,
        "args": [*registration.INTERPRETER_FLAGS, str(SCRIPT), registration.STATE_OPTION, str(state)],
        "timeout": registration.TIMEOUT_S,
    }


def ask(
    binary: Path, project: Path, home: Path, prompt: str, **shell: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result of `claude -p prompt` with these variables exported, and all messages of its stream."""
    nowhere = "http://127.0.0.1:9"  # the way to everything but the loopback leads to a closed port
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1", **shell}
    stream = ["--output-format", "stream-json", "--verbose", "--include-hook-events"]
    done = subprocess.run(
        [str(binary), "-p", prompt, *stream],
        cwd=project,
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

    assert [(look.method, look.route) for look in looks] == [("GET", "/v1/models")]  # the prompt came right after it
    assert not any({"authorization", "x-api-key"} & set(look.headers) for look in looks)

    (session,) = queries.sessions(client.state)
    assert session.session_id == result["session_id"]
    assert (session.source, session.end_reason, session.entrypoint) == ("startup", "other", "sdk-cli")
    assert session.ended_at is not None
    assert (session.cwd, session.project) == (str(client.project), str(client.project))
    assert (session.backend_kind, session.backend_url) == ("vllm", backend.url)
    assert (session.model, session.reachable, session.blocked) == ("qwen3-coder-next", True, 0)
    assert session.client_version == next(m["claude_code_version"] for m in messages if m.get("subtype") == "init")
    events = queries.events(client.state, session.session_id)
    assert [event.event for event in events] == ["SessionStart", "UserPromptSubmit", "SessionEnd"]


def test_where_it_is_to_block_a_dead_server_stops_the_prompt_at_once_and_the_log_says_so(
    claude_binary: Path, tmp_path: Path, closed_port: int
) -> None:
    client = Client(claude_binary, tmp_path, f"http://127.0.0.1:{closed_port}")
    config = tmp_path / "home" / ".config" / "claude-local" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('on_dead_backend = "block"\n')
    result, messages = client.ask("ping")
    assert result["num_turns"] == 0
    assert f"local backend 127.0.0.1:{closed_port} refuses connections" in result["result"]
    assert "claude-local disable" in result["result"]
    assert any("refuses connections" in answer for answer in hook_answers(messages, "SessionStart"))
    (session,) = queries.sessions(client.state)
    assert (session.session_id, session.reachable, session.blocked) == (result["session_id"], False, 1)
    assert [
        (event.event, event.outcome, event.blocked) for event in queries.events(client.state, session.session_id)
    ] == [
        ("SessionStart", "refused", False),
        ("UserPromptSubmit", "refused", True),
        ("SessionEnd", None, False),
    ]


# --- whose credentials go there: what arrives is what is told

LOGIN = {
    "accessToken": "dummy-oauth",
    "refreshToken": "dummy-refresh",
    "expiresAt": 4_102_444_800_000,
    "scopes": ["user:inference"],
    "subscriptionType": "max",
}


def sent(backend: EmbeddedBackend) -> set[str]:
    """The credentials that arrived with prompts."""
    named = [
        (request.headers.get("authorization", ""), request.headers.get("x-api-key", "")) for request in backend.messages
    ]
    return {value.removeprefix("Bearer ") for pair in named for value in pair if value}


def told(messages: list[dict[str, Any]]) -> str:
    """What our hook showed at the session's start."""
    (answer,) = hook_answers(messages, "SessionStart")
    return str(json.loads(answer)["systemMessage"])


@pytest.mark.parametrize(
    ("token", "credential", "warning"),
    [
        ("placeholder", "shell", "your ANTHROPIC_API_KEY (exported in the shell) is sent there too"),
        ("placeholder", "console", "your saved Console key (in .claude.json) is sent there too"),
        ("", "login", "your claude.ai login (in ~/.claude/.credentials.json) is sent there too"),
        ("", "oauth", "no key or token is set: any login of yours (CLAUDE_CODE_OAUTH_TOKEN"),
    ],
)
def test_a_credential_that_arrives_is_told(
    claude_binary: Path, tmp_path: Path, home: Path, project: Path, token: str, credential: str, warning: str
) -> None:
    config = home / ".claude"
    config.mkdir()
    if credential == "login":
        (config / ".credentials.json").write_text(
            json.dumps({"claudeAiOauth": {**LOGIN, "accessToken": "dummy-login"}})
        )
    if credential == "console":
        (home / ".claude.json").write_text(json.dumps({"primaryApiKey": "dummy-console"}))
    names = {"shell": "ANTHROPIC_API_KEY", "oauth": "CLAUDE_CODE_OAUTH_TOKEN"}
    shell = {names[credential]: f"dummy-{credential}"} if credential in names else {}
    with EmbeddedBackend() as backend:
        environ = {
            "ANTHROPIC_BASE_URL": backend.url,
            "ANTHROPIC_AUTH_TOKEN": token,
            "ANTHROPIC_MODEL": "qwen3-coder-next",
        }
        hooks = {"SessionStart": [{"hooks": [handler(tmp_path / "state")]}]}
        (config / "settings.json").write_text(json.dumps({"env": environ, "hooks": hooks}))
        result, messages = ask(claude_binary, project, home, "ping", **shell)
        arrived = sent(backend)
    assert result["result"] == "pong"
    assert arrived == {f"dummy-{credential}", *([token] if token else [])}
    assert f"   ! {warning}" in told(messages)
    assert told(messages).endswith(f". Stop it: claude-local enable --url {backend.url}")
    assert "dummy-" not in told(messages)


def test_after_enable_nothing_arrives_and_nothing_is_told(
    claude_binary: Path, tmp_path: Path, home: Path, project: Path
) -> None:
    shell = {
        "ANTHROPIC_API_KEY": "dummy-shell",
        "ANTHROPIC_CUSTOM_HEADERS": "Cookie: dummy-cookie",
        "CLAUDE_CODE_OAUTH_TOKEN": "dummy-oauth",
    }
    (home / ".claude").mkdir()
    (home / ".claude" / ".credentials.json").write_text(json.dumps({"claudeAiOauth": LOGIN}))
    (home / ".claude.json").write_text(json.dumps({"primaryApiKey": "dummy-console"}))
    (home / ".claude" / "settings.json").write_text(json.dumps({"apiKeyHelper": "echo dummy-helper"}))
    with EmbeddedBackend() as backend:
        world = World(
            cwd=project,
            home=home,
            environ={"HOME": str(home), **shell},
            state_dir=tmp_path / "state",
            python=sys.executable,
            managed_dir=tmp_path / "managed",
        )
        # in the user's settings: what a project's come too late for, the client's first look at Anthropic, is not ours
        enable.write(enable.prepare(enable.Request(url=backend.url, scope=Scope.USER), world))
        result, messages = ask(claude_binary, project, home, "ping", **shell)
        arrived, requests = sent(backend), [json.dumps(dict(request.headers)) for request in backend.requests]
    assert result["result"] == "pong"
    assert arrived == {"claude-local"}
    assert not any("dummy-" in headers for headers in requests)
    assert told(messages).startswith(f"local backend: qwen3-coder-next on 127.0.0.1:{backend.port} (")
    assert told(messages).endswith(" ms)")
