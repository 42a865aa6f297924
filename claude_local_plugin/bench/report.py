"""A measurement as the object that `bench --json` prints; schemas/bench.schema.json describes it."""

from collections.abc import Sequence
from typing import Any

from claude_local_plugin.bench.advise import Advice, slowdowns
from claude_local_plugin.bench.measure import Level, Measured, Overhead, Turn
from claude_local_plugin.bench.statistics import summarise

FORMAT = 1


def report(measured: Measured, advice: Advice, overhead: Overhead | None, *, at: str) -> dict[str, Any]:
    """The report; times in seconds, rates in tokens per second. `at` is when it was made, UTC, ISO 8601."""
    slow = slowdowns(measured.levels)
    workload = measured.workload
    return {
        "format": FORMAT,
        "at": at,
        "server": {
            "url": measured.url,
            "kind": measured.kind,
            "version": measured.version,
            "model": measured.model,
            "window": measured.window,
        },
        "workload": {
            "prompt_tokens": workload.prompt_tokens,
            "turns": workload.turns,
            "answer_tokens": workload.answer_tokens,
            "concurrency": list(workload.concurrency),
        },
        "first_request": {
            "seconds": None if measured.first is None else round(measured.first.seconds, 6),
            "after_start": measured.after_start,
        },
        "cold": _turns(measured.cold) | {"prefill_tokens_per_second": _rounded(advice.prefill)},
        "levels": [_level(level, slow.get(level.parallel)) for level in measured.levels],
        "overhead": None
        if overhead is None
        else {"ttft": summarise(overhead.ttft).as_json(), "gap": summarise(overhead.gaps).as_json()},
        "advice": {
            "parallel": advice.parallel,
            "because": advice.because,
            "window_seconds": _rounded(advice.window_seconds),
            "settings": [{"name": s.name, "value": s.value, "reason": s.reason} for s in advice.settings],
        },
        "spoiled": [{"phase": spoiled.phase, "problem": spoiled.problem} for spoiled in measured.spoiled],
        "stopped": measured.stopped,
        "not_comparable": measured.not_comparable,
        "seconds": round(measured.seconds, 3),
    }


def _turns(turns: Sequence[Turn]) -> dict[str, Any]:
    return {
        "ttft": summarise(turn.ttft for turn in turns).as_json(),
        "gap": summarise(gap for turn in turns for gap in turn.gaps).as_json(),
        "per_token": summarise(turn.per_token for turn in turns).as_json(),
        "prompt_tokens": summarise(turn.prompt_tokens for turn in turns).as_json(),
        "output_tokens": summarise(turn.output_tokens for turn in turns).as_json(),
    }


def _level(level: Level, slowdown: float | None) -> dict[str, Any]:
    made = sum(turn.output_tokens or 0 for turn in level.turns)
    return {
        "parallel": level.parallel,
        **_turns(level.turns),
        "session_seconds": summarise(level.session_seconds).as_json(),
        "slowdown": _rounded(slowdown),
        "seconds": round(level.seconds, 6),
        "output_tokens_per_second": _rounded(made / level.seconds) if level.seconds else None,
        "prefix_reused": None
        if not level.looked_up or level.reused is None
        else _rounded(level.reused / level.looked_up),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
