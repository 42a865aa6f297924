"""How sending the log elsewhere goes: what has failed, since when, and why."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.sessionlog import store


@dataclass(frozen=True, slots=True)
class Failing:
    """A destination that could not be sent to: since when, how often it was tried, why not; `waiting` sessions wait."""

    destination: str
    since: str
    times: int
    why: str
    waiting: int

    @property
    def said(self) -> str:
        """In a sentence, for people."""
        wait = f"{self.waiting:,} session{' waits' if self.waiting == 1 else 's wait'}"
        return f"the log has not been sent to {self.destination} since {self.since[:10]} ({wait}): {self.why}"


def failing(state_dir: Path) -> tuple[Failing, ...]:
    """The destinations that could not be sent to the last time; reads, and writes nothing.

    Where the log cannot be read, or is of an earlier version, nobody has tried; what is wrong with it others tell.
    """
    path = state_dir / store.DATABASE
    if not os.path.exists(path):
        return ()
    try:
        store.check_kind(str(path))
        with closing(sqlite3.connect(store.address(str(path), "ro"), uri=True, timeout=store.BUSY_S)) as log:
            rows = log.execute(
                "SELECT destination, failed_since, failures, failure,"
                " (SELECT count(*) FROM sessions WHERE changed > pushes.sent) FROM pushes WHERE failure IS NOT NULL"
            )
            return tuple(Failing(*row) for row in rows)
    except (sqlite3.Error, store.LogUnusableError):
        return ()
