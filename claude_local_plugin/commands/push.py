"""Sending the log to a team's database or to a receiver of OpenTelemetry: what is new, whole sessions, as often as it
takes. What was sent is noted batch by batch, so that it may be stopped anywhere and goes on from there.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claude_local_plugin import __version__
from claude_local_plugin.core import config, faults, text
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import pushing, queries, store
from claude_local_plugin.sessionlog.queries.reading import PATIENCE_S, hint, open_own
from claude_local_plugin.team import destination, outgoing, records
from claude_local_plugin.team.outgoing import Batch, Rules
from claude_local_plugin.team.records import Totals

#: The team's salt, where it does not stand in config.toml.
SALT = "CLAUDE_LOCAL_TEAM_SALT"
#: A salt that is shorter can be found by trying.
LEAST_SALT = 16
#: How long one waits for another one that sends, in seconds.
WAITS_S = 30.0
#: How long it may take by itself, in seconds: then it ends, and the next one goes on.
LONGEST_S = 600.0
#: Of what is refused with nobody looking, so much is noted each time.
MOST_REFUSED = 10
#: What is changed while it is sent is sent too, so many times over.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What was sent, or would be: `batches` has it, where it is asked for; `waiting` sessions are left."""

    destination: str
    dry_run: bool
    sessions: int = 0
    rows: int = 0
    waiting: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    anew: str | None = None
    batches: tuple[Batch, ...] = ()
    totals: Totals | None = None

    def leaving(self) -> list[dict[str, Any]]:
        """The very rows, one by one: who says so, then sessions as a team's database takes them, or OpenTelemetry's log
        records and what the log adds up to.
        """
        found: list[dict[str, Any]] = []
        for batch in self.batches:
            if destination.is_database(self.destination):
                row = batch.as_json()
                sessions = row.pop("sessions")
                found += [row, *sessions]
            else:
                said = records.resource(batch.machine, batch.person, batch.program)
                found += [{"resource": said}, *records.records(batch)]
        return [*found, *([self.totals.as_json()] if self.totals else [])]

    def as_json(self) -> dict[str, Any]:
        return {
            "destination": self.destination,
            "dry_run": self.dry_run,
            "sessions": self.sessions,
            "rows": self.rows,
            "waiting": self.waiting,
            "refused": [{"session_id": session_id, "why": why} for session_id, why in self.refused],
            "anew": self.anew,
            "leaving": self.leaving(),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be sent where: `kept` is whether config.toml says where, `since` a moment as people type it."""

    where: str
    kept: bool
    rules: Rules
    again: bool = False


def asked(state_dir: Path, environ: Mapping[str, str], to: str | None, since: str | None = None) -> Asked:
    """What config.toml, the environment and the command line ask for; raises ClaudeLocalError."""
    settings = config.look(str(state_dir), environ)
    where = destination.checked(to) if to is not None else settings.log_push
    _say_what_is_wrong_with_it(environ)
    if not where:
        raise destination.nowhere()
    rules = rules_of(settings, environ)
    if since is not None:
        moment = queries.moment(since, now=datetime.now(UTC))
        rules = replace(rules, active=max(rules.active, moment))
    return Asked(where, to is None, rules, since is not None)


def _say_what_is_wrong_with_it(environ: Mapping[str, str]) -> None:
    """Raises what is wrong with config.toml where it says what is sent where: a slip there must not open anything."""
    from claude_local_plugin.core.locations import config_file

    path = Path(config_file(environ))
    if not os.path.lexists(path):
        return
    from claude_local_plugin.config import problems_in

    for problem in problems_in(path):
        if problem.path in ((), ("log",), ("log", "push")):
            raise ClaudeLocalError(str(problem), command("claude-local", "config", "set", "log.push", Words("URL")))
        if problem.path[0] == "log" and problem.path[1].startswith("push") and not problem.unknown:
            raise ClaudeLocalError(str(problem), "correct it there: nothing is sent as long as it stands so")


def rules_of(settings: config.Config, environ: Mapping[str, str]) -> Rules:
    """The rules of what leaves; raises ClaudeLocalError for a hash without a salt."""
    salt = environ.get(SALT) or settings.log_push_salt
    held = {name: getattr(settings, f"log_push_{name}") for name in ("cwd", "project", "host", "user")}
    hashed = [name for name, rule in held.items() if rule == "hash"]
    if hashed and len(salt) < LEAST_SALT:
        wrong = f"has {len(salt)} characters" if salt else "is not set"
        raise ClaudeLocalError(
            f"log.push_{hashed[0]} is “hash”, and the team's salt {wrong}",
            f"{command('claude-local', 'config', 'set', 'log.push_salt', Words('SALT'))}   (or {SALT} in the"
            f" environment: at least {LEAST_SALT} characters, the same on every machine)",
        )
    rules = Rules(
        **held,
        salt=salt.encode("utf-8", "surrogatepass"),
        person=settings.log_push_name or None,
        active=pushing.since(settings.log_push_since),
    )
    return outgoing.called(rules, environ=environ)


def preview(state_dir: Path, what: Asked) -> Report:
    """What would be sent: nobody is asked, and nothing is noted."""
    with open_own(state_dir, sends=False) as log:
        if log is None:
            return Report(what.where, True)
        row = log.execute("SELECT sent FROM pushes WHERE destination = ?", (what.where,)).fetchone()
        since = 0 if what.again or row is None else row[0]
        found = tuple(outgoing.batches(log, since, what.rules))
        return Report(
            what.where,
            True,
            sum(len(batch.sessions) for batch in found),
            sum(batch.rows for batch in found),
            batches=found,
            totals=None
            if destination.is_database(what.where)
            else records.totals(log, what.rules, __version__, time.time_ns()),
        )


def push(
    state_dir: Path,
    environ: Mapping[str, str],
    what: Asked,
    *,
    told: Callable[[int, int], None] = lambda sessions, rows: None,
) -> Report:
    """Sends what is new, and notes how far that went; raises ClaudeLocalError, which is noted too.

    The log is brought up to date first. `told` hears after each batch how many sessions and rows that makes.
    """
    with open_own(state_dir, sends=False) as log:
        if log is None:
            return Report(what.where, False)
    return _locked(state_dir, environ, what, WAITS_S, told)


def by_itself(state_dir: Path, environ: Mapping[str, str]) -> None:
    """The same after an import, with nobody looking: bounded in time, and silent. What fails is noted."""
    where = config.load(str(state_dir), environ).log_push
    if not where:
        return
    threading.Thread(target=_end_in_time, args=(state_dir, where), daemon=True).start()
    try:
        with _written(state_dir) as (log, _):
            due = pushing.is_due(log, where, time.time())
        if due:
            _send_by_itself(state_dir, environ, where)
    except ClaudeLocalError as fault:  # the log itself, which is where all else is noted
        faults.note_fault(str(state_dir), f"the log is not sent: {fault.message}")


def _send_by_itself(state_dir: Path, environ: Mapping[str, str], where: str) -> None:
    try:
        what = asked(state_dir, environ, None)
    except ClaudeLocalError as fault:
        _failed(state_dir, where, fault)
        return
    lock = pushing.lock(str(state_dir), WAITS_S)
    if lock is None:
        return  # another one sends for so long already, and what is left then is for the next one
    try:
        report = _sent(state_dir, environ, what, lambda sessions, rows: None)
        for session_id, why in report.refused[:MOST_REFUSED]:
            faults.note_fault(str(state_dir), f"{where} refuses {session_id}: {why}")
    except ClaudeLocalError as fault:
        _failed(state_dir, where, fault)
    finally:
        os.close(lock)


def _end_in_time(state_dir: Path, where: str) -> None:
    """Ends this process when its time is up, wherever it is: what was taken is on record, and the next one goes on."""
    time.sleep(LONGEST_S)
    try:
        late = ClaudeLocalError(
            f"{where} was not done after {LONGEST_S:,.0f} seconds", "the next push goes on from there"
        )
        _failed(state_dir, where, late)
    finally:
        os._exit(0)


def _locked(
    state_dir: Path, environ: Mapping[str, str], what: Asked, patience: float, told: Callable[[int, int], None]
) -> Report:
    try:
        lock = pushing.lock(str(state_dir), patience)
    except OSError as fault:
        path = state_dir / pushing.LOCK
        raise ClaudeLocalError(
            f"{path}: {store.reason(fault)}", f"how far it is sent is noted there: make {state_dir} writable for you"
        ) from fault
    if lock is None:
        raise ClaudeLocalError(f"another process is sending the log of {state_dir}", "try again in a moment")
    try:
        return _sent(state_dir, environ, what, told)
    except ClaudeLocalError as fault:
        _failed(state_dir, what.where, fault)
        raise
    finally:
        os.close(lock)


def _sent(state_dir: Path, environ: Mapping[str, str], what: Asked, told: Callable[[int, int], None]) -> Report:
    sessions = rows = 0
    refused: list[tuple[str, str]] = []
    with _written(state_dir) as (log, write):
        name = outgoing.name_of(log)
        last, sent = write(lambda: pushing.ask(log, what.where, text.now()))
        anew = _made_anew(state_dir) if not sent else None
        with destination.opened(what.where, environ, kept=what.kept) as sink:
            reached = sink.reached(name)
            since = 0 if what.again else sent if reached is None else min(sent, reached)
            for _ in range(ROUNDS):
                upto = since
                for batch in outgoing.batches(log, since, what.rules, upto=last):
                    upto = batch.upto
                    refused += sink.send(batch)
                    sessions += len(batch.sessions)
                    rows += batch.rows
                    if not what.again:
                        _note(write, log, what.where, batch.upto, len(batch.sessions))
                    told(sessions, rows)
                if what.again:
                    break
                if destination.is_database(what.where) and (upto < last or not sessions):
                    sink.send(outgoing.nothing(log, what.rules, last))
                _note(write, log, what.where, last, 0)
                since, (last, _) = last, write(lambda: pushing.ask(log, what.where, text.now()))
                if last <= since:
                    break
            if not destination.is_database(what.where):
                refused += sink.total(records.totals(log, what.rules, __version__, time.time_ns()))
        waiting = outgoing.waiting(log, what.where, what.rules)
    return Report(what.where, False, sessions, rows, waiting, tuple(refused), anew)


def _note(write: "Write", log: sqlite3.Connection, where: str, upto: int, sessions: int) -> None:
    write(lambda: pushing.note_sent(log, where, upto, sessions, text.now()))


def _made_anew(state_dir: Path) -> str | None:
    """The log that was set aside before this one was begun, of which nothing has been sent yet; None for none."""
    aside = sorted(path.name for path in state_dir.glob(f"{store.DATABASE}.damaged-*[0-9Z]"))
    return aside[-1] if aside else None


def _failed(state_dir: Path, where: str, fault: ClaudeLocalError) -> None:
    said = fault.message.removeprefix(f"{where}: ")  # what to do is said by whoever tries it again
    try:
        with _written(state_dir) as (log, write):

            def noted() -> None:
                pushing.note_try(log, where, text.now())
                pushing.note_failure(log, where, said[:1000], text.now())

            write(noted)
    except ClaudeLocalError:
        return  # the log itself cannot be written, which `doctor` tells


Write = Callable[[Callable[[], Any]], Any]


@contextmanager
def _written(state_dir: Path) -> "Iterator[tuple[sqlite3.Connection, Write]]":
    """The log opened for writing, and what runs a change of it in a transaction; raises ClaudeLocalError."""
    path = state_dir / store.DATABASE
    try:
        log, file = store.open_file(str(state_dir), PATIENCE_S)
        with closing(log):

            def write(change: Callable[[], Any]) -> Any:
                store.begin(log, str(state_dir), file)
                try:
                    found = change()
                    log.execute("COMMIT")
                    return found
                finally:
                    store.roll_back(log)

            yield log, write
    except store.MovedLogError as fault:
        raise ClaudeLocalError(f"{path}: {fault}", "ask again: the new one is sent then") from fault
    except (store.LogUnusableError, sqlite3.Error) as fault:
        problem = str(fault) if isinstance(fault, store.LogUnusableError) else store.explain(fault)
        raise ClaudeLocalError(f"{path}: {problem}", hint(path, problem)) from fault
