"""Which credential arrives in which header: every combination the documentation lists, and what we saw beside it."""

from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.explain_precedence import sentence
from claude_local_plugin.precedence import Resolution, resolve
from claude_local_plugin.precedence.credentials import HELPER_OUTPUT, custom_headers
from tests.precedence.conftest import World

LOGIN = {"claudeAiOauth": {"accessToken": "login", "scopes": ["user:inference"], "subscriptionType": "max"}}
CONSOLE = {"primaryApiKey": "console"}
HELPER = {"apiKeyHelper": "echo helped"}
KEY = {"ANTHROPIC_API_KEY": "key"}
TOKEN = {"ANTHROPIC_AUTH_TOKEN": "token"}
OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": "oauth"}
HELPED = f"Bearer {HELPER_OUTPUT}"


def _headers(resolution: Resolution) -> tuple[str | None, str | None]:
    return resolution.value("x_api_key"), resolution.value("authorization")


@pytest.mark.parametrize(
    ("given", "x_api_key", "authorization"),
    [
        pytest.param({"shell": KEY | TOKEN}, "key", "Bearer token", id="key and token: both are sent"),
        pytest.param(
            {"shell": KEY | TOKEN, "local": {"env": {"ANTHROPIC_API_KEY": ""}}},
            None,
            "Bearer token",
            id="cancelled key",
        ),
        pytest.param({"shell": KEY, "user": HELPER}, "key", HELPED, id="key and helper"),
        pytest.param({"user": HELPER}, HELPER_OUTPUT, HELPED, id="helper alone: both headers"),
        pytest.param({"shell": TOKEN, "user": HELPER}, HELPER_OUTPUT, "Bearer token", id="token and helper"),
        pytest.param({"shell": OAUTH}, None, "Bearer oauth", id="oauth variable"),
        pytest.param({"credentials": LOGIN}, None, "Bearer login", id="login file"),
        pytest.param(
            {"shell": OAUTH, "credentials": LOGIN}, None, "Bearer oauth", id="oauth variable before the login"
        ),
        pytest.param({"shell": OAUTH | KEY}, "key", None, id="a key sets the login aside"),
        pytest.param({"shell": OAUTH | TOKEN}, None, "Bearer token", id="a token sets the login aside"),
        pytest.param({"credentials": LOGIN, "user": HELPER}, HELPER_OUTPUT, HELPED, id="a helper sets the login aside"),
        pytest.param({"home_json": CONSOLE}, "console", None, id="console key"),
        pytest.param(
            {"home_json": CONSOLE, "shell": TOKEN}, "console", "Bearer token", id="console key beside a token"
        ),
        pytest.param(
            {"home_json": CONSOLE, "shell": TOKEN, "local": {"env": {"ANTHROPIC_API_KEY": ""}}},
            "console",
            "Bearer token",
            id="an empty key does not stop the console key",
        ),
        pytest.param({"home_json": CONSOLE, "credentials": LOGIN}, None, "Bearer login", id="login before console key"),
        pytest.param({"home_json": CONSOLE, "shell": KEY}, "key", None, id="key before console key"),
        pytest.param({"shell": {"ANTHROPIC_AUTH_TOKEN": " token "}}, None, "Bearer token", id="blanks are cut off"),
        pytest.param({"shell": {"ANTHROPIC_AUTH_TOKEN": " "}}, None, None, id="a blank token is none"),
        pytest.param(
            {"user": HELPER, "local": {"apiKeyHelper": ""}}, None, None, id="an empty helper cancels a helper"
        ),
    ],
)
def test_credentials(given: dict[str, Any], x_api_key: str | None, authorization: str | None, world: Any) -> None:
    assert _headers(resolve(world(**given))) == (x_api_key, authorization)


@pytest.mark.parametrize(
    ("headers", "given", "x_api_key", "authorization"),
    [
        ("x-api-key: mine", {"shell": KEY}, "mine", None),
        ("X-Api-Key: mine", {"home_json": CONSOLE, "shell": TOKEN}, "mine", "Bearer token"),
        ("x-api-key:", {"home_json": CONSOLE, "shell": TOKEN}, "", "Bearer token"),
        ("Authorization: Bearer mine", {}, None, "Bearer mine"),
        ("Authorization: Bearer mine", {"shell": TOKEN}, None, "Bearer token"),
        ("Authorization: Bearer mine", {"user": HELPER}, HELPER_OUTPUT, HELPED),
        ("Authorization: Bearer mine", {"credentials": LOGIN}, None, "Bearer mine"),
        ("Authorization: Bearer mine", {"shell": KEY}, "key", "Bearer mine"),
        ("X-Other: 1", {"shell": TOKEN}, None, "Bearer token"),
    ],
)
def test_custom_headers_have_the_last_word_where_they_have_one(
    headers: str, given: dict[str, Any], x_api_key: str | None, authorization: str | None, world: Any
) -> None:
    snapshot = world(**given, local={"env": {"ANTHROPIC_CUSTOM_HEADERS": headers}})
    assert _headers(resolve(snapshot)) == (x_api_key, authorization)


def test_an_empty_custom_authorization_leaves_a_login_without_effect(world: Any) -> None:
    snapshot = world(credentials=LOGIN, local={"env": {"ANTHROPIC_CUSTOM_HEADERS": "Authorization:"}})
    assert resolve(snapshot).outcome == "not_logged_in"


def test_custom_headers_are_read_line_by_line_and_the_last_one_counts() -> None:
    assert custom_headers("A: 1\r\nb:2:3\nnonsense\n: x\na: 4") == {"a": "4", "b": "2:3"}


def test_a_header_that_is_not_sent_names_who_saw_to_it(world: Any) -> None:
    decision = resolve(world(shell=KEY | TOKEN, local={"env": {"ANTHROPIC_API_KEY": ""}})).decisions["x_api_key"]
    assert decision.value is None
    assert decision.winner is not None
    assert decision.winner.scope == "local"
    assert [(row.scope, row.state) for row in decision.candidates] == [("local", "wins"), ("shell", "cancelled")]


def test_every_loser_says_why(world: Any) -> None:
    snapshot = world(shell=KEY | TOKEN | OAUTH, user=HELPER, credentials=LOGIN, home_json=CONSOLE)
    rows = {row.key: row.reason for row in resolve(snapshot).decisions["authorization"].candidates}
    assert rows == {
        "env.ANTHROPIC_AUTH_TOKEN": "",
        "apiKeyHelper": "ANTHROPIC_AUTH_TOKEN is asked first",
        "env.CLAUDE_CODE_OAUTH_TOKEN": "ANTHROPIC_AUTH_TOKEN is asked first",
        "claudeAiOauth.accessToken": "ANTHROPIC_AUTH_TOKEN is asked first",
    }
    keys = {row.key: row.reason for row in resolve(snapshot).decisions["x_api_key"].candidates}
    assert keys["primaryApiKey"] == "ANTHROPIC_API_KEY is asked first"


def test_a_login_without_the_right_scope_is_named_as_dropped(world: Any) -> None:
    snapshot = world(credentials={"claudeAiOauth": {"accessToken": "x", "scopes": ["user:profile"]}})
    resolution = resolve(snapshot)
    assert resolution.outcome == "not_logged_in"
    (row,) = resolution.decisions["authorization"].candidates
    assert (row.state, row.reason) == ("dropped", "the login has no user:inference scope")


def test_simple_mode_knows_no_login_and_no_helper_but_the_flags(world: Any) -> None:
    simple = {"CLAUDE_CODE_SIMPLE": "1"}
    assert resolve(world(shell=simple, credentials=LOGIN, user=HELPER)).outcome == "not_logged_in"
    assert _headers(resolve(world(shell=simple, flag=HELPER))) == (HELPER_OUTPUT, HELPED)


def test_secrets_do_not_show_in_the_records_text(world: Any) -> None:
    resolution = resolve(world(shell={"ANTHROPIC_API_KEY": "very-secret"}))
    assert "very-secret" not in repr(resolution.decisions["x_api_key"])
    assert "very-secret" not in repr(resolution.files)


# --- keys that are not what they look like


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ANTHROPIC_AUTH_TOKEN", "${GB10_KEY}", "claude-local enable --token-env GB10_KEY"),
        ("ANTHROPIC_AUTH_TOKEN", "$GB10_KEY", "claude-local enable --token-env GB10_KEY"),
        ("ANTHROPIC_AUTH_TOKEN", "{env:GB10_KEY}", "claude-local enable --token-env GB10_KEY"),
        ("ANTHROPIC_API_KEY", "${GB10_KEY:-none}", "claude-local enable --token-env GB10_KEY"),
        ("ANTHROPIC_CUSTOM_HEADERS", "X-Pass: ${GB10_KEY}", "claude-local enable --header-env NAME=VAR"),
    ],
)
def test_a_key_by_reference_is_sent_as_it_stands_and_that_is_said(world: Any, name: str, value: str, told: str) -> None:
    block = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": "t", name: value}
    (warning,) = [w for w in resolve(world(local={"env": block})).warnings if w.id == "credentials.reference"]
    assert (warning.result, warning.fix) == ("error", told)
    assert "as they stand" in warning.what


@pytest.mark.parametrize("value", ["Bearer sk-1234", "bearer x", "Basic eDp5"])
def test_a_token_with_its_scheme_in_it_is_said_to_be_sent_twice(world: Any, value: str) -> None:
    block = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": value}
    (warning,) = [w for w in resolve(world(local={"env": block})).warnings if w.id == "credentials.scheme"]
    assert "Bearer Bearer" in warning.what
    assert value not in warning.what


@pytest.mark.parametrize("value", ["sk-$5", "a$b", "plain", "Bearer"])
def test_a_key_with_a_dollar_in_it_is_a_key(world: Any, value: str) -> None:
    block = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": value}
    assert not [w for w in resolve(world(local={"env": block})).warnings if w.id.startswith("credentials.")]


@pytest.mark.parametrize(("place", "sent"), [("managed", HELPER_OUTPUT), ("user", None), ("local", None)])
def test_where_a_session_is_bound_to_the_login_only_an_administrators_helper_is_run(
    world: World, place: str, sent: str | None
) -> None:
    bound = {"CLAUDE_CODE_REMOTE_TOOLS_PIN_STORED_LOGIN": "1"}
    assert resolve(world(shell=bound, version="2.1.332", **{place: HELPER})).value("x_api_key") == sent


@pytest.mark.parametrize(("moved", "sent"), [(None, None), ("", "Bearer login")])
def test_an_empty_folder_for_logins_is_the_homes_own(world: World, moved: str | None, sent: str | None) -> None:
    shell = {"CLAUDE_CONFIG_DIR": "$L/elsewhere"} | (
        {} if moved is None else {"CLAUDE_SECURESTORAGE_CONFIG_DIR": moved}
    )
    assert resolve(world(shell=shell, credentials=LOGIN, version="2.1.332")).value("authorization") == sent


@pytest.mark.parametrize(("provider", "through"), [({}, True), ({"CLAUDE_CODE_USE_FOUNDRY": "1"}, False)])
def test_a_programs_own_socket_is_not_used_for_a_cloud_provider(
    world: World, provider: dict[str, str], through: bool
) -> None:
    shell = KEY | {"ANTHROPIC_UNIX_SOCKET": "/s", "CLAUDE_CODE_RUNNER_MODEL_SOCKET": "/s"} | provider
    found = resolve(world(shell=shell, version="2.1.332"))
    assert (found.value("base_url") or "").startswith("unix:") is through
    (said,) = [each.what for each in found.warnings if each.id == "socket.in-use"]
    assert "what no cloud provider gets goes through /s" in said


EXCHANGE = {
    "ANTHROPIC_FEDERATION_RULE_ID": "rule",
    "ANTHROPIC_ORGANIZATION_ID": "organization",
    "ANTHROPIC_IDENTITY_TOKEN": "identity",
}
HERE = {"ANTHROPIC_BASE_URL": "http://localhost:8000"}


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (
            {"access_token": "t", "expires_at": 1_000},
            "its token has expired and cannot be renewed: Claude Code says so at",
        ),
        ({"expires_at": 4e9}, "there is no access_token in its credentials: Claude Code tries for three minutes"),
    ],
)
def test_a_login_that_serves_and_is_of_no_use_is_said_with_how_soon_claude_code_says_so(
    world: World, token: dict[str, Any], reason: str
) -> None:
    store = "home/.config/anthropic"
    login = {"authentication": {"type": "user_oauth"}}
    files = {f"{store}/configs/default.json": login, f"{store}/credentials/default.json": token}
    found = resolve(world(shell=HERE, files=files))
    assert found.outcome == "login_unusable"
    assert f"configs/default.json serves, and {reason}" in found.outcome_reason
    assert sentence(found).startswith("A session started here sends no request: the login profile in ")
    assert resolve(world(shell=HERE | TOKEN, files=files)).outcome == "ok"


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("http://localhost:8000", "ok"),
        ("http://gpu-box:8000", "login_unusable"),
        ("https://gpu-box:8000", "ok"),
        ("https://api.anthropic.com", "ok"),
    ],
)
def test_a_token_is_exchanged_on_this_machine_or_over_https_alone(world: World, address: str, outcome: str) -> None:
    found = resolve(world(shell={"ANTHROPIC_BASE_URL": address, **EXCHANGE}))
    assert found.outcome == outcome
    assert ("over plain HTTP with another machine (gpu-box:8000)" in found.outcome_reason) is (outcome != "ok")


def test_an_identity_token_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    without = {name: value for name, value in EXCHANGE.items() if "TOKEN" not in name}
    said = resolve(world(shell=HERE | without)).outcome_reason
    assert "ANTHROPIC_IDENTITY_TOKEN is not set (nor ANTHROPIC_IDENTITY_TOKEN_FILE)" in said
    named = HERE | EXCHANGE | {"ANTHROPIC_IDENTITY_TOKEN_FILE": str(tmp_path / "identity")}
    assert f"there is no identity token in {tmp_path}/identity" in resolve(world(shell=named)).outcome_reason
    assert resolve(world(shell=named, files={"identity": "token"})).outcome == "ok"


def test_a_helpers_key_beside_a_token_may_be_missing_at_first_and_that_is_said(world: World) -> None:
    found = resolve(world(user=HELPER, shell=TOKEN)).decisions["x_api_key"]
    assert (found.value, found.otherwise) == (HELPER_OUTPUT, (None,))
    assert found.sentence.endswith("so the first requests may go without it")
    assert resolve(world(user=HELPER)).decisions["x_api_key"].otherwise == ()


@pytest.mark.parametrize(
    ("policy", "model"),
    [
        ({"availableModels": ["sonnet"]}, "mine"),
        ({"model": "managed"}, "mine"),
        ({"env": {"ANTHROPIC_MODEL": "managed"}}, "managed"),
    ],
)
def test_served_settings_take_the_place_of_an_administrators_file_but_for_env_and_sign_in(
    world: World, policy: dict[str, Any], model: str
) -> None:
    copy = {"home/.claude/remote-settings.json": {"env": {"OTHER": "1"}}}
    found = resolve(world(managed=policy, user={"model": "mine"}, shell=KEY, files=copy, version="2.1.332"))
    assert found.value("model") == model
    lost = [each.what.partition(": ")[2] for each in found.warnings if each.id == "files.skipped"]
    kept = "env" in policy
    assert lost == [f"{key}: server-managed settings take its place" for key in policy if not kept]


def test_a_default_that_served_settings_may_come_too_late_for_is_said_with_the_other_one(world: World) -> None:
    copy = {"home/.claude/remote-settings.json": {"env": {"ANTHROPIC_AUTH_TOKEN": "served"}}}
    login = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": None}}
    found = resolve(world(credentials=login, files=copy, version="2.1.332")).decisions["model"]
    assert (found.value, found.otherwise) == ("claude-opus-5-5", ("claude-sonnet-5-5",))
    assert "or claude-sonnet-5-5, where the default is taken before the served settings arrive" in found.sentence
