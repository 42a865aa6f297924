"""Shares of trials that passed, and how much is known of them: intervals, comparisons, how many trials more would tell.

A task is a cluster: its trials are more alike than those of different tasks, so that the tasks, not the trials, are
what an interval counts. Nothing here knows what a trial is; results are counts of passed trials by task.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

#: Task -> for each of its trials, in their order, whether it passed.
Outcomes = Mapping[str, Sequence[bool]]

CONFIDENCE = 0.95

#: Thirty tasks of one difficulty easily seem to vary by so much more than their trials do by chance.
BY_CHANCE = 1.3


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval; all are between 0 and 1. `tasks` and `trials` are what it rests on."""

    value: float
    low: float
    high: float
    tasks: int
    trials: int

    def __str__(self) -> str:
        """`73 % (60 to 83)`."""
        return f"{_percent(self.value)} % ({_percent(self.low)} to {_percent(self.high)})"


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a share is above another, in the same tasks, with its 95 % interval.

    `more_trials` is about how many trials each of both would need beside those they have, for the interval to leave out
    zero if the difference is what it seems; None where it leaves it out, or where the two are the same.
    """

    value: float
    low: float
    high: float
    tasks: int
    more_trials: int | None

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out that they are the same."""
        return self.low > 0 or self.high < 0


def pass_at_1(outcomes: Outcomes) -> Share:
    """The share of trials that pass, each task counting alike; ValueError without a trial.

    Wilson's interval for as many independent trials as the tasks' shares vary like: as many as there are trials where
    they vary by chance alone, fewer where some tasks are much harder than others.
    """
    shares = _shares(outcomes)
    value = fmean(shares)
    trials = sum(map(len, outcomes.values()))
    effective = _effective(outcomes)
    # how the tasks vary is itself an estimate, where it counts
    z = quantile(len(shares) - 1) if effective < trials and len(shares) > 1 else _NORMAL
    return Share(value, *_wilson(value, effective, z), len(shares), trials)


def pass_power(outcomes: Outcomes, k: int) -> float | None:
    """pass^k: the share of tasks of which k trials in a row pass, without bias; None where no task has k trials."""
    found = [math.comb(sum(row), k) / math.comb(len(row), k) for row in outcomes.values() if len(row) >= k]
    return fmean(found) if found else None


def difference(one: Outcomes, other: Outcomes) -> Difference:
    """How far `one` is above `other` in the tasks that both have, paired by task; ValueError where they share none."""
    tasks = sorted(task for task in one.keys() & other.keys() if one[task] and other[task])
    if not tasks:
        raise ValueError("the two have no task in common")
    gaps = [fmean(one[task]) - fmean(other[task]) for task in tasks]
    value = fmean(gaps)
    spread = _deviation(gaps, value)
    # where all tasks agree exactly, one that does not may still be to come: as if half a trial had gone the other way
    trials = min(len(rows[task]) for task in tasks for rows in (one, other))
    spread = max(spread, 1 / (2 * trials * math.sqrt(len(tasks))))
    half = quantile(len(tasks) - 1) * spread / math.sqrt(len(tasks))
    more = None
    if value != 0 and abs(value) <= half:
        more = math.ceil(trials * len(tasks) * ((half / abs(value)) ** 2 - 1)) or 1
    return Difference(value, max(-1.0, value - half), min(1.0, value + half), len(tasks), more)


def median_of(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def quantile(freedom: int) -> float:
    """Student's two-sided 95 % quantile for so many degrees of freedom (Hill's expansion about the normal one)."""
    if freedom < 1:
        return math.inf
    if freedom < len(_FEW):
        return _FEW[freedom]
    z = _NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(z + sum(term / freedom**power for power, term in enumerate(terms, start=1)))


_NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

#: For few degrees of freedom the expansion is too short.
_FEW = (math.inf, 12.706, 4.303, 3.182, 2.776, 2.571)


def _shares(outcomes: Outcomes) -> list[float]:
    shares = [fmean(row) for row in outcomes.values() if row]
    if not shares:
        raise ValueError("no trial has ended")
    return shares


def _deviation(values: Sequence[float], mean: float) -> float:
    """The standard deviation of a sample; 0 of one value."""
    return math.sqrt(sum((each - mean) ** 2 for each in values) / (len(values) - 1)) if len(values) > 1 else 0.0


def _effective(outcomes: Outcomes) -> float:
    """How many independent trials would vary as these tasks' shares do; between one a task and all of them."""
    shares = _shares(outcomes)
    trials = sum(map(len, outcomes.values()))
    value = fmean(shares)
    variance = _deviation(shares, value) ** 2 / len(shares)
    by_chance = value * (1 - value) / trials
    if variance <= BY_CHANCE * by_chance:
        return float(trials)
    return max(float(len(shares)), value * (1 - value) / variance)


def _wilson(value: float, trials: float, z: float) -> tuple[float, float]:
    middle = value + z * z / (2 * trials)
    half = z * math.sqrt(value * (1 - value) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # at none and all of them the interval ends exactly there
    return 0.0 if value == 0 else (middle - half) / scale, 1.0 if value == 1 else (middle + half) / scale


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
