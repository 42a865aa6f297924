"""Medians and 95th percentiles."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.bench import summarise

NUMBERS = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=200)


def test_nothing_measured_is_nothing_said() -> None:
    assert summarise([]).as_json() == dict.fromkeys(("median", "p95", "min", "max", "mean")) | {"count": 0}
    assert summarise([None, None]).count == 0


@pytest.mark.parametrize(
    ("values", "median", "p95"),
    [([3], 3, 3), ([1, 2], 1.5, 2), ([5, 1, 3], 3, 5), (range(1, 21), 10.5, 19), (range(1, 101), 50.5, 95)],
)
def test_medians_and_percentiles_are_as_the_books_have_them(values: list[float], median: float, p95: float) -> None:
    found = summarise(values)
    assert (found.median, found.p95) == (median, p95)


def test_what_was_not_measured_does_not_count() -> None:
    assert summarise([None, 2.0, None, 4.0]).as_json() == {
        "count": 2, "median": 3.0, "p95": 4.0, "min": 2.0, "max": 4.0, "mean": 3.0
    }  # fmt: skip


@given(NUMBERS)
def test_a_percentile_was_measured_and_95_percent_are_not_above_it(values: list[float]) -> None:
    found = summarise(values)
    assert found.p95 in values
    assert found.p95 is not None
    assert sum(value <= found.p95 for value in values) >= math.ceil(0.95 * len(values) - 1e-6)
    assert sum(value < found.p95 for value in values) < 0.95 * len(values) + 1e-6


@given(NUMBERS)
def test_half_is_on_either_side_of_the_median(values: list[float]) -> None:
    median = summarise(values).median
    assert median is not None
    assert sum(value <= median for value in values) * 2 >= len(values)
    assert sum(value >= median for value in values) * 2 >= len(values)
