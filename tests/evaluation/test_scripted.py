"""Agents of known skill: the judge must find out what they can do."""

from dataclasses import replace
from itertools import pairwise, product

from claude_local_plugin.evaluation.scripted import Skill, drawn, outcomes
from claude_local_plugin.evaluation.statistics import pass_at_1
from claude_local_plugin.evaluation.suite import suite
from tests.evaluation.record_judged import SKILLS, truth

CORE = suite("core").tasks
#: As many as `core` has, whichever those are: what holds here is not to depend on a task's name.
TASKS = [replace(CORE[number % len(CORE)], id=f"task-{number}") for number in range(30)]


def test_eight_agents_are_ranked_right_in_100_of_100_evaluations() -> None:
    wrong = {}
    for seed, tasks in product(range(100), (CORE, TASKS)):
        found = [pass_at_1(outcomes(skill, tasks, 3, seed)).value for skill in SKILLS]
        if any(better <= worse for better, worse in pairwise(found)):
            wrong[seed, tasks[0].id] = found
    assert wrong == {}


def test_the_intervals_of_core_have_an_agents_true_rate_in_93_to_97_of_100_evaluations() -> None:
    for skill in SKILLS:
        found = [pass_at_1(outcomes(skill, CORE, 3, seed)) for seed in range(1000)]
        assert 930 <= sum(each.low <= truth(skill) <= each.high for each in found) <= 970, skill.name


def test_the_intervals_have_an_agents_true_rate_95_times_in_100() -> None:
    """The tasks are the same each time, so that an interval for tasks like these may be a little wide, never narrow."""
    for skill in (Skill("even", 0.6), Skill("good", 0.85), Skill("uneven", 0.7, {"edit": 0.6, "fix": 0.8})):
        rate = sum(skill.chance(task) for task in TASKS) / len(TASKS)
        hits = 0
        for seed in range(1000):
            found = pass_at_1(outcomes(skill, TASKS, 3, seed))
            hits += found.low <= rate <= found.high
        assert 930 <= hits <= 985, (skill.name, hits)


def test_the_same_words_draw_the_same_number() -> None:
    assert drawn(1, "a", 0) == drawn(1, "a", 0) != drawn(1, "a", 1)
    numbers = [drawn(0, "x", number) for number in range(10_000)]
    assert 0 <= min(numbers) < 0.01 < 0.99 < max(numbers) < 1
    assert abs(sum(numbers) / len(numbers) - 0.5) < 0.01


def test_how_an_agent_fails_is_as_often_as_its_weights() -> None:
    skill = Skill("half", 0.5, fails={"loop": 3.0, "window": 1.0})
    ways = [skill.way(task, number, 1) for task in TASKS for number in range(200)]
    failed = [way for way in ways if way is not None]
    assert abs(len(failed) / len(ways) - 0.5) < 0.03
    assert abs(failed.count("loop") / len(failed) - 0.75) < 0.03
