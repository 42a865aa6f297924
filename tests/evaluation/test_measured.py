"""Which evaluations on record count for a server and a model, and what is said of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claude_local_plugin.evaluation.measured import MOST_DAYS, Measured, Now, measured
from claude_local_plugin.evaluation.run import Log, Result
from claude_local_plugin.evaluation.scripted import Skill
from claude_local_plugin.evaluation.suite import suite
from tests.evaluation.test_report import evaluated

AT = datetime(2026, 11, 29, tzinfo=UTC)
NEW = "2026-11-28T08:00:00Z"
CURRENT = {task.id: task.digest for task in suite("core").tasks}


def result(began: str = NEW, count: int = 30, repeat: int = 1, solves: float = 0.7, **conditions: object) -> Result:
    """An evaluation of the suite as it is, or of the beginning of it."""
    one = evaluated(Skill("x", solves), repeat=repeat)
    named = dict(zip(one.conditions.tasks, CURRENT, strict=True))
    kept = list(CURRENT)[:count]
    trials = tuple(replace(each, task=named[each.task]) for each in one.trials if named[each.task] in kept)
    of = {"began": began, "tasks": {task: CURRENT[task] for task in kept}, "server": "vLLM 0.33.0", **conditions}
    return Result(replace(one.conditions, **of), trials)  # type: ignore[arg-type]


def found(tmp_path: Path, *results: Result, now: Now | None = None) -> tuple[Measured, ...]:
    for number, each in enumerate(results):
        log = Log(tmp_path / f"{number}.jsonl", each.conditions)
        for trial in each.trials:
            log.add(trial)
    return measured(tmp_path, lambda of: of.model == "qwen3-coder-next", now, at=AT)


def test_it_is_said_in_a_line_with_its_interval(tmp_path: Path) -> None:
    one = result()
    (only,) = found(tmp_path, one)
    passed = sum(bool(trial.passed) for trial in one.trials)
    low, high = round(100 * only.share.low), round(100 * only.share.high)
    assert only.sentence == (
        f"measured here: {passed} of 30 ({low} to {high} %), core, 2026-11-28; 5 turns, 40 s a trial"
    )
    assert len(only.sentence) <= 80
    assert only.seconds_a_turn == 8
    assert only.to_json()["says"] == only.sentence


@pytest.mark.parametrize(
    ("now", "more", "said"),
    [
        (Now("vLLM 0.34.0", "2.1.332", {}), {}, ("on vLLM 0.33.0 then",)),
        (Now("vLLM 0.33.0", "2.1.340", {}), {}, ("Claude Code 2.1.332 then",)),
        (
            Now(env={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536", "ENABLE_TOOL_SEARCH": "true"}),
            {"settings": {"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "131072", "ENABLE_TOOL_SEARCH": "true"}}},
            ("another window then",),
        ),
        (Now(), {"isolated": False}, ("not kept apart",)),
        (Now(), {"tasks": {**CURRENT, "who-raises": "another"}}, ("its tasks have been changed since",)),
        (Now("vLLM 0.33.0", "2.1.332", {}), {}, ()),
        (Now(), {}, ()),
    ],
)
def test_what_was_otherwise_then_is_said(
    tmp_path: Path, now: Now, more: dict[str, object], said: tuple[str, ...]
) -> None:
    (only,) = found(tmp_path, result(**more), now=now)  # type: ignore[arg-type]
    assert only.then == said
    assert only.sentence.endswith("".join(f"; {each}" for each in said))


def test_one_that_has_not_ended_says_so_and_one_without_a_trial_does_not_count(tmp_path: Path) -> None:
    whole = result()
    (only,) = found(tmp_path, replace(whole, trials=whole.trials[:7]), replace(whole, trials=()))
    assert " of 7 (" in only.sentence
    assert " so far, core" in only.sentence


def test_old_ones_and_those_of_others_do_not_count(tmp_path: Path) -> None:
    old = (AT - timedelta(days=MOST_DAYS + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(tmp_path, result(old), result("yesterday"), result(model="another")) == ()
    (tmp_path / "notes.jsonl").write_text("dear diary\n")
    (tmp_path / "cut.jsonl").write_text('{"kind": "claude-local-eval", "for')
    assert found(tmp_path) == ()


def test_of_several_the_one_with_the_most_tasks_counts_and_of_those_the_newest(tmp_path: Path) -> None:
    early, late, part = result("2026-11-01T08:00:00Z"), result("2026-11-20T08:00:00Z"), result(NEW, count=3)
    small = result(NEW, count=2, suite="mine")
    both = found(tmp_path, late, early, part, small)
    assert [(each.result.conditions.suite, each.result.conditions.began) for each in both] == [
        ("mine", NEW),
        ("core", "2026-11-20T08:00:00Z"),
    ]
    assert max(both, key=lambda each: each.weight) is both[1]
