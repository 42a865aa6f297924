"""llama.cpp's llama-server, as it was seen; `props` and the list beside OpenAI's are its own."""

from collections.abc import Iterator

from claude_local_plugin.core.probe import OWNERS, SERVER_HEADERS
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.servers.answers import Answer, Answers, heard, objects_at, owned_by, positive, text_at
from claude_local_plugin.servers.kinds.kind import (
    HEALTH,
    PROPS,
    STRIPPED,
    Kind,
    MetricNames,
    Need,
    Quirks,
    Remedies,
    Sign,
    Tells,
    ToolCalls,
    Unguarded,
)
from claude_local_plugin.servers.server import ServedModel, Server

NAME = "llama.cpp"


def _seen(answers: Answers) -> bool:
    named = any(answer.headers.get("server", "").startswith(SERVER_HEADERS[NAME]) for answer in heard(answers))
    return named or owned_by(answers, OWNERS[NAME])


def build(answers: Answers) -> str | None:
    """What /props says of the build."""
    return text_at(answers.get("props"), "build_info")


def _slots(answers: Answers) -> int | None:
    props = answers.get("props")
    data = props.data if isinstance(props, Answer) else None
    return positive(data.get("total_slots")) if isinstance(data, dict) else None


def _model_file(answers: Answers) -> str | None:
    return text_at(answers.get("props"), "model_path")


def _seeing(answers: Answers) -> Iterator[tuple[str, bool]]:
    for row in objects_at(answers.get("models"), "models") or ():  # its own list beside the one of OpenAI's kind
        capabilities = row.get("capabilities")
        if isinstance(capabilities, list) and "completion" in capabilities:
            yield str(row.get("name")), "multimodal" in capabilities


def _larger_window(server: Server, _: ServedModel, size: str) -> str:
    # all slots share what -c says, unless there is one
    alone = ["--parallel", "1"] if (server.slots or 1) > 1 else []
    return command("llama-server", "-m", server.model_file or Words("MODEL.gguf"), "-c", size, *alone)


def _own_name(server: Server, _: ServedModel, name: str) -> str:
    return command("llama-server", "-m", server.model_file or Words("MODEL.gguf"), "--alias", name)


KIND = Kind(
    name=NAME,
    label="llama.cpp",
    listed=40,
    ports=(8080,),
    start=command(
        *("llama-server", "-hf", "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF", "--jinja", "-c", "65536"),
        *("--port", "8080"),
    ),
    sign=Sign(70, _seen),
    tells=Tells(
        questions=(HEALTH, PROPS),
        version=build,
        seeing=_seeing,
        slots=_slots,
        model_file=_model_file,
        takes_empty_message=True,
    ),
    metrics=MetricNames(
        prefix="llamacpp:",
        names={
            "running": ("llamacpp:requests_processing",),
            "waiting": ("llamacpp:requests_deferred",),
            "kv_usage": ("llamacpp:kv_cache_usage_ratio",),
            "prompt_tokens": ("llamacpp:prompt_tokens",),
            "generation_tokens": ("llamacpp:tokens_predicted",),
        },
        # its counter of prompt tokens leaves out those that the cache had
        charted={"prefix_hits": ("llamacpp:prompt_tokens_cached",), "prefix_misses": ("llamacpp:prompt_tokens",)},
    ),
    needs=(
        Need("attribution_off", None, STRIPPED),
        Need(
            "no_web_search",
            None,
            "llama.cpp searches nothing for WebSearch: what the model makes up would come back as results",
            seen="llama-server of xllamacpp 2026.10.11549 on 2026-11-28, Claude Code 2.1.332",
        ),
    ),
    remedies=Remedies(
        larger_window=_larger_window,
        own_name=_own_name,
        more_at_once="raise llama-server's --parallel, and its -c with it",
        more_memory="raise llama-server's -c",
        thinking_apart=lambda _: "restart llama-server with --reasoning-format auto",
        thinking_left="with --reasoning-format none",
        chat_template="restart llama-server with --jinja --chat-template-file FILE",
        cache_on="restart llama-server with --cache-reuse 256 --parallel 1",
        tell_cache="restart llama-server with --metrics",
        tool_calls=ToolCalls(how="restart llama-server with --jinja"),
    ),
    quirks=Quirks(any_name=True, unguarded=Unguarded(), metrics=True),
)
