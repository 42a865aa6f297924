"""The status line on the real Claude Code: what a person sees below the prompt, on every kind of session.

Claude Code draws only what has changed on the screen, so each wait is for a part that is drawn as a whole.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from claude_local_plugin.core.registration import STATUSLINE_SCRIPT
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.conftest import Person
from tests.client.terminal import ENTER, Terminal

pytestmark = pytest.mark.client

#: A status line of the user's that reads what it is told, and is drawn again every second.
THEIRS = {
    "type": "command",
    "command": """python3 -c 'import json, sys; print("theirs:", json.load(sys.stdin)["version"])'""",
    "refreshInterval": 1,
}

Open = Callable[[], Terminal]


@pytest.fixture
def session(person: Person) -> Iterator[Open]:
    """Opens an interactive session in the project, whose folder is trusted."""
    trusted = {"hasCompletedOnboarding": True, "projects": {str(person.project): {"hasTrustDialogAccepted": True}}}
    (person.home / ".claude.json").write_text(json.dumps(trusted))
    # the terminal is 80 columns wide, and nothing in here may reach the world outside
    person.shell |= {"COLUMNS": "80", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    with ExitStack() as sessions:
        yield lambda: sessions.enter_context(Terminal([str(person.claude)], cwd=person.project, environ=person.environ))


def settings(person: Person, status_line: Mapping[str, Any]) -> None:
    """The user's own settings: this status line."""
    (person.home / ".claude").mkdir(exist_ok=True)
    (person.home / ".claude" / "settings.json").write_text(json.dumps({"statusLine": status_line}))


def place_of(server: EmbeddedBackend) -> str:
    return server.url.removeprefix("http://")


def test_an_own_server_with_its_window_and_cache(person: Person, server: EmbeddedBackend, session: Open) -> None:
    settings(person, {**THEIRS, "command": "true"})
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    terminal = session()
    terminal.wait_for(rf"qwen3-coder-next@{place_of(server)}·.*·0/66k\(0%\)")
    terminal.wait_for(r"up\d+ms")
    terminal.settle(0.3, seconds=5)
    terminal.type("ping")
    terminal.settle(0.3, seconds=5)
    terminal.type(ENTER)
    terminal.wait_for("pong")
    terminal.wait_for(r"\dk/66k\(\d+%\)")
    assert "CLOUD" not in terminal.text


def test_one_of_the_users_is_shown_above_ours_in_the_same_session(
    person: Person, server: EmbeddedBackend, session: Open
) -> None:
    settings(person, THEIRS)
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    entry = json.loads(person.local_settings.read_text())["statusLine"]
    assert shlex.split(entry["command"])[-2:] == ["--wrap", THEIRS["command"]]
    assert "refreshInterval" not in entry  # it still counts: Claude Code mixes both files' members
    terminal = session()
    terminal.wait_for(rf"theirs:\d+\.\d+\.\d+.*qwen3-coder-next@{place_of(server)}·")


def test_a_dead_server(person: Person, server: EmbeddedBackend, session: Open) -> None:
    settings(person, {**THEIRS, "command": "exit 3"})
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    server.stop()
    terminal = session()
    terminal.wait_for(f"qwen3-coder-next@{place_of(server)}·")
    terminal.wait_for(r"DOWN\(refused\)")


def test_a_server_that_goes_away_during_the_session_is_down_within_a_prompt(
    person: Person, server: EmbeddedBackend, session: Open
) -> None:
    settings(person, {**THEIRS, "command": "true"})
    (person.home / ".config" / "claude-local").mkdir(parents=True)
    (person.home / ".config" / "claude-local" / "config.toml").write_text("recheck_after_s = 0\n")
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    terminal = session()
    terminal.wait_for(r"up\d+ms")
    server.stop()
    terminal.wait_for(r"DOWN\(refused\)")


def test_the_cloud_is_called_by_its_name(person: Person, server: EmbeddedBackend, session: Open) -> None:
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    command = json.loads(person.local_settings.read_text())["statusLine"]["command"]
    person.ours("disable")
    assert STATUSLINE_SCRIPT in command
    settings(person, {"type": "command", "command": command})
    person.shell |= {"ANTHROPIC_AUTH_TOKEN": "dummy", "ANTHROPIC_MODEL": "claude-opus-4-5"}
    terminal = session()
    terminal.wait_for(r"CLOUD.*@api\.anthropic\.com")


def test_it_follows_a_switch_of_the_model(person: Person, session: Open) -> None:
    settings(person, {**THEIRS, "command": "true"})
    with EmbeddedBackend(models=(Model("first-model", 65_536), Model("second-model", 65_536))) as server:
        person.ours("enable", "--url", server.url, "--model", "first-model", "--yes", "--statusline")
        terminal = session()
        terminal.wait_for("first-model@")
        terminal.settle(0.3, seconds=5)
        terminal.type("/model second-model")
        terminal.settle(0.3, seconds=5)
        terminal.type(ENTER)
        terminal.wait_for("second-model@127")


def test_after_disable_the_users_own_is_as_it_was(person: Person, server: EmbeddedBackend, session: Open) -> None:
    person.local_settings.parent.mkdir()
    person.local_settings.write_text(json.dumps({"statusLine": THEIRS}, indent=3))
    before = person.local_settings.read_bytes()
    person.ours("enable", "--url", server.url, "--yes", "--statusline")
    person.ours("disable")
    assert person.local_settings.read_bytes() == before
    person.shell |= {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "dummy"}
    terminal = session()
    terminal.wait_for(r"theirs:\d+\.\d+\.\d+")
    assert "@" not in terminal.text
