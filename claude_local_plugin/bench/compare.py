"""Two reports side by side: what has changed between them, and by how much."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claude_local_plugin.errors import UsageError


class OtherWorkloadError(UsageError):
    """The reports are of two workloads; `options` are those of the earlier one's."""

    def __init__(self, options: tuple[str, ...]) -> None:
        super().__init__("the other report is of another workload, so its figures say nothing about these")
        self.options = options


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both reports: `label` says which, `less_is_better` how to read `ratio` (new to old)."""

    label: str
    unit: str
    old: float
    new: float
    less_is_better: bool

    @property
    def ratio(self) -> float | None:
        """New to old; None where the old one is nothing."""
        return self.new / self.old if self.old else None

    @property
    def better(self) -> bool | None:
        """Whether it has got better; None within 5 % of each other."""
        if self.ratio is None or abs(self.ratio - 1) < 0.05:
            return None
        return (self.ratio < 1) is self.less_is_better


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The figures that both reports have. Raises UsageError where a report is none of ours, or has another workload."""
    for report in (old, new):
        if report.get("format") != 1 or not isinstance(report.get("levels"), list):
            raise UsageError("that is no report of claude-local bench")
    ours, theirs = (
        {name: size for name, size in report["workload"].items() if name != "concurrency"} for report in (new, old)
    )
    if ours != theirs:
        sizes = {"--prompt-tokens": "prompt_tokens", "--turns": "turns", "--answer-tokens": "answer_tokens"}
        raise OtherWorkloadError(tuple(word for option, name in sizes.items() for word in (option, str(theirs[name]))))
    return tuple(_changes(old, new))


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    yield from _change("cold TTFT", "s", old["cold"]["ttft"]["median"], new["cold"]["ttft"]["median"])
    before = {level["parallel"]: level for level in old["levels"]}
    for level in new["levels"]:
        other = before.get(level["parallel"])
        if other is None:
            continue
        label = f"{level['parallel']} at once"
        yield from _change(f"{label}: TTFT", "s", other["ttft"]["median"], level["ttft"]["median"])
        yield from _change(f"{label}: per token", "s", other["per_token"]["median"], level["per_token"]["median"])
        yield from _change(
            f"{label}: a task", "s", other["session_seconds"]["median"], level["session_seconds"]["median"]
        )
        rate = "output_tokens_per_second"
        yield from _change(f"{label}: tokens", "/s", other[rate], level[rate], less_is_better=False)


def _change(
    label: str, unit: str, old: float | None, new: float | None, *, less_is_better: bool = True
) -> Iterator[Change]:
    if old is not None and new is not None:
        yield Change(label, unit, old, new, less_is_better)
