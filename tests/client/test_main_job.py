"""The main job on the real Claude Code: a session goes to the server and only there, is on record, and back again."""

import json

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, ToolUse
from tests.client.conftest import Person
from tests.client.terminal import DOWN, ENTER, Terminal

pytestmark = pytest.mark.client


def test_a_session_reaches_the_server_with_the_placeholder_and_the_chosen_model_only(
    person: Person, server: EmbeddedBackend
) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    server.clear()
    ended = person.session()
    assert (ended.returncode, ended.stdout.strip()) == (0, "pong"), ended.stderr
    # the client's one-line marker for a model that is not Anthropic's stays; its guess about the window is gone
    assert "assumes a context window" not in ended.stderr
    assert server.messages
    for request in server.messages:
        assert request.headers["authorization"] == "Bearer claude-local"
        assert "x-api-key" not in request.headers
        assert request.body["model"] == "qwen3-coder-next"
        assert request.body["max_tokens"] == 16_384


def test_no_credential_of_the_user_reaches_the_server(person: Person, server: EmbeddedBackend) -> None:
    person.shell |= {
        "ANTHROPIC_API_KEY": "sk-ant-marked-shell",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Marked: marked-header",
        "CLAUDE_CODE_OAUTH_TOKEN": "marked-oauth",
        # makes the start quick: else a credential in the shell is first tried on Anthropic's own servers
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    }
    settings = person.home / ".claude"
    settings.mkdir()
    (settings / "settings.json").write_text('{"apiKeyHelper": "echo marked-helper"}')
    login = {"claudeAiOauth": {"accessToken": "marked-login", "refreshToken": "r", "expiresAt": 9_999_999_999_999}}
    (settings / ".credentials.json").write_text(json.dumps(login))
    person.ours("enable", "--url", server.url, "--yes")
    ended = person.session()
    assert ended.stdout.strip() == "pong", ended.stderr
    assert server.messages
    for request in server.requests:
        assert "marked" not in str(request.headers)


def test_the_session_is_on_record_with_its_id_backend_and_end(person: Person, server: EmbeddedBackend) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    ended = person.session("ping", "--output-format", "json")
    session_id = json.loads(ended.stdout)["session_id"]
    (record,) = person.json("sessions", "list")["sessions"]
    assert record["session_id"] == session_id
    assert record["backend"] == {"kind": "vllm", "url": server.url}
    assert record["model"] == "qwen3-coder-next"
    assert record["reachable"] is True
    assert record["cwd"] == str(person.project)
    assert record["end_reason"] == "other"
    assert record["ended_at"] > record["started_at"]
    assert record["client_version"]


def test_with_the_server_down_a_prompt_ends_soon_with_a_failure_and_the_log_says_so(
    person: Person, server: EmbeddedBackend
) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    server.stop()
    ended = person.session("ping", "--output-format", "json")
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["is_error"]) == (1, True)
    (record,) = person.json("sessions", "list")["sessions"]
    assert record["session_id"] == answer["session_id"]
    assert record["reachable"] is False
    shown = person.json("sessions", "show", record["session_id"])
    assert any(event["event"] == "UserPromptSubmit" and event["outcome"] == "refused" for event in shown["events"])


def test_after_disable_the_next_session_goes_where_it_went_before(person: Person, server: EmbeddedBackend) -> None:
    with EmbeddedBackend(reply="from the former server") as former:
        settings = person.home / ".claude" / "settings.json"
        settings.parent.mkdir()
        block = {
            "ANTHROPIC_BASE_URL": former.url,
            "ANTHROPIC_AUTH_TOKEN": "former",
            "ANTHROPIC_MODEL": "qwen3-coder-next",
        }
        settings.write_text(json.dumps({"env": block}))
        before = settings.read_bytes()
        person.ours("enable", "--url", server.url, "--yes")
        assert person.session().stdout.strip() == "pong"
        assert not former.messages
        person.ours("disable")
        assert not person.local_settings.parent.exists()
        assert person.session().stdout.strip() == "from the former server"
        assert former.messages[-1].headers["authorization"] == "Bearer former"
        assert settings.read_bytes() == before


def test_an_interactive_session_asks_for_trust_only_and_runs_a_tool_without_auto_mode(
    person: Person, server: EmbeddedBackend
) -> None:
    (person.home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    person.shell["ANTHROPIC_API_KEY"] = "sk-ant-marked"
    person.shell["ANTHROPIC_BASE_URL"] = server.url
    server.reply = ToolUse("Bash", {"command": "echo ran > made.txt", "description": "make a file"}, then="finished")
    person.ours("enable", "--url", server.url, "--yes")
    with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
        terminal.wait_for("Itrustthisfolder")
        terminal.settle()
        terminal.type(DOWN)
        terminal.wait_for("❯Yes")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("forshortcuts")
        terminal.settle()
        assert "APIkey?" not in terminal.text
        assert "manualmode" in terminal.text
        assert "localbackend:qwen3-coder-next" in terminal.text
        terminal.type("please make the file")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("Doyouwanttoproceed")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("finished")
        terminal.settle()
        terminal.type("/exit")
        terminal.settle()
        terminal.type(ENTER)
        assert terminal.wait_for_exit() == 0
    assert (person.project / "made.txt").read_text() == "ran\n"
    assert all("marked" not in str(request.headers) for request in server.requests)
    (record,) = person.json("sessions", "list")["sessions"]
    assert record["end_reason"] == "prompt_input_exit"
