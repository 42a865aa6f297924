"""The real Claude Code under `claude-local run`, in a folder that is enabled for another server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.conftest import Person
from tests.client.terminal import Terminal
from tests.client.test_session_log import leave, say, trust

pytestmark = pytest.mark.client

KEY = "box-key-with-some-length-0123456789"
RUN = (sys.executable, "-m", "claude_local_plugin", "run")


@pytest.fixture
def spark() -> Iterator[EmbeddedBackend]:
    """The server of the profile `spark`, which asks for a key."""
    with EmbeddedBackend(models=(Model("spark-model", 131_072), Model("spark-small", 65_536)), api_key=KEY) as backend:
        backend.reply = "from spark"
        yield backend


@pytest.fixture
def shop(person: Person, server: EmbeddedBackend, spark: EmbeddedBackend) -> Person:
    """Somebody whose folder is enabled for `server`, and who has a profile of another one."""
    config = person.home / ".config" / "claude-local" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[profiles.spark]\nurl = "{spark.url}"\nmodel = "spark-model"\ntoken = "env:SPARK_KEY"\n')
    person.shell |= {"SPARK_KEY": KEY, "ANTHROPIC_API_KEY": "sk-ant-api03-of-the-shell"}
    person.ours("enable", "--url", server.url, "--yes")
    return person


def run(person: Person, *words: str, way: tuple[str, ...] = ("spark",), code: int = 0) -> Any:
    """`claude-local run … -- claude …`, as it came out."""
    ended = subprocess.run(
        [*RUN, *way, "--", "claude", *words],
        cwd=person.project,
        env=person.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
    return ended


def hooked(folder: Path, name: str) -> dict[str, Any]:
    """Settings with a hook that notes how the client was started, below `folder`."""
    command = f"tr '\\0' ' ' </proc/$PPID/cmdline >{folder / name}"
    return {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": command}]}]}}


def run_files(person: Person) -> list[Path]:
    return list(person.home.rglob("*.settings.json"))


def test_one_prompt_goes_to_the_profile_and_the_folder_stays(
    shop: Person, server: EmbeddedBackend, spark: EmbeddedBackend, tmp_path: Path
) -> None:
    user = shop.home / ".claude" / "settings.json"
    user.parent.mkdir(exist_ok=True)
    user.write_text(json.dumps({**hooked(tmp_path, "started"), "permissions": {"deny": ["Read"]}}))
    before = shop.local_settings.read_bytes()
    assert "from spark" in run(shop, "-p", "ping").stdout
    assert not server.messages
    (asked,) = [request for request in spark.messages if request.body.get("tools")]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert not asked.headers.get("x-api-key")
    assert asked.body["model"] == "spark-model"
    assert "Read" not in {tool["name"] for tool in asked.body["tools"]}  # the user's own rule
    started = (tmp_path / "started").read_text()  # and the user's own hook
    assert " --settings " in started
    assert KEY not in started
    assert shop.local_settings.read_bytes() == before
    assert shop.session().stdout.strip() == "pong"  # without a run it is the folder's server again
    assert len(spark.messages) == 1


def test_settings_of_the_commands_own_count_too(shop: Person, spark: EmbeddedBackend, tmp_path: Path) -> None:
    inline = json.dumps({**hooked(tmp_path, "inline"), "env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}})
    (shop.project / "own.json").write_text(json.dumps(hooked(tmp_path, "file")))
    run(shop, "--settings", inline, "-p", "ping")
    run(shop, "-p", "ping", "--settings=own.json")
    assert (tmp_path / "inline").exists()
    assert (tmp_path / "file").exists()
    assert len([request for request in spark.messages if request.body.get("tools")]) == 2
    assert "own: there is no such file" in run(shop, "--settings", "own", "-p", "x", code=1).stderr


def test_a_model_that_the_command_names_is_asked(shop: Person, spark: EmbeddedBackend) -> None:
    run(shop, "-p", "ping", "--model", "spark-small")
    assert spark.messages[-1].body["model"] == "spark-small"
    assert "does not list other" in run(shop, "-p", "ping", "--model", "other", code=1).stderr


def test_a_session_is_gone_on_with_wherever_the_run_says(
    shop: Person, server: EmbeddedBackend, spark: EmbeddedBackend
) -> None:
    first = json.loads(run(shop, "-p", "one", "--output-format", "json").stdout)
    again = json.loads(run(shop, "-p", "two", "--continue", "--output-format", "json").stdout)
    assert again["session_id"] == first["session_id"]
    run(shop, "--resume", first["session_id"], "-p", "three")
    assert not server.messages
    assert "one" in json.dumps(spark.messages[-1].body["messages"])


def test_a_subcommand_and_a_client_that_fails_end_as_without_a_run(shop: Person) -> None:
    (shop.project / "own.json").write_text("{}")
    assert "No MCP servers" in run(shop, "mcp", "list").stdout
    assert "No MCP servers" in run(shop, "--settings", "own.json", "mcp", "list").stdout
    assert "unknown option" in run(shop, "--no-such-option", "-p", "x", code=1).stderr
    alone = shop.session("x", "--resume", "0b5e0f3e-0000-4000-8000-000000000000")
    assert alone.returncode != 0
    run(shop, "-p", "x", "--resume", "0b5e0f3e-0000-4000-8000-000000000000", code=alone.returncode)


def test_a_background_session_is_refused_with_the_reason(shop: Person, spark: EmbeddedBackend) -> None:
    said = run(shop, "--bg", "ping", code=1).stderr
    assert "--bg takes the session out of this run: it goes on in a daemon" in said
    assert not spark.messages


def test_a_session_at_a_terminal_ends_with_how_to_go_on_and_leaves_nothing(
    shop: Person, server: EmbeddedBackend, spark: EmbeddedBackend
) -> None:
    trust(shop)
    command = [*RUN, "spark", "--", "claude"]
    with Terminal(command, cwd=shop.project, environ=shop.environ) as terminal:
        terminal.wait_for("forshortcuts|forautomode|automodeon", seconds=90)
        terminal.settle()
        say(terminal, "ping", "fromspark")
        assert len(run_files(shop)) == 1
        terminal.type(b"\x03")  # which is the session's to hear, not ours
        terminal.settle()
        terminal.forget()
        leave(terminal)
        assert "Togoonwiththissessiononthesamebackend:claude-localrunspark--claude--continue" in terminal.text
    assert terminal.exit_code == 0
    assert run_files(shop) == []
    assert not server.messages
