"""What ran where: the session log as a list, one session with all that happened in it, and old ones taken out."""

import os
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin.commands.project_names import folder_named, project_names
from claude_local_plugin.core.config import HASHED
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.queries import State, Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_local_plugin.sessionlog.queries import Session
    from claude_local_plugin.sessionlog.queries.log import Source


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sessions are asked for, as people type it: see the options of `claude-local sessions`."""

    since: str | None = None
    until: str | None = None
    project: str | None = None
    backend: str | None = None
    model: str | None = None
    state: str | None = None
    machine: str | None = None
    person: str | None = None

    def where(self, *, cwd: Path, home: Path, state_dir: Path, now: datetime | None = None) -> Where:
        """The same for the log; raises UsageError for a time that is none, times in the wrong order, and nothing at
        all where something should stand.
        """
        for name in (field.name for field in fields(self)):
            if getattr(self, name) == "":
                raise UsageError(f"--{name} is empty", f"leave out --{name}, or say which")
        now = now or datetime.now(UTC)
        since = queries.moment(self.since, now=now) if self.since else None
        until = queries.moment(self.until, now=now, whole_day=True) if self.until else None
        if since and until and since > until:
            raise UsageError(
                f"--since {self.since} is later than --until {self.until}",
                "--since with an earlier time, or --until with a later one",
            )
        return Where(
            since=since,
            until=until,
            projects=project_names(self.project, cwd=cwd, home=home, state_dir=state_dir) if self.project else (),
            backend=self.backend,
            model=self.model,
            state=State(self.state) if self.state else None,
            machine=self.machine,
            person=self.person,
        )


def is_known(asked: str, where: Where, *, cwd: Path, home: Path, source: "Source") -> bool:
    """Whether the asked folder, whose names in the log `where` has, exists or has a project on record in it."""
    there = not asked.startswith(HASHED) and os.path.lexists(folder_named(asked, cwd=cwd, home=home))
    return there or queries.is_on_record(source, where.projects)


def list_sessions(source: "Source", limit: int | None = None, where: Where | None = None) -> dict[str, Any]:
    """The report of `claude-local sessions list`: `{"sessions": [...]}`, newest first, at most `limit`."""
    return {"sessions": [session.as_json() for session in queries.sessions(source, limit, where)]}


#: In the place of a session's id: the newest one.
LAST = "last"


def show_session(
    source: "Source", id_or_prefix: str, *, folder: Path | None = None, home: Path | None = None
) -> dict[str, Any]:
    """The report of `claude-local sessions show`: a session as in the list, with `source`, `entrypoint` and its
    `events`. `last` is the newest of this folder and those below it, where there is none, of all; in a team's log, of
    all.

    Raises UsageError when several sessions begin so, ClaudeLocalError when none does.
    """
    found: Sequence[Session] = queries.matching(source, id_or_prefix) if id_or_prefix else ()
    if id_or_prefix == LAST:
        found = _newest(source, folder, home)
        if not found:
            raise ClaudeLocalError("no session on record yet", command("claude-local", "sessions", "list"))
    if not found:
        raise ClaudeLocalError(
            f"no session on record begins with {id_or_prefix!r}", command("claude-local", "sessions", "list")
        )
    if len(found) > 1:
        names = ", ".join(_name(session) for session in found)
        raise UsageError(f"several sessions begin with {id_or_prefix!r}: {names}", "give more of the id")
    (session,) = found
    return {
        **session.as_json(),
        "source": session.source,
        "entrypoint": session.entrypoint,
        "events": [event.as_json() for event in queries.events(source, session)],
    }


def _name(session: "Session") -> str:
    return f"{session.session_id} of {session.machine}" if session.machine else session.session_id


def _newest(source: "Source", folder: Path | None, home: Path | None) -> "Sequence[Session]":
    names: tuple[str, ...] = ()
    if folder and home and isinstance(source, Path):
        names = project_names(".", cwd=folder, home=home, state_dir=source)
    here = queries.sessions(source, 1, Where(projects=names, sent=True)) if names else ()
    return here or queries.sessions(source, 1, Where(sent=True))


def before(older_than: str | None, day: str | None, *, now: datetime | None = None) -> str:
    """The moment before which sessions are old; raises UsageError unless exactly one of the two says so."""
    if (older_than is None) == (day is None):
        raise UsageError("say how old sessions have to be", "--older-than 90d, or --before 2026-08-01")
    now = now or datetime.now(UTC)
    moment = queries.moment(older_than or day or "", now=now)
    if moment > queries.moment("0s", now=now):
        raise UsageError(f"{older_than or day!r} is still to come", "--older-than 90d, or --before 2026-08-01")
    return moment
