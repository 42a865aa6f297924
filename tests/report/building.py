"""Session logs to report on, written into a database that the program itself has made."""

import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_local_plugin.sessionlog import store
from claude_local_plugin.sessionlog.queries.filters import spelled

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OWN = ("vllm", "http://dell:8000")
CLOUD = ("anthropic", "https://api.anthropic.com")
SHOP = "/home/dev/src/shop"

#: What a name in the log may hold, whoever wrote it there.
HOSTILE = "<script>alert(1)</script>\"'&amp; $x^{2}$ --> ]]> </style></svg></title> 漢字 \u202e"

#: A look at a server: how many minutes after the session began, its outcome, its latency.
Look = tuple[float, str, float | None]


class Log:
    """A session log that sessions can be put into."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.count = 0

    def session(
        self,
        began: datetime,
        *,
        backend: tuple[str, str | None] = OWN,
        then: tuple[str, str | None] | None = None,
        project: str | None = SHOP,
        model: str = "qwen3-coder-next",
        minutes: float = 10,
        tokens: tuple[int, int, int, int] = (0, 0, 0, 0),
        errors: int = 0,
        retries: int = 0,
        looks: Iterable[Look] = (),
        blocked: Iterable[tuple[float, str]] = (),
        end: str | None = "other",
    ) -> str:
        """A session on one backend, the second half of it on `then`; `tokens` in, out, cache read, cache write.

        `blocked` are events held back: minutes after the beginning, and the event. Returns the session's id.
        """
        self.count += 1
        number, name = self.count, f"{self.count:08x}-0000-4000-8000-000000000000"
        last = began + timedelta(minutes=minutes)
        self._add(
            "sessions",
            id=number,
            session_id=name,
            started_at=spelled(began),
            last_seen_at=spelled(last),
            ended_at=spelled(last) if end else None,
            end_reason=end,
            cwd=project,
            project=project,
            backend_kind=(then or backend)[0],
            backend_url=(then or backend)[1],
            model=model,
            blocked=len([*blocked]),
        )
        middle = began + timedelta(minutes=minutes / 2) if then else last
        stretches = [(began, middle, backend, True)] + ([(middle, last, then, False)] if then else [])
        for start, stop, where, first in stretches:
            self._add(
                "spans",
                session=number,
                started_at=spelled(start),
                ended_at=spelled(stop),
                cause="start" if first else "backend",
                endpoint=self._endpoint(*where),
                model=self._named("models", "name", model),
                model_is_certain=1,
                project=None if project is None else self._named("projects", "path", project),
                main=1,
                first=first,
                new_endpoint=first or where != backend,
                new_model=first,
                duration_ms=round((stop - start).total_seconds() * 1000),
                messages=1,
                input_tokens=tokens[0],
                output_tokens=tokens[1],
                cache_read_tokens=tokens[2],
                cache_write_tokens=tokens[3],
                errors=errors if first else 0,
                retries=retries if first else 0,
            )
        for after, outcome, latency in looks:
            self._event(number, began + timedelta(minutes=after), "UserPromptSubmit", backend, outcome, latency)
        for after, event in blocked:
            self._event(number, began + timedelta(minutes=after), event, backend, None, None, blocked=1)
        return name

    def _event(
        self,
        session: int,
        at: datetime,
        event: str,
        backend: tuple[str, str | None],
        outcome: str | None,
        latency: float | None,
        blocked: int = 0,
    ) -> None:
        kind, url = backend
        self._add(
            "events",
            session=session,
            at=spelled(at),
            event=event,
            backend_kind=kind,
            backend_url=url,
            outcome=outcome,
            latency_ms=latency,
            blocked=blocked,
        )

    def _add(self, table: str, **values: object) -> int:
        marks = ", ".join(f":{name}" for name in values)
        cursor = self.connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)
        return int(cursor.lastrowid or 0)

    def _endpoint(self, kind: str, url: str | None) -> int:
        row = self.connection.execute("SELECT id FROM endpoints WHERE kind = ? AND url IS ?", (kind, url)).fetchone()
        return int(row[0]) if row else self._add("endpoints", kind=kind, url=url)

    def _named(self, table: str, column: str, value: str) -> int:
        row = self.connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (value,)).fetchone()
        return int(row[0]) if row else self._add(table, **{column: value})


@contextmanager
def log(state_dir: Path) -> Iterator[Log]:
    """A new log, all that is put into it in one transaction."""
    with closing(store.connect(str(state_dir))) as connection:
        connection.execute("BEGIN")
        yield Log(connection)
        connection.execute("COMMIT")


def usual(state_dir: Path) -> None:
    """A month of one developer: two servers, the cloud now and then, a bad night."""
    chance = random.Random(3)
    with log(state_dir) as book:
        for hours in range(6, 28 * 24, 7):
            began = NOW - timedelta(hours=hours)
            own = chance.choice([OWN, OWN, ("ollama", "http://nas.lan:11434")])
            bad = 200 < hours < 230
            cloud = bad or chance.random() < 0.15
            book.session(
                began,
                backend=CLOUD if cloud else own,
                project=chance.choice([SHOP, SHOP, "/home/dev/src/site", "/home/dev/notes"]),
                minutes=chance.uniform(2, 90),
                tokens=(chance.randrange(9000), chance.randrange(5000), chance.randrange(200_000), 4000),
                errors=int(chance.random() < 0.1),
                retries=int(chance.random() < 0.1),
                looks=() if cloud else [(at, "ok", chance.lognormvariate(1.5, 0.8)) for at in (0, 1)],
                end="killed" if chance.random() < 0.05 else "other",
            )
            if bad:
                book.session(began, minutes=0, looks=[(0, "refused", None)], blocked=[(0, "UserPromptSubmit")])


def hostile(state_dir: Path) -> None:
    """Names that try to be markup, mathematics, or simply too long."""
    with log(state_dir) as book:
        for day in range(1, 21):
            name = (HOSTILE, HOSTILE * 4, "/" + "x" * 900, "a" * 60 + "/" + "b " * 300, "\x1b[31m\nline")[day % 5]
            kind = (HOSTILE, "vllm", "anthropic")[day % 3]
            book.session(
                NOW - timedelta(days=day),
                backend=(kind, f"http://{name}:8000/{day % 4}"),
                project=name,
                model=name,
                tokens=(1000 * day, 10, 0, 0),
                errors=1,
                looks=[(0, "ok", 4.0), (1, HOSTILE, None)],
                end=HOSTILE,
            )


def year(state_dir: Path, backends: int = 40, sessions: int = 3000) -> None:
    """A year on many servers and three clouds."""
    chance = random.Random(4)
    places = [CLOUD, ("bedrock", None), ("vertex", "https://vertex.example")]
    places += [
        (chance.choice(["vllm", "sglang"]), f"http://gpu-{place}.lab.example:8000") for place in range(backends - 3)
    ]
    with log(state_dir) as book:
        for place in range(sessions):
            which = min(int(chance.expovariate(0.12)), backends - 1)
            own = which > 2
            book.session(
                NOW - timedelta(hours=365 * 24 * place / sessions),
                backend=places[which],
                project=f"/home/dev/src/project-{int(chance.expovariate(0.1))}",
                minutes=chance.uniform(1, 60),
                tokens=(5000, 900, 120_000, 3000),
                errors=int(chance.random() < 0.05),
                looks=[(0, "ok", chance.lognormvariate(2, 1)), (1, chance.choice(["ok", "ok", "timeout"]), 3.0)]
                if own
                else (),
                blocked=[(1, "UserPromptSubmit")] if own and chance.random() < 0.02 else (),
                end="killed" if chance.random() < 0.02 else "other",
            )
