"""Reasons that speak of the right file, addresses with a password, bodies with a model, forced logins under a provider.

What the real Claude Code 2.1.332 was seen to do; the oracle asks the same of any other version.
"""

from typing import Any

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import resolve

USER = {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8009", "ANTHROPIC_AUTH_TOKEN": "t"}}
ADDRESS = "http://me:se%40cret@127.0.0.1:8011"


def test_the_reason_is_that_of_the_next_one_below_and_what_was_dropped_above_is_a_note(world: Any) -> None:
    broken = {"permissions": [], "env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8006"}}
    shell = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8011"}
    sentence = resolve(world(local=broken, user=USER, shell=shell)).decisions["base_url"].sentence
    assert sentence.startswith("a settings file's env beats the shell; ")
    assert 'does not count: Claude Code ignores the whole file: "permissions" must' in sentence
    alone = resolve(world(local=broken, user=USER)).decisions["base_url"].sentence
    assert alone.startswith("nothing else sets it; ")


@pytest.mark.parametrize(
    ("shell", "sent"),
    [
        ({"ANTHROPIC_API_KEY": "k"}, "Basic bWU6c2VAY3JldA=="),
        ({"ANTHROPIC_API_KEY": "k", "ANTHROPIC_AUTH_TOKEN": "tok"}, "Bearer tok"),
        ({"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer c"}, "Bearer c"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "o"}, "Bearer o"),
    ],
)
def test_a_password_in_the_address_is_sent_where_nothing_else_is(shell: dict[str, str], sent: str, world: Any) -> None:
    found = resolve(world(shell={"ANTHROPIC_BASE_URL": ADDRESS, **shell}))
    assert (found.outcome, found.value("authorization")) == ("ok", sent)
    assert not [each for each in found.warnings if "Basic" in each.what or "se%40cret" in each.what]


def test_a_password_in_the_address_alone_is_no_login(world: Any) -> None:
    assert resolve(world(shell={"ANTHROPIC_BASE_URL": ADDRESS})).outcome == "not_logged_in"


@pytest.mark.parametrize(
    ("body", "model"),
    [('{"model": "other"}', "other"), ('{"x": 1}', "m"), ("[1]", "m"), ('{"model": ', "m"), ("", "m")],
)
def test_a_body_of_ones_own_names_the_model_that_is_asked_for(body: str, model: str, world: Any) -> None:
    settings = {"env": {**USER["env"], "ANTHROPIC_MODEL": "m", "CLAUDE_CODE_EXTRA_BODY": body}}
    assert resolve(world(user=settings)).value("model") == model


@pytest.mark.parametrize("switch", ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"])
@pytest.mark.parametrize("policy", [{"forceLoginMethod": "claudeai"}, {"forceLoginOrgUUID": "x"}])
@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"shell": {}}, "ok"),
        ({"shell": {"CLAUDE_CODE_OAUTH_TOKEN": "o"}}, "ok"),
        ({"shell": {"ANTHROPIC_API_KEY": "k"}}, "refused"),
        ({"shell": {"ANTHROPIC_AUTH_TOKEN": "t"}}, "refused"),
        ({"shell": {}, "user": {"apiKeyHelper": "echo h"}}, "refused"),
        ({"shell": {}, "home_json": {"primaryApiKey": "key"}}, "refused"),
    ],
)
def test_a_forced_login_refuses_every_key_under_a_provider_too(
    switch: str, policy: dict[str, str], given: dict[str, Any], outcome: str, world: Any
) -> None:
    found = resolve(world(managed=policy, **{**given, "shell": {**given["shell"], switch: "1"}}))
    assert found.outcome == outcome
    assert (next(iter(policy)) in found.outcome_reason) is (outcome == "refused")


@pytest.mark.parametrize("sources", ["user,", ",user", "user,,local", ",", " "])
def test_an_empty_entry_among_the_sources_is_refused(sources: str, world: Any) -> None:
    with pytest.raises(UsageError, match="empty entry"):
        world(args=["--setting-sources", sources])


@pytest.mark.parametrize(
    ("url", "warning"),
    [
        ("http://127.0.0.1:8006?a=b", "url.query"),
        ("http://127.0.0.1:8006/#x", "url.query"),
        ("http://${HOST}:8006", "url.invalid"),
        ('"http://127.0.0.1:8006"', "url.invalid"),
        ("127.0.0.1:8006", "url.invalid"),
        ("ftp://127.0.0.1:8006", "url.invalid"),
    ],
)
def test_an_address_that_no_request_can_be_sent_to_is_an_error(url: str, warning: str, world: Any) -> None:
    settings = {"env": {**USER["env"], "ANTHROPIC_BASE_URL": url}}
    found = {each.id: each.result for each in resolve(world(user=settings)).warnings}
    assert found[warning] == "error"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ("X Y: 1", True),
        ("X(Y): 1", True),
        ('{"X-A": "1"}', True),
        (": 1", True),
        ("X-A: 1\nX/Y: 2", True),
        ("X-A: \u4e2d", True),
        ("X-A: 1\rX-B: 2", True),
        ("nonsense", False),
        ("X-A: \u00e9", False),
        ("X-A: 1\r\nX_B*: 2", False),
        ("X-A: a\tb\x01", False),
        ("", False),
    ],
)
def test_headers_that_keep_every_request_from_being_sent_are_an_error(headers: str, refused: bool, world: Any) -> None:
    settings = {"env": {**USER["env"], "ANTHROPIC_CUSTOM_HEADERS": headers}}
    found = [each.result for each in resolve(world(user=settings)).warnings if each.id == "headers.unusable"]
    assert found == (["error"] if refused else [])
