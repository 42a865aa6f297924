"""Measuring the embedded backend: what is counted, what fails, and that it ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from claude_local_plugin.bench import Workload, advise, measure, own_overhead
from claude_local_plugin.bench.measure import TOO_MANY_SPOILED, Target
from claude_local_plugin.bench.report import report
from claude_local_plugin.errors import BackendError
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.servers import messages
from claude_local_plugin.servers.metrics import SPARE_TOKENS
from claude_local_plugin.settings import schema
from tests.in_turn import in_turn
from tests.listening import listening

MODEL = "qwen3-coder-next"
SMALL = Workload(prompt_tokens=600, turns=3, answer_tokens=8, concurrency=(1, 2))
ANSWER = "one two three four five six seven eight nine"


@contextlib.contextmanager
def serving(post: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """The URL of a server that answers each POST with `post`, and to nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            post(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with listening(Handler) as url:
        yield url


def test_everything_that_was_announced_is_measured() -> None:
    steps: list[tuple[int, int, str]] = []
    with EmbeddedBackend(reply=ANSWER) as backend:
        found = measure(Target(backend.url, MODEL), SMALL, progress=lambda *step: steps.append(step))
        assert len(backend.messages) == SMALL.requests == len(steps)
    assert [step[0] for step in steps] == list(range(1, SMALL.requests + 1))
    assert len(found.cold) == 3
    assert [(level.parallel, len(level.sessions), len(level.turns)) for level in found.levels] == [(1, 1, 3), (2, 2, 6)]
    assert (found.spoiled, found.stopped) == ((), None)
    assert all(turn.output_tokens == 8 for level in found.levels for turn in level.turns)


def test_the_first_request_after_a_start_is_known_by_the_servers_counters() -> None:
    with EmbeddedBackend(reply=ANSWER) as backend:
        assert measure(Target(backend.url, MODEL), SMALL).after_start is True
        assert measure(Target(backend.url, MODEL), SMALL).after_start is False
    with EmbeddedBackend(reply=ANSWER, kind="anthropic-compatible") as backend:
        found = measure(Target(backend.url, MODEL), SMALL)
        assert (found.after_start, found.levels[0].reused) == (None, None)


def test_cold_prompts_are_new_and_the_levels_find_theirs_in_the_cache() -> None:
    with EmbeddedBackend(reply=ANSWER) as backend:
        found = measure(Target(backend.url, MODEL), SMALL)
        systems = [request.body["system"] for request in backend.messages if "system" in request.body]
    assert len(set(systems)) == 3 + len(SMALL.concurrency)
    for level in found.levels:
        assert level.reused is not None
        assert level.looked_up
        assert level.reused / level.looked_up > 0.5


def test_a_server_that_works_on_one_request_at_a_time_makes_two_sessions_slower() -> None:
    with EmbeddedBackend(reply=ANSWER, token_delay=0.01, max_running=1) as backend:
        found = measure(Target(backend.url, MODEL), SMALL)
    written = report(found, advise(found), None, at="2026-01-01T00:00:00Z")
    assert written["levels"][0]["slowdown"] == 1.0
    assert written["levels"][1]["slowdown"] > 1.2


def test_sessions_of_a_level_really_run_at_once() -> None:
    both = threading.Barrier(2, timeout=20)
    seen = []

    def meet(body: object) -> str:
        assert isinstance(body, dict)
        if (
            "level-2" in str(body.get("system"))
            and "Task -1" not in str(body["messages"])
            and len(body["messages"]) == 1
        ):
            both.wait()
            seen.append(True)
        return ANSWER

    with EmbeddedBackend(reply=meet) as backend:
        measure(Target(backend.url, MODEL), SMALL)
    assert seen == [True, True]


def test_the_report_fits_its_schema() -> None:
    with EmbeddedBackend(reply=ANSWER) as backend:
        found = measure(Target(backend.url, MODEL, kind="vllm", version="0.32.0", window=65_536), SMALL)
    written = report(found, advise(found), own_overhead(SMALL, samples=2), at="2026-01-01T00:00:00Z")
    assert schema.problems(written, "bench") == ()


def test_a_server_that_refuses_the_first_request_is_an_error_with_its_words() -> None:
    with EmbeddedBackend(api_key="sk-mine") as backend, pytest.raises(BackendError, match="Unauthorized"):
        measure(Target(backend.url, MODEL), SMALL)


def test_the_key_is_sent_and_not_shown() -> None:
    target = Target("http://127.0.0.1:1", MODEL, "sk-mine")
    assert "sk-mine" not in repr(target)
    with EmbeddedBackend(api_key="sk-mine", reply=ANSWER) as backend:
        assert measure(Target(backend.url, MODEL, "sk-mine"), SMALL).spoiled == ()


def test_failed_requests_count_in_no_figure() -> None:
    with EmbeddedBackend(reply=ANSWER) as backend:
        ping_done = threading.Event()

        def fail_second(_done: int, _most: int, _phase: str) -> None:
            if not ping_done.is_set():
                ping_done.set()
                backend.answer(529, path="/v1/messages", times=2)

        found = measure(Target(backend.url, MODEL), SMALL, progress=fail_second)
    assert [spoiled.phase for spoiled in found.spoiled] == ["cold prefix", "cold prefix"]
    assert len(found.cold) == 1


def test_a_server_that_fails_all_the_time_is_left_alone() -> None:
    with EmbeddedBackend(reply=ANSWER) as backend:

        def break_down(_done: int, _most: int, _phase: str) -> None:
            backend.answer(500, path="/v1/messages")

        found = measure(Target(backend.url, MODEL), SMALL, progress=break_down)
        assert len(backend.messages) <= 1 + TOO_MANY_SPOILED
    assert found.stopped is not None
    assert advise(found).parallel is None


def test_it_ends_when_the_time_is_up() -> None:
    with EmbeddedBackend(reply=ANSWER, delay=0.2) as backend:
        found = measure(Target(backend.url, MODEL), SMALL, time_limit=0.5)
        assert len(backend.messages) < SMALL.requests
    assert found.stopped == "the time was up"


def test_our_own_part_is_measured_on_a_server_that_takes_no_time() -> None:
    overhead = own_overhead(SMALL, samples=3)
    assert len(overhead.ttft) == 3
    assert len(overhead.gaps) == 3 * (SMALL.answer_tokens - 1)


def test_behind_a_router_the_counters_of_its_replicas_are_no_figures() -> None:
    with EmbeddedBackend(reply=ANSWER) as busy, EmbeddedBackend(reply=ANSWER) as idle:
        measure(Target(busy.url, MODEL), SMALL)
        with in_turn(busy.url, idle.url) as router:
            found = measure(Target(router, MODEL), SMALL)
    assert found.spoiled == ()
    assert found.not_comparable is not None
    assert all(level.reused is None or level.reused <= (level.looked_up or 0) for level in found.levels)
    written = report(found, advise(found), None, at="2026-01-01T00:00:00Z")
    assert written["not_comparable"].startswith("not comparable: several replicas")
    assert schema.problems(written, "bench") == ()


def test_replicas_that_cannot_be_told_apart_never_add_up_to_more_than_was_sent() -> None:
    with (
        EmbeddedBackend(reply=ANSWER) as one,
        EmbeddedBackend(reply=ANSWER) as other,
        in_turn(one.url, other.url) as url,
    ):
        found = measure(Target(url, MODEL), SMALL)
    for level in found.levels:
        sent = sum(turn.prompt_tokens or 0 for turn in level.turns)
        assert level.reused is None or 0 <= level.reused <= (level.looked_up or 0) <= 2 * sent + SPARE_TOKENS


def test_a_server_that_only_pings_ends_the_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_EMPTY", 200)

    def ping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b": ping\n\n" * 50)

    with serving(ping) as url, pytest.raises(BackendError, match="pings or empty pieces in a row"):
        measure(Target(url, MODEL), SMALL)
