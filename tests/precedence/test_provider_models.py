"""The model a cloud provider is asked for first, as the real client was seen to ask a stand-in for each."""

from claude_local_plugin.precedence import resolve
from claude_local_plugin.precedence.provider_models import provider_model
from tests.looped import looped
from tests.precedence.conftest import World

OPUS, SONNET = {"ANTHROPIC_DEFAULT_OPUS_MODEL": "my-opus"}, {"ANTHROPIC_DEFAULT_SONNET_MODEL": "my-sonnet"}


@looped(
    ("provider", "setting", "env", "asked_for"),
    [
        ("bedrock", None, {}, "us.anthropic.claude-opus-5-5"),
        ("bedrock", None, SONNET, "my-sonnet"),
        ("bedrock", None, OPUS | SONNET, "my-opus"),
        ("bedrock", "sonnet", OPUS, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "claude-opus-4-1", {}, "claude-opus-4-1"),
        ("foundry", None, OPUS, "claude-sonnet-5-5"),
        ("foundry", None, OPUS | SONNET, "my-sonnet"),
        ("foundry", "opus", OPUS, "my-opus"),
        ("foundry", "opus[1m]", {}, "claude-opus-5-5"),
        ("anthropicAws", None, SONNET, "claude-opus-5-5"),
        ("anthropicAws", "opusplan", {}, "claude-sonnet-4-6"),
        ("anthropicAws", "claude-opus-4-1", {}, "claude-opus-5-5"),
        ("anthropicGoogleCloud", "haiku", {}, "claude-haiku-4-5-20251001"),
        ("mantle", None, OPUS | SONNET, "anthropic.claude-opus-5-5"),
        ("mantle", "opus", OPUS, "my-opus"),
        ("mantle", "sonnet", {}, "anthropic.claude-sonnet-5"),
        ("vertex", "haiku", {}, "claude-haiku-4-5@20251001"),
        ("vertex", "best", {}, "claude-opus-5-5"),
        ("vertex", "my-model", OPUS, "my-model"),
        ("vertex", "fable", {}, None),
    ],
)
def test_a_provider_is_asked_for_this_model_first(
    provider: str, setting: str | None, env: dict[str, str], asked_for: str | None
) -> None:
    assert provider_model(provider, setting, env, "2.1.332") == asked_for


@looped(
    ("version", "provider", "asked_for"),
    [
        ("2.1.331", "foundry", "claude-sonnet-4-5"),
        ("2.1.329", "vertex", "claude-sonnet-4-5@20250929"),
        ("2.1.329", "mantle", "anthropic.claude-haiku-4-5"),
        ("2.1.329", "anthropicAws", "claude-sonnet-4-6"),
        ("2.1.328", "foundry", None),
        (None, "foundry", "claude-sonnet-5-5"),
    ],
)
def test_what_sonnet_is_depends_on_the_version(version: str | None, provider: str, asked_for: str | None) -> None:
    assert provider_model(provider, "sonnet", {}, version) == asked_for


def test_of_a_provider_s_credential_and_window_nothing_is_claimed(world: World) -> None:
    shell = {"CLAUDE_CODE_USE_FOUNDRY": "1", "ANTHROPIC_API_KEY": "mine", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}
    resolution = resolve(world(shell=shell, version="2.1.332"))
    for name in ("authorization", "x_api_key", "context_window"):
        decision = resolution.decisions[name]
        assert (decision.value, decision.winner) == (None, None)
        assert decision.sentence.startswith("not compared: ")
    assert resolution.value("model") == "claude-sonnet-5-5"


def test_a_model_that_an_administrator_restricts_was_not_compared(world: World) -> None:
    shell = {"CLAUDE_CODE_USE_FOUNDRY": "1"}
    resolution = resolve(world(shell=shell, version="2.1.332", managed={"availableModels": ["haiku"]}))
    assert resolution.value("model") is None
    assert resolution.decisions["model"].sentence.startswith("not compared: ")
