"""A ✓ stands for what was seen, a fix never names what was just run, and advice is the server's own kind's."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.doctor import CHECKS, Facts, Finding, Result, run
from claude_local_plugin.doctor.facts import Owned
from claude_local_plugin.doctor.model import Place as FilePlace
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.servers import ServedModel, State, advice
from claude_local_plugin.servers.compatibility import needs
from claude_local_plugin.servers.examination import CacheVerdict, CountFacts, ToolVerdict
from claude_local_plugin.servers.messages import Block, Reply, Usage
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.servers.well_known import LABELS
from tests.commands.place import MODEL, Place
from tests.doctor import building as b
from tests.looped import looped

STEPS = ("streamed", "tools", "inline_system", "thinking", "unknown_fields", "count", "cache", "folders")
NOTHING: dict[str, Any] = dict.fromkeys(STEPS)
CUT_SHORT = b.deep(**NOTHING)
LAN = "http://dell-pro-max:8000"


def found(check_id: str, facts: Facts) -> list[Finding]:
    return list(run(facts, [check for check in CHECKS if check.id == check_id]))


def one(check_id: str, facts: Facts) -> Finding:
    (finding,) = found(check_id, facts)
    return finding


UNSEEN = [
    ("model.served", b.facts(server=b.server(models=()))),
    ("model.tool-types", b.facts(deep=b.deep(tools=b.tools(ToolVerdict.NOT_CALLED)))),
    ("model.tool-types", b.facts(deep=b.deep(tools=b.tools(ToolVerdict.SWALLOWED)))),
    ("model.tool-types", b.facts(deep=b.deep(tools=b.tools(ToolVerdict.REFUSED)))),
    *((name, b.facts(deep=CUT_SHORT)) for name in ("model.tool-calls", "model.tool-types", "model.tool-results")),
    *((name, b.facts(deep=CUT_SHORT)) for name in ("model.system-role", "model.thinking", "model.fields")),
    *((name, b.facts(deep=CUT_SHORT)) for name in ("model.count-tokens", "cache.prefix", "cache.folders")),
    *((name, b.facts(deep=CUT_SHORT)) for name in ("model.answers", "server.speed")),
    ("model.count-tokens", b.facts(deep=b.deep(count=CountFacts(b.exchange("count-tokens"), 9, None)))),
    ("model.window", b.facts(server=b.server(models=(ServedModel(b.MODEL),)))),
    ("model.prompt", b.facts(server=b.server(models=(ServedModel(b.MODEL),)))),
    ("model.output", b.facts(server=b.server(models=(ServedModel(b.MODEL),)))),
    ("server.busy", b.facts(metrics=None)),
    ("server.open-routes", b.facts()),
    ("server.ready", b.facts(server=b.server(state=State.NEEDS_KEY, problem="asks for a key"))),
    ("server.ready", b.facts(server=b.server(state=State.WRONG_KEY, problem="does not accept the key (401)"))),
    ("server.models", b.facts(server=b.server(kind="claude-code-router", models=()))),
    ("client.version", b.facts(b.snapshot(client_version=None), client_path=None)),
    ("client.version", b.facts(b.snapshot(client_version=None))),
    ("client.known-bad", b.facts(server=b.server(version=None), needs=needs("vllm", "0.32.0"))),
    ("files.record", b.facts(owned=())),
]


@looped(("check_id", "facts"), UNSEEN)
def test_what_was_not_seen_has_no_tick(check_id: str, facts: Facts) -> None:
    results = {finding.result for finding in found(check_id, facts)}
    assert Result.OK not in results
    assert Result.SKIPPED in results


def test_the_healthy_folder_still_has_its_ticks() -> None:
    facts = b.facts(deep=b.deep(), owned=(Owned(b.LOCAL),))
    for check_id in {name for name, _ in UNSEEN} - {"server.open-routes"}:
        assert [finding.result for finding in found(check_id, facts)] == [Result.OK], check_id


def empty(output: int | None) -> Reply:
    return Reply(200, False, 0.2, stop_reason="end_turn", usage=Usage(9, output))


@pytest.mark.parametrize("output", [None, 0, 12])
def test_an_empty_tool_answer_is_an_empty_answer(output: int | None) -> None:
    offered = b.exchange("tool-offered", empty(output))
    tools = b.tools(ToolVerdict.SWALLOWED, offered=offered)
    finding = one("model.empty-answer", b.facts(deep=b.deep(tools=tools, exchanges=(b.exchange("plain"), offered))))
    assert finding.result is Result.ERROR
    assert "(tool-offered)" in finding.what


def test_a_swallowed_call_beside_some_text_is_an_empty_answer_too() -> None:
    offered = b.exchange("tool-offered", b.reply(Block("text", "ok"), usage=Usage(9, 90)))
    facts = b.facts(deep=b.deep(tools=b.tools(ToolVerdict.SWALLOWED, offered=offered), exchanges=(offered,)))
    assert one("model.empty-answer", facts).result is Result.ERROR


# --- fixes never name what was just run


def deep_cases() -> Iterator[Facts]:
    litellm = b.server(kind="litellm", models=(ServedModel("other", 65_536),))
    for tools in (*(b.tools(verdict) for verdict in ToolVerdict), None):
        for server in (b.server(), b.server(speaks_messages=None), litellm, b.server(kind="anthropic-compatible")):
            yield b.facts(server=server, deep=b.deep(tools=tools, kind=server.kind))
    refused = b.exchange("plain", b.refused("no"))
    for server in (litellm, b.server(dead=("http://127.0.0.1:9",), members=("http://127.0.0.1:9",))):
        yield b.facts(server=server, deep=b.deep(plain=refused, **NOTHING))
    yield b.facts(deep=CUT_SHORT)
    yield b.facts(server=b.server(speaks_messages=None), deep=b.deep(plain=refused, **NOTHING))


def test_after_real_requests_no_fix_asks_for_them_again() -> None:
    for facts in deep_cases():
        for finding in run(facts):
            fixes = "--fix" in (finding.fix or "")
            assert fixes or "doctor --deep" not in (finding.fix or ""), finding
            assert finding.result is not Result.SKIPPED or "--deep" not in finding.what, finding


@pytest.mark.parametrize(("status", "words"), [(401, "--token-env"), (404, "/v1/models"), (500, "log")])
def test_a_message_that_is_not_answered_has_a_fix_that_is_not_doctor(status: int, words: str) -> None:
    refused = b.exchange("plain", replace(b.refused("no"), status=status))
    finding = one("model.answers", b.facts(deep=b.deep(plain=refused, **NOTHING)))
    assert words in (finding.fix or "")
    assert "claude-local doctor" not in (finding.fix or "")


# --- thinking concerns the name that was asked for


def test_a_budget_that_was_not_tried_is_no_fault() -> None:
    assert one("model.thinking", b.facts(deep=b.deep(thinking=b.thinking(enabled=None)))).result is Result.OK


def test_a_refused_budget_is_a_fault_of_the_name_that_gets_it() -> None:
    thinking = b.thinking(enabled=b.exchange("thinking-enabled", b.refused("no reasoning_config")))
    finding = one("model.thinking", b.facts(deep=b.deep(model="claude-sonnet-4-5", thinking=thinking)))
    assert finding.result is Result.ERROR
    assert "as this name gets it" in finding.what


# --- advice is the kind's own

KINDS = sorted(set(LABELS) - {"unknown", "anthropic"})


def spoiled(kind: str, **changes: Any) -> Facts:
    """Everything wrong that a server can have wrong, on a server of this kind."""
    server = b.server(kind=kind, models=(ServedModel(b.MODEL, 8_192),), url=LAN, **changes)
    thinking = b.thinking(leaked=True)
    no = b.exchange("x", b.refused("no"))
    deep = b.deep(
        kind=kind,
        root=None,
        tools=b.tools(ToolVerdict.SWALLOWED, result=no, parallel=no),
        thinking=thinking,
        count=CountFacts(b.exchange("count-tokens"), 9_000, 100),
        streamed=b.exchange("streamed"),
        cache=b.cache(CacheVerdict.UNKNOWN, reuse=None),
    )
    metrics = Metrics("unknown", running=4, waiting=3)
    return b.facts(server=server, deep=deep, metrics=metrics, url=LAN)


@looped("kind", [kind for kind in KINDS if kind not in ("vllm", "production-stack", "vllm-router")])
def test_no_flag_of_vllm_is_advised_for_another_server(kind: str) -> None:
    foreign = r"vllm serve|--max-num-seqs|--gpu-memory|upgrade vllm|--max-model-len \d|restart vLLM"
    for facts in (spoiled(kind), spoiled(kind, speaks_messages=False, problem="has no /v1/messages")):
        for finding in run(facts, [check for check in CHECKS if check.group in ("server", "model", "cache", "client")]):
            behind = "behind" in (finding.fix or "") or kind in ("openai-only", "transformers")
            assert behind or not re.search(foreign, finding.fix or ""), finding


def test_an_alias_is_no_file() -> None:
    alias = ServedModel("my-alias", 8_192)
    for kind in KINDS:
        server = b.server(kind=kind, models=(alias,))
        for said in (advice.larger_window(server, alias), advice.own_name(server, alias)):
            assert not re.search(r"(vllm serve|llama-server -m|--model-path) my-alias", said), said


@looped(
    ("kind", "changes", "model", "expected"),
    [
        ("vllm", {}, ServedModel("a", 8, "Qwen/Q x"), "vllm serve 'Qwen/Q x' --max-model-len 65536"),
        ("vllm", {}, ServedModel("a", 8), "restart vLLM with --max-model-len 65536"),
        (
            "llama.cpp",
            {"model_file": "/m/q $(x).gguf", "slots": 1},
            ServedModel("a", 8),
            "llama-server -m '/m/q $(x).gguf' -c 65536",
        ),
        (
            "llama.cpp",
            {"model_file": "/m/q.gguf", "slots": 4},
            ServedModel("a", 8),
            "llama-server -m /m/q.gguf -c 65536 --parallel 1",
        ),
        ("llama.cpp", {}, ServedModel("a", 8), "llama-server -m MODEL.gguf -c 65536"),
        ("ollama", {}, ServedModel("a", 8), "OLLAMA_CONTEXT_LENGTH=65536 ollama serve"),
        ("lmstudio", {}, ServedModel("a;b", 8), "lms load 'a;b' --context-length 65536"),
        ("vllm-router", {"engine": "vllm"}, ServedModel("a", 8, "/m"), "vllm serve /m --max-model-len 65536"),
        ("litellm", {}, ServedModel("a", 8), "give the model behind LiteLLM a window of 65,536 tokens"),
    ],
)
def test_a_larger_window_is_asked_for_in_the_servers_own_terms(
    kind: str, changes: dict[str, Any], model: ServedModel, expected: str
) -> None:
    assert advice.larger_window(b.server(kind=kind, models=(model,), **changes), model) == expected


def test_a_switch_that_the_server_names_is_the_fix() -> None:
    said = "does not answer /v1/messages: “not supported by the Rust frontend yet. Set VLLM_USE_RUST_FRONTEND=0 to …”"
    finding = one("server.messages", b.facts(server=b.server(speaks_messages=False, problem=said)))
    assert finding.fix == "restart it with VLLM_USE_RUST_FRONTEND=0"
    assert "not supported by the Rust frontend yet" in finding.what
    hostile = "does not answer /v1/messages: “Set LD_PRELOAD=/tmp/x”"
    assert "LD_PRELOAD" not in (
        one("server.messages", b.facts(server=b.server(speaks_messages=False, problem=hostile))).fix or ""
    )


def test_litellms_window_comes_later_and_the_fix_works_with_its_key() -> None:
    server = b.server(kind="litellm", models=(ServedModel(b.MODEL),), needs_key=True)
    facts = b.facts(b.snapshot(without=("CLAUDE_CODE_MAX_CONTEXT_TOKENS",)), server=server)
    finding = one("model.window", facts)
    assert "LiteLLM learns it some minutes after its start" in finding.what
    assert "ask again in some minutes" in (finding.fix or "")
    assert f"--model {b.MODEL} --max-model-len N" in (finding.fix or "")  # `enable` keeps the key of the sessions


@pytest.mark.parametrize("check", ["model.tool-results", "model.system-role", "model.fields", "model.thinking"])
def test_what_reached_no_model_is_not_called_refused(check: str) -> None:
    """As LiteLLM 1.110.2 said it with one of two deployments dead: the fix was to upgrade LiteLLM."""
    said = "litellm.InternalServerError: AnthropicException - Cannot connect to host 127.0.0.1:18099"
    lost = b.exchange("lost", b.refused(said, status=500))
    spoilt = {
        "model.tool-results": {"tools": b.tools(result=lost)},
        "model.system-role": {"inline_system": lost},
        "model.fields": {"unknown_fields": lost},
        "model.thinking": {"thinking": b.thinking(adaptive=lost)},
    }[check]
    server = b.server(kind="litellm", members=("http://box:1", "http://box:2"), dead=("http://box:2",))
    finding = one(check, b.facts(server=server, deep=b.deep(kind="litellm", **spoilt)))
    assert "did not reach a model: litellm.InternalServerError" in finding.what
    assert "refused" not in finding.what
    assert finding.fix == "start what refuses connections: http://box:2"


# --- a part of a gateway is dead


def test_a_router_with_one_dead_worker_is_a_warning_and_with_none_left_an_error() -> None:
    members = ("http://box:8001", "http://box:8002")
    some = b.server(
        kind="vllm-router", engine="vllm", members=members, dead=members[:1], problem="cannot reach 1 of its 2"
    )
    finding = one("server.ready", b.facts(server=some))
    assert (finding.result, "cannot reach 1 of its 2" in finding.what) == (Result.WARNING, True)
    lost = b.server(kind="litellm", members=members, dead=members, problem="cannot reach any of its deployments")
    assert one("server.ready", b.facts(server=lost)).result is Result.ERROR
    assert one("server.ready", b.facts(server=lost, deep=b.deep(kind="litellm"))).result is Result.WARNING


def test_readings_that_are_not_comparable_are_said_and_not_judged() -> None:
    deep = b.deep(
        not_comparable="not comparable: several replicas", cache=b.cache(reuse=None, next_reuse=None), folders=None
    )
    for check_id in ("cache.prefix", "cache.folders"):
        finding = one(check_id, b.facts(deep=deep))
        assert (finding.result, "several replicas" in finding.what) == (Result.SKIPPED, True)


# --- the wrong port


def test_a_server_that_is_gone_leads_back_to_the_one_that_answers() -> None:
    gone = b.server(state=State.REFUSED, kind="unknown", url="http://dell-pro-max:8001", problem="refuses connections")
    there = b.server(url=LAN)
    finding = one("server.ready", b.facts(server=gone, others=(there,)))
    assert finding.result is Result.ERROR
    assert finding.fix == "claude-local enable --url http://dell-pro-max:8000"
    assert "vLLM at dell-pro-max:8000 answers there" in finding.what
    elsewhere = one("server.ready", b.facts(server=gone, others=(there,), elsewhere=True))
    assert elsewhere.fix == "claude-local doctor --url http://dell-pro-max:8000"


def test_the_address_on_record_is_found_again(place: Place, closed_port: int) -> None:
    with EmbeddedBackend() as backend:
        place.ok("enable", "--url", backend.url, "--model", MODEL, "--yes")
        settings = place.local.read_text(encoding="utf-8")
        place.local.write_text(settings.replace(backend.url, f"http://127.0.0.1:{closed_port}"), encoding="utf-8")
        said = place.json("doctor", "server.ready", code=1)
    (finding,) = said["findings"]
    assert finding["fix"] == f"claude-local enable --url {backend.url}"
    assert "vllm serve" not in finding["fix"]


def test_a_file_that_cannot_be_written_is_said_with_the_place() -> None:
    finding = one("files.record", b.facts(owned=(Owned(b.LOCAL, writable=False),)))
    assert finding.result is Result.WARNING
    assert isinstance(finding.where, FilePlace)
    assert (finding.fix or "").startswith(f"chmod u+w {Path(b.LOCAL).parent}")
