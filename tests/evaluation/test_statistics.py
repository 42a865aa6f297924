"""Shares, intervals and comparisons keep what they promise, over thousands of made-up evaluations."""

import math
import random
from collections.abc import Callable

import pytest

from claude_local_plugin.evaluation.statistics import (
    Difference,
    difference,
    median_of,
    pass_at_1,
    pass_power,
    quantile,
)

TASKS = [f"task-{number}" for number in range(30)]


def drawn(chance: random.Random, shares: list[float], repeat: int) -> dict[str, list[bool]]:
    return {task: [chance.random() < share for _ in range(repeat)] for task, share in zip(TASKS, shares, strict=True)}


def covered(share_of_a_task: Callable[[random.Random], float], truth: float, repeat: int) -> float:
    """How often the interval has the truth, of 3,000 evaluations whose tasks are drawn anew."""
    chance = random.Random(f"{truth} {repeat}")
    hits = 0
    for _ in range(3000):
        found = pass_at_1(drawn(chance, [share_of_a_task(chance) for _ in TASKS], repeat))
        hits += found.low <= truth <= found.high
    return hits / 3000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "share_of_a_task", "truth"),
    [
        ("all alike", lambda _: 0.65, 0.65),
        ("easy ones and hard ones", lambda chance: chance.choice((0.9, 0.5, 0.2)), 1.6 / 3),
        ("anything at all", lambda chance: chance.betavariate(2, 2), 0.5),
        ("all or nothing", lambda chance: float(chance.random() < 0.5), 0.5),
    ],
)
@pytest.mark.parametrize("repeat", [2, 3])
def test_the_interval_has_the_truth_95_times_in_100(
    name: str, share_of_a_task: Callable[[random.Random], float], truth: float, repeat: int
) -> None:
    assert 0.93 <= covered(share_of_a_task, truth, repeat) <= 0.97, name


def test_shares_stay_within_their_bounds() -> None:
    nothing = pass_at_1({task: [False] * 3 for task in TASKS})
    assert (nothing.value, nothing.low) == (0.0, 0.0)
    assert 0 < nothing.high < 0.1
    everything = pass_at_1({task: [True] * 3 for task in TASKS})
    assert everything.high == pytest.approx(1.0)
    assert 0.9 < everything.low < 1
    assert str(everything) == "100 % (96 to 100)"
    one = pass_at_1({"task": [True]})
    assert (one.value, one.low, one.high, one.tasks, one.trials) == (1.0, pytest.approx(0.207, abs=0.001), 1.0, 1, 1)


def test_a_task_counts_as_much_as_another_however_often_it_was_tried() -> None:
    assert pass_at_1({"a": [True] * 9, "b": [False]}).value == 0.5
    assert pass_at_1({"a": [True], "b": []}).value == 1.0
    with pytest.raises(ValueError, match="no trial has ended"):
        pass_at_1({"a": []})


def test_pass_to_the_k_is_the_chance_of_k_in_a_row() -> None:
    assert pass_power({"a": [True, True, False], "b": [True, True, True]}, 2) == pytest.approx((1 / 3 + 1) / 2)
    assert pass_power({"a": [True]}, 2) is None
    chance = random.Random(5)
    many = [pass_power({"a": [chance.random() < 0.7 for _ in range(5)]}, 3) for _ in range(4000)]
    assert sum(each or 0 for each in many) / len(many) == pytest.approx(0.7**3, abs=0.02)


def test_what_is_the_same_is_not_told_apart() -> None:
    chance = random.Random(11)
    wrong = 0
    for _ in range(1000):
        shares = [chance.choice((0.9, 0.5, 0.2)) for _ in TASKS]
        wrong += difference(drawn(chance, shares, 3), drawn(chance, shares, 3)).told_apart
    assert wrong / 1000 <= 0.07


def test_what_differs_is_told_apart_once_there_are_trials_enough() -> None:
    chance = random.Random(3)
    better, worse = [0.75] * len(TASKS), [0.55] * len(TASKS)
    few = difference(drawn(chance, better, 1), drawn(chance, worse, 1))
    assert few.value != 0
    if not few.told_apart:
        assert few.more_trials is not None
        assert few.more_trials > 0
    many = difference(drawn(chance, better, 20), drawn(chance, worse, 20))
    assert many.told_apart
    assert many.more_trials is None
    assert many.low < 0.2 < many.high


def test_the_trials_that_it_asks_for_are_about_enough() -> None:
    """With as many as it says, every second evaluation or so tells the two apart: it aims at the edge."""
    chance = random.Random(8)
    told, asked = 0, 0
    for _ in range(300):
        first: Difference = difference(drawn(chance, [0.7] * 30, 2), drawn(chance, [0.55] * 30, 2))
        if first.more_trials is None or first.value < 0.1:
            continue
        repeat = 2 + math.ceil(first.more_trials / 30)
        asked += 1
        told += difference(drawn(chance, [0.7] * 30, repeat), drawn(chance, [0.55] * 30, repeat)).told_apart
    assert asked > 50
    assert told / asked > 0.4


def test_a_comparison_needs_a_task_in_common() -> None:
    with pytest.raises(ValueError, match="no task in common"):
        difference({"a": [True]}, {"b": [True]})
    same = difference({"a": [True], "b": [False]}, {"a": [True], "b": [False]})
    assert (same.value, same.told_apart, same.more_trials) == (0.0, False, None)


def test_quantiles_are_those_of_the_table() -> None:
    table = {1: 12.706, 2: 4.303, 5: 2.571, 6: 2.447, 10: 2.228, 29: 2.045, 120: 1.980}
    for freedom, value in table.items():
        assert quantile(freedom) == pytest.approx(value, abs=0.004), freedom


def test_medians() -> None:
    assert median_of([3, 1, 2]) == 2
    assert median_of([4, 1]) == 2.5
    assert median_of([]) is None
