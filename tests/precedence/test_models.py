"""Model names on the wire, and the window assumed for them."""

from typing import Any

import pytest

from claude_local_plugin.precedence import resolve
from claude_local_plugin.precedence.models import known_window, named, parse_tokens, version_of
from tests.looped import looped

TOKEN = {"ANTHROPIC_AUTH_TOKEN": "t"}
TARGETS = {
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "lo",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "ls",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "lh",
    "ANTHROPIC_DEFAULT_FABLE_MODEL": "lf",
}


@pytest.mark.parametrize(
    ("given", "wire", "scope"),
    [
        ({"args": ["--model", "cli"], "shell": {"ANTHROPIC_MODEL": "env"}, "user": {"model": "key"}}, "cli", "cli"),
        ({"shell": {"ANTHROPIC_MODEL": "env"}, "user": {"model": "key"}}, "env", "shell"),
        ({"shell": {"ANTHROPIC_DEFAULT_MODEL": "first"}, "user": {"model": "key"}}, "key", "user"),
        ({"shell": {"ANTHROPIC_DEFAULT_MODEL": "first"}}, "first", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": ""}, "user": {"model": "key"}}, "key", "user"),
        ({"local": {"model": ""}, "user": {"model": "key"}}, "claude-opus-5-5", "default"),
        ({"args": ["--model", "default"], "shell": {"ANTHROPIC_MODEL": "env"}}, "claude-opus-5-5", "default"),
        ({"shell": {"ANTHROPIC_MODEL": "Sonnet", **TARGETS}}, "ls", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": "opusplan", **TARGETS}}, "ls", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": "qwen[1m]"}}, "qwen", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": "claude-opus-4-1"}}, "claude-opus-5-5", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": "CLAUDE-OPUS-5-5"}}, "claude-opus-5-5", "shell"),
        ({"shell": {"ANTHROPIC_MODEL": "Claude-Sonnet-4-5"}}, "Claude-Sonnet-4-5", "shell"),
        ({"shell": TARGETS}, "lo", "default"),
    ],
)
def test_the_name_on_the_wire_and_who_named_it(given: dict[str, Any], wire: str, scope: str, world: Any) -> None:
    decision = resolve(world(**given)).decisions["model"]
    assert decision.winner is not None
    assert (decision.value, decision.winner.scope) == (wire, scope)


def test_an_alias_names_the_variable_that_decided(world: Any) -> None:
    decision = resolve(world(shell={"ANTHROPIC_MODEL": "haiku", **TARGETS})).decisions["model"]
    assert "ANTHROPIC_DEFAULT_HAIKU_MODEL says what haiku stands for" in decision.sentence
    assert decision.candidates[-1].key == "env.ANTHROPIC_DEFAULT_HAIKU_MODEL"


@pytest.mark.parametrize(
    ("subscription", "wire"),
    [("max", "lo"), ("team", "lo"), ("enterprise", "lo"), ("pro", "lo"), ("free", "ls"), (None, "ls")],
)
def test_the_default_depends_on_the_subscription(subscription: str | None, wire: str, world: Any) -> None:
    login = {"accessToken": "x", "scopes": ["user:inference"], "subscriptionType": subscription}
    assert resolve(world(credentials={"claudeAiOauth": login}, shell=TARGETS)).value("model") == wire


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ({"shell": {"ANTHROPIC_MODEL": "qwen"}}, "1000000"),
        ({"shell": {"ANTHROPIC_MODEL": "qwen", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}}, "65536"),
        ({"shell": {"ANTHROPIC_MODEL": "claude-local", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}}, "65536"),
        ({"shell": {"ANTHROPIC_MODEL": "claude-sonnet-4-5", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}}, "200000"),
        ({"shell": {"ANTHROPIC_MODEL": "qwen[1m]", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}}, "1000000"),
        ({"shell": {"ANTHROPIC_MODEL": "qwen", "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1"}}, "200000"),
        (
            {
                "shell": {
                    "ANTHROPIC_MODEL": "claude-opus-5-5",
                    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
                    "DISABLE_COMPACT": "1",
                }
            },
            "65536",
        ),
        ({"shell": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "lo", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}}, "1000000"),
        (
            {
                "user": {"model": "opus"},
                "shell": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "lo", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"},
            },
            "1000000",
        ),
        (
            {
                "local": {"model": "opus"},
                "shell": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "lo", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"},
            },
            "65536",
        ),
        (
            {
                "user": {"modelPicker": {"options": [{"model": "qwen", "behavesAs": "claude-sonnet-4-5"}]}},
                "shell": {"ANTHROPIC_MODEL": "qwen", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"},
            },
            "200000",
        ),
    ],
)
def test_the_window(given: dict[str, Any], window: str, world: Any) -> None:
    assert resolve(world(**given)).value("context_window") == window


@looped(
    ("text", "number"),
    [
        ("65536", 65536),
        ("64k", 64),
        ("65_536", 65536),
        ("65,536", 65536),
        ("65 536", 65536),
        ("6.5e4", 65000),
        ("65536.9", 65536),
        ("+65536", 65536),
        (" 65536 ", 65536),
        ("131072tokens", 131072),
        ("1.5M", 1),
        ("65__536", 65),
        ("_65536", None),
        ("0x10000", None),
        ("1e400", None),
        ("0", None),
        ("-5", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers_of_tokens_are_read_as_the_client_reads_them(text: str | None, number: int | None) -> None:
    assert parse_tokens(text) == number


@looped(
    ("name", "known"),
    [
        ("claude-local", None),
        ("local-claude-x", None),
        ("claude-sonnet-4-5-20250929", 200_000),
        ("my-claude-sonnet-4-5-model", 200_000),
        ("vendor/claude-opus-5-5", 1_000_000),
        ("claude-opus-4-20260101", 200_000),
        ("claude-opus-4.5", 200_000),
        ("claude-opus-45", None),
        ("claude-opus-4-12", None),
        ("claude-opus-5-6", None),
        ("claude-sonnet-9-9", None),
        ("claude-haiku-5", None),
        ("claude-3-haiku-20240307", 200_000),
        ("claude-2.1", None),
        ("sonnet-4-5", None),
        ("gpt-5", None),
    ],
)
def test_which_names_are_known(name: str, known: int | None) -> None:
    assert known_window(name) == known


def test_versions_are_found_anywhere_in_a_name() -> None:
    assert version_of("us.anthropic.claude-sonnet-4-5-20250929-v1:0") == ("sonnet", 4, 5)


def test_overrides_rename_the_models_of_the_api_and_no_others() -> None:
    assert named("claude-opus-5-5", {}, {"claude-opus-5-5": "mine"}).wire == "mine"
    assert named("qwen", {}, {"qwen": "mine"}).wire == "qwen"
    assert named("claude-opus-5-5", {}, {"claude-opus-5-5": ""}).wire == "claude-opus-5-5"


@pytest.mark.parametrize(
    ("policy", "asked", "wire"),
    [
        ({"availableModels": ["sonnet"]}, "qwen", "claude-opus-5-5"),
        ({"availableModels": ["sonnet", "QWEN"]}, "qwen", "qwen"),
        ({"availableModels": ["claude-sonnet-4-5"]}, "sonnet", "claude-sonnet-4-5-20250929"),
        ({"availableModels": ["haiku"], "enforceAvailableModels": True}, None, "claude-haiku-5-5"),
        ({"availableModels": ["haiku"]}, None, "claude-opus-5-5"),
        ({"availableModels": "x"}, "qwen", "claude-opus-5-5"),
        ({"deniedModels": ["qwen"]}, "qwen", "claude-opus-5-5"),
        ({"deniedModels": ["claude-opus-5-5"]}, None, "claude-opus-5"),
        ({"deniedModels": ["opus", "sonnet"]}, "opus", "claude-haiku-5-5"),
    ],
)
def test_what_takes_the_place_of_a_model_that_is_not_allowed(
    policy: dict[str, Any], asked: str | None, wire: str, world: Any
) -> None:
    decision = resolve(world(managed=policy, shell=TOKEN | ({"ANTHROPIC_MODEL": asked} if asked else {}))).decisions[
        "model"
    ]
    assert decision.value == wire


def test_the_list_counts_from_every_file_and_denials_from_managed_ones_only(world: Any) -> None:
    named_qwen = {"ANTHROPIC_MODEL": "qwen"}
    assert resolve(world(local={"availableModels": ["sonnet"]}, shell=named_qwen)).value("model") == "claude-opus-5-5"
    assert resolve(world(user={"deniedModels": ["qwen"]}, local={}, shell=named_qwen)).value("model") == "qwen"


@pytest.mark.parametrize(
    ("version", "opus", "window"),
    [
        ("2.1.200", "claude-opus-4-8", "200000"),
        ("2.1.266", "claude-opus-5", "200000"),
        ("2.1.329", "claude-opus-5-5", "1000000"),
    ],
)
def test_what_an_alias_stands_for_moves_with_the_client(version: str, opus: str, window: str, world: Any) -> None:
    own = {"ANTHROPIC_MODEL": "opus", "ANTHROPIC_BASE_URL": "http://127.0.0.1:8000"}
    resolution = resolve(world(shell=own | TOKEN, version=version))
    assert (resolution.value("model"), resolution.value("context_window")) == (opus, window)


def test_older_clients_read_less_and_assume_less(world: Any) -> None:
    own = {"ANTHROPIC_MODEL": "qwen", "ANTHROPIC_DEFAULT_MODEL": "first", **TOKEN}
    assert resolve(world(shell=own, version="2.1.266")).value("context_window") == "200000"
    spelled = own | {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65_536"}
    assert resolve(world(shell=spelled, version="2.1.210")).value("context_window") == "65"
    unnamed = TOKEN | {"ANTHROPIC_DEFAULT_MODEL": "first"}
    assert resolve(world(shell=unnamed, version="2.1.233")).value("model") == "claude-opus-5"
    assert resolve(world(shell=unnamed, version="2.1.250")).value("model") == "first"


def test_older_clients_send_a_blank_token_and_take_a_projects_login(world: Any) -> None:
    blank = world(shell={"ANTHROPIC_AUTH_TOKEN": " "}, version="2.1.200")
    assert resolve(blank).value("authorization") == "Bearer  "
    given = {"env": {"CLAUDE_CODE_OAUTH_TOKEN": "mine"}}
    assert resolve(world(local=given, version="2.1.283")).value("authorization") == "Bearer mine"
    assert resolve(world(local=given, version="2.1.299")).value("authorization") is None
