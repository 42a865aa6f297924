"""A session log made by hand, event by event and answer by answer, the way hooks make it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claude_local_plugin.sessionlog import spans, store
from claude_local_plugin.sessionlog.queries.filters import spelled
from claude_local_plugin.sessionlog.transcript import Use

BEGIN = datetime(2026, 11, 21, 10, tzinfo=UTC)
BOX = ("vllm", "http://box:8000")
NAS = ("ollama", "http://nas:11434")
ANTHROPIC = ("anthropic", "https://api.anthropic.com")
BEDROCK = ("bedrock", None)


def at(minutes: float = 0) -> str:
    """So many minutes after BEGIN, as the log spells it."""
    return spelled(BEGIN + timedelta(minutes=minutes))


class Recorder:
    """Writes into one log inside one transaction."""

    def __init__(self, log: sqlite3.Connection) -> None:
        self.log = log

    def event(
        self,
        session: str,
        minutes: float = 0,
        event: str = "SessionStart",
        backend: tuple[str, str | None] = BOX,
        **more: Any,
    ) -> None:
        """One event as it happens."""
        known = {"session_id": session, "at": at(minutes), "event": event, "model_is_certain": False}
        known |= {"backend_kind": backend[0], "backend_url": backend[1], "project": "/home/dev/shop"}
        store.insert(self.log, known | more)

    def answers(
        self,
        session: str,
        minutes: float,
        model: str | None = "qwen3",
        tokens: tuple[int, int, int, int] = (100, 10, 1000, 1),
        **more: Any,
    ) -> None:
        """One answer of the model, counted as from a transcript."""
        use = Use(at(minutes), model, messages=int(model is not None), tokens=tokens, **more)
        (number,) = self.log.execute("SELECT id FROM sessions WHERE session_id = ?", (session,)).fetchone()
        spans.count(self.log, number, [use])

    def session(self, session: str, minutes: float = 0, lasting: float = 10, **more: Any) -> None:
        """A session with one answer, from its start to its end."""
        self.event(session, minutes, cause="startup", **more)
        self.event(session, minutes, "UserPromptSubmit", **more)
        self.answers(session, minutes + lasting / 2, more.get("model", "qwen3"))
        self.event(session, minutes + lasting, "SessionEnd", cause="other", **more)


def spooled(state: Path, *records: dict[str, Any], schema: int = 3) -> list[Path]:
    """Records as hooks of an earlier version left them in the spool."""
    folder = state / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for each in records:
        paths.append(folder / f"{len(list(folder.iterdir())) + 1:019}-0000abcd-ef012345.json")
        paths[-1].write_text(json.dumps(each | {"schema": schema}))
    return paths


@contextmanager
def recording(state: Path) -> Iterator[Recorder]:
    """The log in this state folder, made if need be."""
    with closing(store.connect(str(state))) as log:
        log.execute("BEGIN IMMEDIATE")
        yield Recorder(log)
        log.execute("COMMIT")
