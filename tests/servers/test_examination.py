"""The examination by real requests: what it sends, what it sees on servers that do well and ill, and its judgements."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, ToolUse
from claude_local_plugin.fake_server.server import Reply as Said_
from claude_local_plugin.servers.examination import (
    CacheVerdict,
    DeepFacts,
    Exchange,
    Reuse,
    SearchVerdict,
    ToolVerdict,
    examine,
    gets_budget,
    judge_cache,
    judge_call,
    judge_search,
    mismatches,
    planned,
    prose,
)
from claude_local_plugin.servers.messages import Block, Reply, Usage, ask, conversation
from claude_local_plugin.servers.pictures import refuses
from claude_local_plugin.servers.words import Problem
from tests.in_turn import in_turn
from tests.looped import looped

from .conftest import ANSWERS, Recorded, StartReplay, take_request

MODEL = "qwen3-coder-next"
RIGHT = {"city": "Oslo", "days": 3, "hourly": True, "tags": ["wind", "rain"]}


def answering(call: Said_) -> Any:
    """What a model says: the call when it is asked for one, else "ready"."""

    def reply(body: Mapping[str, Any]) -> Said_:
        return call if "Call the tool" in json.dumps(body["messages"][-1]) else "ready"

    return reply


def examined(backend: EmbeddedBackend, **more: Any) -> DeepFacts:
    return examine(backend.url, MODEL, kind="vllm", timeout=20, **more)


@pytest.fixture(scope="module")
def well() -> DeepFacts:
    with EmbeddedBackend(reply=answering(ToolUse("record_weather", RIGHT))) as backend:
        return examined(backend)


def test_a_server_that_does_well_is_seen_to(well: DeepFacts) -> None:
    assert well.plain.accepted
    assert well.plain.reply.text == "ready"
    assert well.streamed is not None
    assert well.ttft == well.streamed.reply.ttft is not None
    assert well.silent == ()
    for exchange in (well.inline_system, well.unknown_fields):
        assert exchange is not None
        assert exchange.accepted
    assert well.thinking is not None
    assert well.thinking.adaptive.accepted
    assert (well.thinking.leaked, well.thinking.never_ends) == (False, False)


def test_a_tool_call_goes_round(well: DeepFacts) -> None:
    tools = well.tools
    assert tools is not None
    assert tools.verdict is ToolVerdict.PARSED
    assert tools.whole is None
    assert tools.result is not None
    content = tools.result.body["messages"][1]["content"]
    assert content[-1]["input"] == RIGHT
    assert content[-1]["id"] == tools.offered.reply.tool_uses[0].id
    assert tools.parallel is not None
    assert [block["tool_use_id"] for block in tools.parallel.body["messages"][2]["content"]] == ["toolu_0", "toolu_1"]
    assert tools.parallel.accepted


def test_counting_agrees_with_usage(well: DeepFacts) -> None:
    assert well.count is not None
    assert well.count.counted == well.count.used is not None


def test_a_working_prefix_cache_is_proven(well: DeepFacts) -> None:
    assert well.cache is not None
    assert well.cache.verdict is CacheVerdict.HIT
    assert well.cache.reuse is not None
    assert well.cache.reuse.source == "metrics"
    assert well.cache.reuse.share > 0.95
    assert well.cache.next_reuse is not None
    assert well.cache.next_reuse.share > 0.9


def test_the_memory_folder_in_the_prompt_costs_other_folders_the_cache(well: DeepFacts) -> None:
    assert well.folders is not None
    assert well.folders.with_memory is not None
    assert well.folders.without_memory is not None
    assert well.folders.with_memory.share < 0.15
    assert well.folders.without_memory.share == pytest.approx(0.8, abs=0.05)


def test_what_was_sent_is_kept_and_long_texts_are_shortened(well: DeepFacts) -> None:
    assert len(json.dumps([exchange.body for exchange in well.exchanges])) < 20_000
    assert all(exchange.sent for exchange in well.exchanges)
    assert well.requests == len(well.exchanges)


def test_no_more_is_sent_than_was_announced_and_every_step_is_told() -> None:
    steps: list[tuple[int, int, str]] = []
    with EmbeddedBackend(reply="ready", sees=False) as backend:  # so that every step is taken
        facts = examined(backend, progress=lambda *step: steps.append(step))
        sent = [request for request in backend.requests if request.method == "POST"]
    assert len(sent) == len(planned()) == facts.requests == len(steps)
    assert [number for number, _, _ in steps] == list(range(1, len(planned()) + 1))
    assert [exchange.name for exchange in facts.exchanges] == [step.name for step in planned()]


def test_a_model_that_cannot_see_is_known_by_two_refusals(well: DeepFacts) -> None:
    assert well.images is not None
    assert (well.images.refusal, well.images.larger) == (None, None)
    with EmbeddedBackend(reply="ready", sees=False) as backend:
        images = examined(backend).images
    assert images is not None
    assert images.refusal == "qwen3-coder-next is not a multimodal model"


@pytest.mark.parametrize(
    ("status", "said", "blind"),
    [
        (400, "At most 0 image(s) may be provided in one prompt.", True),
        (500, "image input is not supported - hint: you may need to provide the mmproj", True),
        (400, "max_tokens is too large", False),
        (401, "this image needs a key", False),
        (200, None, False),
    ],
)
def test_only_a_refusal_that_speaks_of_pictures_is_one(status: int, said: str | None, blind: bool) -> None:
    problem = None if said is None else Problem("http", said)
    assert refuses(Reply(status, False, 0.1, problem)) is blind


def test_a_web_search_without_a_schema_is_refused_as_vllm_does(well: DeepFacts) -> None:
    assert well.web_search is not None
    assert well.web_search.verdict is SearchVerdict.REFUSED
    assert "input_schema" in (well.web_search.exchange.refusal or "")


@pytest.mark.parametrize(
    ("recorded", "verdict", "lost"),
    [
        ("vllm-0.33.0", SearchVerdict.REFUSED, False),
        ("llama.cpp-b11549", SearchVerdict.MADE_UP, False),
        ("litellm-1.110.2-vllm", SearchVerdict.MADE_UP, False),
        ("litellm-1.110.2-llama.cpp", SearchVerdict.MADE_UP, False),
        ("litellm-1.110.2-dead-deployment", SearchVerdict.UNKNOWN, True),
    ],
)
def test_what_real_servers_make_of_a_web_search(
    replay: StartReplay, recorded: str, verdict: SearchVerdict, lost: bool
) -> None:
    """The answers to the very request of Claude Code 2.1.332, as recorded on 2026-11-28."""
    answer = Recorded.read(ANSWERS / "web-search" / f"{recorded}.txt")
    url = replay(table={(answer.method, answer.path): answer}).url
    asked = json.loads(answer.request_body)
    assert asked["tools"] == [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]
    exchange = Exchange("web-search", "", answer.path, asked, ask(url, asked))
    assert (judge_search(exchange), exchange.lost) == (verdict, lost)


def _reply(**changes: object) -> Exchange:
    values: dict[str, object] = {"status": 200, "streamed": True, "seconds": 0.1, "stop_reason": "end_turn"}
    return Exchange("web-search", "", "/", {}, Reply(**(values | changes)))  # type: ignore[arg-type]


@looped(
    ("changes", "verdict"),
    [
        # the shape of Anthropic's documentation
        ({"blocks": (Block("server_tool_use", name="web_search"), Block("text", "Rain."))}, SearchVerdict.SEARCHED),
        ({"blocks": (Block("web_search_tool_result"), Block("text", "Rain."))}, SearchVerdict.SEARCHED),
        ({"blocks": (Block("text", "Rain."),), "stop_reason": "max_tokens"}, SearchVerdict.UNKNOWN),
        ({"status": 400, "error": Problem("x", "no such tool")}, SearchVerdict.REFUSED),
        ({"status": 429, "error": Problem("x", "slow down")}, SearchVerdict.UNKNOWN),
        ({"status": 401, "error": Problem("x", "who are you")}, SearchVerdict.UNKNOWN),
        ({"status": None, "error": Problem("timeout", "no whole answer")}, SearchVerdict.UNKNOWN),
        ({"status": 503, "error": Problem("x", "no deployments available")}, SearchVerdict.UNKNOWN),
    ],
)
def test_a_search_is_only_one_where_the_answer_has_it(changes: dict[str, object], verdict: SearchVerdict) -> None:
    assert judge_search(_reply(**changes)) is verdict


@looped(
    ("status", "said", "lost"),
    [
        (500, "litellm.InternalServerError: Hosted_vllmException - Connection error.", True),
        (500, "Request failed: error sending request for url (http://127.0.0.1:8085/v1/messages)", True),
        (429, "No deployments available for selected model, Try again in 5 seconds.", True),
        (503, "overloaded", True),
        (500, "image input is not supported - hint: you may need to provide the mmproj", False),
        (400, "Cannot connect to host", False),
        (None, "no connection: refused", True),
    ],
)
def test_what_reached_no_model_is_no_refusal_of_what_was_sent(status: int | None, said: str, lost: bool) -> None:
    assert _reply(status=status, error=Problem("x", said)).lost is lost


def test_the_prompts_are_about_as_long_as_announced() -> None:
    assert 8_000 < len(prose(3000)) < 16_000


def test_a_prompt_is_new_in_every_examination() -> None:
    with EmbeddedBackend(reply="ready") as backend:
        first, second = examined(backend), examined(backend)
    assert first.cache is not None
    assert second.cache is not None
    assert first.cache.cold.body["messages"] != second.cache.cold.body["messages"]


def test_a_key_goes_along_with_every_request() -> None:
    with EmbeddedBackend(reply="ready", api_key="sk-mine") as backend:
        facts = examined(backend, token="sk-mine")
        assert {r.headers.get("authorization") for r in backend.requests} == {"Bearer sk-mine"}
    assert facts.plain.accepted
    assert "sk-mine" not in repr(facts)


def test_after_a_refused_first_message_nothing_further_is_sent() -> None:
    with EmbeddedBackend(api_key="sk-mine") as backend:
        facts = examined(backend)
    assert facts.plain.refusal == "Unauthorized"
    assert (facts.requests, facts.streamed, facts.tools, facts.cache) == (1, None, None, None)


def test_a_server_that_is_not_there_is_a_fact_and_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    facts = examine(f"http://127.0.0.1:{port}", MODEL, timeout=20)
    assert facts.plain.reply.status is None
    assert facts.plain.refusal is not None


def test_wrong_types_of_arguments_are_named() -> None:
    wrong = RIGHT | {"days": "3", "hourly": "true"}
    with EmbeddedBackend(reply=answering(ToolUse("record_weather", wrong))) as backend:
        tools = examined(backend).tools
    assert tools is not None
    assert tools.verdict is ToolVerdict.WRONG_TYPES
    assert [(m.argument, m.expected, m.seen) for m in tools.mismatches] == [
        ("days", "integer", "string"),
        ("hourly", "boolean", "string"),
    ]


def test_a_call_that_comes_back_as_text_names_its_format() -> None:
    text = '<tool_call>\n{"name": "record_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    with EmbeddedBackend(reply=answering(text)) as backend:
        tools = examined(backend).tools
    assert tools is not None
    assert (tools.verdict, tools.whole_verdict, tools.call_format) == (ToolVerdict.PROSE, ToolVerdict.PROSE, "hermes")


def test_a_server_without_reasoning_parser_lets_thinking_into_the_text() -> None:
    with EmbeddedBackend(reply="<think>\nhm\n</think>ready") as backend:
        thinking = examined(backend).thinking
    assert thinking is not None
    assert thinking.leaked


# --- the judgements, each on an answer of its own


def reply(*blocks: Block, output: int = 10, stop: str = "end_turn", **more: Any) -> Reply:
    return Reply(200, True, 1.0, stop_reason=stop, blocks=blocks, usage=Usage(100, output), **more)


def refused(message: str, status: int | None = 400, kind: str = "BadRequestError") -> Reply:
    return Reply(status, False, 0.1, error=Problem(kind, message))


def call(arguments: object = None, name: str = "record_weather") -> Block:
    return Block("tool_use", "", name, "toolu_1", RIGHT if arguments is None else arguments)


PLAIN = reply(Block("text", "ready"), output=2)
SILENT = reply(Block("thinking", "ready"), output=5)


@looped(
    ("answer", "verdict"),
    [
        (reply(call(), stop="tool_use"), ToolVerdict.PARSED),
        (reply(Block("text", "Here."), call(), stop="tool_use"), ToolVerdict.PARSED),
        (reply(call({**RIGHT, "tags": "wind"}), stop="tool_use"), ToolVerdict.WRONG_TYPES),
        (reply(call({**RIGHT, "days": True}), stop="tool_use"), ToolVerdict.WRONG_TYPES),
        (reply(call({"city": "Oslo"}), stop="tool_use"), ToolVerdict.WRONG_CALL),
        (reply(call(name="read_file"), stop="tool_use"), ToolVerdict.WRONG_CALL),
        (reply(call([1]), stop="max_tokens"), ToolVerdict.CUT),
        (reply(Block("text", "<tool_call>\n<function=record_weather>"), output=9), ToolVerdict.PROSE),
        (reply(Block("text", "I cannot call tools, sorry."), output=8), ToolVerdict.NOT_CALLED),
        (reply(Block("text", "Recording."), output=60), ToolVerdict.SWALLOWED),
        (reply(output=40), ToolVerdict.SWALLOWED),
        (reply(Block("thinking", "A moment."), output=40), ToolVerdict.SWALLOWED),
        (reply(Block("thinking", "So: <tool_call>{}")), ToolVerdict.THINKING_ONLY),
        (reply(Block("text", "Now let me thi"), stop="max_tokens"), ToolVerdict.CUT),
        (refused("Input should be 'user'"), ToolVerdict.REFUSED),
        (refused("tools param requires --jinja flag", 500), ToolVerdict.NO_PARSER),
        (refused("no connection", None, "refused"), ToolVerdict.NO_ANSWER),
        (refused("no whole answer within 9 s", 200, "timeout"), ToolVerdict.NO_ANSWER),
    ],
)
def test_a_call_is_judged(answer: Reply, verdict: ToolVerdict) -> None:
    assert judge_call(answer, PLAIN) is verdict


def test_thinking_alone_is_another_failure_where_the_model_never_ends_it() -> None:
    answer = reply(Block("thinking", "The user wants the weather recorded, so I do."), output=12)
    assert judge_call(answer, SILENT) is ToolVerdict.THINKING_ONLY
    assert judge_call(answer, PLAIN) is ToolVerdict.SWALLOWED


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("toolprobe_wrong_format", ToolVerdict.SWALLOWED), ("noparser_tools_auto", ToolVerdict.NO_PARSER)],
)
def test_recorded_failures_of_a_real_vllm_are_judged(replay: StartReplay, name: str, verdict: ToolVerdict) -> None:
    server = replay(otherwise=Recorded.read(ANSWERS / "vllm-tools" / f"{name}.txt"))
    answer = ask(server.url, conversation("m", [], max_tokens=1), timeout=20)
    assert judge_call(answer, PLAIN) is verdict


def test_right_arguments_have_no_mismatch() -> None:
    assert mismatches(reply(call())) == ()
    assert mismatches(reply(Block("text", "no call"))) == ()


@looped(
    ("first", "again", "reuse", "verdict"),
    [
        (1.0, 0.2, Reuse(900, 1000, "metrics"), CacheVerdict.HIT),
        (1.0, 1.0, Reuse(0, 1000, "metrics"), CacheVerdict.MISS),
        (1.0, 1.0, Reuse(300, 1000, "usage"), CacheVerdict.PARTIAL),
        (1.0, 0.2, None, CacheVerdict.FASTER),
        (1.0, 0.9, None, CacheVerdict.UNKNOWN),
        (None, 0.2, None, CacheVerdict.UNKNOWN),
    ],
)
def test_a_repeated_prompt_is_judged(
    first: float | None, again: float | None, reuse: Reuse | None, verdict: CacheVerdict
) -> None:
    assert judge_cache(reply(ttft=first), reply(ttft=again), reuse) is verdict


def test_a_repeated_prompt_without_an_answer_proves_nothing() -> None:
    assert judge_cache(PLAIN, refused("no"), None) is CacheVerdict.NO_ANSWER


def test_behind_a_router_no_counter_of_a_replica_is_taken_for_reuse() -> None:
    body = conversation(MODEL, [{"role": "user", "content": "word " * 30_000}], max_tokens=4)
    with EmbeddedBackend(reply=answering("ready")) as busy, EmbeddedBackend(reply=answering("ready")) as idle:
        for _ in range(3):
            assert ask(busy.url, body, timeout=60).ok
        with in_turn(busy.url, idle.url) as router:
            facts = examine(router, MODEL, kind="vllm", timeout=60)
    assert facts.not_comparable is not None
    assert facts.cache is not None
    for reuse in (facts.cache.reuse, facts.cache.next_reuse, facts.folders and facts.folders.with_memory):
        assert reuse is None or reuse.source == "usage"


@looped(
    ("name", "asked"),
    [
        ("qwen3-coder-next", False),
        ("claude-sonnet-4-5-20250929", True),
        ("local/claude-sonnet-4-5", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-haiku-4-5", True),
        ("claude-sonnet-4-6", False),
        ("claude-opus-5-5", False),
        ("claude-3-5-sonnet-20241022", False),
        ("claude-sonnet-local", False),
    ],
)
def test_thinking_with_a_budget_is_tried_for_the_names_that_get_it_alone(name: str, asked: bool) -> None:
    assert gets_budget(name) is asked
    assert ("thinking-enabled" in {step.name for step in planned(budget=gets_budget(name))}) is asked
    with EmbeddedBackend(models=(Model(name),), reply=answering("ready")) as backend:
        facts = examine(backend.url, name, kind="vllm", timeout=60)
    assert facts.thinking is not None
    assert (facts.thinking.enabled is not None) is asked
    assert ("thinking-enabled" in {exchange.name for exchange in facts.exchanges}) is asked


def test_streams_without_content_end_an_examination_soon(misbehaving: Callable[..., int]) -> None:
    ready = {"type": "message", "content": [{"type": "text", "text": "ready"}], "stop_reason": "end_turn"}
    answered = json.dumps(ready | {"usage": {"input_tokens": 9, "output_tokens": 2}}).encode()

    def talk(connection: socket.socket, over: threading.Event) -> None:
        request = take_request(connection)
        if request.startswith(b"GET"):
            connection.sendall(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        elif b'"stream": true' not in request:
            connection.sendall(b"HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(answered))
            connection.sendall(answered)
        else:
            connection.sendall(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n")
            while not over.wait(0.01):
                connection.sendall(b'event: ping\ndata: {"type":"ping"}\n\n')

    facts = examine(f"http://127.0.0.1:{misbehaving(talk)}", MODEL, timeout=300, quiet=0.2)
    assert facts.plain.accepted
    assert facts.streamed is not None
    assert facts.streamed.reply.error is not None
    assert facts.streamed.reply.error.kind == "silent"
    assert facts.tools is not None
    assert facts.tools.verdict is ToolVerdict.NO_ANSWER
    assert facts.requests == 3
    assert facts.cache is None


def test_an_empty_answer_counts_whatever_tokens_the_server_says_it_took() -> None:
    for output in (None, 0, 12):
        answer = Reply(200, False, 0.1, stop_reason="end_turn", usage=Usage(9, output))
        exchange = Exchange("tool-result", "", "/v1/messages", {}, answer)
        plain = Exchange("plain", "", "/v1/messages", {}, PLAIN)
        facts = DeepFacts("http://box", MODEL, "vllm", None, plain, exchanges=(plain, exchange))
        assert facts.silent == (exchange,)
