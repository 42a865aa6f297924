"""`claude-local watch`: one frame of it, the arithmetic below it, and the live screen on a terminal of its own."""

import os
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from claude_local_plugin.cli.watch import frame
from claude_local_plugin.commands.server_in_use import Address
from claude_local_plugin.commands.watch import DOUBTED_LOOKS, Pace, Reading, Watcher, look, pace
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.servers.messages import ask, conversation
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.queries.records import Session
from tests.commands.place import MODEL, Place
from tests.in_turn import in_turn

CLOCK = datetime(2026, 11, 21, 14, 30, 5, tzinfo=UTC)
METRICS = Metrics(
    "vllm", running=2, waiting=1, kv_usage=0.5, prefix_queries=1000, prefix_hits=800,
    prompt_tokens=1000, generation_tokens=100,
)  # fmt: skip
SESSION = Session(
    "0f0e", "2026-11-21T09:15:00.000Z", None, None, "/src/shop", "/src/shop", "vllm", "http://127.0.0.1:8000", None,
    "qwen3-coder-next", True, 3.0, "2.1.329", "startup", "cli", None, 0,
)  # fmt: skip


def test_one_frame_shows_the_server_and_the_day(enabled: Place) -> None:
    ended = enabled.ok("watch", "--once", "--interval", "0.2")
    words = ended.out.split()
    assert all(name in words for name in ("running", "waiting", "writes"))
    assert "no session today" in ended.out


def test_without_a_terminal_there_is_one_frame(enabled: Place, server: EmbeddedBackend) -> None:
    enabled.ok("watch", "--interval", "0.2")
    assert {request.route for request in server.requests} == {"/metrics"}


def test_a_server_without_metrics_is_said(place: Place) -> None:
    with EmbeddedBackend(kind="anthropic-compatible") as backend:
        assert "has no /metrics" in place.ends(1, "watch", "--once", "--url", backend.url, "--interval", "0.2").out


def test_a_server_that_is_gone_is_said(enabled: Place, server: EmbeddedBackend) -> None:
    server.stop()
    assert "does not answer" in enabled.ends(1, "watch", "--once", "--interval", "0.2").out


def test_a_frame_for_people() -> None:
    shown = frame("http://box:8000", Reading(1.0, METRICS), Pace(500.0, 25.0, 0.9, 1.25), (SESSION,), CLOCK)
    text = "\n".join(" ".join(line.split()) for line in shown)
    assert shown[0] == "http://box:8000   14:30:05Z"
    for line in (
        "running 2 requests",
        "KV cache 50% ############............",
        "reads 500.0 prompt tokens/s",
        "first token 1.25 s mean",
    ):
        assert line in text
    assert "90% since the last look; 80% since its start" in text
    assert "1 session today" in text
    assert "running vllm qwen3-coder-next /src/shop" in text


def test_a_frame_without_figures_shows_dashes() -> None:
    shown = "\n".join(frame("http://box", Reading(1.0, Metrics("unknown")), Pace(), (), CLOCK))
    assert shown.count(" -") >= 6


def test_speed_is_what_came_between_two_looks() -> None:
    later = replace(METRICS, prompt_tokens=3000, generation_tokens=150, prefix_queries=2000, prefix_hits=1700)
    found = pace(Reading(10.0, METRICS), Reading(12.0, later))
    assert (found.prompt, found.generation, found.prefix_hit_rate) == (1000.0, 25.0, 0.9)


@pytest.mark.parametrize(
    ("earlier", "now"),
    [(None, METRICS), (METRICS, None), (None, None), (METRICS, replace(METRICS, prompt_tokens=1, generation_tokens=1))],
)
def test_there_is_no_speed_without_two_looks_or_after_a_restart(earlier: Metrics | None, now: Metrics | None) -> None:
    found = pace(Reading(1.0, earlier), Reading(2.0, now))
    assert (found.prompt, found.generation) == (None, None)


def test_a_router_in_front_of_several_replicas_has_no_speed(place: Place) -> None:
    body = conversation(MODEL, [{"role": "user", "content": "word " * 4000}], max_tokens=4)
    with EmbeddedBackend(models=(Model(MODEL),)) as busy, EmbeddedBackend(models=(Model(MODEL),)) as idle:
        assert ask(busy.url, body, timeout=20).ok
        with in_turn(busy.url, idle.url) as router:
            shown = place.ok("watch", "--once", "--url", router, "--interval", "0.2").out
    assert "not comparable: several replicas answer at /metrics in turn" in shown
    assert "reads - " in " ".join(shown.split())
    assert "writes - " in " ".join(shown.split())


def test_readings_that_did_not_belong_together_are_remembered_for_some_looks() -> None:
    low, high = replace(METRICS, prompt_tokens=10), METRICS
    watcher = Watcher()
    assert watcher.pace(Reading(1.0, low), Reading(2.0, high)).problem is None
    assert watcher.pace(Reading(2.0, high), Reading(3.0, low)).problem
    assert [bool(watcher.pace(Reading(3.0, low), Reading(4.0, high)).problem) for _ in range(DOUBTED_LOOKS + 1)] == [
        *[True] * DOUBTED_LOOKS,
        False,
    ]
    assert Watcher("not comparable").pace(Reading(1.0, low), Reading(2.0, high)).prompt is None


def test_a_look_is_one_question_with_the_key() -> None:
    with EmbeddedBackend() as backend:
        found = look(Address(backend.url, "sk-mine", of_folder=True))
        assert [(r.route, r.headers["authorization"]) for r in backend.requests] == [("/metrics", "Bearer sk-mine")]
    assert found.metrics is not None


def test_only_the_sessions_of_this_day_and_time_zone_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from claude_local_plugin.commands import watch

    sessions = tuple(
        replace(SESSION, session_id=start, started_at=f"2026-11-{start}:00.000Z")
        for start in ("21T23:30", "21T09:15", "20T23:30", "20T22:59")
    )
    monkeypatch.setattr(queries, "sessions", lambda *_: sessions)
    oslo = timezone(timedelta(hours=1))
    found = watch.today(home, now=CLOCK.astimezone(oslo))
    assert [session.session_id for session in found] == ["21T09:15", "20T23:30"]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_the_live_screen_ends_with_q_and_with_ctrl_c(enabled: Place, key: bytes) -> None:
    import pty

    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - another process
        arguments = [sys.executable, "-m", "claude_local_plugin", "watch", "--interval", "0.2"]
        os.execv(sys.executable, arguments)
    seen = bytearray()
    pressed = False
    watchdog = threading.Timer(60, os.kill, (child, 9))
    watchdog.start()
    try:
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # Linux's way to say that the other side has gone
                break
            if not part:
                break
            seen += part
            if b"q ends" in seen and not pressed:
                pressed = True
                os.write(terminal, key)
    finally:
        watchdog.cancel()
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    assert pressed
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"KV cache" in seen
