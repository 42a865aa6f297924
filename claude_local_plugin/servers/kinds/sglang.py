"""SGLang, read in the sources of 0.5.23."""

from claude_local_plugin.core.probe import OWNERS
from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers, Question, owned_by, text_at
from claude_local_plugin.servers.kinds.kind import (
    STRIPPED,
    Kind,
    MetricNames,
    Need,
    Quirks,
    Remedies,
    Sign,
    Tells,
    ToolCalls,
)

NAME = "sglang"


def _seen(answers: Answers) -> bool:
    root = answers.get("root")
    said = isinstance(root, Answer) and root.status == 200 and "SGLang is running" in root.text
    return said or owned_by(answers, OWNERS[NAME])


def _version(answers: Answers) -> str | None:
    return text_at(answers.get("server_info"), "version")


KIND = Kind(
    name=NAME,
    label="SGLang",
    listed=60,
    ports=(30000,),
    start=command(
        *("python", "-m", "sglang.launch_server", "--model-path", "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
        *("--context-length", "65536", "--tool-call-parser", "qwen3_coder"),
    ),
    sign=Sign(80, _seen),
    tells=Tells(
        questions=(Question("server_info", "/server_info", token=True),), version=_version, takes_empty_message=True
    ),
    metrics=MetricNames(
        prefix="sglang:",
        names={
            "running": ("sglang:num_running_reqs",),
            "waiting": ("sglang:num_queue_reqs",),
            "kv_usage": ("sglang:token_usage",),
            "prefix_queries": ("sglang:prompt_tokens",),
            "prefix_hits": ("sglang:cached_tokens",),
            "prefix_hit_rate": ("sglang:cache_hit_rate",),
            "prompt_tokens": ("sglang:prompt_tokens",),
            "generation_tokens": ("sglang:generation_tokens",),
            "requests_finished": ("sglang:num_requests",),
            "ttft": ("sglang:time_to_first_token_seconds",),
            "inter_token": ("sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"),
        },
    ),
    needs=(Need("attribution_off", None, STRIPPED),),
    remedies=Remedies(
        upgrade=command("pip", "install", "--upgrade", "sglang"),
        larger_window=lambda _server, _model, size: f"restart SGLang with --context-length {size}",
        own_name=lambda _server, _model, name: f"restart SGLang with --served-model-name {name}",
        more_at_once="raise SGLang's --max-running-requests",
        more_memory="raise SGLang's --mem-fraction-static",
        thinking_left="without --reasoning-parser",
        chat_template="restart SGLang with --chat-template FILE",
        thinking_apart=lambda parser: f"restart SGLang with --reasoning-parser {parser or 'NAME'}",
        cache_on="restart SGLang without --disable-radix-cache",
        tell_cache="restart SGLang with --enable-cache-report --enable-metrics",
        tool_calls=ToolCalls(how="restart SGLang with {flags}{note}", parser="--tool-call-parser {}"),
    ),
    quirks=Quirks(metrics=True),
)
