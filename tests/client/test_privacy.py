"""What the real Claude Code asks for at each level of privacy, in a namespace with a name server of ours."""

import json
import os
from pathlib import Path

import pytest

from claude_local_plugin.client_config import build
from claude_local_plugin.conformance import BoxError
from claude_local_plugin.conformance.proof import PAGE_HOST, Proof, Setting, prove
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import gather
from claude_local_plugin.privacy import foreseen, setting_of
from tests.client.conftest import Person
from tests.looped import looped

pytestmark = pytest.mark.client

LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-dummy", "scopes": ["user:inference", "user:profile"]}}


def proved(claude: Path, setting: Setting, watched: float = 10.0) -> Proof:
    """What it asked for; skipped, or failed in CI, where no namespaces can be had."""
    try:
        found = prove(claude, setting, watched=watched)
    except BoxError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces here: {error}")
    assert [(each.way, each.answered, each.said) for each in found.sessions] == [
        ("print", True, ""),
        ("interactive", True, ""),
    ]
    return found


def enabled(person: Person, server: EmbeddedBackend, level: str, scope: str = "local") -> None:
    person.ours("enable", "--url", server.url, "--yes", "--privacy", level, "--scope", scope, "--no-hooks")


def names(found: Proof) -> set[str]:
    return {name for each in found.sessions for name in each.names}


def asked(person: Person, environ: dict[str, str] | None = None) -> tuple[set[str], set[str]]:
    """The names that sessions asked for, and those that we say they may."""
    snapshot = gather(
        cwd=person.project, home=person.home, environ=environ or {}, managed_dir=person.home / "no-managed"
    )
    return names(proved(person.claude, setting_of(snapshot))), set(foreseen(snapshot))


def test_at_airgap_no_name_is_asked_for(person: Person, server: EmbeddedBackend) -> None:
    enabled(person, server, "airgap")
    assert asked(person) == (set(), set())


def test_at_quiet_a_page_is_asked_for_and_nobody_else(person: Person, server: EmbeddedBackend) -> None:
    enabled(person, server, "quiet")
    assert asked(person) == ({PAGE_HOST}, {PAGE_HOST})


def test_by_default_all_that_we_name_is_asked_for_and_nobody_else(person: Person, server: EmbeddedBackend) -> None:
    enabled(person, server, "default")
    found, said = asked(person)
    assert found | {PAGE_HOST} == said


def test_a_login_and_a_shells_key_are_used_before_a_projects_settings_are_heard(
    person: Person, server: EmbeddedBackend
) -> None:
    shell = {"ANTHROPIC_API_KEY": "sk-ant-api03-dummy"}
    (person.home / ".claude").mkdir()
    (person.home / ".claude" / ".credentials.json").write_text(json.dumps(LOGIN))
    enabled(person, server, "airgap")
    assert asked(person, shell) == ({"api.anthropic.com"}, {"api.anthropic.com"})
    person.ours("disable", "--yes")
    enabled(person, server, "airgap", "user")
    assert asked(person, shell) == (set(), set())


def test_airgap_keeps_back_mcp_servers_hooks_and_telemetry_that_others_have_set_up(
    person: Person, server: EmbeddedBackend
) -> None:
    mcp = {"mcpServers": {"far": {"type": "http", "url": "https://mcp.example/mcp"}}}
    (person.home / ".claude.json").write_text(json.dumps(mcp))
    hook = {"UserPromptSubmit": [{"hooks": [{"type": "http", "url": "https://hook.example/x"}]}]}
    (person.home / ".claude").mkdir()
    telemetry = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example:4318",
    }
    user = person.home / ".claude" / "settings.json"
    user.write_text(json.dumps({"hooks": hook, "env": telemetry}))
    enabled(person, server, "quiet", "user")
    found, said = asked(person)
    assert {"mcp.example", "hook.example", "otel.example"} <= found == said
    enabled(person, server, "airgap", "user")
    assert asked(person) == (set(), set())
    person.ours("disable", "--yes", "--scope", "user")
    assert json.loads(user.read_text()) == {"hooks": hook, "env": telemetry}


@looped("level", build.LEVELS)
def test_the_command_says_it_and_proves_it(person: Person, server: EmbeddedBackend, level: str) -> None:
    enabled(person, server, "quiet")
    said = person.json("privacy", "--level", level)
    assert (said["level"], said["asked_level"], said["proof"]) == (level, level, None)
    if level == "airgap":
        said = person.json("privacy", "--level", level, "--prove", "--claude", str(person.claude))
        assert said["proof"]["names"] == []
        assert said["leaves"] == []
    assert person.json("privacy")["level"] == "quiet"
