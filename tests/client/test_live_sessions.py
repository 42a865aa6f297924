"""Sessions that are open while settings change: where their prompts go, what is held, and how they are on record."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.conftest import Person
from tests.client.terminal import Terminal
from tests.client.test_session_log import leave, say, trust

pytestmark = pytest.mark.client

#: Claude Code notices a changed file within a second or so.
NOTICED_S = 3.0


class Conversation:
    """A session of several prompts, as an editor holds one: JSON lines in and out."""

    def __init__(self, person: Person, *arguments: str) -> None:
        stream = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
        self._process = subprocess.Popen(
            [str(person.claude), "-p", *stream, *arguments],
            cwd=person.project,
            env=person.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.session_id = ""

    def say(self, text: str) -> str:
        """A prompt; what is answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        message = {"type": "user", "message": {"role": "user", "content": text}}
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            said = json.loads(line) if line.startswith("{") else {}
            self.session_id = said.get("session_id", self.session_id)
            if said.get("type") == "result":
                return str(said.get("result"))
        raise AssertionError("the session ended without an answer")

    def kill(self) -> None:
        """As a power cut, or `kill -9`."""
        self._process.kill()
        self._process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        finally:
            self._process.kill()
            self._process.stdout.close()


@contextmanager
def elsewhere(person: Person) -> Iterator[EmbeddedBackend]:
    """Where sessions go that no project's settings send anywhere: a server in place of the cloud, in user settings."""
    with EmbeddedBackend(models=(Model("qwen3-coder-next"), Model("their-model"))) as other:
        other.reply = "elsewhere"
        user = person.home / ".claude" / "settings.json"
        user.parent.mkdir(exist_ok=True)
        user.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": other.url, "ANTHROPIC_AUTH_TOKEN": "dummy-token"}}))
        yield other


def recorded(person: Person) -> dict[str, Any]:
    (session,) = person.json("sessions", "list")["sessions"]
    found: dict[str, Any] = session
    return found


def urls(session: dict[str, Any]) -> list[tuple[str | None, int]]:
    return [(span["backend"]["url"], span["messages"]) for span in session["spans"]]


def test_a_session_that_another_enable_moves_holds_one_prompt(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    with EmbeddedBackend(models=(Model("qwen3-coder-next"),)) as other:
        other.reply = "elsewhere"
        person.ours("enable", "--url", server.url, "--yes")
        with Conversation(person) as session:
            assert session.say("one") == "pong"
            person.local_settings.write_text(person.local_settings.read_text().replace(server.url, other.url))
            time.sleep(NOTICED_S)
            held = session.say("two")
            assert f"held once: this conversation has been on {server.url}" in held
            assert not other.messages
            assert session.say("two") == "elsewhere"
    found = recorded(person)
    assert (found["state"], found["blocked"]) == ("ended", 1)
    assert urls(found) == [(server.url, 1), (other.url, 1)]


def test_a_session_whose_settings_somebody_takes_out_stays(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    with elsewhere(person) as other:
        person.ours("enable", "--url", server.url, "--yes")
        with Conversation(person) as session:
            assert session.say("one") == "pong"
            person.local_settings.unlink()
            time.sleep(NOTICED_S)
            assert session.say("two") == "pong"
            assert session.say("three") == "pong"
        assert not other.messages
    found = recorded(person)
    assert (found["state"], urls(found)) == ("ended", [(server.url, 3)])


def test_a_person_at_a_terminal_is_told_why_a_prompt_is_held(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    with EmbeddedBackend(models=(Model("qwen3-coder-next"),)) as other:
        other.reply = "elsewhere"
        person.ours("enable", "--url", server.url, "--yes")
        with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
            terminal.wait_for("forshortcuts|forautomode|automodeon")
            terminal.settle()
            say(terminal, "ping", "pong")
            person.local_settings.write_text(person.local_settings.read_text().replace(server.url, other.url))
            terminal.settle(NOTICED_S)
            say(terminal, "and there?", "heldonce:thisconversationhasbeenon")
            assert not other.messages
            say(terminal, "and there?", "elsewhere")
            leave(terminal)
    assert urls(recorded(person)) == [(server.url, 1), (other.url, 1)]


def test_a_session_resumed_without_hooks_is_on_record_as_not_known(person: Person, server: EmbeddedBackend) -> None:
    with elsewhere(person):
        person.ours("enable", "--url", server.url, "--yes")
        first = json.loads(person.session("one", "--output-format", "json").stdout)
        person.ours("disable")
        again = person.session("two", "--resume", first["session_id"], "--output-format", "json")
        assert json.loads(again.stdout)["result"] == "elsewhere"
        assert urls(recorded(person)) == [(server.url, 1), (None, 1)]
        report = person.json("audit", "--allow", server.url, code=1)
        assert [each["backend"]["kind"] for each in report["outside"]] == ["not-known"]


def test_a_killed_session_resumed_without_hooks_is_on_record_as_not_known(
    person: Person, server: EmbeddedBackend
) -> None:
    with elsewhere(person):
        person.ours("enable", "--url", server.url, "--yes")
        with Conversation(person) as session:
            assert session.say("one") == "pong"
            session.kill()
        person.ours("disable")
        again = person.session("two", "--resume", session.session_id, "--output-format", "json")
        assert json.loads(again.stdout)["result"] == "elsewhere"
        assert urls(recorded(person)) == [(server.url, 1), (None, 1)]
        report = person.json("audit", "--allow", server.url, code=1)
        assert [each["backend"]["kind"] for each in report["outside"]] == ["not-known"]


def test_a_session_that_is_resumed_on_another_server_holds_its_first_prompt(
    person: Person, server: EmbeddedBackend
) -> None:
    with EmbeddedBackend(models=(Model("qwen3-coder-next"),)) as other:
        other.reply = "elsewhere"
        person.ours("enable", "--url", server.url, "--yes")
        first = json.loads(person.session("one", "--output-format", "json").stdout)
        person.ours("enable", "--url", other.url, "--yes")
        resume = ("--resume", first["session_id"], "--output-format", "json")
        assert "held once" in json.loads(person.session("two", *resume).stdout)["result"]
        assert not other.messages
        assert json.loads(person.session("two", *resume).stdout)["result"] == "elsewhere"


def test_disable_under_an_open_session_holds_its_prompt_and_leaves_nothing(
    person: Person, server: EmbeddedBackend
) -> None:
    trust(person)
    with elsewhere(person) as other:
        person.ours("enable", "--url", server.url, "--yes")
        with Conversation(person) as session:
            assert session.say("one") == "pong"
            refused = person.ours("disable", code=1).stderr
            assert f"({session.session_id[:8]}, process " in refused
            assert f"on {server.url} as qwen3-coder-next: its next prompt" in refused
            said = person.ours("disable", "--yes").stdout
            assert f"now talks to {other.url}" in said
            time.sleep(NOTICED_S)
            held = session.say("two")
            assert f"held once: this conversation has been on {server.url}" in held
            assert f"would now go to {other.url} with your ANTHROPIC_AUTH_TOKEN (in ~/.claude/settings.json)" in held
            assert not other.messages
            assert session.say("two") == "elsewhere"
        found = recorded(person)
        assert (found["state"], found["end_reason"]) == ("ended", "other")
        assert urls(found) == [(server.url, 1), (other.url, 1)]
        for _ in range(300):  # what the session's end has started is soon done
            if not person.local_settings.exists():
                break
            time.sleep(0.1)
        assert not person.local_settings.parent.exists()


def test_enable_under_a_session_that_began_without_us_holds_its_prompt(person: Person, server: EmbeddedBackend) -> None:
    trust(person)
    with elsewhere(person) as other:
        user = person.home / ".claude" / "settings.json"
        settings = json.loads(user.read_text())
        settings["env"]["ANTHROPIC_MODEL"] = "their-model"
        user.write_text(json.dumps(settings))
        with Conversation(person) as session:
            assert session.say("one") == "elsewhere"
            assert f"would go to {server.url}" in person.ours("enable", "--url", server.url, code=1).stderr
            person.ours("enable", "--url", server.url, "--yes")
            time.sleep(4 * NOTICED_S)  # the hooks are taken up later than the address
            before = len(server.messages)
            assert "held once: this conversation began before claude-local was enabled here" in session.say("two")
            assert len(server.messages) == before
        assert other.messages
