"""`claude-local managed render`: a fragment with the server's lines, no secret, and nothing written but --output."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.fleet.managed import BLANKED
from claude_local_plugin.settings import schema
from tests.commands.place import MODEL, Place

KEY = "sk-of-the-server-0123456789"


def rendered(place: Place, *arguments: str) -> dict[str, Any]:
    before = place.elsewhere()
    found: dict[str, Any] = place.ok("managed", "render", *arguments).json
    assert place.elsewhere() == before
    return found


def test_the_servers_lines_stand_in_it_and_what_users_may_have_set_is_blanked(
    place: Place, server: EmbeddedBackend
) -> None:
    found = rendered(place, "--url", server.url)
    assert found["env"]["ANTHROPIC_BASE_URL"] == server.url
    assert found["env"]["ANTHROPIC_MODEL"] == MODEL
    assert found["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    assert {found["env"][name] for name in BLANKED} == {""}
    assert found["apiKeyHelper"] == ""
    assert "allowedProviders" not in found
    assert "hooks" not in found
    assert schema.problems(found, "settings") == ()


def test_a_lock_a_collector_and_hooks_come_when_they_are_asked_for(place: Place, server: EmbeddedBackend) -> None:
    found = rendered(place, "--url", server.url, "--lock", "--otel", "http://collector:4317", "--hooks")
    assert found["allowedProviders"] == ["customEndpoint"]
    assert found["env"]["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    assert "SessionStart" in found["hooks"]
    assert str(place.state) not in json.dumps(found["hooks"])
    assert "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST" in place.ok("managed", "render", "--url", server.url).err


def test_a_key_is_named_by_its_variable_or_a_command_and_never_written(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api_key = KEY
    monkeypatch.setenv("TEAM_KEY", KEY)
    named = rendered(place, "--url", server.url, "--token-env", "TEAM_KEY")
    assert (named["apiKeyHelper"], named["env"]["ANTHROPIC_AUTH_TOKEN"]) == ('printf %s "$TEAM_KEY"', "")
    helped = rendered(place, "--url", server.url, "--token-env", "TEAM_KEY", "--helper", "/opt/key")
    assert helped["apiKeyHelper"] == "/opt/key"
    assert KEY not in json.dumps([named, helped])


def test_a_header_that_is_a_secret_is_refused(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASS", KEY)
    place.ok("enable", "--url", server.url, "--yes", "--header-env", "X-Pass=PASS")
    said = place.ends(1, "managed", "render").err
    assert "every user may read this file" in said
    assert KEY not in said


def test_output_is_the_one_file_that_is_written(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    file = tmp_path / "50-claude-local.json"
    ended = place.ok("managed", "render", "--url", server.url, "--output", str(file))
    assert ended.out == ""
    assert json.loads(file.read_text())["env"]["ANTHROPIC_BASE_URL"] == server.url
    assert "managed-settings.d/50-claude-local.json" in ended.err


def gateway(place: Place, *arguments: str) -> dict[str, Any]:
    return rendered(place, *arguments, "--gateway", "https://gw.example", "--issuer", "https://idp.example")


def test_the_gateway_gets_upstreams_models_and_policies_and_no_secret(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api_key = KEY
    monkeypatch.setenv("TEAM_KEY", KEY)
    found = gateway(place, "--url", server.url, "--token-env", "TEAM_KEY", "--group", "vllm=backend")
    assert KEY not in json.dumps(found)
    (upstream,) = found["upstreams"]
    assert upstream["base_url"] == server.url
    assert upstream["auth"] == {"oauth_token": "${TEAM_KEY}"}
    assert found["models"] == [{"id": MODEL, "label": MODEL, "upstream_model": {"vllm": MODEL}}]
    ours, others = found["managed"]["policies"]
    assert ours["match"] == {"groups": ["backend"]}
    assert ours["cli"]["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    assert "ANTHROPIC_BASE_URL" not in ours["cli"]["env"]
    assert others == {"match": {}, "cli": {}}


def test_two_servers_for_two_groups(place: Place, server: EmbeddedBackend) -> None:
    config = place.home / ".config" / "claude-local" / "config.toml"
    place.write(config, f'[profiles.one]\nurl = "{server.url}"\n[profiles.two]\nurl = "{server.url}"\n')
    found = gateway(place, "one", "two", "--group", "one=backend")
    assert [each["match"] for each in found["managed"]["policies"]] == [{"groups": ["backend"]}, {}]
    assert [each["name"] for each in found["upstreams"]] == ["one", "two"]
    said = place.ends(2, "managed", "render", "one", "two", "--gateway", "https://g", "--issuer", "https://i").err
    assert "two servers are for everybody" in said


def test_what_it_costs_and_the_machines_two_keys_are_said(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok(
        "managed", "render", "--url", server.url, "--gateway", "https://gw.example", "--issuer", "https://idp.example"
    )
    for word in ("PostgreSQL", "identity provider", "TLS", "forceLoginMethod", "forceLoginGatewayUrl", "is enough"):
        assert word in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--gateway", "https://g"), "identity provider"),
        (("--otel", "collector"), "is no URL"),
        (("one", "two"), "one server"),
        (("nobody",), "no profile called nobody"),
    ],
)
def test_what_cannot_be_rendered_is_refused(
    place: Place, server: EmbeddedBackend, arguments: tuple[str, ...], said: str
) -> None:
    url = () if "nobody" in arguments or "two" in arguments else ("--url", server.url)
    assert said in place.ends(2, "managed", "render", *arguments, *url).err


def test_what_is_offered_where_the_server_does_not_answer_is_the_same_command_again(
    place: Place, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    said = place.refused("managed", "render", "--url", url, "--lock")
    assert f"once it answers: claude-local managed render --url {url} --lock;" in said
    assert f"without asking it: claude-local managed render --url {url} --model NAME --no-check --lock" in said
    assert "enable" not in said
