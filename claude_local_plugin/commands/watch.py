"""What a server is doing now, from its /metrics, and which sessions this machine has had today."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_local_plugin.commands.server_in_use import Address
from claude_local_plugin.servers.messages import Client, run
from claude_local_plugin.servers.metrics import SEVERAL, Metrics, grown, not_comparable, read
from claude_local_plugin.sessionlog import queries as log
from claude_local_plugin.sessionlog.queries.records import Session

#: No more sessions than this are looked at.
MOST_SESSIONS = 500
#: A server of which two readings did not belong together is doubted for so many looks more.
DOUBTED_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a server: `at` is time.monotonic(); `problem` says why there are no metrics."""

    at: float
    metrics: Metrics | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What has changed between two readings: tokens per second read and written, and the share read from the cache.

    `problem` says why that cannot be told, where the readings do not belong together.
    """

    prompt: float | None = None
    generation: float | None = None
    prefix_hit_rate: float | None = None
    ttft: float | None = None
    problem: str | None = None


def look(where: Address, *, timeout: float = 3.0) -> Reading:
    """Ask the server for its metrics, once."""

    answer = run(
        lambda client: client.figures(timeout=timeout),
        where.url,
        token=where.token,
        headers=where.headers,
        timeout=timeout,
    )
    now = time.monotonic()
    if answer is None:
        return Reading(now, None, "does not answer")
    if answer.status in (401, 403):
        return Reading(now, None, "wants a key for /metrics")
    if answer.status != 200:
        return Reading(now, None, f"has no /metrics (it says {answer.status})")
    metrics = read(answer.text, answer.headers)
    return Reading(now, metrics, None if metrics is not None else "has a /metrics without any figure")


def steady(where: Address, *, timeout: float = 3.0) -> str | None:
    """Why readings of this server do not belong together; None where several at once speak for one process."""

    async def work(client: Client) -> tuple[Metrics | None, str | None]:
        return await client.steady(timeout=timeout)

    return run(work, where.url, token=where.token, headers=where.headers, timeout=timeout)[1]


class Watcher:
    """Reads the pace from one look to the next, and remembers for some looks that readings did not belong together."""

    def __init__(self, doubt: str | None = None) -> None:
        self._doubted = DOUBTED_LOOKS if doubt else 0

    def pace(self, earlier: Reading | None, now: Reading) -> Pace:
        """The speed between two readings, or why there is none to tell."""
        found = pace(earlier, now)
        if found.problem is not None:
            self._doubted = DOUBTED_LOOKS
        elif self._doubted:
            self._doubted -= 1
            return Pace(problem=SEVERAL)
        return found


def pace(earlier: Reading | None, now: Reading) -> Pace:
    """The speed between two readings; empty without two, and where they do not belong together."""
    if earlier is None or earlier.metrics is None or now.metrics is None or now.at <= earlier.at:
        return Pace()
    seconds, old, new = now.at - earlier.at, earlier.metrics, now.metrics
    if (problem := not_comparable(old, new)) is not None:
        return Pace(problem=problem)
    hits, queries = grown(old, new, "prefix_hits"), grown(old, new, "prefix_queries")
    prompt, generation = grown(old, new, "prompt_tokens"), grown(old, new, "generation_tokens")
    return Pace(
        None if prompt is None else prompt / seconds,
        None if generation is None else generation / seconds,
        hits / queries if hits is not None and queries and hits <= queries else None,
        new.ttft.since(old.ttft).mean if new.ttft is not None else None,
    )


def today(state_dir: Path, *, now: datetime) -> tuple[Session, ...]:
    """The sessions that began today in the time zone of `now`, newest first, none in which nothing was sent."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    begun = []
    for session in log.sessions(state_dir, MOST_SESSIONS, log.Where(sent=True)):
        started = datetime.fromisoformat(session.started_at)
        if midnight <= started < midnight + timedelta(days=1):
            begun.append(session)
    return tuple(begun)
