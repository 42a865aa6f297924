"""A team's log in PostgreSQL, read by the questions that this machine's log is asked.

This is the one place that knows how PostgreSQL says what the queries say in SQLite's words, and what is known of many
machines and people.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from claude_local_plugin.team import postgres

#: What is said otherwise: names of values, comparisons with what may be missing, and two hints that SQLite alone needs.
_OTHERWISE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("%"), "%%"),
    (re.compile(r"(?<![\w:]):([a-z_]+)\b"), r"%(\1)s"),
    (re.compile(r"\bIS NOT (?!NULL\b|DISTINCT\b)"), "IS DISTINCT FROM "),
    (re.compile(r"\bIS (?!NULL\b|NOT\b|DISTINCT\b)"), "IS NOT DISTINCT FROM "),
    (re.compile(r"(?<=[ (])\+(?=[a-z_]+\.[a-z_]+)"), ""),
    (re.compile(r"\bCROSS JOIN\b"), "JOIN"),
)

#: One moment for all questions of a command. Sorting gets more than the 4 MB of old, and nothing is compiled: with a
#: partition for each month that takes longer than the question.
_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL search_path = claude_local, pg_temp",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL jit = off",
    f"SET LOCAL statement_timeout = '{postgres.READ_S}s'",
)

#: A look's latency to two digits, as the database adds looks up, too; -1 stands for none there alone.
_LATENCY = """CAST(CASE WHEN latency_ms < 10 THEN round(CAST(latency_ms AS numeric), 1)
    WHEN latency_ms < 100 THEN round(CAST(latency_ms AS numeric))
    WHEN latency_ms < 1000 THEN round(CAST(latency_ms AS numeric) / 10) * 10
    ELSE round(CAST(latency_ms AS numeric) / 100) * 100 END AS double precision)"""

#: Who is known from the client's own telemetry and not from the log: see docs/team.md.
_TOLD = "sessions JOIN telemetry ON telemetry.session_id = sessions.session_id WHERE sessions.person IS NULL"
#: A pattern with `*` as one that LIKE knows.
_LIKE = r"replace(replace(replace(replace(:person, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')"


@lru_cache(maxsize=256)
def spelled(query: str) -> str:
    """A query of the log's in PostgreSQL's words."""
    for pattern, replacement in _OTHERWISE:
        query = pattern.sub(replacement, query)
    return query


class Team:
    """Where a team has its log: the URL of its database. The password comes from elsewhere, see `postgres.opened`."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self.url, self.environ = url, environ

    @contextmanager
    def open(self) -> "Iterator[TeamLog]":
        """The log as it is at this moment; raises ClaudeLocalError."""
        with postgres.opened(self.url, self.environ) as connection:
            postgres.check(connection, self.url)
            postgres.take_whole_numbers(connection)
            with postgres.patient(connection, postgres.READ_S + postgres.SILENT_S):
                for statement in _BEGIN:
                    connection.execute(statement)
                yield TeamLog(connection)


class TeamLog:
    """A team's log, open for reading."""

    shared = True
    machine_name = "(SELECT machines.name FROM machines WHERE machines.id = sessions.machine)"
    counting = "counts = 1"
    latency = _LATENCY

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._reaches: dict[str, str] = {}
        self.told: bool
        (self.told,) = self.execute("SELECT EXISTS (SELECT 1 FROM telemetry)").fetchone() or (False,)
        own = "(SELECT people.name FROM people WHERE people.id = sessions.person)"
        told = "(SELECT min(telemetry.person) FROM telemetry WHERE telemetry.session_id = sessions.session_id)"
        self.person_name = f"coalesce({own}, {told})" if self.told else own

    def execute(self, query: str, values: Mapping[str, object] | Sequence[object] = ()) -> Any:
        return self.connection.execute(spelled(query), values or {})

    def stream(self, query: str, values: Mapping[str, object] | Sequence[object]) -> Iterator[tuple[Any, ...]]:
        with self.connection.cursor(name="rows") as cursor:
            cursor.itersize = 5000
            cursor.execute(spelled(query), values)
            yield from cursor

    def something_sent(self, alias: str) -> str:
        return f"{alias}.counts = 1"

    def reaches_back(self, since: str) -> str | None:
        """So that months before need not be looked into, for each span anew."""
        if since not in self._reaches:
            # of those few the least: else the database goes through all that ever began, in order
            few = "SELECT started_at FROM spans WHERE started_at < :since AND ended_at >= :since OFFSET 0"
            question = f"SELECT min(started_at) FROM ({few}) AS few"
            (first,) = self.execute(question, {"since": since}).fetchone() or (None,)
            self._reaches[since] = first or since
        return self._reaches[since]

    def machine_of(self, alias: str) -> str:
        return f"{alias}.machine"

    def machines(self) -> Callable[[object], str | None]:
        return self._names("machines").get  # type: ignore[return-value]  # a key that is none has no name

    def person_of(self, alias: str) -> str:
        own = f"CAST({alias}.person AS text)"
        if not self.told:
            return own
        told = f"(SELECT '=' || min(telemetry.person) FROM {_TOLD} AND sessions.id = {alias}.session)"
        return f"CASE WHEN {alias}.person IS NULL THEN {told} ELSE {own} END"

    def people(self) -> Callable[[object], str | None]:
        names = self._names("people")

        def called(key: object) -> str | None:
            text = str(key or "")
            return text[1:] if text.startswith("=") else names.get(int(text or 0))

        return called

    def person_known_elsewhere(self, alias: str) -> str | None:
        if not self.told:
            return None
        return f"{alias}.person IS NULL AND {alias}.session IN (SELECT sessions.id FROM {_TOLD})"

    def is_machine(self, name: str, alias: str | None) -> str:
        return self._is_one("machines", f"{alias or 'sessions'}.machine", name)

    def is_person(self, name: str, alias: str | None) -> str:
        row = alias or "sessions"
        own = self._is_one("people", f"{row}.person", name)
        if not self.told:
            return own
        number = f"{alias}.session" if alias else "sessions.id"
        alike = f"telemetry.person LIKE {_LIKE}" if "*" in name else "telemetry.person = :person"
        told = f"{row}.person IS NULL AND {number} IN (SELECT sessions.id FROM {_TOLD} AND {alike})"
        return f"({own} OR ({told}))"

    def _names(self, table: str) -> dict[int, str]:
        return dict([*self.execute(f"SELECT id, name FROM {table}")])

    def _is_one(self, table: str, column: str, wanted: str) -> str:
        alike = [
            n for n, name in self._names(table).items() if name == wanted or ("*" in wanted and _fits(name, wanted))
        ]
        return f"{column} IN ({', '.join(map(str, alike))})" if alike else "FALSE"


def _fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern, in which `*` alone means something."""
    return "*" in pattern and fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
