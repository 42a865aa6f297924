"""What the log says about sessions of the real Claude Code: spans, tokens, switches, and how they ended."""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, Reply, ToolUse
from tests.client.conftest import Person
from tests.client.terminal import ENTER, Terminal

pytestmark = pytest.mark.client

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def totals(result: Mapping[str, Any]) -> tuple[int, ...]:
    """Input, output, cache read and cache write tokens of a session, as the client itself adds them up."""
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    return tuple(sum(model[name] for model in result["modelUsage"].values()) for name in names)


def tokens(record: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(record[name] for name in TOKENS)


def trust(person: Person) -> None:
    """What the folder's dialog would write down."""
    state = {"hasCompletedOnboarding": True, "projects": {str(person.project): {"hasTrustDialogAccepted": True}}}
    (person.home / ".claude.json").write_text(json.dumps(state))


def say(terminal: Terminal, text: str, answer: str) -> None:
    """Types a line and waits for what it leads to."""
    terminal.forget()
    terminal.type(text)
    terminal.settle()
    terminal.type(ENTER)
    terminal.wait_for(answer)
    terminal.settle()


def leave(terminal: Terminal) -> None:
    terminal.type("/exit")
    terminal.settle()
    terminal.type(ENTER)
    assert terminal.wait_for_exit() == 0


def spans(person: Person) -> list[dict[str, Any]]:
    (record,) = person.json("sessions", "list")["sessions"]
    assert tokens(record) == tuple(sum(span[name] for span in record["spans"]) for name in TOKENS)
    found: list[dict[str, Any]] = record["spans"]
    return found


def test_tokens_are_those_the_client_counts_tools_and_subagents_included(
    person: Person, server: EmbeddedBackend
) -> None:
    def reply(body: Mapping[str, Any]) -> Reply:
        said = json.dumps(body["messages"])
        if "look at the moon" in said and "ask somebody" not in said:
            return "the moon is there"
        if "tool_result" not in said:
            agent = {"description": "a look", "prompt": "look at the moon", "subagent_type": "general-purpose"}
            return ("first I ask", ToolUse("Agent", agent, then="all done"))
        return "all done"

    server.reply = reply
    person.ours("enable", "--url", server.url, "--yes")
    server.clear()
    ended = person.session("ask somebody", "--output-format", "json", "--allowedTools", "Agent")
    result = json.loads(ended.stdout)
    assert result["result"] == "all done"
    (record,) = person.json("sessions", "list")["sessions"]
    assert tokens(record) == totals(result)
    (span,) = record["spans"]
    assert span["messages"] == len(server.messages) >= 3
    assert record["errors"] == 0


def test_a_resumed_session_goes_on_and_a_forked_one_begins_at_nothing(person: Person, server: EmbeddedBackend) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    first = json.loads(person.session("ping", "--output-format", "json").stdout)
    again = json.loads(person.session("more", "--resume", first["session_id"], "--output-format", "json").stdout)
    fork = ("--resume", first["session_id"], "--fork-session", "--output-format", "json")
    forked = json.loads(person.session("other", *fork).stdout)
    records = {record["session_id"]: record for record in person.json("sessions", "list")["sessions"]}
    assert again["session_id"] == first["session_id"] != forked["session_id"]
    assert set(records) == {first["session_id"], forked["session_id"]}
    # what the client adds up goes on over resumptions and forks; what we count of a fork is its own
    assert tokens(records[first["session_id"]]) == totals(again)
    own = tuple(after - before for after, before in zip(totals(forked), totals(again), strict=True))
    assert tokens(records[forked["session_id"]]) == own


def test_an_error_of_the_server_is_counted(person: Person, server: EmbeddedBackend) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    server.answer(404, path="/v1/messages")
    assert person.session().returncode == 1
    (record,) = person.json("sessions", "list", "--state", "failed")["sessions"]
    assert (record["errors"], record["state"], tokens(record)) == (1, "ended", (0, 0, 0, 0))


def test_tokens_fall_to_the_backend_they_were_spent_on(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    with EmbeddedBackend(models=(Model("glm"), Model("qwen3-coder-next"))) as other:
        other.reply = "elsewhere " * 40
        person.ours("enable", "--url", server.url, "--yes")
        with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
            terminal.wait_for("forshortcuts")
            terminal.settle()
            say(terminal, "ping", "pong")
            settings = person.local_settings.read_text()
            person.local_settings.write_text(settings.replace(server.url, other.url))
            terminal.settle(2.0)
            say(terminal, "and there?", "heldonce")
            say(terminal, "and there?", "elsewhere")
            say(terminal, "/model glm", "glm")
            say(terminal, "and now?", "elsewhere")
            leave(terminal)
    first, second, third = spans(person)
    assert [span["backend"]["url"] for span in (first, second, third)] == [server.url, other.url, other.url]
    assert [span["model"] for span in (first, second, third)] == ["qwen3-coder-next", "qwen3-coder-next", "glm"]
    assert [span["cause"] for span in (first, second, third)] == ["start", "backend", "model"]
    assert [span["messages"] for span in (first, second, third)] == [1, 1, 1]
    assert first["output_tokens"] < second["output_tokens"] == third["output_tokens"]
    assert first["started_at"] < first["ended_at"] <= second["started_at"] < third["started_at"]


def test_a_protected_session_stays_where_it_is(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    person.shell["CLAUDE_LOCAL_CONFIG_DIR"] = str(person.home / "config")
    person.ours("config", "set", "protect", "true", "--project", str(person.project))
    with EmbeddedBackend() as other:
        other.reply = "elsewhere"
        person.ours("enable", "--url", server.url, "--yes")
        with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
            terminal.wait_for("forshortcuts")
            terminal.settle()
            settings = person.local_settings.read_text()
            person.local_settings.write_text(settings.replace(server.url, other.url))
            terminal.settle(2.0)
            say(terminal, "ping", "pong|elsewhere")
            leave(terminal)
        assert other.messages == []
    assert len(server.messages) == 1
    (record,) = person.json("sessions", "list")["sessions"]
    events = person.json("sessions", "show", record["session_id"])["events"]
    (change,) = [event for event in events if event["event"] == "ConfigChange"]
    assert (change["blocked"], change["detail"]) == (True, f"would have moved to {other.url}")


def test_a_session_that_was_killed_is_closed_with_its_tokens_on_the_next_look(
    person: Person, server: EmbeddedBackend
) -> None:
    trust(person)
    person.ours("enable", "--url", server.url, "--yes")
    with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
        terminal.wait_for("forshortcuts")
        terminal.settle()
        say(terminal, "ping", "pong")
        (record,) = person.json("sessions", "list", "--state", "running")["sessions"]
        assert record["ended_at"] is None
        os.kill(terminal._pid, signal.SIGKILL)
        os.waitpid(terminal._pid, 0)
        terminal.exit_code = -signal.SIGKILL
    (record,) = person.json("sessions", "list")["sessions"]
    assert (record["end_reason"], record["state"]) == ("killed", "killed")
    assert record["ended_at"] is not None
    assert tokens(record)[1] > 0


def test_a_session_is_followed_through_clear_and_compact(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    person.ours("enable", "--url", server.url, "--yes")
    with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
        terminal.wait_for("forshortcuts")
        terminal.settle()
        say(terminal, "ping", "pong")
        say(terminal, "/compact", "ompacted")
        say(terminal, "ping", "pong")
        say(terminal, "/clear", "forshortcuts|cleared|❯")
        say(terminal, "ping", "pong")
        leave(terminal)
    newest, oldest = person.json("sessions", "list")["sessions"]
    assert (oldest["end_reason"], newest["end_reason"]) == ("clear", "prompt_input_exit")
    assert [span["messages"] for span in newest["spans"]] == [1]
    assert [span["messages"] for span in oldest["spans"]] == [2]
    causes = [event["cause"] for event in person.json("sessions", "show", oldest["session_id"])["events"]]
    assert "compact" in causes
