"""What an administrator can forbid, and what else keeps a session from starting."""

from typing import Any

import pytest

from claude_local_plugin.precedence import resolve

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
