"""What an evaluation comes to: shares with their intervals, failures with what mends them, and a sentence to act on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from claude_local_plugin.evaluation.outcome import FAILURES, Trial, kinds_of
from claude_local_plugin.evaluation.run import Result
from claude_local_plugin.evaluation.statistics import (
    Difference,
    Outcomes,
    Share,
    difference,
    median_of,
    pass_at_1,
    pass_power,
)

WIDTH = 80
_LABEL = 9

#: So many kinds of work are a long suite's.
_MANY = 10
#: Above this share of calls that were not valid, that is what is said first.
_INVALID = 0.1


@dataclass(frozen=True, slots=True)
class Against:
    """Another evaluation, and how far this one is above it in the tasks that are the same in both; None without any."""

    name: str
    found: Difference | None
    #: The other's trials in those tasks: which passed.
    outcomes: Outcomes = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """`+11 points (−3 to +25): cannot be told apart; about 90 more trials each would`."""
        if self.found is None:
            return "has no task in common with this one"
        low, high = _points(self.found.low), _points(self.found.high)
        more = None if self.found.told_apart else self.found.more_trials
        return (
            f"{_points(self.found.value)} points ({low} to {high}): {_told(self.found)}"
            f"{f'; about {more:,} more trials each would' if more else ''}"
        )

    @property
    def short(self) -> str:
        """`+11 points: cannot be told apart`."""
        if self.found is None:
            return self.sentence
        return f"{_points(self.found.value)} points: {_told(self.found)}"


def _told(found: Difference) -> str:
    if not found.told_apart:
        return "cannot be told apart"
    return "better" if found.value > 0 else "worse"


def _points(share: float) -> str:
    points = round(100 * share)
    return f"+{points}" if points > 0 else f"−{-points}" if points < 0 else "0"


def against(one: Result, other: Result, name: str) -> Against:
    """The comparison of two, paired by task: those tasks count that are the same to the byte."""
    theirs = other.conditions.tasks
    same = {task for task, digest in one.conditions.tasks.items() if theirs.get(task) == digest}
    mine, its = (
        {task: row for task, row in result.outcomes().items() if task in same and row} for result in (one, other)
    )
    return Against(name, difference(mine, its) if mine.keys() & its.keys() else None, its)


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of an evaluation."""

    result: Result
    share: Share | None
    power: float | None
    kinds: Mapping[str, tuple[int, int]]
    failures: Counter[str]
    medians: Mapping[str, float | None]
    valid: float | None
    cost: float | None
    #: The harness's own time as a share of the clients'.
    overhead: float | None
    broken: int
    compared: tuple[Against, ...] = ()

    @property
    def sentence(self) -> str:
        """What a person can act on."""
        return _sentence(self)


def report(result: Result, compared: Iterable[Against] = ()) -> Report:
    """The report of an evaluation, which may have come only so far."""
    trials, outcomes = result.trials, result.outcomes()
    seconds = sum(trial.seconds for trial in trials)
    calls = sum(trial.calls for trial in trials)
    costs = [trial.cost for trial in trials if trial.cost is not None]
    return Report(
        result=result,
        share=pass_at_1(outcomes) if any(outcomes.values()) else None,
        power=_power(outcomes, result.conditions.repeat),
        kinds=_by_kind(trials),
        failures=kinds_of(trials),
        medians={
            name: median_of([value for trial in trials if (value := getattr(trial, name)) is not None])
            for name in ("turns", "seconds", "tokens_in", "tokens_cached", "tokens_out", "ttft_ms", "tokens_per_second")
        },
        valid=sum(trial.valid_calls for trial in trials) / calls if calls else None,
        cost=sum(costs) if costs else None,
        overhead=sum(trial.overhead for trial in trials) / seconds if seconds else None,
        broken=sum(trial.passed is None for trial in trials),
        compared=tuple(compared),
    )


def _power(outcomes: Outcomes, repeat: int) -> float | None:
    return pass_power(outcomes, repeat) if repeat > 1 and any(outcomes.values()) else None


def _by_kind(trials: Iterable[Trial]) -> dict[str, tuple[int, int]]:
    """Kind of work -> trials that passed, and all of them."""
    found: dict[str, tuple[int, int]] = {}
    for trial in trials:
        if trial.passed is not None:
            passed, of = found.get(trial.kind, (0, 0))
            found[trial.kind] = passed + trial.passed, of + 1
    return dict(sorted(found.items()))


def _sentence(said: Report) -> str:
    if said.share is None:
        return "No trial has told anything yet."
    failed = sum(said.failures.values())
    by_setting = {kind: count for kind, count in said.failures.items() if FAILURES[kind].check is not None}
    if failed and sum(by_setting.values()) * 2 >= failed:
        worst = max(by_setting, key=lambda kind: by_setting[kind])
        known = FAILURES[worst]
        verb = "is" if by_setting[worst] == 1 else "are"
        return (
            f"Look at the server before you judge the model: {by_setting[worst]} of {failed} failures {verb}"
            f" “{known.words}”, which {known.check} of doctor looks for; what mends it: {known.mend}."
        )
    if said.valid is not None and said.valid < 1 - _INVALID:
        known = FAILURES["malformed"]
        return (
            f"{_percent(1 - said.valid)} of its tool calls are not valid, and each costs a turn:"
            f" {known.check} of doctor; what mends it: {known.mend}."
        )
    if said.share.trials < said.result.wanted or said.share.high - said.share.low > 0.3:
        return (
            f"Too few trials to rely on: it passes somewhere from {_percent(said.share.low)} to"
            f" {_percent(said.share.high)}; {'--repeat' if len(said.kinds) > _MANY else '--repeat, or the suite core,'}"
            " tells more."
        )
    if said.share.high <= 0.5:
        return "More often wrong than right: take another model, or less quantisation, for this work."
    # by more than chance would have it, of several kinds
    weak = [(passed / of, kind) for kind, (passed, of) in said.kinds.items() if _at_most(passed, of) < said.share.low]
    if weak:
        share, kind = min(weak)
        return f"Give it no work of the kind “{kind}”: it passes {_percent(share)} there, and the rest is better."
    if said.share.low >= 0.8:
        return "Fit for this work: let it go ahead, and look at what it hands in."
    return "Good for work whose result a test shows; have each result checked."


def _at_most(passed: int, of: int) -> float:
    return pass_at_1({"": [number < passed for number in range(of)]}).high


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


# --- as JSON


def to_json(said: Report) -> dict[str, Any]:
    """The document of `eval --json`."""
    result = said.result
    return {
        "conditions": {name: value for name, value in result.conditions.to_json().items() if name != "kind"},
        "ended": len(result.trials),
        "wanted": result.wanted,
        "broken": said.broken,
        "pass_at_1": None if said.share is None else asdict(said.share),
        "pass_power": None if said.power is None else {"k": result.conditions.repeat, "value": said.power},
        "kinds": [{"kind": kind, "passed": passed, "trials": of} for kind, (passed, of) in said.kinds.items()],
        "failures": [{**_failure(kind), "count": count} for kind, count in said.failures.most_common()],
        "medians": dict(said.medians),
        "valid_calls": said.valid,
        "cost": said.cost,
        "overhead": said.overhead,
        "sentence": said.sentence,
        "against": [
            {"name": each.name, "difference": None if each.found is None else asdict(each.found), "says": each.sentence}
            for each in said.compared
        ],
        "trials": [trial.to_json() for trial in sorted(result.trials, key=lambda each: (each.task, each.repeat))],
    }


def _failure(kind: str) -> dict[str, Any]:
    said = asdict(FAILURES[kind])
    del said["when"]
    return said


# --- as lines


def headline(result: Result) -> str:
    """`30 tasks × 2 on qwen3-coder-next (vLLM 0.33.0, Claude Code 2.1.332)`."""
    said = result.conditions
    about = ", ".join(each for each in (said.server, f"Claude Code {said.client}" if said.client else "") if each)
    tasks = f"{len(said.tasks)} task{'' if len(said.tasks) == 1 else 's'}"
    times = f" × {said.repeat}" if said.repeat > 1 else ""
    return f"{tasks}{times} of {said.suite} on {said.model}" + (f" ({about})" if about else "")


def lines(said: Report, width: int = WIDTH) -> list[str]:
    """What stands on the terminal."""
    rows: list[tuple[str, Sequence[str]]] = []
    if said.share is not None:
        kinds = [f"{kind} {_percent(passed / of)}" for kind, (passed, of) in said.kinds.items()]
        rows.append(("pass@1", [str(said.share), *kinds]))
    if said.power is not None:
        rows.append((f"pass^{said.result.conditions.repeat}", [f"{_percent(said.power)} of the tasks, each time"]))
    if said.failures:
        rows.append(("why not", [_why(kind, count) for kind, count in said.failures.most_common()]))
    if figures := _figures(said):
        rows.append(("a trial", figures))
    if costs := _costs(said):
        rows.append(("cost", [costs]))
    if said.broken:
        rows.append(("broken", [f"{said.broken} × the check or the harness itself, of which nothing follows"]))
    rows += [("against", [f"{each.name}: {each.sentence}"]) for each in said.compared]
    rows.append(("so", [said.sentence]))
    return [line for label, parts in rows for line in _row(label, parts, width)]


def _why(kind: str, count: int) -> str:
    check = FAILURES[kind].check
    return f"{count} × {FAILURES[kind].words}" + (f" → {check}" if check else "")


def _figures(said: Report) -> list[str]:
    """Medians in words."""
    found = said.medians
    parts = []
    if (turns := found["turns"]) is not None:
        parts.append(f"{turns:g} turns")
    if (seconds := found["seconds"]) is not None:
        parts.append(f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min")
    if (read := found["tokens_in"]) is not None:
        cached = found["tokens_cached"] or 0
        parts.append(f"{read + cached:,.0f} tokens in, {found['tokens_out'] or 0:,.0f} out")
    if (ttft := found["ttft_ms"]) is not None:
        parts.append(f"first token {ttft / 1000:.1f} s")
    if (rate := found["tokens_per_second"]) is not None:
        parts.append(f"{rate:.0f} tokens/s")
    if said.valid is not None:
        parts.append(f"{_percent(said.valid)} of calls valid")
    return parts


def _costs(said: Report) -> str:
    """`1.44 in all, 0.048 a trial, at the prices in config.toml`."""
    paid = sum(trial.cost is not None for trial in said.result.trials)
    if said.cost is None or not paid:
        return ""
    return f"{said.cost:,.2f} in all, {said.cost / paid:,.3f} a trial, at the prices in config.toml"


def _row(label: str, parts: Sequence[str], width: int) -> list[str]:
    """A label and its parts, as many on a line as fit; a part that is longer than a line is broken between words."""
    found, line = [], label.ljust(_LABEL)
    empty = True
    for part in parts:
        joined = part if empty else f" · {part}"
        if len(line) + len(joined) <= width:
            line, empty = line + joined, False
            continue
        if not empty:
            found.append(line)
            line = " " * _LABEL
        for number, word in enumerate(part.split(" ")):
            piece = word if number == 0 else f" {word}"
            if len(line) + len(piece) > width:
                found.append(line)
                line, piece = " " * _LABEL, word
            line += piece
        empty = False
    return [*found, line]


def markdown(said: Report) -> str:
    """The same to paste."""
    result, share = said.result, said.share
    rows = [f"**{headline(result)}**", ""]
    rows += ["| | |", "| --- | --- |"]
    if share is not None:
        rows.append(f"| pass@1 | {share}, {share.tasks} tasks, {share.trials} trials |")
    if said.power is not None:
        rows.append(f"| pass^{result.conditions.repeat} | {_percent(said.power)} |")
    rows += [f"| {kind} | {passed} of {of} |" for kind, (passed, of) in said.kinds.items()]
    rows += [
        f"| {FAILURES[kind].words} | {count} × – {FAILURES[kind].mend} |" for kind, count in said.failures.most_common()
    ]
    rows.append(f"| a trial | {' · '.join(_figures(said))} |")
    rows += [f"| cost | {costs} |"] if (costs := _costs(said)) else []
    rows += [f"| against {each.name} | {each.sentence} |" for each in said.compared]
    return "\n".join([*rows, "", said.sentence, ""])
