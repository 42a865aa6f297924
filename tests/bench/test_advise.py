"""What follows from figures, from figures made up for it."""

from dataclasses import replace

import pytest

from claude_local_plugin.bench import Level, Measured, Turn, Workload, advise
from tests.looped import looped


def turn(ttft: float = 1.0, tokens: int = 10_000, per_token: float = 0.02, cached: int | None = None) -> Turn:
    return Turn(ttft, (per_token,), ttft + per_token, per_token, tokens, cached, 2)


def level(parallel: int, seconds: float) -> Level:
    return Level(parallel, ((turn(),),) * parallel, (seconds,) * parallel, seconds)


def measured(
    *levels: Level, cold: tuple[Turn, ...] = (turn(), turn(), turn()), window: int | None = 32_768
) -> Measured:
    return Measured(
        "http://127.0.0.1:1", "m", "vllm", None, window, Workload(), turn(), None, cold, levels, (), None, 1.0
    )


@looped(
    ("times", "parallel"),
    [
        ({1: 10.0}, 1),
        ({1: 10.0, 2: 11.0, 3: 12.0}, 3),
        ({1: 10.0, 2: 19.0, 3: 30.0}, 1),  # two at once: hardly more done
        ({1: 10.0, 2: 12.0, 3: 25.0}, 2),  # three at once: each too slow
        ({1: 10.0, 2: 12.0, 3: 17.9}, 2),  # three at once: no more done than two
        ({2: 10.0, 4: 12.0}, 4),
        ({3: 12.0, 1: 10.0, 2: 11.0}, 3),
    ],
)
def test_so_many_tasks_at_once_as_are_bearable_and_worthwhile(times: dict[int, float], parallel: int) -> None:
    advice = advise(measured(*(level(n, seconds) for n, seconds in times.items())))
    assert advice.parallel == parallel
    (setting,) = (s for s in advice.settings if s.name == "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS")
    assert setting.value == str(parallel)


def test_the_reading_speed_leaves_out_what_was_cached() -> None:
    advice = advise(measured(level(1, 1.0), cold=(turn(ttft=2.0, tokens=10_000, cached=2_000),)))
    assert advice.prefill == 4_000
    assert advice.window_seconds == pytest.approx(32_768 / 4_000)


def test_a_fast_server_keeps_the_clients_own_limits() -> None:
    settings = {s.name: s.value for s in advise(measured(level(1, 1.0), cold=(turn(ttft=0.1),))).settings}
    assert settings["CLAUDE_STREAM_IDLE_TIMEOUT_MS"] == "300000"
    assert int(settings["API_TIMEOUT_MS"]) >= 600_000


def test_where_the_pace_did_not_show_none_is_claimed() -> None:
    """An answer that came all at once: “the longest answer 0 s” made a time-out of nothing."""
    held = replace(turn(ttft=0.1), per_token=None)
    found = advise(measured(Level(1, ((held,),), (1.0,), 1.0), cold=(held,)))
    (patience,) = (s for s in found.settings if s.name == "API_TIMEOUT_MS")
    assert (patience.value, "0 s" in patience.reason.split(",")[1]) == ("1800000", False)
    assert "how fast answers are written did not show" in patience.reason


def test_a_slow_server_gets_more_time_in_whole_minutes_and_no_more_than_the_client_takes() -> None:
    slow = measured(level(1, 1.0), cold=(turn(ttft=100.0),))  # 328 s for the window
    settings = {s.name: int(s.value) for s in advise(slow).settings}
    assert settings["CLAUDE_STREAM_IDLE_TIMEOUT_MS"] == 1_020_000
    assert settings["API_TIMEOUT_MS"] > settings["CLAUDE_STREAM_IDLE_TIMEOUT_MS"]
    assert all(value % 60_000 == 0 for name, value in settings.items() if name.endswith("_MS"))
    slower = advise(replace(slow, cold=(turn(ttft=10_000.0),)))
    assert {s.name: s.value for s in slower.settings}["CLAUDE_STREAM_IDLE_TIMEOUT_MS"] == "1800000"


def test_without_figures_there_is_no_advice() -> None:
    advice = advise(measured(cold=()))
    assert (advice.parallel, advice.prefill, advice.window_seconds, advice.settings) == (None, None, None, ())
