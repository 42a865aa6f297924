"""What is pushed put into a team's database: a batch at a time, whole or not at all, and twice is as good as once."""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.digest import hexadecimal
from claude_local_plugin.core.text import now
from claude_local_plugin.team import postgres

if TYPE_CHECKING:
    from claude_local_plugin.team.postgres import Connection

#: A longer text is cut before it is sent, and told apart by its checksum: the database keeps less of it.
LONGEST = 4096
#: So often is tried what others were in the way of.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: `sessions` were taken in, with `rows` in all, and `skipped` ones known as they are.

    `refused` cannot be true, a time that there never was for example; `refusals` says why, of the first of them.
    """

    sessions: int
    rows: int
    skipped: int
    refused: int
    refusals: tuple[tuple[str, str], ...]


def push(connection: "Connection", batch: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep) -> Taken:
    """Puts a batch (`outgoing.Batch.as_json`) there; when this returns, it is.

    A push that is in the way of another one is tried again. Raises ClaudeLocalError inside `postgres.opened`.
    """
    text = json.dumps(_sayable({**batch, "sent_at": now()}), ensure_ascii=False)
    found = retried(connection, "SELECT claude_local.push(%s::jsonb)", text, sleep)
    refusals = tuple((str(each["session_id"]), str(each["why"])) for each in found["refusals"])
    return Taken(found["sessions"], found["rows"], found["skipped"], found["refused"], refusals)


def reached(connection: "Connection", log: str) -> int:
    """Up to which change of this log of this machine all has come; 0 for a log that nothing is known of."""
    with postgres.transaction(connection):
        row = connection.execute("SELECT claude_local.reached(%s)", (log,)).fetchone()
    return int(row[0]) if row else 0


def _sayable(value: Any) -> Any:
    """The same without what a text in a database cannot hold: the character 0, halves of characters, megabytes."""
    if isinstance(value, str):
        if "\0" in value:
            value = value.replace("\0", "\ufffd")
        if not value.isascii():
            value = value.encode("utf-8", "replace").decode()
        return value if len(value) <= LONGEST else f"{value[: LONGEST - 65]}…{hexadecimal(value.encode())}"
    if isinstance(value, Mapping):
        return {name: _sayable(each) for name, each in value.items()}
    return [_sayable(each) for each in value] if isinstance(value, list | tuple) else value


def retried(connection: "Connection", statement: str, value: str, sleep: Callable[[float], None]) -> Any:
    """The one value that the statement gives, in a transaction of its own; tried again where others were in the way."""
    psycopg = postgres.engine()
    in_the_way = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable)
    for attempt in range(TRIES):
        try:
            with postgres.transaction(connection):
                row = connection.execute(statement, (value,)).fetchone()
            return row[0] if row else None
        except in_the_way:
            if attempt == TRIES - 1:
                raise
            sleep(random.uniform(0.05, 0.2) * 2**attempt)
    raise AssertionError("unreachable")
