"""A real vLLM 0.32 or 0.33 and a real LiteLLM 1.106 or 1.110: recognised, examined in every way of starting it, and
measured.
"""

import subprocess

import pytest

from claude_local_plugin.backends import advice, identify
from claude_local_plugin.backends.deep import CacheVerdict, ToolVerdict, examine
from claude_local_plugin.backends.messages import run
from claude_local_plugin.backends.metrics import parse
from claude_local_plugin.bench import Workload, advise, measure
from claude_local_plugin.bench.measure import Target
from claude_local_plugin.bench.report import report
from claude_local_plugin.settings import schema
from tests.commands.place import Place
from tests.real_servers.conftest import MASTER_KEY, MODEL, StartVllm
from tests.real_servers.start_vllm import Wanted

pytestmark = pytest.mark.real_server


def test_a_real_vllm_is_recognised(vllm: str) -> None:
    server = identify(vllm)
    assert (server.kind, server.state, server.speaks_messages) == ("vllm", "ready", True)
    assert MODEL in {model.name for model in server.models}


def test_a_real_vllm_that_is_started_well_passes_every_question(vllm: str) -> None:
    facts = examine(vllm, MODEL, kind="vllm")
    assert all(exchange.accepted for exchange in facts.exchanges)
    assert facts.silent == ()
    assert facts.tools is not None
    assert (facts.tools.verdict, facts.tools.parser_set) == (ToolVerdict.PARSED, True)
    assert facts.tools.parsed_calls
    assert facts.thinking is not None
    assert (facts.thinking.reasoning_parser_set, facts.thinking.leaked, facts.thinking.never_ends) == (
        True,
        False,
        False,
    )
    assert facts.count is not None
    assert facts.count.counted == facts.count.used
    assert facts.cache is not None
    assert facts.cache.verdict is CacheVerdict.HIT
    assert facts.folders is not None
    assert facts.folders.with_memory is not None
    assert facts.folders.without_memory is not None
    assert facts.folders.with_memory.share < 0.2 < 0.6 < facts.folders.without_memory.share
    assert facts.ttft is not None


def test_a_real_vllm_is_measured(vllm: str) -> None:
    found = measure(Target(vllm, MODEL, kind="vllm"), Workload(2_000, 2, 16, (1, 2)))
    assert (found.spoiled, found.stopped) == ((), None)
    assert all(turn.output_tokens == 16 for level in found.levels for turn in level.turns)
    assert all(level.reused and level.looked_up for level in found.levels)
    assert schema.problems(report(found, advise(found), None, at="2026-01-01T00:00:00Z"), "bench") == ()


def test_the_time_per_token_is_vllms_own(vllm: str) -> None:
    """vLLM's histogram has the mean over all requests, so only what came between two readings is compared."""
    text = {}
    for when in ("before", "after"):
        if when == "after":
            found = measure(Target(vllm, MODEL, kind="vllm"), Workload(500, 1, 64, (1,)))
        text[when] = run(lambda client: client.get("/metrics"), vllm)
    name = "vllm:request_time_per_output_token_seconds"
    total, count = (
        sum(s.value for s in parse(text["after"][1]) if s.name == f"{name}_{part}")
        - sum(s.value for s in parse(text["before"][1]) if s.name == f"{name}_{part}")
        for part in ("sum", "count")
    )
    assert count
    turns = [
        turn for turn in (*found.cold, *(turn for level in found.levels for turn in level.turns)) if turn.per_token
    ]
    ours = sum(turn.per_token or 0 for turn in turns) / len(turns)
    assert ours == pytest.approx(total / count, rel=1.0)


def test_the_rust_frontend_says_that_it_has_no_messages_and_how_to_switch(rust_frontend: str) -> None:
    server = identify(rust_frontend, timeout=30)
    assert (server.kind, server.state) == ("vllm", "ready")
    if server.speaks_messages is False:  # 0.33.0; later ones may have got further
        assert "VLLM_USE_RUST_FRONTEND=0" in (server.problem or "")
        assert advice.messages_api(server) == "restart it with VLLM_USE_RUST_FRONTEND=0"


def test_a_litellm_without_its_key_asks_for_it(litellm: str) -> None:
    assert identify(litellm, timeout=30).state == "needs-key"
    assert identify(litellm, token="sk-wrong-key", timeout=30).state == "wrong-key"


def test_a_real_litellm_is_recognised_and_passes(litellm: str) -> None:
    server = identify(litellm, token=MASTER_KEY)
    assert (server.kind, server.state) == ("litellm", "ready")
    facts = examine(litellm, MODEL, token=MASTER_KEY, kind="litellm")
    assert all(exchange.accepted for exchange in facts.exchanges)
    assert facts.tools is not None
    assert facts.tools.verdict is ToolVerdict.PARSED
    assert facts.silent == ()
    found = measure(Target(litellm, MODEL, MASTER_KEY, "litellm"), Workload(1_000, 1, 8, (1,)))
    assert found.spoiled == ()


def test_the_wrong_tool_parser_swallows_calls(start: StartVllm) -> None:
    facts = examine(start(Wanted(tool_parser="qwen3_coder")), MODEL, kind="vllm")
    assert facts.tools is not None
    assert (facts.tools.verdict, facts.tools.whole_verdict) == (ToolVerdict.SWALLOWED, ToolVerdict.SWALLOWED)
    assert (facts.tools.parser_set, facts.tools.parsed_calls) == (True, 0)
    assert "tool-offered" in {exchange.name for exchange in facts.silent}


def test_without_parsers_tools_are_refused_and_thinking_is_text(start: StartVllm) -> None:
    facts = examine(start(Wanted(tool_parser=None, reasoning_parser=None)), MODEL, kind="vllm")
    assert facts.tools is not None
    assert (facts.tools.verdict, facts.tools.parser_set) == (ToolVerdict.NO_PARSER, False)
    assert facts.thinking is not None
    assert (facts.thinking.reasoning_parser_set, facts.thinking.leaked) == (False, True)


def test_a_key_is_asked_for_and_a_cache_that_is_off_never_hits(start: StartVllm) -> None:
    more = ("--api-key", "sk-tiny", "--no-enable-prefix-caching")
    url = start(Wanted(call_format="qwen3_coder", tool_parser="qwen3_coder", more=more))
    assert identify(url).state == "needs-key"
    assert identify(url, token="sk-wrong").state == "wrong-key"
    assert examine(url, MODEL, kind="vllm").plain.refusal == "Unauthorized"
    facts = examine(url, MODEL, token="sk-tiny", kind="vllm")
    assert facts.tools is not None
    assert facts.tools.verdict is ToolVerdict.PARSED
    assert facts.cache is not None
    assert facts.cache.verdict is CacheVerdict.MISS
    assert facts.metrics_after is not None
    assert facts.metrics_after.prefix_caching is False


def test_a_model_that_never_ends_its_thinking_gives_silent_answers(start: StartVllm) -> None:
    facts = examine(start(Wanted(think=False)), MODEL, kind="vllm")
    assert facts.thinking is not None
    assert facts.thinking.never_ends
    assert {"plain", "tool-result"} <= {exchange.name for exchange in facts.silent}


@pytest.mark.claude
def test_the_real_client_works_through_a_real_vllm(
    vllm: str,
    claude_binary: str,
    home: object,
    project: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = Place(home, project, capsys)  # type: ignore[arg-type]
    place.ok("enable", "--url", vllm, "--model", MODEL, "--yes")
    argv = [str(claude_binary), "-p", "RUN_BASH please", "--allowedTools", "Bash(echo:*)"]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "The tool has answered.")
