"""`sessions team`: a team's database made and looked at, as reports."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from claude_local_plugin import __version__
from claude_local_plugin.core import config
from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog.queries.filters import spelled
from claude_local_plugin.team import postgres, setup
from claude_local_plugin.team.status import Machine, status

#: A clock that is wrong by more than this is worth a word, in milliseconds.
WRONG_CLOCK_MS = 120_000


def init(
    url: str,
    environ: Mapping[str, str],
    *,
    writers: Sequence[str] = (),
    readers: Sequence[str] = (),
    passwords: bool = True,
) -> dict[str, object]:
    """Makes or migrates the schema there, with these roles. A writer is `NAME` or `NAME=PERSON`."""
    wanted = tuple(_writer(each) for each in writers)
    with postgres.opened(url, environ) as connection:
        made = setup.init(connection, url, program=__version__, writers=wanted, readers=readers, passwords=passwords)
    return {
        "database": postgres.shown(url),
        "before": made.before,
        "schema": made.now,
        "writers": [
            {"name": each.name, "person": each.person, "made": each.made, **_way_in(url, each)} for each in made.writers
        ],
        "readers": [{"name": each.name, "made": each.made, **_way_in(url, each)} for each in made.readers],
    }


def _writer(asked: str) -> setup.Writer:
    name, given, person = asked.partition("=")
    if given and not person.strip():
        raise UsageError(f"{asked!r} names no person", "--writer NAME=PERSON, or --writer NAME")
    return setup.Writer(name, person.strip() or None)


def _way_in(url: str, role: setup.Role) -> dict[str, str | None]:
    """The role's URL, and where a password was made for it the line of a password file."""
    parts = urlsplit(url)
    known = postgres.parameters(url)
    place = (known.get("host") or "*", known.get("port") or "*", known.get("dbname") or unquote(parts.path[1:]) or "*")
    host = "localhost" if place[0].startswith("/") else place[0]
    words = (host, *place[1:], role.name, role.password or "")
    line = ":".join(word.replace("\\", "\\\\").replace(":", "\\:") for word in words)
    return {
        "url": postgres.with_role(url, role.name),
        "password": role.password,
        "pgpass": line if role.password else None,
    }


def team_status(asked: str | None, environ: Mapping[str, str], state_dir: Path) -> dict[str, object]:
    """The machines of the team, by name; of the database that `log.push` names where none is asked for."""
    url = asked if asked is not None else config.load(str(state_dir), environ).log_push
    if asked is None and not postgres.is_url(url):
        raise UsageError(
            f"{f'log.push is {url}, no' if url else 'there is no'} database of a team's to look at",
            "--from postgresql://ROLE@HOST/DATABASE, as one who may read there",
        )
    with postgres.opened(url, environ, kept=asked is None) as connection:
        postgres.check(connection, url)
        found = status(connection)
        administrator = postgres.of_the_administrator(connection, url)
    return {
        "database": postgres.shown(url),
        "administrator": administrator,
        "schema": found.schema,
        "at": spelled(found.now),
        "machines": [_machine(each, found.now) for each in found.machines],
    }


def _machine(machine: Machine, now: datetime) -> dict[str, object]:
    heard = machine.heard_at.astimezone(UTC) if machine.heard_at else None
    return {
        "name": machine.name,
        "host": machine.host,
        "people": list(machine.people),
        "program": machine.program,
        "heard_at": spelled(heard) if heard else None,
        "heard_ago_s": round((now - heard).total_seconds(), 3) if heard else None,
        "last_seen_at": machine.last_seen_at,
        "lag_s": _seconds(machine.lag_ms),
        "clock_behind_s": _seconds(machine.clock_ms),
        "waiting": machine.waiting,
        "sessions": machine.sessions,
        "refused": machine.refused,
        "refusal": machine.refusal,
        "notes": _notes(machine),
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _notes(machine: Machine) -> list[str]:
    """What is not as it should be."""
    notes = []
    if machine.heard_at is None:
        notes.append("has never been heard of")
    clock = machine.clock_ms or 0
    if abs(clock) > WRONG_CLOCK_MS:
        notes.append(f"its clock is {duration(abs(clock) / 1000)} {'behind' if clock > 0 else 'ahead'}")
    if machine.waiting:
        notes.append(f"{machine.waiting:,} changes were still waiting there")
    if machine.refused:
        notes.append(
            f"{machine.refused:,} session{' was' if machine.refused == 1 else 's were'} refused: {machine.refusal}"
        )
    return notes


def duration(seconds: float) -> str:
    """`14 s`, `3 min`, `5 h`, `2 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * 1.5 or (unit != "d" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
