"""Which tool-call and reasoning parser vLLM needs for a model: families by name, and call formats by their marks.

The parser names are those of vLLM 0.32.0; `since` is the oldest of 21 looked-at releases (from 0.11.1 on) that has the
tool parser. A family's parsers come from vLLM's own documentation and source, or, where `certain` is False, from the
parser's name alone.
"""

import re
from dataclasses import dataclass

#: When the table was last compared with a real vLLM.
VERIFIED_ON = "2026-11-21"
VERIFIED_AGAINST = "0.32.0"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: how its names look (a regular expression), and which parsers read what it writes.

    `reasoning` is None for models that do not think before they answer; `since` is a vLLM version.
    """

    label: str
    names: str
    tool: str
    reasoning: str | None = None
    since: str = "0.11.1"
    certain: bool = True


#: The first family that fits a name has it, so the particular ones stand before the general ones.
FAMILIES = (
    # Qwen
    Family("Qwen3-Coder", r"qwen-?3(\.\d+)?-?coder", "qwen3_coder"),
    Family("Qwen3.5 and later", r"qwen-?3\.[5-9]|qwen-?[4-9](\.\d+)?(-|$)", "qwen3_coder", "qwen3"),
    Family("Qwen3 Instruct (not thinking)", r"qwen-?3\b.*(instruct|-it\b)", "hermes"),
    Family("Qwen3", r"qwen-?3\b", "hermes", "qwen3"),
    Family("QwQ", r"\bqwq", "hermes", "deepseek_r1"),
    Family("Qwen2.5", r"qwen-?2", "hermes"),
    # DeepSeek; a distill of R1 is another family's model that thinks as R1 does
    Family("DeepSeek-R1 distill of Llama", r"r1-distill-llama", "llama3_json", "deepseek_r1", certain=False),
    Family("DeepSeek-R1 distill of Qwen", r"r1-distill-qwen", "hermes", "deepseek_r1", certain=False),
    Family("DeepSeek-V4.1", r"deepseek-?v4\.1", "deepseek_v41", "deepseek_v41", "0.30.0", certain=False),
    Family("DeepSeek-V4", r"deepseek-?v4", "deepseek_v4", "deepseek_v4", "0.20.2", certain=False),
    Family("DeepSeek-V3.2", r"deepseek-?v3\.2", "deepseek_v32", "deepseek_v3", "0.13.0", certain=False),
    Family("DeepSeek-V3.1", r"deepseek-?v3\.1", "deepseek_v31", "deepseek_v3"),
    Family("DeepSeek-V3", r"deepseek-?v3", "deepseek_v3"),
    Family("DeepSeek-R1", r"deepseek-?r1", "deepseek_v3", "deepseek_r1"),
    # Mistral
    Family("Magistral", r"magistral", "mistral", "mistral", certain=False),
    Family("Mistral Small 4", r"mistral-small-?4", "mistral", "mistral", "0.20.2"),
    Family("Mistral, Devstral, Codestral", r"mi[sx]tral|devstral|codestral|ministral", "mistral"),
    # NVIDIA
    Family("Nemotron 3 Nano", r"nemotron-?3-nano", "qwen3_coder", "nemotron_v3", "0.17.1"),
    Family(
        "Nemotron 3 and later", r"nemotron-?3(\.\d+)?-(super|ultra|lightning)", "qwen3_xml", "nemotron_v3", "0.17.1"
    ),
    # Meta, and models trained from Llama with their own way of calling
    Family("Hermes 2 Pro and later", r"\bhermes", "hermes"),
    Family("xLAM", r"\bxlam", "xlam"),
    Family("ToolACE", r"toolace", "pythonic"),
    Family("Llama 4", r"llama-?4", "llama4_pythonic"),
    Family("Llama 3.1 to 3.3", r"llama-?3", "llama3_json"),
    # OpenAI
    Family("gpt-oss", r"gpt-?oss", "openai", "openai_gptoss"),
    # Zhipu
    Family("GLM-4.7 and later", r"glm-?(4\.[7-9]|[5-9])", "glm47", "glm47", "0.24.0"),
    Family("GLM-4.5, 4.6", r"glm-?4\.[56]", "glm45", "glm45"),
    # Moonshot
    Family("Kimi K3", r"kimi-?k3", "kimi_k3", "kimi_k3", "0.28.0"),
    Family("Kimi K2 Thinking, K2.7", r"kimi-?k2(\.[7-9]|.*thinking)", "kimi_k2", "kimi_k2"),
    Family("Kimi K2", r"kimi-?k2", "kimi_k2"),
    # MiniMax
    Family("MiniMax-M3", r"minimax-?m3", "minimax_m3", "minimax_m3", "0.24.0", certain=False),
    Family("MiniMax-M2", r"minimax-?m2", "minimax_m2", "minimax_m2"),
    # Google
    Family("FunctionGemma", r"function-?gemma", "functiongemma", None, "0.14.1"),
    Family("Gemma 4", r"gemma-?4", "gemma4", "gemma4", "0.19.1", certain=False),
    # IBM
    Family("Granite 4", r"granite-?4", "granite4", None, "0.18.1"),
    Family("Granite 20B function calling", r"granite-20b-functioncalling", "granite-20b-fc"),
    Family("Granite 3.2 and later 3", r"granite-?3\.[2-9]", "granite", "granite"),
    Family("Granite 3", r"granite-?3", "granite"),
    # others, by name
    Family("Apertus", r"apertus", "apertus", None, "0.22.1"),
    Family("Command A+", r"command-a-?(\+|plus)", "cohere_command4", "cohere_command4", "0.22.1", certain=False),
    Family("Command A Reasoning", r"command-a-reasoning", "cohere_command3", "cohere_command3", "0.22.1"),
    Family("ERNIE-4.5", r"ernie-?4\.5", "ernie45", "ernie45", certain=False),
    Family("GigaChat3", r"gigachat-?3", "gigachat3", None, "0.13.0"),
    Family("Hunyuan-A13B", r"hunyuan-?a13b", "hunyuan_a13b", "hunyuan_a13b"),
    Family("InternLM2.5", r"internlm-?2", "internlm"),
    Family("Jamba 1.5", r"jamba", "jamba"),
    Family("Laguna", r"\blaguna", "poolside_v1", "poolside_v1", "0.22.1"),
    Family("LFM2", r"\blfm-?2", "lfm2", None, "0.22.1"),
    Family("LongCat", r"longcat", "longcat"),
    Family("MiMo", r"\bmimo", "mimo", "mimo", "0.20.2", certain=False),
    Family("MiniCPM5", r"minicpm-?5", "minicpm5", None, "0.23.0"),
    Family("Olmo 3 Think", r"olmo-?3.*think", "olmo3", "olmo3"),
    Family("Olmo 3", r"olmo-?3", "olmo3"),
    Family("Phi-4-mini", r"phi-?4-?mini", "phi4_mini_json"),
    Family("Seed-OSS", r"seed-?oss", "seed_oss", "seed_oss", certain=False),
    Family("Step-3.5 and later 3", r"step-?3\.[5-9]", "step3p5", "step3p5", "0.15.1", certain=False),
    Family("Step3", r"step-?3", "step3", "step3"),
    Family("Ling 3", r"\bling-?3", "ling3", "ling3", "0.28.0", certain=False),
)

_PATTERNS = tuple((re.compile(family.names), family) for family in FAMILIES)

#: Parsers that read the same format in vLLM 0.32.0, each by the name it is best known by.
SAME_FORMAT = {"qwen3_xml": "qwen3_coder", "qwen3_json": "hermes"}


def family_of(*names: str | None) -> Family | None:
    """The family of a model by its names, the surest first (what the server says it stands for, then what it is
    served as); None for names that tell nothing.
    """
    for name in names:
        spelled = re.sub(r"[_\s/:]+", "-", (name or "").lower())
        for pattern, family in _PATTERNS:
            if pattern.search(spelled):
                return family
    return None


#: Marks of a tool call that nothing has parsed -> the parser that would have; the first that fits.
CALL_FORMATS = (
    (re.compile(r"<tool_call>\s*<function="), "qwen3_coder"),
    (re.compile(r"<tool_call>\s*[\w.-]+\s*<arg_key>"), "glm45"),
    (re.compile(r"<tool_call>\s*\{"), "hermes"),
    (re.compile(r"<function=[\w.-]+>\s*<parameter="), "qwen3_coder"),
    (re.compile(r"<start_function_call>"), "functiongemma"),
    (re.compile(r"\[TOOL_CALLS\]"), "mistral"),
    (re.compile(r"<\|python_tag\|>"), "llama3_json"),
    (re.compile(r"<\|tool_calls_section_begin\|>"), "kimi_k2"),
    (re.compile(r"<｜tool▁call▁begin｜>[^<]*<｜tool▁sep｜>[^<]*\n```json"), "deepseek_v3"),
    (re.compile(r"<｜tool▁calls?▁begin｜>"), "deepseek_v31"),
    (re.compile(r"<\|channel\|>commentary\s+to="), "openai"),
    (re.compile(r"<minimax:tool_call>"), "minimax_m2"),
    (re.compile(r"<seed:tool_call>"), "seed_oss"),
    (re.compile(r"<longcat_tool_call>"), "longcat"),
    (re.compile(r"<\|tool_call_start\|>"), "lfm2"),
    (re.compile(r"<\|tools_prefix\|>"), "apertus"),
    (re.compile(r"<\|action_start\|><\|plugin\|>"), "internlm"),
    (re.compile(r"functools\["), "phi4_mini_json"),
    (re.compile(r"<function_calls>"), "olmo3"),
    (re.compile(r"<tool_calls>"), "hunyuan_a13b"),
    (re.compile(r"^\s*\[\w+\(\w+="), "pythonic"),
    (re.compile(r'^\s*\{\s*"name"\s*:.*"(parameters|arguments)"\s*:', re.DOTALL), "llama3_json"),
)


def call_format(text: str) -> str | None:
    """The parser whose format an unparsed tool call in `text` is written in; None if there is no such call."""
    return next((parser for pattern, parser in CALL_FORMATS if pattern.search(text)), None)
