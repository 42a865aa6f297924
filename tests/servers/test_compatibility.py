"""What each kind and version of server needs, from the oldest vLLM to servers that nobody knows."""

from dataclasses import asdict

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.compatibility import CAREFUL, Needs, needs, parse_version
from tests.looped import looped


@looped(
    ("kind", "version", "needed"),
    [
        ("vllm", "0.32.0", {"no_web_search"}),
        ("vllm", "0.32.1.dev23+g1a2b3c4", {"no_web_search"}),
        ("vllm", "0.31.0", {"output_not_clamped", "no_web_search"}),
        ("vllm", "0.30.0", {"output_not_clamped", "thinking_ignored", "no_web_search"}),
        ("vllm", "0.23.0", {"output_not_clamped", "thinking_ignored", "no_web_search"}),
        ("vllm", "0.22.1", {"output_not_clamped", "thinking_ignored", "model_capabilities", "no_web_search"}),
        (
            "vllm",
            "0.20.2",
            {"output_not_clamped", "thinking_ignored", "model_capabilities", "disable_betas", "no_web_search"},
        ),
        (
            "vllm",
            "0.18.1",
            {"output_not_clamped", "thinking_ignored", "model_capabilities", "disable_betas", "no_web_search"},
        ),
        ("vllm", "0.17.1", set(asdict(Needs())) - {"too_old"}),
        ("vllm", "0.16.0", set(asdict(Needs()))),
        ("vllm", "0.10.2", set(asdict(Needs()))),
        ("vllm", None, {"attribution_off", "disable_betas", "output_not_clamped", "no_web_search"}),
        ("vllm", "dev", {"attribution_off", "disable_betas", "output_not_clamped", "no_web_search"}),
        ("llama.cpp", "b6123", {"attribution_off", "no_web_search"}),
        ("litellm", "1.106.2", {"attribution_off", "no_web_search"}),
        ("sglang", "0.5.23", {"attribution_off"}),
        ("ollama", "0.20.1", {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("lmstudio", None, {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("llama-swap", "v238", {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("production-stack", "0.1.8", {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("anthropic-compatible", None, {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("never heard of", None, {"attribution_off", "disable_betas", "output_not_clamped"}),
        ("openai-only", None, {"too_old"}),
        ("anthropic", None, set()),
    ],
)
def test_a_server_needs_exactly_this(kind: str, version: str | None, needed: set[str]) -> None:
    assert {name for name, reason in asdict(needs(kind, version)).items() if reason is not None} == needed


def test_the_cure_for_system_messages_comes_with_its_value_and_its_reason() -> None:
    found = needs("vllm", "0.22.1").model_capabilities

    assert found is not None
    assert found[0] == "-mid_conv_system,-mid_conv_tool_change"
    assert "0.23.0" in found[1]


def test_a_vllm_without_the_messages_api_is_told_so_before_anything_else() -> None:
    assert "no Messages API" in (needs("vllm", "0.10.2").too_old or "")
    assert "after a tool call" in (needs("vllm", "0.11.1").too_old or "")


def test_every_reason_is_one_short_sentence() -> None:
    told = [row for kind in kinds.ALL.values() for row in kind.needs or ()]
    assert len(told) > 10
    for row in (*CAREFUL, *told):
        assert row.reason
        assert row.reason[-1] != "."
        assert len(row.reason) < 120


@looped(
    ("text", "version"),
    [
        ("0.32.0", (0, 32, 0)),
        ("0.32.0+cpu", (0, 32, 0)),
        ("v0.9", (0, 9, 0)),
        ("0.23.0rc1", (0, 23, 0)),
        ("0.1.dev1+gabc", None),
        ("0.1.3", (0, 1, 3)),
        ("b6123", None),
        ("", None),
        (None, None),
    ],
)
def test_versions_are_read_as_servers_write_them(text: str | None, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version
