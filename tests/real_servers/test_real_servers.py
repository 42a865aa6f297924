"""A real vLLM 0.32 or 0.33 and a real LiteLLM 1.106 or 1.110: recognised, examined in every way of starting it, and
measured.
"""

import json
import subprocess
from pathlib import Path

import pytest

from claude_local_plugin.bench import Workload, advise, measure
from claude_local_plugin.bench.measure import Target
from claude_local_plugin.bench.report import report
from claude_local_plugin.servers import advice, identify
from claude_local_plugin.servers.examination import CacheVerdict, SearchVerdict, ToolVerdict, examine
from claude_local_plugin.servers.messages import ask, conversation, run
from claude_local_plugin.servers.metrics import parse
from claude_local_plugin.settings import schema
from tests.commands.place import Place
from tests.real_servers.conftest import MASTER_KEY, MODEL, StartVllm
from tests.real_servers.start_vllm import VERSION, Wanted

pytestmark = pytest.mark.real_server


def test_a_real_vllm_is_recognised(vllm: str) -> None:
    server = identify(vllm)
    assert (server.kind, server.state, server.speaks_messages) == ("vllm", "ready", True)
    assert MODEL in {model.name for model in server.models}


def test_a_real_vllm_that_is_started_well_passes_every_question(vllm: str) -> None:
    facts = examine(vllm, MODEL, kind="vllm")
    refused = {each.name for each in facts.exchanges if not each.accepted}
    assert refused == {"image-pixel", "image-larger", "web-search"}  # a text model, and no search of vLLM's own
    assert facts.images is not None
    assert "not a multimodal model" in (facts.images.refusal or "")
    assert facts.web_search is not None
    assert facts.web_search.verdict is SearchVerdict.REFUSED
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


#: vLLM's own histograms of the same requests.
HISTOGRAMS = ("time_to_first_token_seconds", "request_time_per_output_token_seconds", "inter_token_latency_seconds")


def histograms(url: str) -> dict[str, float]:
    """What vLLM has counted so far: sum and count of each histogram, and the tokens it made."""
    got = run(lambda client: client.get("/metrics"), url)
    assert got is not None
    samples = parse(got[1])
    names = [f"vllm:{name}_{part}" for name in HISTOGRAMS for part in ("sum", "count")]
    return {
        name.removeprefix("vllm:"): sum(sample.value for sample in samples if sample.name == name)
        for name in [*names, "vllm:generation_tokens_total"]
    }


def test_first_token_and_time_per_token_are_vllms_own(vllm: str) -> None:
    """The same requests by two clocks. The server's ends before ours at a first token, since the way comes on top;
    a mean over few requests moves with the machine's load, so only its order is compared.
    """
    workload = Workload(500, 2, 64, (1, 2))
    before = histograms(vllm)
    found = measure(Target(vllm, MODEL, kind="vllm"), workload)
    after = histograms(vllm)
    grown = {name: after[name] - before[name] for name in after}
    assert (found.spoiled, found.stopped) == ((), None)

    # nothing else was asked, and nothing was left out
    assert grown["time_to_first_token_seconds_count"] == workload.requests
    assert grown["request_time_per_output_token_seconds_count"] == workload.requests
    timed = [*found.cold, *(turn for level in found.levels for turn in level.turns)]
    assert all(turn.output_tokens == 64 for turn in timed)
    assert grown["generation_tokens_total"] >= 64 * len(timed)
    assert grown["inter_token_latency_seconds_count"] == grown["generation_tokens_total"] - workload.requests

    ours_first = sum(turn.ttft or 0 for turn in timed) / len(timed)
    theirs_first = grown["time_to_first_token_seconds_sum"] / workload.requests
    assert theirs_first / 3 < ours_first < theirs_first * 10
    ours_each = sum(turn.per_token or 0 for turn in timed) / len(timed)
    per_request = grown["request_time_per_output_token_seconds_sum"] / workload.requests
    per_gap = grown["inter_token_latency_seconds_sum"] / grown["inter_token_latency_seconds_count"]
    print(
        f"first token {ours_first * 1e3:.1f} ms, vLLM {theirs_first * 1e3:.1f} ms; per token {ours_each * 1e3:.2f} ms,"
        f" vLLM {per_request * 1e3:.2f} ms (requests), {per_gap * 1e3:.2f} ms (gaps)"
    )
    assert ours_each == pytest.approx(per_request, rel=1.0)
    assert ours_each == pytest.approx(per_gap, rel=1.0)


def test_a_first_token_is_never_earlier_than_vllm_says(vllm: str) -> None:
    before = histograms(vllm)
    body = conversation(MODEL, [{"role": "user", "content": "Count from one on."}], max_tokens=32, stream=True)
    replies = [ask(vllm, body, timeout=120) for _ in range(5)]
    after = histograms(vllm)
    assert after["time_to_first_token_seconds_count"] - before["time_to_first_token_seconds_count"] == 5
    theirs = after["time_to_first_token_seconds_sum"] - before["time_to_first_token_seconds_sum"]
    assert theirs <= sum(reply.ttft or 0 for reply in replies)
    tokens = after["generation_tokens_total"] - before["generation_tokens_total"]
    assert tokens == sum(reply.usage.output or 0 for reply in replies)


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
    refused = {each.name for each in facts.exchanges if not each.accepted}
    assert refused == {"image-pixel", "image-larger"}
    assert facts.images is not None
    assert "not a multimodal model" in (facts.images.refusal or "")
    assert facts.web_search is not None
    assert facts.web_search.verdict is SearchVerdict.MADE_UP  # LiteLLM takes the tool away and lets the model answer
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


def test_the_older_one_is_known_and_examined_too(start: StartVllm) -> None:
    url = start(Wanted(version=VERSION))
    server = identify(url)
    assert (server.kind, server.version, server.speaks_messages) == ("vllm", VERSION, True)
    facts = examine(url, MODEL, kind="vllm")
    assert {each.name for each in facts.exchanges if not each.accepted} == {"image-pixel", "image-larger", "web-search"}


def client(binary: Path, home: Path, *arguments: str, **more: str) -> str:
    """What the real client says in this folder, nothing of the user's around it."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", **more}
    ended = subprocess.run(
        [str(binary), *arguments],
        env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()


@pytest.mark.client
def test_the_real_client_works_through_a_real_vllm(
    vllm: str, claude_binary: Path, home: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(home, project, capsys)
    place.ok("enable", "--url", vllm, "--model", MODEL, "--yes")
    said = client(claude_binary, home, "-p", "RUN_BASH please", "--allowedTools", "Bash(echo:*)")
    assert said == "The tool has answered."


@pytest.mark.client
def test_the_real_client_works_through_a_real_litellm(
    litellm: str,
    claude_binary: Path,
    home: Path,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place(home, project, capsys)
    monkeypatch.setenv("SERVER_KEY", MASTER_KEY)
    place.ok("enable", "--url", litellm, "--token-env", "SERVER_KEY", "--yes")
    assert "WebSearch" in json.loads(place.local.read_text(encoding="utf-8"))["permissions"]["deny"]
    said = client(claude_binary, home, "-p", "RUN_BASH please", "--allowedTools", "Bash(echo:*)")
    assert said == "The tool has answered."


@pytest.mark.client
def test_web_search_is_refused_by_vllm_and_only_the_model_hears_of_it(
    vllm: str, claude_binary: Path, home: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(home, project, capsys)
    place.ok("enable", "--url", vllm, "--model", MODEL, "--web-search", "--yes")
    told = ("-p", "SEARCH_WEB please", "--tools", "WebSearch", "--allowedTools", "WebSearch")
    said = client(claude_binary, home, *told, "--output-format", "stream-json", "--verbose", ENABLE_TOOL_SEARCH="false")
    events = [json.loads(line) for line in said.splitlines()]
    results = [
        block
        for event in events if event["type"] == "user"
        for block in event["message"]["content"] if block["type"] == "tool_result"
    ]  # fmt: skip
    assert [result.get("is_error") for result in results] == [True]
    assert "input_schema" in str(results[0]["content"])
    assert (events[-1]["type"], events[-1]["is_error"]) == ("result", False)
