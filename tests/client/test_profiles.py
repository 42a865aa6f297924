"""Profiles with the real Claude Code: a switch moves its sessions, and a key that stands in no file arrives."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.core.helper import NO_KEY
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.conftest import Person

pytestmark = pytest.mark.client

KEY = "key-of-spark"


@pytest.fixture
def guarded() -> Iterator[EmbeddedBackend]:
    """A server that hears Authorization alone, as vLLM with --api-key does."""
    with EmbeddedBackend(models=(Model("qwen3-coder-next", 65_536),), api_key=KEY) as backend:
        yield backend


@pytest.fixture
def helped(person: Person, guarded: EmbeddedBackend) -> Person:
    """A project that is enabled with a profile whose key Claude Code asks us for."""
    person.shell["SPARK_KEY"] = KEY
    words = ("--url", guarded.url, "--token-env", "SPARK_KEY", "--helper")
    person.ours("profile", "add", "spark", *words)
    person.ours("enable", "spark", "--yes")
    assert KEY not in person.local_settings.read_text()
    return person


def sent(server: EmbeddedBackend) -> set[tuple[str | None, str | None]]:
    """What the requests of sessions carried: Authorization and x-api-key."""
    headers = [each.headers for each in server.requests if "claude-cli" in each.headers.get("user-agent", "")]
    return {(each.get("authorization"), each.get("x-api-key")) for each in headers}


def test_the_server_sees_the_key_that_stands_in_no_file(helped: Person, guarded: EmbeddedBackend) -> None:
    ended = helped.session()
    assert ended.returncode == 0, ended.stderr
    assert sent(guarded) == {(f"Bearer {KEY}", KEY)}


def test_a_login_and_a_key_of_the_shell_stay_at_home_beside_the_helper(
    helped: Person, guarded: EmbeddedBackend
) -> None:
    login = {"claudeAiOauth": {"accessToken": "login", "expiresAt": 4_000_000_000_000, "scopes": ["user:inference"]}}
    file = helped.home / ".claude" / ".credentials.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(login))
    helped.shell |= {"ANTHROPIC_API_KEY": "sk-ant-shell", "ANTHROPIC_AUTH_TOKEN": "shell-token"}
    assert helped.session().returncode == 0
    assert sent(guarded) == {(f"Bearer {KEY}", KEY)}


def test_where_the_key_is_not_to_be_had_the_marked_one_arrives_and_nothing_else(
    helped: Person, guarded: EmbeddedBackend
) -> None:
    helped.shell.pop("SPARK_KEY")
    helped.shell["ANTHROPIC_API_KEY"] = "sk-ant-shell"
    ended = helped.session()
    assert ended.returncode != 0
    assert sent(guarded) == {(f"Bearer {NO_KEY}", NO_KEY)}
    told = helped.ours("doctor", "credentials", code=1).stdout
    assert "SPARK_KEY is not set" in told


def test_where_we_are_gone_the_marked_key_arrives_all_the_same(helped: Person, guarded: EmbeddedBackend) -> None:
    settings = json.loads(helped.local_settings.read_text())
    settings["apiKeyHelper"] = settings["apiKeyHelper"].replace(" -I -m", "-gone -I -m", 1)
    helped.local_settings.write_text(json.dumps(settings))
    assert helped.session().returncode != 0
    assert sent(guarded) == {(f"Bearer {NO_KEY}", NO_KEY)}


def test_a_key_in_a_file_of_ours_serves_sessions_too(person: Person, guarded: EmbeddedBackend, tmp_path: Path) -> None:
    folder = person.home / ".config" / "claude-local" / "keys"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "spark").write_text(KEY)
    (folder / "spark").chmod(0o600)
    person.ours("profile", "add", "spark", "--url", guarded.url, "--helper")
    person.ours("profile", "edit", "spark", "token=file")
    person.ours("enable", "spark", "--yes")
    assert person.session().returncode == 0
    assert sent(guarded) == {(f"Bearer {KEY}", KEY)}


def test_a_repository_cannot_have_another_key_given_by_its_settings(helped: Person, guarded: EmbeddedBackend) -> None:
    """Its environment reaches the helper: our folders are named on the helper's own line."""
    evil = helped.project / "evil"
    evil.mkdir()
    (evil / "config.toml").write_text("[profiles.spark]\nurl = 'http://x'\ntoken = 'env:HOME'\n")
    shared = helped.project / ".claude" / "settings.json"
    shared.write_text(json.dumps({"env": {"CLAUDE_LOCAL_CONFIG_DIR": os.fspath(evil)}}))
    assert helped.session().returncode == 0
    assert sent(guarded) == {(f"Bearer {KEY}", KEY)}


def test_sessions_follow_a_switch_there_and_back(
    person: Person, guarded: EmbeddedBackend, server: EmbeddedBackend
) -> None:
    person.shell["SPARK_KEY"] = KEY
    person.ours("profile", "add", "spark", "--url", guarded.url, "--token-env", "SPARK_KEY", "--helper")
    person.ours("profile", "add", "desk", "--url", server.url)
    for profile, there, elsewhere in (("spark", guarded, server), ("desk", server, guarded), ("-", guarded, server)):
        person.ours("enable", profile, "--yes")
        before = len(elsewhere.messages)
        count = len(there.messages)
        assert person.session().returncode == 0
        assert (len(there.messages) > count, len(elsewhere.messages)) == (True, before)
    assert all(KEY not in str(request.headers) for request in server.requests)
    person.ours("disable", "--yes")
    assert not person.local_settings.exists()
