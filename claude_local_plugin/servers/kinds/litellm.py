"""LiteLLM's proxy: what was seen on 1.102.3 to 1.110.2; its metrics' names are read from 1.106.2 and 1.110.2."""

from collections.abc import Iterator

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers, Question, heard, objects_at, positive, text_at
from claude_local_plugin.servers.kinds.kind import (
    STRIPPED,
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
from claude_local_plugin.servers.kinds.vllm import LISTING, PARSER, REASONING

NAME = "litellm"
#: The releases that nobody may install are left out; and one from before them.
_PACKAGE = "litellm[proxy]!=1.82.7,!=1.82.8,!=1.107.0"
_CLEAN = command("pip", "install", "litellm[proxy]==1.106.2")


def _seen(answers: Answers) -> bool:
    alive = answers.get("liveliness")
    if isinstance(alive, Answer) and alive.status == 200 and "alive!" in str(alive.data).lower():
        return True
    return any(header.startswith("x-litellm-") for answer in heard(answers) for header in answer.headers)


def _version(answers: Answers) -> str | None:
    headers = (answer.headers.get("x-litellm-version") for answer in heard(answers))
    return next(filter(None, headers), None) or text_at(answers.get("details"), "litellm_version")


def _windows(answers: Answers) -> Iterator[tuple[str, int | None]]:
    for row in objects_at(answers.get("model_info"), "data") or ():
        info = row.get("model_info")
        if isinstance(info, dict):
            yield str(row.get("model_name")), positive(info.get("max_input_tokens"))


def _members(answers: Answers) -> Iterator[object]:
    for row in objects_at(answers.get("model_info"), "data") or ():
        told = row.get("litellm_params")
        if isinstance(told, dict):
            yield told.get("api_base")


def _asks_for_key(name: str, answer: Answer) -> bool:
    # without a database it says 500 to no key at all and 400 to a wrong one
    no_key = answer.status == 500 and name.startswith("models")
    return no_key or (answer.status == 400 and "No connected db" in answer.text)


def thinking_apart(parser: str | None) -> str:
    """Which kind of server is behind it, a gateway does not tell."""
    return (
        f"restart the server behind it: vLLM with {REASONING.format(parser or 'NAME')}, llama-server with"
        " --reasoning-format auto"
    )


KIND = Kind(
    name=NAME,
    label="LiteLLM",
    listed=20,
    ports=(4000,),
    start=command("litellm", "--config", "config.yaml", "--port", "4000"),
    sign=Sign(10, _seen),
    tells=Tells(
        questions=(
            Question("model_info", "/v1/model/info", token=True),
            Question("details", "/health/readiness/details", token=True),
        ),
        version=_version,
        windows=_windows,
        members=_members,
        asks_for_key=_asks_for_key,
    ),
    metrics=MetricNames(
        prefix="litellm_",
        names={
            "running": ("litellm_in_flight_requests",),
            "prompt_tokens": ("litellm_input_tokens_metric",),
            "generation_tokens": ("litellm_output_tokens_metric",),
            "requests_finished": ("litellm_proxy_total_requests_metric",),
            "ttft": ("litellm_llm_api_time_to_first_token_metric",),
        },
        charted={
            "failed": ("litellm_proxy_failed_requests_metric",),
            # per deployment: 0 healthy, 1 some requests failed, 2 left alone
            "deployment_state": ("litellm_deployment_state",),
        },
    ),
    needs=(
        Need("attribution_off", None, STRIPPED),
        Need(
            "no_web_search",
            None,
            "unless LiteLLM was given a search of its own, what the model makes up comes back as WebSearch's results",
            seen="LiteLLM 1.110.2 on 2026-11-28, hosted_vllm/ before vLLM 0.33.0 and anthropic/ before llama.cpp",
        ),
    ),
    known_bad=(
        Pair(
            NAME,
            since=(1, 82, 7),
            below=(1, 82, 9),
            severity="error",
            what="LiteLLM 1.82.7 and 1.82.8 were published by an intruder",
            why="it runs on a machine that has your keys",
            fix=f"take that machine off the network, change every key it knew, then {_CLEAN}",
            source="https://github.com/BerriAI/litellm/issues/24518",
        ),
        Pair(
            NAME,
            since=(1, 107, 0),
            below=(1, 107, 1),
            severity="error",
            what="LiteLLM 1.107.0 was published by an intruder",
            why="it runs on a machine that has your keys",
            fix=f"take that machine off the network, change every key it knew, then {_CLEAN}",
            source="https://pypi.org/project/litellm/#history",
        ),
    ),
    remedies=Remedies(
        upgrade=command("pip", "install", "--upgrade", _PACKAGE),
        own_name=lambda _server, _model, name: f"model_name: {name} in LiteLLM's config",
        load_model="name a model under model_list in LiteLLM's config",
        more_at_once="add a deployment to LiteLLM's config",
        thinking_apart=thinking_apart,
        tell_cache="where vLLM is behind LiteLLM, restart that with --enable-prompt-tokens-details",
        tool_calls=ToolCalls(
            how="restart the server behind it: vLLM with {flags}, llama.cpp with --jinja{note}",
            parser=PARSER,
            reasoning=REASONING,
            listing=LISTING,
        ),
    ),
    quirks=Quirks(
        routes_unlisted=True,
        # it says 0 also for servers behind it that do not tell
        silent_zero=True,
        # it asks the servers behind it, and some minutes pass before it has heard from them (seen on 1.110.2)
        window_later="LiteLLM learns it some minutes after its start",
        unguarded=Unguarded(),
    ),
)
