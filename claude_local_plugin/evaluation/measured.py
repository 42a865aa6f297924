"""What evaluations on record say of a server and a model: which of them count, how old they may be, how it is said.

Those in claude-local's own folder count, where `eval` puts them unless told otherwise, for the same server and the same
model. Of several of one suite the one with the most tasks counts, and of those the newest. What was otherwise then is
said: versions, settings, tasks that have been changed since.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation.run import Conditions, Result, first_line, read
from claude_local_plugin.evaluation.statistics import Share, median_of, pass_at_1
from claude_local_plugin.evaluation.suite import SHIPPED, suite

#: Older ones are another server's, as a rule: images, weights and flags have moved on.
MOST_DAYS = 180

#: The settings that make another agent of a model, and what each is called.
TELLING = {
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "window",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "longest answer",
    "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT": "system prompt",
    "ENABLE_TOOL_SEARCH": "tool search",
    "MAX_THINKING_TOKENS": "thinking",
}


@dataclass(frozen=True, slots=True)
class Now:
    """How things are now, as far as it is known: "" and names that are left out are not."""

    server: str = ""
    client: str = ""
    env: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One evaluation that counts, and what was otherwise then."""

    result: Result
    file: Path
    share: Share
    passed: int
    then: tuple[str, ...]

    @property
    def weight(self) -> tuple[int, str]:
        """What tells more is heavier: more tasks, else the newer one."""
        return self.share.tasks, self.result.conditions.began

    @property
    def turns(self) -> float | None:
        """The median of its trials."""
        return median_of([trial.turns for trial in self.result.trials])

    @property
    def seconds(self) -> float | None:
        """The median of its trials."""
        return median_of([trial.seconds for trial in self.result.trials])

    @property
    def seconds_a_turn(self) -> float | None:
        """How long a turn takes, by the median of its trials; None where none had one."""
        return median_of([trial.seconds / trial.turns for trial in self.result.trials if trial.turns and trial.seconds])

    @property
    def figures(self) -> str:
        """`22 of 30 (56 to 86 %)`."""
        return f"{self.passed} of {self.share.trials} ({100 * self.share.low:.0f} to {100 * self.share.high:.0f} %)"

    @property
    def sentence(self) -> str:
        """`measured here: 22 of 30 (56 to 86 %), core, 2026-11-28; 5 turns, 40 s a trial`."""
        of = self.result.conditions
        so_far = " so far" if len(self.result.trials) < self.result.wanted else ""
        said = f"measured here: {self.figures}{so_far}, {of.suite}, {of.began[:10]}"
        if self.turns is not None and self.seconds is not None:
            said += f"; {self.turns:g} turns, {self.seconds:.0f} s a trial"
        return said + "".join(f"; {each}" for each in self.then)

    def to_json(self) -> dict[str, Any]:
        """What a report says of it."""
        of = self.result.conditions
        return {
            "says": self.sentence,
            "file": str(self.file),
            "suite": of.suite,
            "digest": of.digest,
            "began": of.began,
            "url": of.url,
            "model": of.model,
            "passed": self.passed,
            "trials": self.share.trials,
            "wanted": self.result.wanted,
            "value": self.share.value,
            "low": self.share.low,
            "high": self.share.high,
            "turns": self.turns,
            "seconds": self.seconds,
            "then": list(self.then),
        }


def measured(
    folder: Path, fits: Callable[[Conditions], bool], now: Now | None = None, *, at: datetime | None = None
) -> tuple[Measured, ...]:
    """The evaluations of this folder that count, of each server, model and suite one, the newest first."""
    oldest = (at or datetime.now(UTC)) - timedelta(days=MOST_DAYS)
    best: dict[tuple[str, str, str], Measured] = {}
    for path in sorted(folder.glob("*.jsonl")):
        of = first_line(path)
        if of is None or not fits(of) or not _since(of.began, oldest):
            continue
        try:
            found = _told(read(path), path, now or Now())
        except UsageError:  # cut off, or not ours
            continue
        if found is None:
            continue
        key = (of.url, of.model, of.suite)
        if key not in best or found.weight > best[key].weight:
            best[key] = found
    return tuple(sorted(best.values(), key=lambda each: each.result.conditions.began, reverse=True))


def _since(moment: str, oldest: datetime) -> bool:
    try:
        return datetime.fromisoformat(moment) >= oldest
    except (ValueError, TypeError):  # no time, or one without a zone
        return False


def _told(result: Result, path: Path, now: Now) -> Measured | None:
    """None where no trial has told anything."""
    outcomes = result.outcomes()
    if not any(outcomes.values()):
        return None
    passed = sum(sum(row) for row in outcomes.values())
    return Measured(result, path, pass_at_1(outcomes), passed, tuple(_then(result.conditions, now)))


def _then(of: Conditions, now: Now) -> Iterator[str]:
    """What was otherwise than now."""
    if now.server and of.server and now.server != of.server:
        yield f"on {of.server} then"
    if now.client and of.client and now.client != of.client:
        yield f"Claude Code {of.client} then"
    before = of.settings.get("env") or {}
    other = [word for name, word in TELLING.items() if _differs(name, before, now.env)]
    if other:
        yield f"another {' and '.join(other)} then"
    if not of.isolated:
        yield "not kept apart"
    if of.suite in SHIPPED and not _is_current(of):
        yield "its tasks have been changed since"


def _differs(name: str, before: Mapping[str, Any], now: Mapping[str, str] | None) -> bool:
    return now is not None and name in now and str(before.get(name, "")) != now[name]


def _is_current(of: Conditions) -> bool:
    """Whether the tasks are still those of the suite, as far as they were run."""
    current = {task.id: task.digest for task in suite(of.suite).tasks}
    return all(current.get(task) == digest for task, digest in of.tasks.items())
