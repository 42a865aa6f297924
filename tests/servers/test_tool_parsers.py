"""Which parser a model needs, by its name; and in which format an unparsed call is written."""

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.tool_parsers import FAMILIES, call_format, family_of
from tests.looped import looped


@looped(
    ("name", "tool", "reasoning"),
    [
        ("qwen3-coder-next", "qwen3_coder", None),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "qwen3_coder", None),
        ("Qwen/Qwen3.5-35B-A3B", "qwen3_coder", "qwen3"),
        ("Qwen/Qwen3-235B-A22B", "hermes", "qwen3"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "hermes", None),
        ("Qwen/Qwen3-Next-80B-A3B-Thinking", "hermes", "qwen3"),
        ("Qwen2.5-Coder-32B-Instruct", "hermes", None),
        ("Qwen/QwQ-32B", "hermes", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek_v3", None),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v31", "deepseek_v3"),
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek_v3", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "hermes", "deepseek_r1"),
        ("mistralai/Devstral-Small-2507", "mistral", None),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral", None),
        ("openai/gpt-oss-120b", "openai", "openai_gptoss"),
        ("zai-org/GLM-4.6", "glm45", "glm45"),
        ("zai-org/GLM-4.7-Flash", "glm47", "glm47"),
        ("zai-org/GLM-5", "glm47", "glm47"),
        ("moonshotai/Kimi-K2-Instruct", "kimi_k2", None),
        ("moonshotai/Kimi-K2-Thinking", "kimi_k2", "kimi_k2"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3_json", None),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic", None),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes", None),
        ("ibm-granite/granite-4.0-h-small", "granite4", None),
        ("MiniMaxAI/MiniMax-M2", "minimax_m2", "minimax_m2"),
        ("ByteDance-Seed/Seed-OSS-36B-Instruct", "seed_oss", "seed_oss"),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-FP8", "qwen3_coder", "nemotron_v3"),
        ("nvidia/NVIDIA-Nemotron-3.5-Lightning-30B-A3B-NVFP4", "qwen3_xml", "nemotron_v3"),
        ("nvidia/Llama-3.1-Nemotron-70B-Instruct", "llama3_json", None),
        ("mistralai/Mistral-Small-4-119B-2603", "mistral", "mistral"),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral", None),
        ("moonshotai/Kimi-K2.7-Code", "kimi_k2", "kimi_k2"),
        ("poolside/Laguna-XS.2", "poolside_v1", "poolside_v1"),
        ("stepfun-ai/Step-3.7-Flash-NVFP4", "step3p5", "step3p5"),
    ],
)
def test_a_family_is_known_by_its_name(name: str, tool: str, reasoning: str | None) -> None:
    family = family_of(name)
    assert family is not None
    assert (family.tool, family.reasoning) == (tool, reasoning)


@looped("name", ["my-model", "claude-sonnet-4-5-20250929", "/models/weights", "", "qwen-7b-chat", None])
def test_a_name_that_tells_nothing_has_no_family(name: str | None) -> None:
    assert family_of(name) is None


def test_what_a_name_stands_for_is_asked_before_what_it_is_served_as() -> None:
    family = family_of("/data/Qwen3-Coder-Next", "deepseek-r1")
    assert family is not None
    assert (family.tool, family.reasoning) == ("qwen3_coder", None)


def test_the_served_name_helps_where_the_root_is_a_mere_folder() -> None:
    family = family_of("/models/current", "gpt-oss-20b")
    assert family is not None
    assert (family.tool, family.reasoning) == ("openai", "openai_gptoss")


def test_the_flags_are_those_of_the_kind_of_server() -> None:
    flags = {name: each.flags("t", "r") for name, kind in kinds.ALL.items() if (each := kind.remedies.tool_calls)}
    assert flags["vllm"] == "--enable-auto-tool-choice --tool-call-parser t --reasoning-parser r"
    assert flags["production-stack"] == flags["litellm"] == flags["vllm"]
    assert flags["sglang"] == "--tool-call-parser t"
    assert kinds.of("vllm").remedies.tool_calls is not None
    assert kinds.of("vllm").remedies.tool_calls.flags("t") == "--enable-auto-tool-choice --tool-call-parser t"


def test_every_family_has_a_label_of_its_own() -> None:
    labels = [family.label for family in FAMILIES]
    assert len(set(labels)) == len(labels)


@looped(
    ("text", "parser"),
    [
        ('<tool_call>\n{"name": "Bash", "arguments": {}}\n</tool_call>', "hermes"),
        ("<tool_call>\n<function=Bash>\n<parameter=command>\nls\n", "qwen3_coder"),
        ("<tool_call>Bash\n<arg_key>command</arg_key>", "glm45"),
        ('[TOOL_CALLS]Bash{"command": "ls"}', "mistral"),
        ('<|python_tag|>{"name": "Bash"}', "llama3_json"),
        ('{"name": "Bash", "parameters": {"command": "ls"}}', "llama3_json"),
        ('[Bash(command="ls")]', "pythonic"),
        ("<|channel|>commentary to=functions.Bash", "openai"),
        ("<|tool_calls_section_begin|>", "kimi_k2"),
        ("<minimax:tool_call>", "minimax_m2"),
        ("I would call the tool Bash.", None),
        ("", None),
    ],
)
def test_an_unparsed_call_shows_whose_it_is(text: str, parser: str | None) -> None:
    assert call_format(text) == parser
