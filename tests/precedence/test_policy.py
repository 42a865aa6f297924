"""What an administrator can forbid, and what else keeps a session from starting."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.precedence import gather, resolve
from tests.looped import looped

OWN = {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": "t"}}
LOGIN = {"claudeAiOauth": {"accessToken": "x", "scopes": ["user:inference"], "subscriptionType": "max"}}
KEY = {"ANTHROPIC_API_KEY": "k"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"managed": {"allowedProviders": ["anthropic"]}, "local": OWN}, "does not allow an endpoint of your own"),
        ({"managed": {"allowedProviders": ["customEndpoint"]}, "local": OWN}, "allows no endpoint but the one"),
        ({"managed": {"allowedProviders": ["customEndpoint"]}, "shell": KEY}, "does not allow the Anthropic API"),
        ({"managed": {"allowedProviders": []}, "shell": KEY}, "does not allow the Anthropic API"),
        ({"managed": {"allowedProviders": "anthropic"}, "shell": KEY}, "does not allow the Anthropic API"),
        (
            {"managed": {"allowedProviders": ["anthropic"]}, "shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
            "does not allow bedrock",
        ),
        (
            {"managed": {"forceLoginMethod": "claudeai"}, "local": OWN},
            "requires a login, which ANTHROPIC_AUTH_TOKEN from",
        ),
        ({"managed": {"forceLoginMethod": "console"}, "shell": KEY}, "requires a login, which ANTHROPIC_API_KEY from"),
        ({"managed": {"forceLoginMethod": "claudeai"}, "user": {"apiKeyHelper": "x"}}, "which apiKeyHelper from"),
        ({"managed": {"forceLoginOrgUUID": "org"}, "local": OWN}, "forceLoginOrgUUID in"),
        (
            {"managed": {"forceLoginOrgUUID": ["org"]}, "credentials": LOGIN},
            "another organization than the one on record",
        ),
        ({"managed": {"requiredMinimumVersion": "9.0.0"}, "local": OWN}, "asks for Claude Code 9.0.0 or newer"),
        ({"managed": {"requiredMaximumVersion": "2.0.0"}, "local": OWN}, "asks for Claude Code 2.0.0 or older"),
        ({"managed": "{", "local": OWN}, "with this file broken no session starts"),
        ({"managed_d": {"a.json": "[]"}, "local": OWN}, "with this file broken no session starts"),
        ({"home_json": "{", "local": OWN}, "with this file broken no session starts"),
        ({"flag_inline": "/no/such/file", "local": OWN}, "there is no such file"),
    ],
)
def test_refused(given: dict[str, Any], reason: str, world: Any) -> None:
    resolution = resolve(world(**given))
    assert resolution.outcome == "refused"
    assert reason in resolution.outcome_reason


@pytest.mark.parametrize(
    "given",
    [
        {"managed": {"allowedProviders": ["anthropic"]}, "shell": KEY},
        {"managed": {"allowedProviders": ["customEndpoint"], **OWN}},
        {"managed_d": {"a.json": {"allowedProviders": ["customEndpoint"]}, "b.json": OWN}},
        {"managed": {"forceLoginMethod": "claudeai"}, "credentials": LOGIN},
        {"managed": {"forceLoginMethod": "bogus"}, "local": OWN},
        {"managed": {"forceLoginMethod": "claudeai"}, "home_json": {"primaryApiKey": "c"}},
        {"managed": {"forceLoginMethod": "claudeai"}, "shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
        {
            "managed": {"forceLoginOrgUUID": "org"},
            "credentials": LOGIN,
            "home_json": {"oauthAccount": {"organizationUuid": "org"}},
        },
        {"managed": {"requiredMinimumVersion": "2.1.329", "requiredMaximumVersion": "2.1"}, "local": OWN},
        {"managed": "", "local": OWN},
        {"local": {"allowedProviders": ["anthropic"], "forceLoginMethod": "claudeai", **OWN}},
    ],
)
def test_not_refused(given: dict[str, Any], world: Any) -> None:
    assert resolve(world(**given)).outcome == "ok"


def test_a_cloud_provider_needs_no_login_of_anthropics(world: Any) -> None:
    assert resolve(world(shell={"CLAUDE_CODE_USE_VERTEX": "1"})).outcome == "ok"


def test_the_reason_names_file_and_line(world: Any) -> None:
    reason = resolve(world(managed={"env": {}, "allowedProviders": []}, local=OWN)).outcome_reason
    assert "managed-settings.json:3 does not allow" in reason


# --- a proxy that is no URL: the client says “Invalid proxy URL in …” and ends

BAD = ("proxy.corp:3128", "proxy", "localhost:3128", "p:1/x", "//p:1", "http://", "http://p:99999", "http:// p", " ")
GOOD = (
    "http://p:1",
    "http://p",
    "HTTP://p:1",
    "  http://p:1",
    "http:/p:1",
    "ftp://p:1",
    "socks5://p:1",
    "http://u:w@p:1",
)


def with_proxy(tmp_path: Path, where: str, name: str, value: str, version: str = "2.1.332") -> str:
    """The outcome of a session with this proxy set there."""
    own = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": "t", "NO_PROXY": "127.0.0.1"}
    files = {"managed": "managed/managed-settings.json", "user": "home/.claude/settings.json"}
    files["local"] = "project/.claude/settings.local.json"
    blocks: dict[str, dict[str, str]] = {"local": own}
    shell = {name: value} if where == "shell" else {}
    if where != "shell":
        blocks[where] = {**blocks.get(where, {}), name: value}
    for scope, env in blocks.items():
        path = tmp_path / files[scope]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"env": env}))
    snapshot = gather(
        cwd=tmp_path / "project",
        home=tmp_path / "home",
        environ=shell,
        client_version=version,
        managed_dir=tmp_path / "managed",
    )
    return resolve(snapshot).outcome


@looped("name", ["http_proxy", "HTTP_PROXY"])
@looped("where", ["shell", "user", "managed"])
@looped("value", BAD)
def test_a_proxy_that_is_no_url_ends_every_start(tmp_path: Path, where: str, name: str, value: str) -> None:
    assert with_proxy(tmp_path, where, name, value) == "refused"


@looped("value", GOOD)
def test_a_proxy_with_a_scheme_does_not(tmp_path: Path, value: str) -> None:
    assert with_proxy(tmp_path, "shell", "HTTP_PROXY", value) == "ok"


@looped("value", BAD)
def test_a_projects_proxy_is_read_too_late_for_that(tmp_path: Path, value: str) -> None:
    assert with_proxy(tmp_path, "local", "HTTP_PROXY", value) == "ok"


@looped(
    ("where", "name", "version", "outcome"),
    [
        ("shell", "https_proxy", "2.1.332", "ok"),
        ("shell", "HTTPS_PROXY", "2.1.329", "ok"),
        ("shell", "https_proxy", "2.1.266", "refused"),
        ("managed", "https_proxy", "2.1.332", "refused"),
        ("shell", "http_proxy", "2.1.200", "ok"),
        ("shell", "all_proxy", "2.1.332", "ok"),
    ],
)
def test_where_and_since_when_a_bare_host_and_port_will_do(
    tmp_path: Path, where: str, name: str, version: str, outcome: str
) -> None:
    assert with_proxy(tmp_path, where, name, "proxy.corp:3128", version) == outcome


def test_where_the_default_and_all_that_could_take_its_place_are_denied_no_session_starts(world: Any) -> None:
    token = {"ANTHROPIC_AUTH_TOKEN": "token"}
    denied = {"deniedModels": ["opus", "sonnet", "haiku"]}
    found = resolve(world(managed=denied, shell=token))
    assert found.outcome == "refused"
    assert found.outcome_reason.startswith("deniedModels in ")
    assert found.outcome_reason.endswith(
        "allows neither the model that a session starts with here nor one in its place"
    )
    assert resolve(world(managed=denied, shell=token | {"ANTHROPIC_MODEL": "qwen"})).outcome == "ok"
    assert resolve(world(managed=denied, shell=token)).value("model") is None
