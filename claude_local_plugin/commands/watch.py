"""What a server is doing now, from its /metrics, and which sessions this machine has had today."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_local_plugin import ledger
from claude_local_plugin.backends.messages import Client, run
from claude_local_plugin.backends.metrics import Metrics, read
from claude_local_plugin.commands.server_in_use import Address
from claude_local_plugin.ledger.records import Session

#: No more sessions than this are looked at.
MOST_SESSIONS = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a server: `at` is time.monotonic(); `problem` says why there are no metrics."""

    at: float
    metrics: Metrics | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What has changed between two readings: tokens per second read and written, and the share read from the cache."""

    prompt: float | None = None
    generation: float | None = None
    prefix_hit_rate: float | None = None
    ttft: float | None = None


def look(where: Address, *, timeout: float = 3.0) -> Reading:
    """Ask the server for its metrics, once."""

    async def work(client: Client) -> tuple[int, str] | None:
        return await client.get("/metrics", timeout=timeout)

    answer = run(work, where.url, token=where.token, timeout=timeout)
    now = time.monotonic()
    if answer is None:
        return Reading(now, None, "does not answer")
    status, text = answer
    if status in (401, 403):
        return Reading(now, None, "wants a key for /metrics")
    if status != 200:
        return Reading(now, None, f"has no /metrics (it says {status})")
    metrics = read(text)
    return Reading(now, metrics, None if metrics is not None else "has a /metrics without any figure")


def pace(earlier: Reading | None, now: Reading) -> Pace:
    """The speed between two readings; empty without two, and after a restart between them."""
    if earlier is None or earlier.metrics is None or now.metrics is None or now.at <= earlier.at:
        return Pace()
    seconds, old, new = now.at - earlier.at, earlier.metrics, now.metrics
    hits, queries = _grown(old.prefix_hits, new.prefix_hits), _grown(old.prefix_queries, new.prefix_queries)
    prompt, generation = (
        _grown(old.prompt_tokens, new.prompt_tokens),
        _grown(old.generation_tokens, new.generation_tokens),
    )
    return Pace(
        None if prompt is None else prompt / seconds,
        None if generation is None else generation / seconds,
        hits / queries if hits is not None and queries else None,
        new.ttft.since(old.ttft).mean if new.ttft is not None else None,
    )


def _grown(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None or new < old else new - old


def today(state_dir: Path, *, now: datetime) -> tuple[Session, ...]:
    """The sessions that began today in the time zone of `now`, newest first."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    begun = []
    for session in ledger.sessions(state_dir, MOST_SESSIONS):
        started = datetime.fromisoformat(session.started_at)
        if midnight <= started < midnight + timedelta(days=1):
            begun.append(session)
    return tuple(begun)
