"""What is said of an evaluation: the figures, the failures with their mends, and a sentence that can be acted on."""

from dataclasses import replace
from typing import Any

import pytest

from claude_local_plugin.evaluation import report as reports
from claude_local_plugin.evaluation.outcome import FAILURES, Trial
from claude_local_plugin.evaluation.run import Conditions, Result
from claude_local_plugin.evaluation.scripted import Skill
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.settings import schema

CORE = suite("core").tasks
TASKS = [replace(CORE[number % len(CORE)], id=f"task-{number}") for number in range(30)]


def evaluated(skill: Skill, repeat: int = 2, seed: int = 1, **more: Any) -> Result:
    """What the real thing would come to, without running it."""
    conditions = Conditions(
        suite="core",
        digest="0" * 64,
        tasks={task.id: task.digest for task in TASKS},
        repeat=repeat,
        seed=seed,
        url="http://dell-pro-max:8000",
        model="qwen3-coder-next",
        server="vLLM 0.33.0",
        client="2.1.332",
    )
    trials = tuple(
        Trial(
            task.id,
            task.kind,
            number,
            (way := skill.way(task, number, seed)) is None,
            way,
            "" if way is None else "x",
            **{
                "turns": 5,
                "calls": 10,
                "valid_calls": 10,
                "tokens_in": 50_000,
                "tokens_out": 900,
                "seconds": 40.0,
                "overhead": 1.5,
                **more,
            },
        )
        for task in TASKS
        for number in range(repeat)
    )
    return Result(conditions, trials)


def test_the_table_fits_80_columns_and_says_everything() -> None:
    skill = Skill("x", 0.7, fails=dict.fromkeys(FAILURES, 1.0))
    one, other = evaluated(skill), evaluated(Skill("y", 0.6), seed=4)
    said = reports.report(one, [reports.against(one, other, "Qwen3.6-35B-A3B NVFP4 (12 Nov)")])
    lines = reports.lines(said)
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(line.split()) for line in lines)
    assert f"pass@1 {said.share}" in text
    for kind, count in said.failures.items():
        assert f"{count} × {FAILURES[kind].words}" in text
    assert "→ model.tool-types" in text
    assert "5 turns · 40 s · 50,000 tokens in, 900 out · 100 % of calls valid" in text
    assert said.sentence in text
    assert reports.headline(one) == "30 tasks × 2 of core on qwen3-coder-next (vLLM 0.33.0, Claude Code 2.1.332)"


def test_the_share_is_that_of_the_trials_that_passed() -> None:
    one = evaluated(Skill("x", 0.7))
    said = reports.report(one)
    assert said.share is not None
    assert said.share.value == pytest.approx(sum(bool(trial.passed) for trial in one.trials) / 60)
    assert sum(passed for passed, _ in said.kinds.values()) == sum(bool(trial.passed) for trial in one.trials)
    assert sum(said.failures.values()) == 60 - sum(bool(trial.passed) for trial in one.trials)
    assert said.power is not None
    assert said.power <= said.share.value


def test_a_broken_check_counts_neither_way() -> None:
    one = evaluated(Skill("x", 1.0))
    broken = replace(one, trials=(*one.trials[:-1], replace(one.trials[-1], passed=None)))
    said = reports.report(broken)
    assert said.broken == 1
    assert said.share is not None
    assert said.share.value == 1
    assert "1 × the check or the harness itself" in " ".join(reports.lines(said))


SENTENCES = (
    (Skill("x", 0.5, fails={"malformed": 1.0}), {}, "Look at the server before you judge the model"),
    (Skill("x", 0.95), {"valid_calls": 7}, "30 % of its tool calls are not valid"),
    (Skill("x", 1.0), {}, "Fit for this work"),
    (Skill("x", 0.2), {}, "More often wrong than right"),
    (Skill("x", 0.98, {"edit": 0.2}), {}, "Give it no work of the kind “edit”"),
    (Skill("x", 0.65), {}, "Good for work whose result a test shows"),
)


@pytest.mark.parametrize(("skill", "more", "sentence"), SENTENCES, ids=[each[2][:20] for each in SENTENCES])
def test_there_is_one_sentence_to_act_on(skill: Skill, more: dict[str, Any], sentence: str) -> None:
    said = reports.report(evaluated(skill, repeat=3, **more))
    assert said.sentence.startswith(sentence)


def test_few_trials_are_said_to_be_few() -> None:
    one = evaluated(Skill("x", 0.6), repeat=1)
    few = replace(one, trials=one.trials[:5])
    assert reports.report(few).sentence.startswith("Too few trials to rely on")
    assert reports.report(replace(one, trials=())).sentence == "No trial has told anything yet."


def test_two_are_told_apart_or_how_many_more_trials_would() -> None:
    good, bad = evaluated(Skill("good", 0.9)), evaluated(Skill("bad", 0.3))
    assert reports.against(good, bad, "bad").sentence.endswith(": better")
    assert reports.against(bad, good, "good").sentence.endswith(": worse")
    near = reports.against(evaluated(Skill("a", 0.7)), evaluated(Skill("b", 0.65), seed=3), "b")
    assert "cannot be told apart; about" in near.sentence
    assert near.sentence.endswith("more trials each would")
    assert reports.against(good, good, "itself").sentence == "0 points (−2 to +2): cannot be told apart"


def test_tasks_that_were_changed_are_not_compared() -> None:
    one = evaluated(Skill("a", 0.7))
    other = replace(one, conditions=replace(one.conditions, tasks=dict.fromkeys(one.conditions.tasks, "another")))
    assert reports.against(one, other, "b").sentence == "has no task in common with this one"


def test_the_document_and_the_text_to_paste() -> None:
    one = evaluated(Skill("x", 0.6, fails={"loop": 1.0, "window": 1.0}))
    said = reports.report(one, [reports.against(one, one, "itself")])
    document = reports.to_json(said)
    assert [problem for problem in schema.problems(document, "eval") if problem.severity == "error"] == []
    assert document["ended"] == document["wanted"] == 60
    assert sum(each["count"] for each in document["failures"]) == sum(said.failures.values())
    text = reports.markdown(said)
    assert f"| pass@1 | {said.share}, 30 tasks, 60 trials |" in text
    assert text.count("\n| ") >= 6
