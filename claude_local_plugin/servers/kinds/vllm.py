"""vLLM: what was seen on 0.32.0 and 0.33.0 (both frontends), and the requests of Claude Code fed to 21 releases."""

import re

from claude_local_plugin.core.probe import OWNERS
from claude_local_plugin.core.shell import command, export
from claude_local_plugin.servers.answers import Answer, Answers, owned_by, text_at
from claude_local_plugin.servers.kinds.kind import (
    HEALTH,
    METRICS,
    STRIPPED,
    WITHOUT_MID_CONVERSATION,
    Kind,
    MetricNames,
    Need,
    Pair,
    Quirks,
    Remedies,
    Sign,
    Tells,
    ToolCalls,
    Unguarded,
)
from claude_local_plugin.servers.server import ServedModel, Server

NAME = "vllm"
#: The flags that name its parsers, `{}` being the name, and what lists them.
PARSER = "--enable-auto-tool-choice --tool-call-parser {}"
REASONING = "--reasoning-parser {}"
WITHOUT_REASONING = "without --reasoning-parser"
LISTING = f"   ({command('vllm', 'serve', '--help=tool-call-parser')} lists them)"
_UPGRADE = command("pip", "install", "--upgrade", "vllm")


def _seen(answers: Answers) -> bool:
    version = answers.get("version")
    data = version.data if isinstance(version, Answer) and version.status == 200 else None
    if owned_by(answers, OWNERS[NAME]) or (isinstance(data, dict) and "rust_frontend_version" in data):
        return True
    told = answers.get("metrics")
    if isinstance(told, Answer) and told.status == 200 and b"\nvllm:" in b"\n" + told.body:
        return True
    guarded = answers.get("models")
    if not isinstance(guarded, Answer) or text_at(version, "version") is None:
        return False
    # with --api-key only /v1 is guarded, and the refusal has a shape of its own
    refusal = guarded.data.get("error") if isinstance(guarded.data, dict) else None
    return guarded.status == 401 and str(refusal).startswith("Unauthorized")


def version(answers: Answers) -> str | None:
    """What /version says."""
    return text_at(answers.get("version"), "version")


def larger_window(_: Server, model: ServedModel, size: str) -> str:
    """A command where the weights are known."""
    if model.root:
        return command("vllm", "serve", model.root, "--max-model-len", size)
    return f"restart vLLM with --max-model-len {size}"


def own_name(_: Server, model: ServedModel, name: str) -> str:
    """A command where the weights are known."""
    if model.root:
        return command("vllm", "serve", model.root, "--served-model-name", name)
    return f"restart vLLM with --served-model-name {name}"


KIND = Kind(
    name=NAME,
    label="vLLM",
    listed=10,
    ports=(8000, 8888),
    start=command(
        *("vllm", "serve", "Qwen/Qwen3-Coder-30B-A3B-Instruct", "--served-model-name", "qwen3-coder"),
        *("--max-model-len", "65536", "--enable-auto-tool-choice", "--tool-call-parser", "qwen3_coder"),
    ),
    sign=Sign(110, _seen),
    tells=Tells(questions=(HEALTH, METRICS), version=version, takes_empty_message=True),
    metrics=MetricNames(
        prefix="vllm:",
        names={
            "running": ("vllm:num_requests_running",),
            "waiting": ("vllm:num_requests_waiting",),
            "kv_usage": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
            "prefix_queries": ("vllm:prefix_cache_queries", "vllm:gpu_prefix_cache_queries"),
            "prefix_hits": ("vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_hits"),
            "prefix_hit_rate": ("vllm:gpu_prefix_cache_hit_rate",),
            "prompt_tokens": ("vllm:prompt_tokens",),
            "generation_tokens": ("vllm:generation_tokens",),
            "requests_finished": ("vllm:request_success",),
            "ttft": ("vllm:time_to_first_token_seconds",),
            "inter_token": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
        },
        cache_config="vllm:cache_config_info",
        tool_parser="vllm:tool_call_parser_invocations_total",
        charted={
            "queue_time": ("vllm:request_queue_time_seconds",),
            "preemptions": ("vllm:num_preemptions",),
        },
    ),
    needs=(
        Need("attribution_off", (0, 18, 1), STRIPPED),
        Need("disable_betas", (0, 22, 1), "vLLM before 0.22.1 refuses tools that are sent later; costs 7,300 tokens"),
        Need(
            "model_capabilities",
            (0, 23, 0),
            "vLLM before 0.23.0 refuses system messages inside a conversation, so every session loses a request",
            value=WITHOUT_MID_CONVERSATION[1],
            unknown=False,
        ),
        Need(
            "output_not_clamped",
            (0, 32, 0),
            "vLLM before 0.32.0 refuses a request whose prompt and longest answer together exceed the window",
        ),
        Need("thinking_ignored", (0, 31, 0), "vLLM before 0.31.0 ignores thinking settings", unknown=False),
        Need(
            "too_old",
            (0, 17, 1),
            "vLLM before 0.17.1 refuses Claude Code's request after a tool call (thinking blocks): use a newer one",
            unknown=False,
        ),
        Need(
            "too_old",
            (0, 11, 1),
            "vLLM before 0.11.1 has no Messages API: use a newer one, or LiteLLM in front of it",
            unknown=False,
        ),
        Need(
            "no_web_search",
            None,
            "WebSearch sends a tool without a schema, which vLLM refuses with 400",
            seen="vLLM 0.32.0 on 2026-11-21, 0.33.0 on 2026-11-28",
        ),
    ),
    known_bad=(
        Pair(
            NAME,
            since=(0, 24, 0),
            below=(0, 25, 2),
            severity="warning",
            what="vLLM 0.24.0 to 0.25.1 renders a system message in the middle of a conversation where it stands",
            why="some models stop calling tools after it",
            fix=f"{_UPGRADE}   (or {export(*WITHOUT_MID_CONVERSATION)})",
            source="https://github.com/vllm-project/vllm/issues/48874",
        ),
        Pair(
            NAME,
            since=(0, 0, 0),
            below=(0, 15, 0),
            severity="warning",
            what="Qwen3-Coder-Next is said to need vLLM 0.15.0 or newer",
            why="its streamed answers break with older ones",
            fix=_UPGRADE,
            source="https://huggingface.co/Qwen/Qwen3-Coder-Next",
            model="qwen3-coder-next",
        ),
    ),
    remedies=Remedies(
        upgrade=_UPGRADE,
        larger_window=larger_window,
        own_name=own_name,
        name_flag="--served-model-name NAME",
        more_at_once="raise vLLM's --max-num-seqs",
        more_memory="raise vLLM's --gpu-memory-utilization",
        thinking_apart=lambda parser: f"restart vLLM with {REASONING.format(parser or 'NAME')}",
        thinking_left=WITHOUT_REASONING,
        chat_template="restart vLLM with --chat-template FILE",
        cache_on="restart vLLM without --no-enable-prefix-caching   (it is on by default)",
        tell_cache="restart vLLM with --enable-prompt-tokens-details",
        tool_calls=ToolCalls(
            how="restart vLLM with {flags}{note}", parser=PARSER, reasoning=REASONING, listing=LISTING
        ),
        tool_results_since="0.17.1",
        messages_since="0.11.1",
        # its Rust frontend names the switch itself
        messages_switch=re.compile(r"\bVLLM_[A-Z_]+=\w+"),
    ),
    quirks=Quirks(
        only_bearer=True,
        unguarded=Unguarded(
            "its key guards /v1 only: /invocations runs the model for anybody, /metrics and /tokenize answer, too",
            "put a reverse proxy in front of it that lets only /v1 and /health through",
        ),
        metrics=True,
    ),
)
