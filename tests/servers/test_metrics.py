"""What /metrics says, by meaning: recorded texts of real servers, and the names that other versions have."""

import math
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.servers.messages import ask, conversation, run
from claude_local_plugin.servers.metrics import SEVERAL, Histogram, Metrics, not_comparable, parse, read, reused
from tests.in_turn import in_turn
from tests.looped import looped

RECORDED = Path(__file__).parent / "metrics"


def recorded(name: str) -> Metrics:
    found = read((RECORDED / f"{name}.txt").read_text(encoding="utf-8"))
    assert found is not None
    return found


def test_a_real_vllm_is_read() -> None:
    metrics = recorded("vllm-0.32.0")
    assert (metrics.dialect, metrics.running, metrics.waiting) == ("vllm", 0.0, 0.0)
    assert (metrics.prefix_queries, metrics.prefix_hits) == (54697.0, 23040.0)
    assert metrics.hit_rate == pytest.approx(23040 / 54697)
    assert metrics.prefix_caching is True
    assert metrics.models == ("claude-sonnet-4-5-20250929",)
    assert metrics.ttft is not None
    assert metrics.ttft.count > 0


def test_the_tool_parser_of_a_real_vllm_shows_by_its_counters() -> None:
    parser = recorded("vllm-0.32.0").tool_parser
    assert parser is not None
    assert (parser["tool_call"], parser["no_tool_call"] > 0) == (8.0, True)
    assert recorded("vllm-0.32.0-no-tool-parser").tool_parser is None


def test_a_real_llama_cpp_is_read() -> None:
    metrics = recorded("llama.cpp")
    assert (metrics.dialect, metrics.running, metrics.waiting) == ("llama.cpp", 0.0, 0.0)
    assert (metrics.prompt_tokens, metrics.generation_tokens) == (0.0, 0.0)
    assert metrics.hit_rate is None


@looped(
    ("text", "meaning", "value"),
    [
        ('vllm:gpu_cache_usage_perc{model_name="m"} 0.25', "kv_usage", 0.25),
        ("vllm:kv_cache_usage_perc 0.5", "kv_usage", 0.5),
        ("vllm:prompt_tokens 7", "prompt_tokens", 7.0),
        ("vllm:prompt_tokens_total 7", "prompt_tokens", 7.0),
        ("vllm:gpu_prefix_cache_hit_rate 0.75", "prefix_hit_rate", 0.75),
        ("sglang:num_queue_reqs 3", "waiting", 3.0),
        ("sglang:token_usage 0.1", "kv_usage", 0.1),
        ("sglang:cache_hit_rate 0.6", "hit_rate", 0.6),
        ("llamacpp:requests_deferred 2", "waiting", 2.0),
        ("llamacpp:tokens_predicted_total 11", "generation_tokens", 11.0),
        ('litellm_input_tokens_metric_total{model="a"} 5', "prompt_tokens", 5.0),
        ("litellm_in_flight_requests 4", "running", 4.0),
    ],
)
def test_a_meaning_is_found_under_the_names_of_its_versions(text: str, meaning: str, value: float) -> None:
    found = read(text)
    assert getattr(found, meaning) == value


def test_engines_add_up_but_the_fullest_cache_counts() -> None:
    text = "\n".join(
        f'vllm:{name}{{engine="{engine}"}} {value}'
        for name, values in (("num_requests_running", (2, 3)), ("kv_cache_usage_perc", (0.1, 0.9)))
        for engine, value in enumerate(values)
    )
    metrics = read(text)
    assert metrics is not None
    assert (metrics.running, metrics.kv_usage) == (5.0, 0.9)


def test_sglang_tells_hits_only_with_a_counter_for_them() -> None:
    without, with_counter = (
        read("sglang:prompt_tokens_total 10"),
        read("sglang:prompt_tokens_total 10\nsglang:cached_tokens_total 4"),
    )
    assert without is not None
    assert with_counter is not None
    assert (without.hit_rate, with_counter.hit_rate) == (None, 0.4)


def test_a_cache_that_is_switched_off_shows() -> None:
    found = read('vllm:cache_config_info{block_size="16",enable_prefix_caching="False"} 1.0')
    assert found is not None
    assert found.prefix_caching is False


@pytest.mark.parametrize("text", ["", "# HELP only comments\n", "<html>not here</html>", '{"detail":"Not Found"}'])
def test_what_is_no_metrics_reads_as_none(text: str) -> None:
    assert read(text) is None


def test_labels_may_hold_every_character() -> None:
    (sample,) = parse('a_b:c{x="q\\"}, {",y="z"} +Inf 123')
    assert dict(sample.labels) == {"x": 'q\\"}, {', "y": "z"}
    assert math.isinf(sample.value)


def test_a_histogram_since_an_earlier_reading_has_only_what_came_between() -> None:
    old = Histogram(((0.1, 1.0), (1.0, 2.0), (math.inf, 2.0)), 2, 0.7)
    new = Histogram(((0.1, 1.0), (1.0, 4.0), (math.inf, 6.0)), 6, 8.7)
    between = new.since(old)
    assert (between.count, between.mean, between.quantile(0.5), between.quantile(0.95)) == (
        4,
        pytest.approx(2.0),
        1.0,
        math.inf,
    )
    assert old.since(new) == old  # the server was started again
    assert Histogram((), 0, 0).mean is None


def test_the_embedded_backend_counts_a_repeated_prompt_as_hits() -> None:
    body = conversation("qwen3-coder-next", [{"role": "user", "content": "word " * 2000}], max_tokens=4)
    with EmbeddedBackend() as backend:
        ask(backend.url, body, timeout=20)
        ask(backend.url, body, timeout=20)
        answer = run(lambda client: client.get("/metrics"), backend.url)
    assert answer is not None
    metrics = read(answer[1])
    assert metrics is not None
    assert metrics.hit_rate == pytest.approx(0.5, abs=0.02)


def counted(**values: float | None) -> Metrics:
    return Metrics("vllm", **values)  # type: ignore[arg-type]


@looped(
    ("before", "after", "fine"),
    [
        ({"prompt_tokens": 10, "prefix_queries": 10}, {"prompt_tokens": 30, "prefix_queries": 30}, True),
        ({"process": "1.0"}, {"process": "1.0"}, True),
        ({"process": "1.0"}, {"process": None}, True),
        ({"process": "1.0"}, {"process": "2.0"}, False),
        ({"prompt_tokens": 10}, {"prompt_tokens": 9}, False),
        ({"generation_tokens": 10}, {"generation_tokens": 0}, False),
        ({"prefix_hits": 10}, {"prefix_hits": None}, False),
        ({"requests_finished": 3}, {"requests_finished": 2}, False),
        ({"ttft": Histogram((), 4, 1.0)}, {"ttft": Histogram((), 3, 1.0)}, False),
    ],
)
def test_readings_of_different_processes_do_not_belong_together(
    before: dict[str, float], after: dict[str, float], fine: bool
) -> None:
    problem = not_comparable(counted(**before), counted(**after))
    assert (problem is None) is fine
    assert fine or (problem or "").startswith("not comparable: several replicas")


def test_two_dialects_are_two_servers() -> None:
    assert not_comparable(Metrics("vllm"), Metrics("llama.cpp"))


def test_a_process_is_known_by_its_start_time_in_the_text_or_in_a_header() -> None:
    text = "process_start_time_seconds 1.795828976e+09\nvllm:num_requests_running 0\n"
    later = text.replace("976", "977")
    one, same, other = read(text), read(text), read(later)
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.process is not None
    assert one.process == same.process != other.process
    llama = read("llamacpp:prompt_tokens_total 0", {"process-start-time-unix": "1453489513"})
    assert llama is not None
    assert llama.process == "1453489513"
    nobody = read("llamacpp:prompt_tokens_total 0")
    assert nobody is not None
    assert nobody.process is None


@looped(
    ("sent", "queries", "hits", "found"),
    [
        (3_000.0, 3_000.0, 2_944.0, (2_944, 3_000)),
        (3_000.0, 3_100.0, 0.0, (0, 3_100)),
        (3_000.0, 632_126.0, 455_000.0, None),  # another replica's life
        (3_000.0, 3_000.0, 4_000.0, None),  # more found than looked up
        (3_000.0, 0.0, 0.0, None),
        (None, 3_000.0, 2_944.0, (2_944, 3_000)),
    ],
)
def test_growth_beyond_what_was_sent_is_nobodys_reuse(
    sent: float | None, queries: float, hits: float, found: tuple[int, int] | None
) -> None:
    before = counted(prefix_queries=100.0, prefix_hits=50.0)
    after = counted(prefix_queries=100.0 + queries, prefix_hits=50.0 + hits)
    assert reused(before, after, sent) == found
    assert reused(None, after, sent) is None
    assert reused(after, before, sent) is None or queries == 0


@pytest.mark.parametrize(
    ("name", "process", "tokens", "concurrency"),
    [("vllm-0.33.0", "1795828976.000000", 1_048_576, 16.0), ("vllm-0.33.0-rust", None, None, None)],
)
def test_a_recorded_vllm_0_33_tells_its_process_and_how_much_its_cache_holds(
    name: str, process: str | None, tokens: int | None, concurrency: float | None
) -> None:
    metrics = recorded(name)
    assert (metrics.dialect, metrics.process) == ("vllm", process)
    assert (metrics.kv_cache_tokens, metrics.kv_cache_concurrency) == (tokens, concurrency)


def test_what_several_engines_hold_adds_up_and_none_is_no_number() -> None:
    text = "".join(
        f'vllm:cache_config_info{{engine="{n}",kv_cache_size_tokens="{size}",kv_cache_max_concurrency="{fits}"}} 1\n'
        for n, (size, fits) in enumerate((("1000", "1.5"), ("2000", "None"), ("nan", "-3")))
    )
    metrics = read(text)
    assert metrics is not None
    assert (metrics.kv_cache_tokens, metrics.kv_cache_concurrency) == (3000, 1.5)


def test_a_client_that_looks_several_times_sees_that_replicas_take_turns() -> None:
    body = conversation("qwen3-coder-next", [{"role": "user", "content": "word " * 500}], max_tokens=4)
    with EmbeddedBackend() as busy, EmbeddedBackend() as idle:
        ask(busy.url, body, timeout=20)
        assert run(lambda client: client.steady(), busy.url)[1] is None
        with in_turn(busy.url, idle.url) as router:
            metrics, doubt = run(lambda client: client.steady(), router)
    assert metrics is not None
    assert doubt == SEVERAL


def test_an_engines_names_count_before_those_of_the_gateway_that_hands_them_on() -> None:
    both = read("litellm_in_flight_requests 7\nvllm:num_requests_running 2\n")
    assert both is not None
    assert (both.dialect, both.running) == ("vllm", 2)
