"""A log that is open for reading: this machine's own, or one that a team shares in a database.

Queries are written once, in words that SQLite and PostgreSQL both have, and where they have none in common in SQLite's,
which whoever opens a shared log translates. What is known of many machines and not of one is asked of `Log` itself.
"""

from claude_local_plugin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any, Protocol, TypeAlias

    Values: TypeAlias = Mapping[str, object] | Sequence[object]

    class Rows(Protocol):
        """What a query brings."""

        def __iter__(self) -> Iterator[tuple[Any, ...]]: ...

        def fetchone(self) -> Any:
            """The next row."""

        def fetchall(self) -> list[tuple[Any, ...]]:
            """All rows that are left."""

    class Log(Protocol):
        """A log that is open for reading."""

        #: Whether it is that of many machines.
        shared: bool
        #: The names of a session's machine and person, in SQL, of a row of `sessions`; NULL in the log of one machine.
        machine_name: str
        person_name: str
        #: The condition on a row of the sums that its sessions count. Empty: those without anything sent are in them.
        counting: str
        #: A look's latency to two digits, in SQL, of a row of `events`: what the page shows, and few different ones.
        latency: str

        def execute(self, query: str, values: Values = ..., /) -> Rows:
            """Asks; values are `:name` in the query."""

        def stream(self, query: str, values: Values) -> Iterator[tuple[Any, ...]]:
            """Asks for more rows than are to be in memory."""

        def something_sent(self, alias: str) -> str:
            """The condition on a row of `spans` that something was sent in its session, or that this goes on."""

        def reaches_back(self, since: str) -> str | None:
            """No span that went on at `since` or later began before this moment; None where knowing it is no help."""

        def machine_of(self, alias: str) -> str:
            """A key of the machine of a row of `spans`, in SQL."""

        def machines(self) -> Callable[[object], str | None]:
            """What a machine with such a key is called."""

        def person_of(self, alias: str) -> str:
            """A key of the person of a row of `spans`, in SQL; raises UsageError where the log tells nobody apart."""

        def people(self) -> Callable[[object], str | None]:
            """What a person with such a key is called."""

        def person_known_elsewhere(self, alias: str) -> str | None:
            """The condition that the person of a row of `spans` is known, and not from the log; None where none is."""

        def is_machine(self, name: str, alias: str | None) -> str:
            """The condition that a row of `spans`, without an alias of `sessions`, is of a machine with this name."""

        def is_person(self, name: str, alias: str | None) -> str:
            """The same for a person; raises UsageError where the log tells nobody apart."""

    class Shared(Protocol):
        """Where a team has its log."""

        def open(self) -> AbstractContextManager[Log]:
            """The log opened for reading, as it is at this moment; raises ClaudeLocalError."""

    #: Where a log is: the folder of this machine's, or a team's database.
    Source: TypeAlias = Path | Shared


#: Sessions that ended and in which nothing was sent: no prompt, no answer, no failure. Claude Code leaves such rows as
#: it lists MCP servers, shows the agents or sets up a token. One that serves MCP sends prompts that no hook is told of.
_NOTHING_WAS_SENT = "sessions.ended_at IS NOT NULL AND sessions.sent = 0"
NOTHING_SENT = f"SELECT id FROM sessions WHERE {_NOTHING_WAS_SENT}"
#: The same as a condition on a row of `sessions`.
SOMETHING_SENT = f"NOT ({_NOTHING_WAS_SENT})"


class LocalLog:
    """This machine's log, in SQLite."""

    shared = False
    machine_name = "NULL"
    person_name = "NULL"
    counting = ""
    latency = """CASE WHEN latency_ms < 10 THEN round(latency_ms, 1) WHEN latency_ms < 100 THEN round(latency_ms)
        WHEN latency_ms < 1000 THEN round(latency_ms / 10) * 10 ELSE round(latency_ms / 100) * 100 END"""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self.execute = connection.execute
        self.stream = connection.execute

    def something_sent(self, alias: str) -> str:
        return f"{alias}.session NOT IN ({NOTHING_SENT})"

    def reaches_back(self, since: str) -> str | None:
        return None

    def machine_of(self, alias: str) -> str:
        return f"(SELECT host FROM sessions WHERE sessions.id = {alias}.session)"

    def machines(self) -> "Callable[[object], str | None]":
        return _itself

    def person_of(self, alias: str) -> str:
        raise _nobody()

    def people(self) -> "Callable[[object], str | None]":
        return _itself

    def person_known_elsewhere(self, alias: str) -> str | None:
        return None

    def is_machine(self, name: str, alias: str | None) -> str:
        alike = "replace(replace(:machine, '[', '[[]'), '?', '[?]')"
        wanted = f"host GLOB {alike}" if "*" in name else "host = :machine"
        return wanted if alias is None else f"{alias}.session IN (SELECT id FROM sessions WHERE {wanted})"

    def is_person(self, name: str, alias: str | None) -> str:
        raise _nobody()


def _itself(key: object) -> str | None:
    return None if key is None else str(key)


def _nobody() -> UsageError:
    return UsageError("the log of this machine does not tell people apart", "a team's does: --from URL")
