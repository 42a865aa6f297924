"""Sends a workload and times it; also times ourselves, against a server of our own that takes no time at all."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_local_plugin.bench.workload import COLD_SAMPLES, Session, Workload
from claude_local_plugin.errors import BackendError
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.messages import Client, Reply, run
from claude_local_plugin.servers.metrics import Metrics, not_comparable, reused

#: Told after each request: how many are done, how many there are at most, and what is being measured.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One timed request, times in seconds: the first piece, the gaps after it, the whole; tokens as the server counts.

    `ttft` and `per_token` are None where the answer had no piece, or fewer than two tokens.
    """

    ttft: float | None
    gaps: tuple[float, ...] = field(repr=False)
    seconds: float
    per_token: float | None
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A request that got no whole answer, and why; it counts in no figure."""

    phase: str
    problem: str


@dataclass(frozen=True, slots=True)
class Level:
    """Several sessions at once, each with the same work: their turns, and how long each session took in seconds.

    `seconds` is the wall time of all of them together. `reused` of `looked_up` prompt tokens came from the prefix cache
    by the server's own counters, or as its answers say (None where neither tells).
    """

    parallel: int
    sessions: tuple[tuple[Turn, ...], ...]
    session_seconds: tuple[float, ...]
    seconds: float
    reused: int | None = None
    looked_up: int | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns of all sessions."""
        return tuple(turn for session in self.sessions for turn in session)


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything a run has timed. `after_start` says whether `first` was the server's first request of all, as far as
    its counters tell (None: they do not). `stopped` says why it ended early, None if it did not. `not_comparable`
    says why nothing was read from the server's counters, where that is so.
    """

    url: str
    model: str
    kind: str
    version: str | None
    window: int | None
    workload: Workload
    first: Turn | None
    after_start: bool | None
    cold: tuple[Turn, ...]
    levels: tuple[Level, ...]
    spoiled: tuple[Spoiled, ...]
    stopped: str | None
    seconds: float
    not_comparable: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What to measure: where it is, the served name, the key, and what is known about it."""

    url: str
    model: str
    token: str | None = field(default=None, repr=False)
    kind: str = "unknown"
    version: str | None = None
    window: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def measure(
    target: Target,
    workload: Workload,
    *,
    progress: Progress | None = None,
    request_timeout: float = 600.0,
    time_limit: float = 1800.0,
) -> Measured:
    """Send the workload and return what was timed, within `time_limit` seconds in all and `request_timeout` each.

    Raises BackendError when the very first request is not answered; later failures are in `spoiled`.
    """
    began = time.monotonic()

    async def work(client: Client) -> Measured:
        return await _Run(client, target, workload, progress, began + time_limit).all(began)

    return run(work, target.url, token=target.token, headers=target.headers, timeout=request_timeout)


class _StopError(Exception):
    """The time is up, or too much fails."""


#: So many failed requests, and the run ends.
TOO_MANY_SPOILED = 5


class _Run:
    """One run, with what it has so far."""

    def __init__(
        self, client: Client, target: Target, workload: Workload, progress: Progress | None, deadline: float
    ) -> None:
        self.client, self.target, self.workload = client, target, workload
        self.progress, self.deadline = progress, deadline
        self.done = 0
        self.spoiled: list[Spoiled] = []
        self.doubt: str | None = None

    async def all(self, began: float) -> Measured:
        metrics, self.doubt = await self.client.steady()
        first_reply = await self.send(self.workload.ping(self.target.model), "first request")
        first = self.turn(first_reply, "first request")
        if first is None:
            raise BackendError(
                f"{self.client.base.url} does not answer as {self.target.model}: {self.spoiled[-1].problem}"
            )
        cold: list[Turn] = []
        levels: list[Level] = []
        stopped = None
        try:
            await self.cold(cold)
            for parallel in self.workload.concurrency:
                levels.append(await self.level(parallel))
        except _StopError as reason:
            stopped = str(reason)
        finished = None if metrics is None or self.doubt else metrics.requests_finished
        return Measured(
            url=self.client.base.url,
            model=self.target.model,
            kind=self.target.kind,
            version=self.target.version,
            window=self.target.window,
            workload=self.workload,
            first=first,
            after_start=None if finished is None else finished == 0,
            cold=tuple(cold),
            levels=tuple(levels),
            spoiled=tuple(self.spoiled),
            stopped=stopped,
            seconds=time.monotonic() - began,
            not_comparable=self.doubt,
        )

    async def cold(self, turns: list[Turn]) -> None:
        for sample in range(COLD_SAMPLES):
            session = self.workload.session(self.target.model, f"cold-{sample}", 0)
            await self.step(session, 0, "cold prefix", turns)

    async def level(self, parallel: int) -> Level:
        """All sessions start from a beginning that has been sent once, so that every level finds the cache alike."""
        label, phase = f"level-{parallel}", f"{parallel} at once"
        await self.step(self.workload.session(self.target.model, label, -1), 0, phase, [])
        before = await self.metrics()
        began = time.perf_counter()
        sessions = [self.workload.session(self.target.model, label, number) for number in range(parallel)]
        outcomes = await asyncio.gather(*(self.conversation(session, phase) for session in sessions))
        seconds = time.perf_counter() - began
        after = None
        if before is not None:
            # twice, since the second look may land elsewhere though the first did not
            after, self.doubt = await self.client.steady(looks=2)
            self.doubt = self.doubt or (not_comparable(before, after) if after is not None else None)
        found, looked_up = self.from_cache(before, after, [turn for turns, _ in outcomes for turn in turns])
        whole = [(turns, taken) for turns, taken in outcomes if len(turns) == self.workload.turns]
        level = Level(
            parallel,
            tuple(tuple(turns) for turns, _ in outcomes),
            tuple(taken for _, taken in whole),
            seconds,
            found,
            looked_up,
        )
        if self.late:
            raise _StopError("the time was up")
        return level

    async def conversation(self, session: Session, phase: str) -> tuple[list[Turn], float]:
        """One session's turns, each begun when the one before has ended, and what they took together."""
        turns: list[Turn] = []
        began = time.perf_counter()
        for number in range(self.workload.turns):
            try:
                if not await self.step(session, number, phase, turns):
                    break  # without its answer the conversation cannot go on
            except _StopError:  # the other sessions end by themselves; the level says so
                break
        return turns, time.perf_counter() - began

    async def step(self, session: Session, number: int, phase: str, turns: list[Turn]) -> bool:
        """One turn; whether it was answered."""
        reply = await self.send(session.ask(number), phase)
        turn = self.turn(reply, phase)
        if turn is None:
            return False
        turns.append(turn)
        session.heard(reply.text)
        return True

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.deadline

    async def send(self, body: Mapping[str, Any], phase: str) -> Reply:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _StopError("the time was up")
        if len(self.spoiled) >= TOO_MANY_SPOILED:
            raise _StopError(f"{len(self.spoiled)} requests had failed")
        reply = await self.client.send(body, timeout=min(left, self.client.timeout))
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.workload.requests, phase)
        return reply

    def turn(self, reply: Reply, phase: str) -> Turn | None:
        """The reply as figures; None, and on the list of the spoiled, without a whole answer."""
        if not reply.ok:
            problem = reply.error.message if reply.error else f"HTTP status {reply.status}"
            self.spoiled.append(Spoiled(phase, problem[:300]))
            return None
        usage = reply.usage
        return Turn(
            reply.ttft, reply.gaps, reply.seconds, reply.seconds_per_token, usage.prompt, usage.cache_read, usage.output
        )

    async def metrics(self) -> Metrics | None:
        """What /metrics says; None, too, where its readings do not belong together."""
        return None if self.doubt else await self.client.metrics()

    def from_cache(
        self, before: Metrics | None, after: Metrics | None, turns: Sequence[Turn]
    ) -> tuple[int | None, int | None]:
        """(found, looked up) in the prefix cache, by the counters, else by what the answers say of themselves."""
        prompts = [turn.prompt_tokens for turn in turns]
        sent = None if not prompts or None in prompts else float(sum(filter(None, prompts)))
        if self.doubt is None and (counted := reused(before, after, sent)) is not None:
            return counted
        told = [turn.cached_tokens for turn in turns]
        if sent is None or None in told or (kinds.of(self.target.kind).quirks.silent_zero and not any(told)):
            return None, None
        return sum(filter(None, told)), int(sent)


@dataclass(frozen=True, slots=True)
class Overhead:
    """What we ourselves add, in seconds: to a first token, and between two tokens, measured on a server of our own.

    `ttft` includes the work of that server, so the true figure is below it.
    """

    ttft: tuple[float, ...]
    gaps: tuple[float, ...]


def own_overhead(workload: Workload, samples: int = 10) -> Overhead:
    """Time this client against the embedded backend, which answers at once, with prompts as long as the workload's."""
    from claude_local_plugin.fake_server.server import EmbeddedBackend, Model

    answer = " ".join(["word"] * min(64, workload.answer_tokens))
    window = max(65_536, workload.prompt_tokens * 8)
    with EmbeddedBackend(models=(Model("overhead", window),), reply=answer) as backend:

        async def work(client: Client) -> list[Reply]:
            session = workload.session("overhead", "overhead", 0)
            body = session.ask(0)
            return [await client.send(body) for _ in range(samples + 1)]

        replies = run(work, backend.url, timeout=30.0)[1:]  # the first one opens the connection
    return Overhead(
        tuple(_known(reply.ttft for reply in replies)), tuple(gap for reply in replies for gap in reply.gaps)
    )


def _known(values: Iterable[float | None]) -> Iterable[float]:
    return (value for value in values if value is not None)
