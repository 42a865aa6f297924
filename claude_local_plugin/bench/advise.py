"""What follows from a measurement: how many tasks at once, how long to wait, and the settings that say so."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from claude_local_plugin.bench.measure import Level, Measured, Turn
from claude_local_plugin.bench.statistics import summarise

#: A task may take this many times as long as alone before we advise against one more at once.
BEARABLE_SLOWDOWN = 2.0
#: One more task at once must bring at least this much more work done in the same time.
WORTHWHILE_GAIN = 1.1
#: Time-outs are this many times what was measured: other prompts are harder, and machines have bad moments.
SAFETY = 3.0
#: The client's own limits in milliseconds (Claude Code 2.1.329): API_TIMEOUT_MS when unset, and what
#: CLAUDE_STREAM_IDLE_TIMEOUT_MS may be.
CLIENT_TIMEOUT_MS = 600_000
IDLE_TIMEOUT_MS = (300_000, 1_800_000)
#: No answer is assumed to be longer than the client's own limit for a model it does not know.
LONGEST_ANSWER = 32_000
#: API_TIMEOUT_MS where it did not show how fast answers are written: what `enable` writes for any server.
UNTIMED_ANSWER_MS = 1_800_000
#: What is taken for the window where the server does not tell it.
UNKNOWN_WINDOW = 65_536


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable for the settings file's `env`, and why this value."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The conclusions. `parallel` is how many tasks at once (None: nothing was measured), `because` the reason.

    `prefill` is prompt tokens per second without the cache, `window_seconds` how long a full window of new text takes
    to read, both None where no cold prompt was timed.
    """

    parallel: int | None
    because: str
    prefill: float | None
    window_seconds: float | None
    settings: tuple[Setting, ...]


def slowdowns(levels: Sequence[Level]) -> dict[int, float]:
    """Sessions at once -> how many times as long a session takes as at the lowest level measured."""
    times = {level.parallel: summarise(level.session_seconds).median for level in levels}
    known = {parallel: median for parallel, median in times.items() if median}
    if not known:
        return {}
    alone = known[min(known)]
    return {parallel: median / alone for parallel, median in known.items()}


def prefill_rate(turns: Sequence[Turn]) -> float | None:
    """Prompt tokens per second that were read from the beginning to the first token, by the median of cold prompts."""
    rates = [
        (turn.prompt_tokens - (turn.cached_tokens or 0)) / turn.ttft
        for turn in turns
        if turn.ttft and turn.prompt_tokens
    ]
    return summarise(rates).median


def advise(measured: Measured) -> Advice:
    """What to do with these figures."""
    parallel, because = _parallel(measured.levels)
    rate = prefill_rate(measured.cold)
    window = measured.window or UNKNOWN_WINDOW
    window_seconds = None if not rate else window / rate
    settings = [] if parallel is None else [_subagents(parallel, because)]
    if window_seconds is not None:
        settings += _patience(measured, window_seconds, parallel or 1)
    return Advice(parallel, because, rate, window_seconds, tuple(settings))


def _parallel(levels: Sequence[Level]) -> tuple[int | None, str]:
    """The most sessions at once of those measured that are bearable and worthwhile."""
    slow = slowdowns(levels)
    if not slow:
        return None, "no session ran to its end"
    ordered = sorted(slow)
    best = ordered[0]
    for parallel in ordered[1:]:
        gain = (parallel / slow[parallel]) / (best / slow[best])
        if slow[parallel] > BEARABLE_SLOWDOWN:
            return best, f"with {parallel} at once each takes {slow[parallel]:.1f} times as long"
        if gain < WORTHWHILE_GAIN:
            return best, f"{parallel} at once get no more done than {best} ({gain:.2f} times as much)"
        best = parallel
    if best == ordered[0]:
        return best, "no more were tried at once"
    return best, f"each takes {slow[best]:.1f} times as long as {ordered[0]} alone; no more were tried at once"


def _subagents(parallel: int, because: str) -> Setting:
    return Setting(
        "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS", str(parallel), f"a session starts no more at once: {because}"
    )


def _patience(measured: Measured, window_seconds: float, parallel: int) -> list[Setting]:
    """Time-outs for the worst that sessions may ask: a full window of new text, while the others ask the same."""
    per_token = summarise(turn.per_token for level in measured.levels for turn in level.turns).median
    longest = min(LONGEST_ANSWER, measured.window or UNKNOWN_WINDOW)
    answer = 0.0 if per_token is None else longest * per_token
    silence_ms = SAFETY * window_seconds * parallel * 1000
    whole_ms = SAFETY * (window_seconds * parallel + answer) * 1000
    idle = _round_up(min(max(silence_ms, IDLE_TIMEOUT_MS[0]), IDLE_TIMEOUT_MS[1]))
    whole = _round_up(max(whole_ms, CLIENT_TIMEOUT_MS))
    told = f"a full window takes {window_seconds:.0f} s to read"
    written = f"the longest answer {answer:.0f} s; {SAFETY:.0f} times that"
    if per_token is None:
        written, whole = "how fast answers are written did not show", max(whole, UNTIMED_ANSWER_MS)
    return [
        Setting("API_TIMEOUT_MS", str(whole), f"{told}, {written}"),
        Setting(
            "CLAUDE_STREAM_IDLE_TIMEOUT_MS", str(idle), f"{told}, with {parallel} at once; {SAFETY:.0f} times that"
        ),
    ]


def _round_up(milliseconds: float) -> int:
    """To whole minutes."""
    return math.ceil(milliseconds / 60_000) * 60_000
