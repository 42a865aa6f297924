"""How a team's machines fare: who was heard of when, with which program, how far behind, and how wrong its clock is."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from claude_local_plugin.team import postgres, schema

if TYPE_CHECKING:
    from claude_local_plugin.team.postgres import Connection

_MACHINES = """
SELECT m.name, m.host,
    (SELECT array_agg(p.name ORDER BY p.name) FROM claude_local.people AS p WHERE p.id = m.person OR p.id IN
        (SELECT person FROM claude_local.sums WHERE machine = m.id AND spans <> 0)),
    m.program, m.heard_at, m.last_seen_at, m.lag_ms, m.clock_ms,
    (SELECT coalesce(sum(last - upto), 0) FROM claude_local.logs WHERE machine = m.id),
    (SELECT coalesce(sum(sessions), 0) FROM claude_local.sums WHERE machine = m.id),
    m.refused, m.refusal
FROM claude_local.machines AS m ORDER BY m.name
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the team; times are None for one that was never heard of.

    `lag_ms`: how old what the last push brought was by then. `clock_ms`: how far the database's clock is ahead of the
    machine's. `waiting`: changes that its last push left for the next one. `refused`: sessions that cannot be true.
    """

    name: str
    host: str | None
    people: tuple[str, ...]
    program: str | None
    heard_at: datetime | None
    last_seen_at: str | None
    lag_ms: int | None
    clock_ms: int | None
    waiting: int
    sessions: int
    refused: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The database's schema, its own time, and its machines by name."""

    schema: int
    now: datetime
    machines: tuple[Machine, ...]


def status(connection: "Connection") -> Status:
    """What there is to know; for a reader. Raises ClaudeLocalError inside `postgres.opened`."""
    with postgres.transaction(connection):
        version, _ = schema.version_of(connection)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        machines = tuple(map(_machine, connection.execute(_MACHINES)))
        return Status(version, row[0], machines)


def _machine(row: tuple[Any, ...]) -> Machine:
    name, host, people, program, heard, seen, lag, clock, waiting, sessions, refused, refusal = row
    counts = (int(waiting), int(sessions), refused)
    return Machine(name, host, tuple(people or ()), program, heard, seen, lag, clock, *counts, refusal)
