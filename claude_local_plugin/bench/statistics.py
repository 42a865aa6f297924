"""Medians and 95th percentiles, always with the count they stand on."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """What a number of measurements come to, in their own unit; all None where there are none.

    `p95` is the smallest measurement that is not below 95 % of them (nearest rank): one that was really seen. With
    fewer than twenty it is the largest.
    """

    count: int
    median: float | None = None
    p95: float | None = None
    smallest: float | None = None
    largest: float | None = None
    mean: float | None = None

    def as_json(self) -> dict[str, float | int | None]:
        """The summary as it stands in reports."""
        figures = (self.median, self.p95, self.smallest, self.largest, self.mean)
        names = ("median", "p95", "min", "max", "mean")
        rounded = (None if figure is None else round(figure, 6) for figure in figures)
        return {"count": self.count, **dict(zip(names, rounded, strict=True))}


def summarise(values: Iterable[float | None]) -> Summary:
    """The summary of the measurements that were made; what is None was not."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Summary(0)
    return Summary(
        len(known),
        statistics.median(known),
        nearest_rank(known, 0.95),
        known[0],
        known[-1],
        statistics.fmean(known),
    )


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """The smallest member of an ordered, non-empty sequence that at least this share of it does not exceed."""
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]
