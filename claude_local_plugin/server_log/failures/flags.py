"""Flags that the server does not take, or that are missing: parsers, templates, misspelt ones."""

import difflib
from typing import TYPE_CHECKING

from claude_local_plugin.checks import Result
from claude_local_plugin.server_log.failure import Failure, Match, Told, issue, vllm_code

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = "https://docs.vllm.ai/en/latest/features/tool_calling/"
REASONING = "https://docs.vllm.ai/en/latest/features/reasoning_outputs/"
SERVE = "https://docs.vllm.ai/en/latest/cli/serve/"


def _known(listed: str) -> list[str]:
    return [each.strip(" '\"[]{}") for each in listed.split(",")]


def _parser(kind: str, flag: str) -> "Callable[[Match], Told | None]":
    def told(found: Match) -> Told | None:
        name = found["name"]
        near = difflib.get_close_matches(name, _known(found["known"]), n=1, cutoff=0.6)
        what = f"this vLLM has no {kind} parser called {name}"
        older = f"a vLLM that has it, if {name} is spelt right"
        return what, f"{flag} {near[0]}, or {older}" if near else f"{older}; it knows {found['known'].strip()[:60]}…"

    return told


TOOL_PARSER = Failure(
    id="log.tool-parser",
    what="this vLLM has no tool-call parser of that name",
    why="the name is misspelt, or younger than the server; its arguments are read before it is looked up",
    fix="--tool-call-parser with a name that the line lists, or a newer vLLM",
    looks=(r"invalid tool call parser: (?P<name>[\w.-]+) \(chose from \{(?P<known>[^}]*)",),
    example="KeyError: 'invalid tool call parser: qwen3-coder (chose from { hermes,openai,qwen3_coder,qwen3_xml })'",
    docs=TOOLS,
    sources=(issue("MoonshotAI/Kimi-K2", 19), issue("vllm-project/recipes", 51)),
    tell=_parser("tool-call", "--tool-call-parser"),
)
REASONING_PARSER = Failure(
    id="log.reasoning-parser",
    what="this vLLM has no reasoning parser of that name",
    why="the name is misspelt, or younger than the server",
    fix="--reasoning-parser with a name that the line lists, or a newer vLLM",
    looks=(
        r"invalid reasoning parser: (?P<name>[\w.-]+) \(chose from \{(?P<known>[^}]*)",
        r"[Rr]easoning parser '(?P<name>[\w.-]+)' not found\. Available parsers: (?P<known>.*)",
    ),
    example="KeyError: 'invalid reasoning parser: qwen_3 (chose from { deepseek_r1,glm45,qwen3 })'",
    docs=REASONING,
    sources=(vllm_code("entrypoints/launchers/launcher.py"), vllm_code("reasoning/abs_reasoning_parsers.py")),
    tell=_parser("reasoning", "--reasoning-parser"),
)
NO_TOOL_PARSER = Failure(
    id="log.no-tool-parser",
    what="tool calls are not switched on",
    why="every request of Claude Code has tools, and this server refuses those",
    fix="--enable-auto-tool-choice --tool-call-parser NAME, the parser that the model's family needs",
    looks=(
        r"--enable-auto-tool-choice requires --tool-call-parser",
        r"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        r"tool_choice\b.*requires --tool-call-parser",
    ),
    example="TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser",
    docs=TOOLS,
    sources=(vllm_code("entrypoints/launchers/cli_args.py"), issue("syv-ai/qwen38-27b-rtx3090", 19)),
)
TEMPLATE = Failure(
    id="log.chat-template",
    what="there is no chat template",
    why="the model's tokenizer brings none, or the file that is named does not exist; no conversation can be written",
    fix="--chat-template FILE.jinja, with a file that the container sees, or an instruct version of the model",
    looks=(
        r"default chat template is no longer allowed",
        r"ChatTemplateResolutionError",
        r"the supplied chat template path doesn't exist",
        r"The supplied chat template .*(?:does not exist|appears path-like, but doesn't exist)",
    ),
    example="ValueError: As of transformers v4.44, default chat template is no longer allowed, so you must provide a"
    " chat template if the tokenizer does not define one.",
    docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server/#chat-template",
    sources=(issue("vllm-project/vllm", 39279), vllm_code("renderers/chat_utils.py")),
)
SYSTEM_FIRST = Failure(
    id="log.template-order",
    what="the chat template wants every system message first",
    why="Claude Code sends some in mid-conversation; each then changes the beginning, and the prefix cache is lost",
    fix="--chat-template with one that takes system messages anywhere",
    looks=(r"The chat template requires system-first ordering",),
    example="WARNING 11-28 21:04:07 [serving.py:262] The chat template requires system-first ordering, so inline"
    " system messages in /v1/messages requests are merged into the leading system prompt.",
    docs=TOOLS,
    sources=(vllm_code("entrypoints/anthropic/serving.py"),),
    result=Result.WARNING,
)
FLAG = Failure(
    id="log.flag",
    what="the server does not know a flag that it was given",
    why="it is misspelt, of another version, or of another server",
    fix="take it out, or look for its new name in the server's --help",
    looks=(
        r"error: unrecognized arguments: (?P<flag>.+)",
        r"error: unknown argument: (?P<flag>\S+)",
        r"error: invalid argument: (?P<flag>\S+)",
        r"error: argument (?P<flag>--?[\w/-]+): (?:invalid choice|expected one argument|invalid \w+ value).*",
    ),
    example="vllm serve: error: unrecognized arguments: --swap-space 16",
    docs=SERVE,
    sources=(vllm_code("utils/argparse_utils.py"), issue("ggml-org/llama.vscode", 37)),
    tell=lambda found: (f"the server does not take {found['flag'].strip()}", None),
)

FAILURES = (TOOL_PARSER, REASONING_PARSER, NO_TOOL_PARSER, TEMPLATE, SYSTEM_FIRST, FLAG)
