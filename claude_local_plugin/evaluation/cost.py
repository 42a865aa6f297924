"""What an evaluation will cost, before it is run: the tokens of its tasks at the user's prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from claude_local_plugin.evaluation.outcome import Prices, Trial
from claude_local_plugin.evaluation.statistics import median_of
from claude_local_plugin.evaluation.task import Task

#: Of a trial's tokens about so many are written, all others read: agents read much and write little.
WRITTEN = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the trials that are left will cost.

    `at_limits` is with every trial at its limit of tokens, read without a cache but for WRITTEN of them; `measured` by
    what trials of these tasks took here before, None where not all of them were tried.
    """

    trials: int
    at_limits: float
    measured: float | None
    currency: str

    def __str__(self) -> str:
        """`about 1.93 USD by what these tasks took here before, and 5.76 USD if each went to its limit of tokens`."""
        limits = f"{self.at_limits:,.2f} {self.currency} if each trial went to its limit of tokens"
        if self.measured is None:
            return f"about {limits}"
        return f"about {self.measured:,.2f} {self.currency} by what these tasks took here before, and {limits}"

    @property
    def suggested(self) -> float:
        """An amount that will do in all likelihood."""
        return max(0.01, self.at_limits if self.measured is None else min(self.at_limits, 3 * self.measured))


def estimate(left: Sequence[Task], prices: Prices, currency: str, before: Iterable[Trial] = ()) -> Estimate:
    """The cost of these trials, a task for each; `before` are trials of the same tasks that were run here."""
    at_limits = sum(
        task.limits.tokens * ((1 - WRITTEN) * prices.input + WRITTEN * prices.output) / 1_000_000 for task in left
    )
    known = _by_task(before, prices)
    measured = sum(known[task.id] for task in left) if left and all(task.id in known for task in left) else None
    return Estimate(len(left), at_limits, measured, currency)


def _by_task(trials: Iterable[Trial], prices: Prices) -> Mapping[str, float]:
    """What a trial of each task costs, by the median of those that there are."""
    found: dict[str, list[float]] = {}
    for each in trials:
        whole = (
            each.tokens_in * prices.input + each.tokens_cached * prices.cached + each.tokens_out * prices.output
        ) / 1_000_000
        if whole:
            found.setdefault(each.task, []).append(whole)
    return {task: median_of(costs) or 0.0 for task, costs in found.items()}


def spent(trials: Iterable[Trial]) -> float:
    """What these trials have cost."""
    return sum(trial.cost or 0.0 for trial in trials)
